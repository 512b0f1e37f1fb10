"""Input devices."""

from pyvirsh.backend.conf.domain.devices import Input
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, VirError


def check(domain: Domain) -> None:
    """Check which device can be on which bus."""
    for device in domain.devices.inputs:
        _check(device)


def _check(device: Input) -> None:
    kind, bus = device.type, device.bus
    if bus == "ps2" and kind not in ("mouse", "keyboard"):
        raise VirError(INTERNAL_ERROR, f"ps2 bus does not support {kind} input device")
    if bus == "xen":
        raise VirError(INTERNAL_ERROR, f"unsupported input bus {bus}")
    if device.model is not None and bus != "virtio":
        detail = f"only bus 'virtio' is supported for input model '{device.model}'"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    if kind == "passthrough" and bus != "virtio":
        detail = "only bus 'virtio' is supported for 'passthrough' input devices"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    if kind == "evdev" and bus not in (None, "none"):
        raise VirError(CONFIG_UNSUPPORTED, "input evdev doesn't support bus element")
