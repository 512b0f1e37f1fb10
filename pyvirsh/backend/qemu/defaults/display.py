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
    absent = domain.features is not None and domain.features.ps2 == "off"
    if domain.os.arch not in ("x86_64", "i686") or absent:
        return
    for kind in ("mouse", "keyboard"):
        if not any(device.type == kind and device.bus == "ps2" for device in devices.inputs):
            devices.inputs.append(Input(type=kind, bus="ps2"))


def _listen(graphics: Graphics) -> None:
    """Fill in where a display server listens, and how its port is found."""
    if graphics.socket and not graphics.listens:
        graphics.listens = [Listen(type="socket", socket=graphics.socket)]
    first = graphics.listens[0] if graphics.listens else None
    graphics.socket = first.socket if first is not None and first.type == "socket" else None
    if first is not None and first.type in ("socket", "none"):
        graphics.autoport = graphics.port = graphics.tls_port = graphics.listen = None
        return
    _port(graphics)
    if graphics.type == "spice" and graphics.autoport is None and not (graphics.port or graphics.tls_port):
        graphics.listens = [Listen(type="none")]
        return
    if not graphics.listens:
        graphics.listens = [Listen(type="address", address=graphics.listen)]
    listening = next((one.address for one in graphics.listens if one.type == "address" and one.address), None)
    graphics.listen = listening


def _port(graphics: Graphics) -> None:
    unset = graphics.port in (None, 0, -1) and graphics.tls_port in (None, 0, -1)
    if graphics.type == "vnc" and unset and graphics.autoport != "no":
        graphics.autoport = "yes"
    if graphics.type == "spice" and graphics.port == graphics.tls_port == -1:
        graphics.autoport = "yes"
    if graphics.autoport == "yes":
        graphics.port = -1 if graphics.type == "vnc" else None
    elif unset:
        graphics.autoport = None
    if graphics.autoport is None and graphics.type == "vnc":
        graphics.autoport = "no"


def _videos(domain: Domain, facts: Facts) -> None:
    devices = domain.devices
    if devices.graphics and not devices.videos:
        devices.videos.append(Video())
    for at, video in enumerate(devices.videos):
        video.model = video.model or _video_model(domain, facts)
        _video_memory(video)
        if video.model != "none":
            video.heads = video.heads or 1
            video.primary = "yes" if at == 0 else None


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
    """Send sound where the display goes; displays of the host's desktop choose for themselves."""
    devices = domain.devices
    if devices.audios:
        return
    kinds = [graphics.type for graphics in devices.graphics]
    if not kinds or "vnc" in kinds:
        devices.audios.append(Audio(id=1, type="none"))
    elif "spice" in kinds:
        devices.audios.append(Audio(id=1, type="spice"))
