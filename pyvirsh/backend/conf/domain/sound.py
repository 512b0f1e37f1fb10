"""Sound cards, and where their sound goes.

Source: libvirt's domain XML format, "Sound devices" and "Audio backends".
"""

from collections.abc import Collection
from typing import Self

from pyvirsh.backend.conf.domain.common import Info, VirtioDriver
from pyvirsh.backend.conf.model import Model, inline, integer, many, one, others, text, yes_no
from pyvirsh.backend.conf.xml import Element, Node
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, XML_ERROR, VirError

SOUND_MODELS = tuple("sb16 es1370 pcspk ac97 ich6 ich9 usb ich7 virtio".split())
AUDIO_TYPES = tuple("none alsa coreaudio jack oss pulseaudio sdl spice file dbus pipewire".split())
_STREAMS = 2


class Codec(Model):
    """The codec of a sound card."""

    tag = "codec"
    type: str | None = text("@type")

    def after_parse(self, element: Element) -> None:
        if self.type not in ("duplex", "micro", "output"):
            raise VirError(
                CONFIG_UNSUPPORTED, f"unknown codec type '{'(null)' if self.type is None else self.type}'"
            )


class Sound(Model):
    """A sound card."""

    tag = "sound"
    model: str | None = text("@model", choices=SOUND_MODELS, required=True)
    multichannel: str | None = yes_no("@multichannel")
    streams: int | None = integer("@streams", positive=True, bits=32)
    codecs: list[Codec] = many("codec", Codec)
    audio_id: int | None = integer("audio/@id", required=True, positive=True, bits=32)
    driver: VirtioDriver | None = one("driver", VirtioDriver)
    info: Info = inline(Info)

    def after_parse(self, element: Element) -> None:
        if self.model not in ("ich6", "ich9"):
            self.codecs = []
        if self.model != "usb":
            self.multichannel = None
        if self.model == "virtio":
            self.streams = self.streams or _STREAMS
        else:
            self.streams = self.driver = None


class AudioSide(Model):
    """The input or output of an audio back end."""

    mixing_engine: str | None = yes_no("@mixingEngine")
    fixed_settings: str | None = yes_no("@fixedSettings")
    voices: int | None = integer("@voices", positive=True, bits=32)
    buffer_length: int | None = integer("@bufferLength", positive=True, bits=32)
    dev: str | None = text("@dev")
    buffer_count: int | None = integer("@bufferCount", or_none=True, bits=32)
    try_poll: str | None = yes_no("@tryPoll")
    name: str | None = text("@name")
    server_name: str | None = text("@serverName")
    client_name: str | None = text("@clientName")
    connect_ports: str | None = text("@connectPorts")
    exact_name: str | None = yes_no("@exactName")
    stream_name: str | None = text("@streamName")
    latency: int | None = integer("@latency", or_none=True, bits=32)
    settings_frequency: int | None = integer("settings/@frequency", positive=True, bits=32)
    settings_channels: int | None = integer("settings/@channels", positive=True, bits=32)
    settings_format: str | None = text(
        "settings/@format", choices=("u8", "s8", "u16", "s16", "u32", "s32", "f32")
    )

    def after_parse(self, element: Element) -> None:
        settings = (self.settings_frequency, self.settings_channels, self.settings_format)
        if any(settings) and self.fixed_settings != "yes":
            detail = "audio settings specified without fixed settings flag"
            raise VirError(CONFIG_UNSUPPORTED, detail)
        if self.fixed_settings == "yes" and self.mixing_engine != "yes":
            raise VirError(CONFIG_UNSUPPORTED, "fixed audio settings requires mixing engine")

    def fill_node(self, node: Node) -> None:
        super().fill_node(node)
        if self.fixed_settings == "yes" and not node.kids:
            node.add("settings")

    @classmethod
    def foreign(cls, element: Element) -> "Collection[str]":
        audio = element.getparent()
        return others(_OF_SIDES, (audio.get("type") if audio is not None else None) or "")


# What back ends of a type have beside what all have: themselves, and their sides.
_OWN: "dict[str, tuple[str, ...]]" = {
    "oss": ("try_mmap", "exclusive", "dsp_policy"),
    "pulseaudio": ("server_name",),
    "sdl": ("driver",),
    "file": ("path",),
    "pipewire": ("runtime_dir",),
}
_OF_SIDES: "dict[str, tuple[str, ...]]" = {
    "alsa": ("dev",),
    "coreaudio": ("buffer_count",),
    "jack": ("server_name", "client_name", "connect_ports", "exact_name"),
    "oss": ("dev", "buffer_count", "try_poll"),
    "pulseaudio": ("name", "stream_name", "latency"),
    "sdl": ("buffer_count",),
    "pipewire": ("name", "stream_name", "latency"),
}


class Audio(Model):
    """Where the guest's sound goes."""

    tag = "audio"
    id: int | None = integer("@id", required=True, positive=True, bits=32)
    type: str = text("@type", choices=AUDIO_TYPES, required=True)
    timer_period: int | None = integer("@timerPeriod", positive=True, bits=32)
    server_name: str | None = text("@serverName")
    try_mmap: str | None = yes_no("@tryMMap")
    exclusive: str | None = yes_no("@exclusive")
    dsp_policy: int | None = integer("@dspPolicy", signed=True, bits=32)
    runtime_dir: str | None = text("@runtimeDir")
    driver: str | None = text("@driver", choices=("esd", "alsa", "arts", "pulseaudio"))
    path: str | None = text("@path")
    input: AudioSide | None = one("input", AudioSide)
    output: AudioSide | None = one("output", AudioSide)

    @classmethod
    def parse(cls, element: Element) -> Self:
        if element.get("type") is None:
            raise VirError(XML_ERROR, "Missing required attribute 'type' in element 'audio'")
        return super().parse(element)

    @classmethod
    def foreign(cls, element: Element) -> "Collection[str]":
        return others(_OWN, element.get("type") or "")

    def after_parse(self, element: Element) -> None:
        if (self.dsp_policy or 0) < 0:
            raise VirError(XML_ERROR, f"cannot parse 'dspPolicy' value '{self.dsp_policy}'")
