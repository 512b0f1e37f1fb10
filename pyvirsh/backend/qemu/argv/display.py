"""Input devices, graphics and video."""

from pyvirsh.backend.conf.domain.devices import Input
from pyvirsh.backend.conf.domain.graphics import Graphics, Listen, Video
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, VirError
from pyvirsh.backend.qemu.argv.plan import Plan, escaped, switch, virtio, virtio_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Props = dict[str, Any]

VNC_PORT = 5900
VNC_WEBSOCKET = 5700
_USB_INPUT = {"mouse": "usb-mouse", "tablet": "usb-tablet", "keyboard": "usb-kbd"}


def inputs(plan: Plan) -> None:
    """Attach the input devices; those on PS/2 belong to the board."""
    for device in plan.domain.devices.inputs:
        if device.type == "evdev":
            _evdev(plan, device)
        elif device.bus == "usb":
            driver = _USB_INPUT[device.type]
            plan.device({"driver": driver, "id": device.info.alias, **plan.address(device.info)})
        elif device.bus == "virtio":
            plan.device(_virtio_input(plan, device))


def _evdev(plan: Plan, device: Input) -> None:
    props: Props = {"evdev": device.source_dev, "repeat": switch(device.source_repeat)}
    props["grab_all"] = True if device.source_grab == "all" else None
    props["grab-toggle"] = device.source_grab_toggle
    plan.object("input-linux", device.info.alias or "", props)


def _virtio_input(plan: Plan, device: Input) -> "Props":
    base = "virtio-input-host" if device.type == "passthrough" else f"virtio-{device.type}"
    return {
        "driver": virtio_name(base, device.model),
        **virtio(device.driver),
        "id": device.info.alias,
        "evdev": device.source_evdev,
        **plan.address(device.info),
    }


# -- graphics --------------------------------------------------------------------------------------------


def graphics(plan: Plan) -> None:
    """Make the displays."""
    makers = {
        "vnc": _vnc,
        "spice": _spice,
        "sdl": _sdl,
        "egl-headless": _headless,
        "dbus": _dbus,
    }
    for one in plan.domain.devices.graphics:
        if one.type not in makers:
            raise VirError(CONFIG_UNSUPPORTED, f"graphics type '{one.type}' is not supported")
        makers[one.type](plan, one)


def _listen(one: Graphics) -> Listen:
    return one.listens[0] if one.listens else Listen(type="address")


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _vnc(plan: Plan, one: Graphics) -> None:
    listen = _listen(one)
    if listen.type == "socket":
        path = listen.socket or one.socket or f"{plan.paths.run}/vnc.sock"
        parts = [f"vnc=unix:{escaped(path)}"]
    elif listen.type == "none":
        parts = ["none"]
    else:
        port = one.port if one.port and one.port != -1 else VNC_PORT
        if port < VNC_PORT:
            raise VirError(CONFIG_UNSUPPORTED, f"vnc port must be in range [{VNC_PORT},65535]")
        parts = [f"{_bracketed(listen.address or '127.0.0.1')}:{port - VNC_PORT}"]
    if one.websocket is not None and listen.type == "address":
        parts.append(f"websocket={one.websocket}")
    if one.share_policy:
        parts.append(f"share={one.share_policy}")
    if one.passwd is not None:  # an empty one, too, keeps everybody out
        parts.append("password=on")
    if one.power_control is not None:
        parts.append("power-control=" + ("on" if one.power_control == "yes" else "off"))
    if (backend := _audio(plan, one)) is not None:
        parts.append(f"audiodev={backend}")
    plan.add("vnc", ",".join(parts))
    if one.keymap:
        plan.add("k", one.keymap)


def _audio(plan: Plan, one: Graphics) -> "str | None":
    """Return the name of the audio back end that a display's sound goes through."""
    audios = plan.domain.devices.audios
    if not audios:
        return None
    return f"audio{one.audio_id or audios[0].id}"


def _spice(plan: Plan, one: Graphics) -> None:
    listen = _listen(one)
    parts = []
    if listen.type == "socket":
        path = listen.socket or one.socket or f"{plan.paths.run}/spice.sock"
        parts += ["unix=on", f"addr={escaped(path)}"]
    elif listen.type == "none":
        parts.append("port=0")
    else:
        if one.port and one.port > 0:
            parts.append(f"port={one.port}")
        if one.tls_port and one.tls_port > 0:
            parts.append(f"tls-port={one.tls_port}")
        parts.append(f"addr={_bracketed(listen.address or '127.0.0.1')}")
    if one.passwd is None:
        parts.append("disable-ticketing=on")
    plan.add("spice", ",".join(parts + _spice_options(plan, one)))
    if one.keymap:
        plan.add("k", one.keymap)


