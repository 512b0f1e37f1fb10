"""Drop paths that were made up for a running guest: definitions are often made of the XML of a live one."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.chardev import Channel
from pyvirsh.backend.conf.domain.graphics import Graphics

# Where libvirt and this program put sockets that no definition asked for.
_STATE_DIRECTORIES = ("/var/lib/libvirt/qemu/", "/run/libvirt/qemu/", "/var/run/libvirt/qemu/")
_CHANNEL_DIRECTORIES = tuple(place + "channel/" for place in _STATE_DIRECTORIES)


def forget_sockets(domain: Domain) -> None:
    """Drop the sockets of channels and displays that lie where they would be put unasked."""
    for channel in domain.devices.channels:
        if channel.source.type == "unix" and channel.target_type == "virtio" and _generated(channel):
            channel.source.peers = []
    for graphics in domain.devices.graphics:
        _graphics(graphics)


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
    if graphics.socket and _state_file(graphics.socket):
        graphics.socket = None
    for listen in graphics.listens:
        if listen.socket and _state_file(listen.socket):
            listen.socket = None


def _state_file(path: str) -> bool:
    return path.startswith(tuple(place + "domain-" for place in _STATE_DIRECTORIES))
