"""Drop what only a running guest has: definitions are often made of the XML of a live one."""

from collections.abc import Iterator

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.chardev import Channel, CharSource
from pyvirsh.backend.conf.domain.common import Info, SecLabel
from pyvirsh.backend.conf.domain.devices import Graphics
from pyvirsh.backend.conf.domain.disk import BackingStore, Disk
from pyvirsh.backend.conf.domain.net import Interface
from pyvirsh.backend.conf.model import Model

# Names that libvirt and this program give to host devices of interfaces themselves.
_GENERATED_TARGETS = ("vnet", "vif", "macvtap", "macvlan")
# Where libvirt and this program put sockets that no definition asked for.
_STATE_DIRECTORIES = ("/var/lib/libvirt/qemu/", "/run/libvirt/qemu/", "/var/run/libvirt/qemu/")
_CHANNEL_DIRECTORIES = tuple(place + "channel/" for place in _STATE_DIRECTORIES)


def strip(domain: Domain) -> None:
    """Drop the guest's id and what its devices have only while it runs."""
    domain.id = None
    for info in infos(domain.devices):
        if info.alias is not None and not info.alias.startswith("ua-"):
            info.alias = None
    for disk in domain.devices.disks:
        _disk(disk)
    for interface in domain.devices.interfaces:
        _interface(interface)
    for channel in domain.devices.channels:
        _channel(channel)
    for source in sources(domain):
        source.tty = None
        if source.type == "pty":
            source.peers = []
    for graphics in domain.devices.graphics:
        _graphics(graphics)
    domain.seclabels = [label for label in domain.seclabels if _label_kept(label)]


def infos(devices: Model) -> "Iterator[Info]":
    """Yield what all devices have in common, in the order of the definition."""
    for name in devices.declared():
        held = getattr(devices, name)
        for device in held if isinstance(held, list) else [held]:
            info = getattr(device, "info", None)
            if isinstance(info, Info):
                yield info


def sources(domain: Domain) -> "Iterator[CharSource]":
    """Yield what the character devices are connected to."""
    devices = domain.devices
    ports = (devices.serials, devices.parallels, devices.consoles, devices.channels, devices.redirdevs)
    for group in ports:
        yield from (port.source for port in group)
    yield from (card.source for card in devices.smartcards)
    yield from (rng.backend.source for rng in devices.rngs if rng.backend is not None)


def _disk(disk: Disk) -> None:
    if disk.target_tray == "closed":
        disk.target_tray = None
    disk.mirror = None
    if disk.source is not None:
        disk.source.index = None
        disk.source.seclabels = [one for one in disk.source.seclabels if one.relabel or one.label]
    store: BackingStore | None = disk.backing
    while store is not None:
        store.index = None
        store = store.backing


def _interface(interface: Interface) -> None:
    if interface.source is not None:
        interface.source.portid = None
    if (interface.target_dev or "").startswith(_GENERATED_TARGETS) and interface.target_managed != "no":
        interface.target_dev = None


def _channel(channel: Channel) -> None:
    channel.target_state = None
    if channel.source.type == "unix" and channel.target_type == "virtio" and _generated(channel):
        channel.source.peers = []


def _generated(channel: Channel) -> bool:
    """Say whether a channel's socket lies where it would be put unasked."""
    directory, _, file = (channel.source.peer.path or "").rpartition("/")
    parent, _, last = directory.rpartition("/")
    name = channel.target_name or ""
    if not directory.startswith(_CHANNEL_DIRECTORIES):
        return False
    if last == "target":
        return file.endswith("." + name)
    number, dash, _ = last.partition("-")
    numbered = bool(dash) and number.isdigit()
    return file == name and (last.startswith("domain-") or numbered)


def _graphics(graphics: Graphics) -> None:
    if graphics.type not in ("vnc", "spice", "rdp"):
        return
    if graphics.autoport == "yes":
        graphics.port = graphics.tls_port = None
    graphics.listens = [one for one in graphics.listens if one.from_config not in ("1", "yes")]
    if graphics.socket and _state_file(graphics.socket):
        graphics.socket = None
    for listen in graphics.listens:
        if listen.socket and (_state_file(listen.socket) or listen.auto_generated == "yes"):
            listen.socket = listen.auto_generated = None


def _state_file(path: str) -> bool:
    return path.startswith(tuple(place + "domain-" for place in _STATE_DIRECTORIES))


def _label_kept(label: SecLabel) -> bool:
    """Drop labels that were generated for a running guest: they name an image label."""
    label.imagelabel = None
    if label.type == "dynamic":
        label.label = None
    return True