def _spice_options(plan: Plan, one: Graphics) -> "list[str]":
    parts = []
    if one.tls_port and one.tls_port > 0:
        parts.append(f"x509-dir={escaped(plan.paths.tls)}")
    for channel in one.channels:
        if channel.mode in ("secure", "insecure"):
            kind = "tls" if channel.mode == "secure" else "plaintext"
            parts.append(f"{kind}-channel={channel.name}")
    if one.default_mode in ("secure", "insecure"):
        kind = "tls" if one.default_mode == "secure" else "plaintext"
        parts.append(f"{kind}-channel=default")
    for option, value in (
        ("image-compression", one.image_compression),
        ("jpeg-wan-compression", one.jpeg_compression),
        ("zlib-glz-wan-compression", one.zlib_compression),
        ("playback-compression", one.playback_compression),
        ("streaming-video", one.streaming_mode),
    ):
        if value is not None:
            parts.append(f"{option}={value}")
    if one.mouse_mode is not None:
        parts.append("agent-mouse=" + ("off" if one.mouse_mode == "server" else "on"))
    if one.clipboard_copypaste == "no":
        parts.append("disable-copy-paste=on")
    if one.filetransfer_enable == "no":
        parts.append("disable-agent-file-xfer=on")
    parts += _opengl(one)
    parts.append("seamless-migration=on")
    return parts


def _opengl(one: Graphics) -> "list[str]":
    if one.gl_enable is None and one.gl_rendernode is None:
        return []
    parts = ["gl=" + ("on" if one.gl_enable == "yes" else "off")] if one.gl_enable is not None else []
    if one.gl_rendernode and one.gl_enable != "no":
        parts.append(f"rendernode={escaped(one.gl_rendernode)}")
    return parts


def _sdl(plan: Plan, one: Graphics) -> None:
    if one.xauth:
        plan.command.env["XAUTHORITY"] = one.xauth
    if one.display:
        plan.command.env["DISPLAY"] = one.display
    if one.fullscreen == "yes":
        plan.add("full-screen")
    plan.add("display", ",".join(["sdl", *_opengl(one)]))


def _headless(plan: Plan, one: Graphics) -> None:
    plan.add("display", ",".join(["egl-headless", *_opengl(one)]))


def _dbus(plan: Plan, one: Graphics) -> None:
    if one.p2p == "yes":
        parts = ["p2p=on"]
    elif one.address:
        parts = [f"addr={escaped(one.address)}"]
    else:
        parts = [f"addr=unix:path={escaped(plan.paths.run)}/dbus.sock"]
    audio = [f"audiodev=audio{one.audio_id}"] if one.audio_id is not None else []
    plan.add("display", ",".join(["dbus", *parts, *_opengl(one), *audio]))


# -- video -----------------------------------------------------------------------------------------------


def videos(plan: Plan) -> None:
    """Attach the graphics cards."""
    for at, video in enumerate(plan.domain.devices.videos):
        if video.model == "none":
            continue
        if video.driver_name == "vhostuser":
            number = plan.fd("vhost-user-gpu", video.info.alias or "")
            plan.add("chardev", f"socket,id=chr-vu-{video.info.alias},fd={number}")
        plan.device(_video(plan, video, primary=at == 0))


def _video(plan: Plan, video: Video, *, primary: bool) -> "Props":
    gl = {True: "-gl"}.get(video.accel3d == "yes", "")
    driver = _driver(plan, video, gl, primary=primary)
    is_virtio = video.model == "virtio"
    megabytes = (video.vgamem or video.vram or 16384) // 1024
    # Cards that are VGA compatible take no options of virtio devices.
    options = virtio(video.driver) if is_virtio and not driver.endswith(("-vga", "-vga-gl")) else {}
    props: Props = {"driver": driver, **options, "id": video.info.alias}
    if is_virtio:
        props["max_outputs"] = video.heads
        props["blob"] = switch(video.blob)
    elif video.model == "qxl":
        props |= _qxl(video)
    elif video.model in ("vga", "vmvga"):
        props["vgamem_mb"] = megabytes if video.vram else None
    elif video.model == "bochs":
        props["vgamem"] = video.vram * 1024 if video.vram else None
    if video.driver_name == "vhostuser":
        props["chardev"] = f"chr-vu-{video.info.alias}"
    if video.model in ("vga", "qxl", "virtio", "bochs") and video.resolution_x:
        props |= {"xres": video.resolution_x, "yres": video.resolution_y}
    return {**props, **(plan.address(video.info) if video.model != "ramfb" else {})}


def _qxl(video: Video) -> "Props":
    return {
        "max_outputs": video.heads,
        "ram_size": video.ram * 1024 if video.ram else None,
        "vram_size": video.vram * 1024 if video.vram else None,
        "vram64_size_mb": (video.vram64 or 0) // 1024,
        "vgamem_mb": (video.vgamem or 16384) // 1024,
    }


def _driver(plan: Plan, video: Video, gl: str, *, primary: bool) -> str:
    if video.model == "virtio":
        if video.driver_name == "vhostuser":
            return "vhost-user-vga" if primary else "vhost-user-gpu-pci"
        if primary and f"virtio-vga{gl}" in plan.facts.devices | {"virtio-vga"}:
            return f"virtio-vga{gl}"
        return f"virtio-gpu{gl}-pci"
    names = {
        "vga": "VGA",
        "cirrus": "cirrus-vga",
        "vmvga": "vmware-svga",
        "qxl": "qxl-vga" if primary else "qxl",
        "bochs": "bochs-display",
        "ramfb": "ramfb",
    }
    if video.model not in names:
        raise VirError(CONFIG_UNSUPPORTED, f"video model type '{video.model}' is not supported")
    return names[video.model]
