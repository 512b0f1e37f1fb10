"""Graphics and video where the definition leaves them open."""

from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.graphics import Graphics, Listen, Video
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, VirError

_LISTENERS = ("vnc", "spice", "rdp")


def complete(domain: Domain, video: str) -> None:
    """Fill in what is shown; `video`: the model of a card that states none."""
    for graphics in domain.devices.graphics:
        if graphics.type in _LISTENERS:
            listen(graphics)
    videos(domain, video)


def listen(graphics: Graphics) -> None:
    """Fill in where a display server listens, and how its port is found."""
    if graphics.socket is not None and not graphics.listens:
        graphics.listens = [Listen(type="socket", socket=graphics.socket)]
    first = graphics.listens[0] if graphics.listens else None
    if first is not None and first.type == "address" and first.address:
        if graphics.listen and graphics.listen != first.address:
            detail = (
                f"graphics 'listen' attribute '{graphics.listen}' must match 'address' attribute"
                f" of first listen element (found '{first.address}')"
            )
            raise VirError(CONFIG_UNSUPPORTED, detail)
    graphics.socket = None
    if first is not None and first.type == "socket" and graphics.type == "vnc":
        graphics.socket = first.socket
    ports(graphics)
    if first is not None and first.type in ("socket", "none"):
        graphics.autoport = graphics.port = graphics.tls_port = graphics.listen = None
        return
    unset = not graphics.port and not graphics.tls_port and graphics.autoport != "yes"
    if graphics.type == "spice" and unset and (first is None or first.type == "address"):
        graphics.listens[:1] = [Listen(type="none")]
        graphics.autoport = graphics.listen = None
        return
    if not graphics.listens:
        graphics.listens = [Listen(type="address", address=graphics.listen)]
    listening = next((one.address for one in graphics.listens if one.type == "address" and one.address), None)
    graphics.listen = listening


def ports(graphics: Graphics) -> None:
    """Decide whether the ports of a display server are chosen when it starts.

    A port of -1 asks for that; 0 is none.
    """
    port, stated = graphics.port, graphics.autoport
    if graphics.type == "spice":
        auto = stated == "yes" or port == -1 and graphics.tls_port == -1
        graphics.autoport = "yes" if auto else "no"
        graphics.port = None if auto else port or None
        graphics.tls_port = None if auto else graphics.tls_port or None
        return
    auto = stated == "yes" or stated is None and port in (None, -1)
    graphics.port = None if auto or port == -1 else port or None
    if auto:
        graphics.port = {"vnc": -1, "rdp": 0}.get(graphics.type)
    graphics.autoport = "yes" if auto else "no" if graphics.type == "vnc" else None


def videos(domain: Domain, model: str) -> None:
    """Add a card where there is a display without one; fill in models and memory; put the first one first."""
    devices = domain.devices
    if devices.graphics and not devices.videos:
        devices.videos.append(Video())
    if sum(video.primary == "yes" for video in devices.videos) > 1:
        raise VirError(CONFIG_UNSUPPORTED, "Only one primary video device is supported")
    devices.videos.sort(key=lambda video: video.primary != "yes")
    for at, video in enumerate(devices.videos):
        if video.model in (None, "default"):
            video.model = model
        video_memory(video)
        video.heads = 1 if video.heads is None else video.heads or None
        video.primary = "yes" if at == 0 else None
        if video.model == "none":
            video.info.address = None
            devices.videos[at] = Video(model="none", info=video.info)


def video_memory(video: Video) -> None:
    """Fill in a card's memory, rounded up to a power of two."""
    if video.model in ("vga", "cirrus", "vmvga", "bochs"):
        video.vram = power_of_two(video.vram) or 16384
    elif video.model == "virtio":
        video.vram = power_of_two(video.vram)
    elif video.model == "xen":
        video.vram = power_of_two(video.vram) or 4096
    elif video.model == "qxl":
        video.ram = power_of_two(video.ram) or 65536
        video.vram = power_of_two(video.vram) or 65536


def power_of_two(size: "int | None") -> "int | None":
    """Return the next power of two."""
    return 1 << (size - 1).bit_length() if size else None
