"""Choose firmware by its descriptors, and say where the guest's variables are kept.

Source: QEMU, docs/interop/firmware.json; what libvirt makes of <os firmware=''>.
"""

from fnmatch import fnmatchcase

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.boot import FirmwareFeature, Nvram, Os
from pyvirsh.backend.conf.domain.features import Features
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, OPERATION_FAILED, VirError
from pyvirsh.backend.qemu.facts import Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Descriptor = dict[str, Any]

_INTERFACES = {"efi": "uefi", "bios": "bios"}
_NAMED_FEATURES = ("enrolled-keys", "secure-boot")
# Where descriptors are missing: firmware that distributions ship in pairs, code and variables.
_PAIRS = {
    "/usr/share/OVMF/OVMF_CODE.fd": "/usr/share/OVMF/OVMF_VARS.fd",
    "/usr/share/OVMF/OVMF_CODE.secboot.fd": "/usr/share/OVMF/OVMF_VARS.fd",
    "/usr/share/AAVMF/AAVMF_CODE.fd": "/usr/share/AAVMF/AAVMF_VARS.fd",
    "/usr/share/AAVMF/AAVMF32_CODE.fd": "/usr/share/AAVMF/AAVMF32_VARS.fd",
}


def choose(domain: Domain, host: Host) -> None:
    """Fill in loader and variables.

    Errors: OPERATION_FAILED when <os firmware=''> asks for what no descriptor offers.
    """
    os = domain.os
    automatic = os.firmware is not None
    if automatic and os.firmware == "efi" and not (domain.features and domain.features.acpi):
        raise VirError(CONFIG_UNSUPPORTED, "UEFI requires ACPI on this architecture")
    if automatic or _by_path(os):
        found = next((one for one in host.firmware if _suits(one, domain)), None)
        if found is not None:
            _apply(found, domain)
        elif automatic and not (os.loader and os.loader_type):
            detail = (
                f"Unable to find '{os.firmware}' firmware that is compatible with the current configuration"
            )
            raise VirError(OPERATION_FAILED, detail)
    _complete_loader(os)
    _complete_variables(domain, host)


def _by_path(os: Os) -> bool:
    """Say whether a loader is stated whose descriptor is worth looking for."""
    return bool(os.loader) and os.loader_type == "pflash" and os.loader_stateless != "yes"


def _suits(one: "Descriptor", domain: Domain) -> bool:
    """Say whether a descriptor's firmware can be the guest's."""
    os = domain.os
    if _INTERFACES[os.firmware or "efi"] not in one.get("interface-types", ()):
        return False
    arch, machine = os.arch, os.machine or ""
    targets = one.get("targets", ())
    if not any(
        target.get("architecture") == arch
        and any(fnmatchcase(machine, pattern) for pattern in target.get("machines", ()))
        for target in targets
    ):
        return False
    return _suits_features(set(one.get("features", ())), domain) and _suits_mapping(one["mapping"], os)


def _suits_features(features: "set[str]", domain: Domain) -> bool:
    os, pm = domain.os, domain.pm
    for asked in os.firmware_features:
        if (asked.name in features) != (asked.enabled == "yes"):
            return False
    if os.loader_secure is not None and ("secure-boot" in features) != (os.loader_secure == "yes"):
        return False
    smm = domain.features.smm_state if domain.features else None
    if "requires-smm" in features and smm == "off":
        return False
    if pm is not None and (pm.suspend_to_mem == "yes" and "acpi-s3" not in features):
        return False
    if pm is not None and (pm.suspend_to_disk == "yes" and "acpi-s4" not in features):
        return False
    security = domain.launch_security
    return security is None or security.type != "sev" or "amd-sev" in features


def _suits_mapping(mapping: "Descriptor", os: Os) -> bool:
    if mapping.get("device") == "memory":
        return _suits_memory(mapping, os)
    if mapping.get("device") != "flash" or os.loader_type == "rom":
        return False
    stateless = mapping.get("mode", "split") == "stateless"
    if stateless != (os.loader_stateless == "yes"):
        return False
    if mapping.get("mode", "split") == "combined" or os.loader_readonly == "no":
        return False
    executable = mapping["executable"]
    if os.loader and os.loader != executable["filename"]:
        return False
    formats = (os.loader_format, os.nvram.format if os.nvram else None)
    if not stateless and executable["format"] not in (os.loader_format or formats[1] or "raw",):
        return False
    return stateless or _suits_template(mapping.get("nvram-template"), os)


def _suits_memory(mapping: "Descriptor", os: Os) -> bool:
    if os.loader_type == "pflash" or os.nvram is not None:
        return False
    return not os.loader or os.loader == mapping["filename"]


def _suits_template(template: "Descriptor | None", os: Os) -> bool:
    nvram = os.nvram
    if template is None or nvram is None:
        return template is not None
    if nvram.template and nvram.template != template["filename"]:
        return False
    wanted = nvram.template_format or nvram.format
    return wanted is None or wanted == template["format"]


def _apply(one: "Descriptor", domain: Domain) -> None:
    """Fill in a descriptor's firmware."""
    os, mapping = domain.os, one["mapping"]
    features = set(one.get("features", ()))
    os.firmware = os.firmware or "efi"
    if mapping["device"] == "memory":
        os.loader = mapping["filename"]
        os.loader_type, os.loader_format = "rom", "raw"
    else:
        os.loader = mapping["executable"]["filename"]
        os.loader_format = mapping["executable"]["format"]
        os.loader_type, os.loader_readonly = "pflash", "yes"
    remote = os.nvram is not None and os.nvram.type == "network"
    if (template := mapping.get("nvram-template")) is not None and not remote:
        os.nvram = os.nvram or Nvram()
        os.nvram.template = template["filename"]
        os.nvram.template_format = template["format"]
        os.nvram.format = os.nvram.format or template["format"]
    if "requires-smm" in features:
        domain.features = domain.features or Features()
        domain.features.smm, domain.features.smm_state = True, "on"
        os.loader_secure = "yes"
    named = [name for name in _NAMED_FEATURES if name == "secure-boot" or not remote]
    _name_features(os, {name: "yes" if name in features else "no" for name in named})


def _name_features(os: Os, states: "dict[str, str]") -> None:
    stated = {one.name: one for one in os.firmware_features}
    for name, enabled in states.items():
        stated[name] = FirmwareFeature(name=name, enabled=enabled)
    os.firmware_features = [stated[name] for name in sorted(stated, key=str)]


def _complete_loader(os: Os) -> None:
    if os.loader:
        if os.loader_type != "rom":
            os.loader_format = os.loader_format or "raw"
        os.loader_type = os.loader_type or "rom"


def _complete_variables(domain: Domain, host: Host) -> None:
    """Say where variables are kept, for firmware in read-only flash that has any."""
    os = domain.os
    if os.loader_type != "pflash" or os.loader_readonly != "yes" or os.loader_stateless == "yes":
        return
    os.nvram = nvram = os.nvram or Nvram()
    nvram.format = nvram.format or "raw"
    if nvram.template is None and nvram.source is None and os.loader in _PAIRS:
        nvram.template, nvram.template_format = _PAIRS[os.loader], "raw"
    if nvram.path is None and nvram.source is None:
        suffix = "fd" if nvram.format == "raw" else nvram.format
        nvram.path = f"{host.nvram_dir}/{domain.name}_VARS.{suffix}"
