"""Sound cards and where their sound goes."""

from pyvirsh.backend.conf.domain.sound import Audio, AudioSide, Sound
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, VirError
from pyvirsh.backend.qemu.argv.plan import Plan, switch, virtio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Props = dict[str, Any]

_BACKENDS = {"pulseaudio": "pa", "file": "wav"}
_CARDS = {
    "ac97": "AC97",
    "es1370": "ES1370",
    "sb16": "sb16",
    "ich6": "intel-hda",
    "ich9": "ich9-intel-hda",
    "usb": "usb-audio",
    "virtio": "virtio-sound-pci",
}
_CODECS = {"duplex": "hda-duplex", "micro": "hda-micro", "output": "hda-output"}


def backends(plan: Plan) -> None:
    """Make the audio back ends."""
    for audio in plan.domain.devices.audios:
        plan.json("audiodev", _backend(plan, audio))


def _backend(plan: Plan, audio: Audio) -> "Props":
    props: Props = {"id": f"audio{audio.id}", "driver": _BACKENDS.get(audio.type, audio.type)}
    props["timer-period"] = audio.timer_period
    if audio.type == "pulseaudio":
        props["server"] = audio.server_name
    elif audio.type == "oss":
        props |= {
            "try-mmap": switch(audio.try_mmap),
            "exclusive": switch(audio.exclusive),
            "dsp-policy": audio.dsp_policy,
        }
    elif audio.type == "file":
        props["path"] = audio.path
    if audio.type == "pipewire" and audio.runtime_dir:
        plan.command.env["PIPEWIRE_RUNTIME_DIR"] = audio.runtime_dir
    if audio.type == "sdl" and audio.driver:
        plan.command.env["SDL_AUDIODRIVER"] = audio.driver
    props["in"] = _side(audio.type, audio.input)
    props["out"] = _side(audio.type, audio.output)
    return props


def _side(kind: str, side: "AudioSide | None") -> "Props | None":
    if side is None or side.is_empty():
        return None
    props: Props = {
        "mixing-engine": switch(side.mixing_engine),
        "fixed-settings": switch(side.fixed_settings),
        "voices": side.voices,
        "buffer-length": side.buffer_length,
        "frequency": side.settings_frequency,
        "channels": side.settings_channels,
        "format": side.settings_format,
        "dev": side.dev,
        "buffer-count": side.buffer_count,
        "try-poll": switch(side.try_poll),
        "name": side.name,
        "stream-name": side.stream_name,
        "latency": side.latency,
        "server-name": side.server_name,
        "client-name": side.client_name,
        "connect-ports": side.connect_ports,
        "exact-name": switch(side.exact_name),
    }
    return {name: value for name, value in props.items() if value is not None}


def cards(plan: Plan) -> None:
    """Attach the sound cards; the speaker belongs to the board."""
    for sound in plan.domain.devices.sounds:
        if sound.model == "pcspk":
            continue
        if sound.model not in _CARDS:
            raise VirError(CONFIG_UNSUPPORTED, f"sound card model '{sound.model}' is not supported")
        backend = f"audio{sound.audio_id or _first(plan)}"
        high_definition = sound.model in ("ich6", "ich9")
        plan.device(
            {
                "driver": _CARDS[sound.model],
                **virtio(sound.driver),
                "id": sound.info.alias,
                "audiodev": None if high_definition else backend,
                "streams": (sound.streams or 2) if sound.model == "virtio" else None,
                "multi": switch(sound.multichannel) if sound.model == "usb" else None,
                **plan.address(sound.info),
            }
        )
        if high_definition:
            _codecs(plan, sound, backend)


def _first(plan: Plan) -> int:
    audios = plan.domain.devices.audios
    if not audios:
        raise VirError(INTERNAL_ERROR, "unable to find audio backend for sound device")
    return audios[0].id or 1


def _codecs(plan: Plan, sound: Sound, backend: str) -> None:
    kinds = [codec.type or "duplex" for codec in sound.codecs] or ["duplex"]
    for number, kind in enumerate(kinds):
        alias = sound.info.alias
        plan.device(
            {
                "driver": _CODECS[kind],
                "id": f"{alias}-codec{number}",
                "bus": f"{alias}.0",
                "cad": number,
                "audiodev": backend,
            }
        )
