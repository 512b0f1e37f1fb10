"""Character devices."""

from pyvirsh.backend.conf.domain.chardev import CharSource
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.filling.inactive import sources
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, INVALID_ARG, VirError, refuse

_ISA_PORTS = 4


def check(domain: Domain) -> None:
    """Check what character devices are connected to."""
    made_up = {
        id(channel.source) for channel in domain.devices.channels if channel.target_type in ("virtio", "xen")
    }
    later = {id(redirected.source) for redirected in domain.devices.redirdevs}
    later |= {id(rng.backend.source) for rng in domain.devices.rngs if rng.backend is not None}
    for source in sources(domain):
        if id(source) not in later:
            check_source(source, may_lack_path=id(source) in made_up)


def check_ports(domain: Domain) -> None:
    """Check how many serial ports there are on the ISA bus."""
    for serial in domain.devices.serials:
        if serial.target_type == "isa-serial" and (serial.target_port or 0) >= _ISA_PORTS:
            detail = f"Maximum supported number of ISA serial ports is '{_ISA_PORTS}'"
            raise VirError(INTERNAL_ERROR, detail)
        address = serial.info.address
        if serial.target_type == "usb-serial" and address is not None and address.type != "usb":
            raise refuse("usb-serial requires address of usb type")


def _missing(what: str) -> VirError:
    return VirError(INTERNAL_ERROR, f"Missing source {what} attribute for char device")


def check_source(source: CharSource, *, may_lack_path: bool = False) -> None:
    """Check that a source says what its type needs."""
    peer, kind = source.peer, source.type
    if kind in ("dev", "file", "pipe") or kind == "unix" and not may_lack_path:
        if peer.path is None:
            raise _missing("path")
    if kind == "nmdm" and not (peer.master and peer.slave):
        raise VirError(INTERNAL_ERROR, "Should define both master and slave path attributes for nmdm device")
    if kind == "tcp":
        if peer.host is None:
            raise _missing("host")
        if peer.service is None:
            raise _missing("service")
    if kind == "udp":
        remote = source.side("connect")
        if remote is None or remote.service is None:
            raise _missing("service")
    if kind in ("unix", "tcp") and peer.reconnect is not None and peer.mode == "bind":
        raise VirError(INTERNAL_ERROR, "chardev reconnect is possible only for connect mode")
    if kind in ("spiceport", "dbus"):
        _check_channel(peer.channel)


def _check_channel(channel: "str | None") -> None:
    if channel is None:
        raise VirError(CONFIG_UNSUPPORTED, "Missing source channel attribute for char device")
    if any(not (char.isascii() and (char.isalnum() or char in "._-")) for char in channel):
        raise VirError(INVALID_ARG, "Invalid character in source channel for char device")
