"""The command line that a definition would be started with, as text; the way back does not exist.

Source: libvirt API, virConnectDomainXMLToNative and virConnectDomainXMLFromNative.
"""

import time

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.errors import INVALID_ARG, VirError
from pyvirsh.backend.qemu import aliases, argv, defaults
from pyvirsh.backend.qemu.argv.display import VNC_PORT
from pyvirsh.backend.qemu.checks import general
from pyvirsh.backend.qemu.facts import Facts, Host

FORMAT = "qemu-argv"
# What shells read as more than a letter.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=/.,:+@%")
_NAME_MAX = 20
# The port of a SPICE server that leaves it to be found.
SPICE_PORT = 5901


def check_format(name: str) -> None:
    """Refuse other formats.  Errors: INVALID_ARG."""
    if name != FORMAT:
        raise VirError(INVALID_ARG, f"unsupported config type {name}")


def to_argv(domain: Domain, facts: Facts, host: Host, state: str) -> str:
    """Return the command line of a completed definition.

    state: the directory below which the driver keeps what running guests need.
    """
    general.check_cpu(domain, facts)
    prepare(domain)
    short = f"-1-{domain.name[:_NAME_MAX]}"
    run = f"{state}/domain-{short}"
    paths = argv.Paths(
        run,
        channels=f"{state}/channel/target/domain-{short}",
        memory=f"{state}/ram/{short}",
        hugepages=f"libvirt/qemu/{short}",
    )
    paths.now, paths.utc_offset = time.time(), time.localtime().tm_gmtoff
    _sockets(domain, paths)
    command = argv.build(domain, facts, host, paths)
    variables = [f"{name}={_quoted(value) if value else ''}" for name, value in command.env.items()]
    return " ".join([*variables, *(_quoted(word) for word in command.words)]) + "\n"


def prepare(domain: Domain) -> None:
    """Do to a definition what every start does: round sizes, name devices, choose ports."""
    defaults.align(domain)
    aliases.assign(domain)
    for graphics in domain.devices.graphics:
        if graphics.autoport == "yes" and graphics.port in (None, -1, 0):
            graphics.port = {"vnc": VNC_PORT, "spice": SPICE_PORT}.get(graphics.type)


def _sockets(domain: Domain, paths: argv.Paths) -> None:
    """Give channels without a socket of their own the one they would have."""
    defaults.place_sockets(domain, paths.channels)


def _quoted(word: str) -> str:
    if word and all(letter in _PLAIN for letter in word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"
