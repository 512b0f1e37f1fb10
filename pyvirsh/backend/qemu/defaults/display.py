"""Input, graphics, video and sound where the definition leaves them open."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.devices import Audio, Graphics, Input, Listen, Video
from pyvirsh.backend.qemu.facts import Facts

_LISTENERS = ("vnc", "spice", "rdp")


def complete(domain: Domain, facts: Facts) -> None:
    """Fill in what is shown and heard."""
    _inputs(domain)
    for graphics in domain.devices.graphics:
        if graphics.type in _LISTENERS:
            _listen(graphics)
    _videos(domain, facts)
    _audio(domain)


def _inputs(domain: Domain) -> None:
    """Every x86 guest has a PS/2 mouse and keyboard."""
    devices = domain.devices
    for device in devices.inputs:
        if device.bus is None:
            device.bus = "ps2" if device.type in ("mouse", "keyboard") else "usb"
    if domain.os.arch not in ("x86_64", "i686"):
        return
    for kind in ("mouse", "keyboard"):
        if not any(device.type == kind and device.bus == "ps2" for device in devices.inputs):
            devices.inputs.append(Input(type=kind, bus="ps2"))


def _listen(graphics: Graphics) -> None:
    if not graphics.listens:
        graphics.listens = [Listen(type="address", address=graphics.listen)]


def _videos(domain: Domain, facts: Facts) -> None:
    devices = domain.devices
    if devices.graphics and not devices.videos:
        devices.videos.append(Video())
    for at, video in enumerate(devices.videos):
        video.model = video.model or _video_model(domain, facts)
        _video_memory(video)
        if video.model != "none":
            video.heads = video.heads or 1
            if at == 0:
                video.primary = "yes"


def _video_model(domain: Domain, facts: Facts) -> str:
    for model, device in (("cirrus", "cirrus-vga"), ("vga", "VGA")):
        if facts.has(device):
            return model
    return "virtio"


def _video_memory(video: Video) -> None:
    if video.model in ("vga", "cirrus", "vmvga", "bochs"):
        video.vram = video.vram or 16384
    elif video.model == "qxl":
        video.ram = video.ram or 65536
        video.vram = video.vram or 65536
        video.vgamem = video.vgamem or 16384


def _audio(domain: Domain) -> None:
    devices = domain.devices
    if not devices.audios:
        devices.audios.append(Audio(id=1, type="none"))
