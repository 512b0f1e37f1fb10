"""Character devices where the definition leaves them open."""

from pyvirsh.backend.conf.domain.chardev import CharSource, Console, Parallel, Serial
from pyvirsh.backend.conf.domain.common import Address
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.filling.inactive import sources
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, VirError

# Types of the first serial port that is a console too.
_WITH_CONSOLE = (None, "isa-serial", "spapr-vio-serial", "system-serial", "sclp-serial")
_ISA_PORTS = 4


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
    _number_behind(devices.parallels)
    if domain.os.type == "hvm":
        pair_console(domain)
    _number_behind(devices.consoles)
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


# What is said of the other side by a device of a type.
_TOLD = {
    "dev": ("path", "seclabels"),
    "file": ("path", "append", "seclabels"),
    "pipe": ("path", "seclabels"),
    "unix": ("mode", "path", "reconnect", "seclabels"),
    "tcp": ("mode", "host", "service", "tls", "reconnect"),
    "udp": ("mode", "host", "service"),
    "nmdm": ("master", "slave"),
    "spiceport": ("channel",),
    "dbus": ("channel",),
    "qemu-vdagent": ("clipboard_copypaste", "mouse_mode"),
}


def complete_source(source: CharSource) -> None:
    """Fill in a protocol where there is one to choose, and drop what the type does not have."""
    told = _TOLD.get(source.type or "", ())
    for peer in source.peers:
        for name in peer.declared():
            if name not in told:
                setattr(peer, name, [] if name == "seclabels" else None)
    source.peers = [peer for peer in source.peers if not peer.is_empty()]
    if source.log_file is None:
        source.log_append = None
    if source.type in ("unix", "tcp") and source.peers:
        source.peers[0].mode = source.peers[0].mode or "connect"
    if source.type == "tcp":
        source.protocol = source.protocol or "raw"
    else:
        source.protocol = None


def number(ports: "list[Serial]") -> None:
    """Number serial ports that state no number behind the highest one, those known to be on ISA first."""
    _number_isa([port for port in ports if port.target_type == "isa-serial"])
    last = max((port.target_port for port in ports if port.target_port is not None), default=-1)
    for port in ports:
        if port.target_port is None:
            last += 1
            port.target_port = last


def _number_isa(ports: "list[Serial]") -> None:
    taken: set[int] = set()
    for port in ports:
        if port.target_port is not None and port.target_port in taken:
            raise VirError(INTERNAL_ERROR, f"target port '{port.target_port}' already allocated")
        if port.target_port is not None:
            taken.add(port.target_port)
    for port in ports:
        if port.target_port is None:
            free = next((number for number in range(_ISA_PORTS) if number not in taken), None)
            if free is None:
                detail = f"Maximum supported number of ISA serial ports is '{_ISA_PORTS}'"
                raise VirError(INTERNAL_ERROR, detail)
            port.target_port = free
            taken.add(free)


def _number_behind(ports: "list[Parallel] | list[Console]") -> None:
    """Number ports that state no number behind the highest one before them."""
    last = -1
    for port in ports:
        if port.target_port is None:
            port.target_port = last + 1
        last = max(last, port.target_port)


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
