"""Character devices where the definition leaves them open."""

from pyvirsh.backend.conf.domain.chardev import CharSource, Console, Parallel, Serial
from pyvirsh.backend.conf.domain.common import Address
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.filling.inactive import sources
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, VirError

# Types of the first serial port that is a console too.
_WITH_CONSOLE = (None, "isa-serial", "spapr-vio-serial", "system-serial", "sclp-serial")


def complete(domain: Domain) -> None:
    """Number ports and pair the first console with the first serial port."""
    devices = domain.devices
    for ports in (devices.serials, devices.parallels, devices.consoles, devices.channels):
        for port in ports:
            port.source.type = port.source.type or "pty"
    for channel in devices.channels:
        if channel.source.type == "spicevmc" and channel.target_type != "virtio":
            raise VirError(CONFIG_UNSUPPORTED, "spicevmc device type only supports virtio")
    for other in (*devices.serials, *devices.parallels, *devices.consoles):
        if other.source.type == "spicevmc":
            raise VirError(CONFIG_UNSUPPORTED, "spicevmc device type only supports virtio")
    for source in sources(domain):
        complete_source(source)
    number(devices.serials)
    number(devices.parallels)
    if domain.os.type == "hvm":
        pair_console(domain)
    number(devices.consoles)
    for at, console in enumerate(devices.consoles):
        if at or console.target_type != "serial":
            console.target_port = at
        console.target_type = console.target_type or "serial"
        if at and console.target_type == "serial":
            raise VirError(CONFIG_UNSUPPORTED, "Only the first console can be a serial port")
    _place_cards(domain)


def _place_cards(domain: Domain) -> None:
    """Give each smart card that has no place the next slot of the first reader."""
    taken = {card.info.address.slot for card in domain.devices.smartcards if card.info.address is not None}
    for card in domain.devices.smartcards:
        if card.info.address is None:
            slot = next(slot for slot in range(len(taken) + 1) if slot not in taken)
            card.info.address = Address(type="ccid", controller=0, slot=slot)
            taken.add(slot)


def complete_source(source: CharSource) -> None:
    """Fill in a protocol where there is one to choose, and drop it elsewhere."""
    if source.type in ("unix", "tcp") and source.peers:
        source.peers[0].mode = source.peers[0].mode or "connect"
    if source.type == "tcp":
        source.protocol = source.protocol or "raw"
    else:
        source.protocol = None


def number(ports: "list[Serial] | list[Parallel] | list[Console]") -> None:
    """Number ports that state no number behind the highest one."""
    last = max((port.target_port for port in ports if port.target_port is not None), default=-1)
    for port in ports:
        if port.target_port is None:
            last += 1
            port.target_port = last


def pair_console(domain: Domain) -> None:
    """Make the first console and the first serial port one, either of which may be left out."""
    devices = domain.devices
    first = devices.consoles[0] if devices.consoles else None
    if first is None or first.target_type not in (None, "serial"):
        if devices.serials and devices.serials[0].target_type in _WITH_CONSOLE:
            devices.consoles.insert(0, _console_of(devices.serials[0]))
        return
    if not devices.serials:
        made = Serial(source=first.source.copy(), target_port=0)
        made.info = first.info.copy()
        devices.serials.append(made)
    devices.consoles[0] = _console_of(devices.serials[0], first)


def _console_of(serial: Serial, stated: "Console | None" = None) -> Console:
    made = Console(source=serial.source.copy(), target_type="serial", target_port=serial.target_port)
    made.info = serial.info.copy()
    return made


def refresh_console(domain: Domain) -> None:
    """Show the first console where its serial port is, once that has a place."""
    devices = domain.devices
    if devices.consoles and devices.serials and devices.consoles[0].target_type == "serial":
        devices.consoles[0].info = devices.serials[0].info.copy()
