"""Drop what only a running guest has: definitions are often made of the XML of a live one."""

import re
from collections.abc import Iterator

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.chardev import CharSource
from pyvirsh.backend.conf.domain.common import Info, SecLabel
from pyvirsh.backend.conf.domain.disk import BackingStore, Disk
from pyvirsh.backend.conf.domain.graphics import Graphics
from pyvirsh.backend.conf.domain.net import Interface
from pyvirsh.backend.conf.model import Model

# Names that libvirt and this program give to host devices of interfaces themselves.
# An alias that a user chose.
_USER_ALIAS = re.compile("ua-[a-zA-Z0-9_-]*")
_GENERATED_TARGETS = ("vnet", "macvtap", "macvlan")


def strip(domain: Domain) -> None:
    """Drop the guest's id and what its devices have only while it runs."""
    domain.id = None
    for info in infos(domain.devices):
        strip_alias(info)
    for disk in domain.devices.disks:
        strip_disk(disk)
    for interface in domain.devices.interfaces:
        strip_interface(interface)
    for channel in domain.devices.channels:
        channel.target_state = None
    for source in sources(domain):
        source.tty = None
        if source.type == "pty":
            source.peers = []
    for graphics in domain.devices.graphics:
        _graphics(graphics)
    for module in domain.devices.memories:
        if module.target is not None:
            module.target.current = None
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


def strip_alias(info: Info) -> None:
    """Drop an alias that no user chose."""
    if info.alias is not None and not _USER_ALIAS.fullmatch(info.alias):
        info.alias = None


def strip_disk(disk: Disk) -> None:
    """Drop what a disk has only while it is used."""
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


def strip_interface(interface: Interface) -> None:
    """Drop what an interface has only while it is used."""
    if interface.source is not None:
        interface.source.portid = None
    if (interface.target_dev or "").startswith(_GENERATED_TARGETS) and interface.target_managed != "no":
        interface.target_dev = None


def _graphics(graphics: Graphics) -> None:
    if graphics.type not in ("vnc", "spice", "rdp"):
        return
    if graphics.autoport == "yes":
        graphics.port = graphics.tls_port = None
    for listen in graphics.listens:
        listen.from_config = listen.auto_generated = None
        if listen.type != "address":
            listen.address = None


def _label_kept(label: SecLabel) -> bool:
    """Drop labels that were generated for a running guest: they name an image label."""
    label.imagelabel = None
    if label.type == "dynamic":
        label.label = None
    return True
