"""The test driver: a host in memory that behaves as libvirt's test driver does.

``test:///default`` is one built-in world, shared by the handles of a process while one is open;
``test:///FILE`` is a world of its own for each connection, read from a node file.

Source: libvirt's test driver as observed through its API and virsh.
"""

from pyvirsh.backend.errors import INVALID_ARG, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend import Uri
    from pyvirsh.backend.api import Driver


def open(uri: "Uri", *, read_only: bool = False) -> "Driver":
    """Open the built-in world or the one a node file describes.

    Errors: INVALID_ARG without a path; what reading the node file raises.
    """
    if uri.path in ("", "/"):
        raise VirError(INVALID_ARG, "testOpen: supply a path or use test:///default")
    from pyvirsh.backend.test import driver

    opened = driver.open_path(uri.path)
    if any(name in ("latency", "fail") for name, _ in uri.query):
        from pyvirsh.backend.test import tuned

        return tuned.Tuned.of(opened, uri)
    return opened
