"""What all devices have in common: boot order, alias, address."""

from pyvirsh.backend.conf.domain.common import Info
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.filling.inactive import infos
from pyvirsh.backend.errors import refuse

# Devices that one can boot from, and those with a ROM.
_BOOTED = ("disks", "interfaces", "hostdevs", "redirdevs", "filesystems")
_WITH_ROM = ("interfaces", "hostdevs")
_PLACED_BY_HOST = ("hostdevs",)


def check(domain: Domain) -> None:
    """Check boot orders and kinds of addresses; drop what a device cannot have."""
    _trim(domain)
    orders: set[int] = set()
    for info in infos(domain.devices):
        check_order(domain, info, orders)


def check_aliases(domain: Domain) -> None:
    """Refuse one alias for two devices."""
    aliases: set[str] = set()
    consoles = domain.devices.consoles
    # The first console may be the first serial port, by the same name.
    twin = consoles[0].info if consoles and consoles[0].target_type == "serial" else None
    for info in infos(domain.devices):
        if info.alias is not None and info is not twin:
            if info.alias in aliases:
                raise refuse(f"non unique alias detected: {info.alias}")
            aliases.add(info.alias)


def check_order(domain: Domain, info: Info, taken: "set[int]") -> None:
    """Check a device's place in the boot order against those that are taken, and take it."""
    order = info.boot_order
    if order is None:
        return
    if domain.os.boot:
        raise refuse("per-device boot elements cannot be used together with os/boot elements")
    if order in taken:
        raise refuse(f"boot order '{order}' used for more than one device")
    taken.add(order)


def _trim(domain: Domain) -> None:
    for name in domain.devices.declared():
        held = getattr(domain.devices, name)
        for device in held if isinstance(held, list) else [held]:
            info = getattr(device, "info", None)
            if not isinstance(info, Info):
                continue
            if name not in _BOOTED:
                info.boot_order = info.boot_loadparm = None
            if name not in _WITH_ROM:
                info.rom_enabled = info.rom_bar = info.rom_file = None
            address = info.address
            if address is not None and address.type == "unassigned" and name not in _PLACED_BY_HOST:
                raise refuse("address of type 'unassigned' is supported only for hostdevs")
