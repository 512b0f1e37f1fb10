"""Displays, graphics cards and sound."""

from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.graphics import Video
from pyvirsh.backend.conf.model import repeats
from pyvirsh.backend.errors import XML_ERROR, VirError, refuse


def check(domain: Domain) -> None:
    """Check cards, one by one."""
    for video in domain.devices.videos:
        _video(video)


def check_together(domain: Domain) -> None:
    """Check cards and audio back ends among each other."""
    devices = domain.devices
    if len(devices.videos) > 1 and any(video.model == "none" for video in devices.videos):
        raise refuse("a 'none' video type must be the only video device defined for the domain")
    for graphics in devices.graphics:
        if graphics.p2p == "yes" and graphics.address is not None:
            raise VirError(XML_ERROR, "D-Bus p2p with an address is not supported")
    for number in repeats(audio.id for audio in devices.audios):
        raise VirError(XML_ERROR, f"audio ID {number} is used multiple times")


def _video(video: Video) -> None:
    if video.driver_name == "vhostuser" and video.model != "virtio":
        raise refuse("'vhostuser' driver is only supported with 'virtio' device")
    if video.rendernode is not None and video.driver_name != "vhostuser":
        raise refuse("unsupported rendernode accel attribute without 'vhostuser'")
    for name in ("ram", "vram64", "vgamem"):
        if getattr(video, name) is not None and video.model not in ("qxl", "none"):
            raise refuse(f"{name} attribute only supported for video type qxl")
    if video.blob == "on" and video.model not in ("virtio", "none"):
        raise refuse(f"video type '{video.model}' does not support blob resources")
    if video.model == "ramfb" and video.info.address is not None:
        raise refuse("address not supported for video type ramfb")


def check_sound(domain: Domain) -> None:
    """Check that the sound of each device goes somewhere."""
    devices = domain.devices
    known = [audio.id for audio in devices.audios]
    used = [sound.audio_id for sound in devices.sounds]
    used += [graphics.audio_id for graphics in devices.graphics]
    for number in used:
        if number is not None and number not in known:
            raise VirError(XML_ERROR, f"no audio device with ID {number}")
