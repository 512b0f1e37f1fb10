"""How a guest boots."""

from pyvirsh.backend.conf.domain.boot import Os
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.errors import XML_DETAIL, VirError, refuse

_TIMEOUTS = range(65536)


def check(domain: Domain) -> None:
    """Check timeouts, and fill in what kind the loader is."""
    os = domain.os
    if os.bootmenu_timeout is not None and os.bootmenu_timeout not in _TIMEOUTS:
        limits = f"[{_TIMEOUTS.start},{_TIMEOUTS.stop - 1}]"
        raise refuse(f"invalid value for boot menu timeout, must be in range {limits}")
    if os.bios_reboot_timeout is not None and not -1 <= os.bios_reboot_timeout < _TIMEOUTS.stop:
        limits = f"[-1,{_TIMEOUTS.stop - 1}]"
        raise refuse(f"invalid value for rebootTimeout, must be in range {limits}")
    if os.loader is not None:
        os.loader_type = os.loader_type or "rom"
    if os.firmware is not None and os.nvram is not None and os.nvram.format == "qcow2":
        os.loader_format = os.loader_format or os.nvram.format


def check_firmware(os: Os) -> None:
    """Check that loader, firmware and what they keep fit together."""
    enabled = {feature.name: feature.enabled for feature in os.firmware_features}
    if enabled.get("enrolled-keys") == "yes" and enabled.get("secure-boot") == "no":
        both = "'enrolled-keys' cannot be enabled when firmware feature 'secure-boot' is disabled"
        raise VirError(XML_DETAIL, f"firmware feature {both}")
    if os.firmware == "bios" and os.nvram is not None:
        raise VirError(XML_DETAIL, "firmware type 'bios' does not support nvram")
    if os.firmware is None and os.loader is None and (os.has_loader or os.nvram is not None):
        raise VirError(XML_DETAIL, "no loader path specified and firmware auto selection disabled")
    if os.loader_stateless == "yes" and os.nvram is not None:
        if os.nvram.template is not None:
            raise VirError(XML_DETAIL, "NVRAM template is not permitted when loader is stateless")
        raise VirError(XML_DETAIL, "NVRAM is not permitted when loader is stateless")
