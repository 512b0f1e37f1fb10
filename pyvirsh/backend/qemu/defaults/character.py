"""Character devices where the definition leaves them open."""

from collections.abc import Sequence

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.chardev import CharPeer, CharSource, Console, Parallel, Serial
from pyvirsh.backend.conf.domain.common import Address
from pyvirsh.backend.conf.domain.filling.inactive import sources
from pyvirsh.backend.qemu.facts import Facts

_SERIAL_MODELS = {
    "isa-serial": "isa-serial",
    "usb-serial": "usb-serial",
    "pci-serial": "pci-serial",
    "isa-debug": "isa-debugcon",
}


def complete(domain: Domain, facts: Facts) -> None:
    """Number ports, choose models and pair the first console with the first serial port."""
    devices = domain.devices
    for source in sources(domain):
        complete_source(source)
    _pair_console(domain)
    _number(devices.serials)
    _number(devices.parallels)
    _number(devices.consoles)
    for serial in devices.serials:
        _serial(serial)
    for console in devices.consoles:
        console.target_type = console.target_type or "serial"
    for card in devices.smartcards:
        if card.info.address is None:
            card.info.address = Address(type="ccid", controller=0, slot=0)


def complete_source(source: CharSource) -> None:
    """Fill in a protocol where there is one to choose, and drop it elsewhere."""
    if source.type == "tcp":
        source.protocol = source.protocol or "raw"
    else:
        source.protocol = None


def _number(ports: "Sequence[Serial | Parallel | Console]") -> None:
    taken = {port.target_port for port in ports}
    for port in ports:
        if port.target_port is None:
            port.target_port = next(number for number in range(len(ports)) if number not in taken)
            taken.add(port.target_port)


def _serial(serial: Serial) -> None:
    if serial.target_type is None:
        address = serial.info.address
        kinds = {"usb": "usb-serial", "pci": "pci-serial"}
        serial.target_type = kinds.get(address.type or "" if address else "", "isa-serial")
    if serial.target_model is None:
        serial.target_model = _SERIAL_MODELS.get(serial.target_type)


def _pair_console(domain: Domain) -> None:
    """Make the first console and the first serial port one, either of which may be left out."""
    devices = domain.devices
    first = devices.consoles[0] if devices.consoles else None
    if first is None:
        if devices.serials:
            devices.consoles.append(_console_of(devices.serials[0]))
        return
    if first.target_type not in (None, "serial"):
        return
    if not devices.serials:
        made = Serial(source=first.source.copy(), target_port=0)
        made.info = first.info.copy()
        devices.serials.append(made)
    devices.consoles[0] = _console_of(devices.serials[0], first)


def _console_of(serial: Serial, stated: "Console | None" = None) -> Console:
    port = stated.target_port if stated is not None else 0
    made = Console(source=serial.source.copy(), target_type="serial", target_port=port)
    made.info = serial.info.copy()
    return made


def place_sockets(domain: Domain, directory: str) -> None:
    """Give each channel that is a UNIX socket without a path one in `directory`, when the guest starts."""
    for channel in domain.devices.channels:
        source = channel.source
        if source.type == "unix" and not source.peer.path:
            name = channel.target_name or channel.info.alias or "channel"
            source.peers = [CharPeer(mode="bind", path=f"{directory}/{name}")]
