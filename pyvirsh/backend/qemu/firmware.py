"""Choose firmware by its descriptors.

Source: QEMU, docs/interop/firmware.json.
"""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.qemu.facts import Facts, Host


def choose(domain: Domain, host: Host, facts: Facts) -> None:
    """Fill in loader and variables' template."""
