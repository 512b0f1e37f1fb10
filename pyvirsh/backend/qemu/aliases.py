"""Names of a running guest's devices, as QEMU and the definition of a running guest show them."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.common import Info
from pyvirsh.backend.conf.domain.defaults import disk_number
from pyvirsh.backend.conf.domain.devices import Controller, MemoryModule
from pyvirsh.backend.conf.domain.disk import Disk
from pyvirsh.backend.qemu.facts import family

_NUMBERED = (
    ("filesystems", "fs"),
    ("sounds", "sound"),
    ("redirdevs", "redir"),
    ("videos", "video"),
    ("inputs", "input"),
    ("parallels", "parallel"),
    ("serials", "serial"),
    ("channels", "channel"),
    ("consoles", "console"),
    ("hubs", "hub"),
    ("shmems", "shmem"),
    ("smartcards", "smartcard"),
    ("watchdogs", "watchdog"),
    ("rngs", "rng"),
    ("tpms", "tpm"),
    ("panics", "panic"),
    ("cryptos", "crypto"),
)
# Kinds in which devices with names of their own are not counted.
_FOLLOWING = ("filesystems", "rngs", "cryptos")
_MEMORY = {"dimm": "dimm", "nvdimm": "nvdimm", "virtio-mem": "virtiomem", "virtio-pmem": "virtiopmem"}


def assign(domain: Domain) -> None:
    """Name every device that has no name of its own."""
    devices = domain.devices
    for disk in devices.disks:
        _name(disk.info, _disk(disk, domain))
    for controller in devices.controllers:
        _name(controller.info, _controller(controller, domain))
    _number([net.info for net in devices.interfaces if net.type != "hostdev"], "net")
    given = [net.info for net in devices.interfaces if net.type == "hostdev"]
    _number(given + [device.info for device in devices.hostdevs], "hostdev")
    for field, prefix in _NUMBERED:
        by_place = field not in _FOLLOWING
        _number([device.info for device in getattr(devices, field)], prefix, by_place=by_place)
    _name_console(domain)
    for device, alias in (
        (devices.memballoon, "balloon0"),
        (devices.nvram, "nvram"),
        (devices.vsock, "vsock0"),
        (devices.iommu, "iommu0"),
        (devices.pstore, "pstore0"),
    ):
        if device is not None:
            _name(device.info, alias)
    _memory(devices.memories)


def _name(info: Info, alias: str) -> None:
    info.alias = info.alias or alias


def _number(infos: "list[Info]", prefix: str, *, by_place: bool = False) -> None:
    """Name devices by the numbers that follow those of devices that run already.

    by_place: when none runs yet, the number is the device's place among its kind.
    """
    running = [number for info in infos if (number := _number_of(info, prefix)) is not None]
    following = max(running) + 1 if running else 0
    for at, info in enumerate(infos):
        if info.alias is None:
            number = at if by_place and not running else following
            info.alias, following = f"{prefix}{number}", number + 1


def _number_of(info: Info, prefix: str) -> "int | None":
    rest = (info.alias or "").removeprefix(prefix)
    return int(rest) if rest != info.alias and rest.isascii() and rest.isdigit() else None


def _name_console(domain: Domain) -> None:
    """Give the first console the name of the serial port it stands for."""
    devices = domain.devices
    if devices.consoles and devices.serials and devices.consoles[0].target_type == "serial":
        devices.consoles[0].info.alias = devices.serials[0].info.alias


def _memory(modules: "list[MemoryModule]") -> None:
    for at, module in enumerate(modules):
        prefix = _MEMORY.get(module.model, "memory")
        address = module.info.address
        slot = address.slot if address is not None and address.type == "dimm" else None
        taken = {other.info.alias for other in modules}
        number = slot if slot is not None else sum(one.model == module.model for one in modules[:at])
        while f"{prefix}{number}" in taken and module.info.alias is None:
            number += 1
        _name(module.info, f"{prefix}{number}")


def scsi_model(domain: Domain, index: int) -> str:
    """Return the model of a SCSI controller."""
    for controller in domain.devices.controllers:
        if controller.type == "scsi" and (controller.index or 0) == index:
            return controller.model or ""
    return ""


def narrow(model: str) -> bool:
    """Say whether a SCSI controller's drives have a bus and a unit only."""
    return model in ("lsilogic", "am53c974", "dc390")


def _disk(disk: Disk, domain: Domain) -> str:
    bus, address = disk.target_bus or "", disk.info.address
    if address is None or address.type != "drive" or bus not in ("ide", "scsi", "sata", "fdc"):
        number = max(disk_number(disk.target_dev or ""), 0)
        return f"{bus}-disk{number}"
    parts = [address.controller, address.bus, address.target, address.unit]
    if bus != "scsi" or narrow(scsi_model(domain, address.controller or 0)):
        del parts[2]
        if bus == "scsi":
            parts[2] = address.unit
    return bus + "-".join(str(part or 0) for part in parts)


def _controller(controller: Controller, domain: Domain) -> str:
    kind, index = controller.type, controller.index or 0
    board = family(domain.os.machine or "")
    if kind == "pci":
        return "pcie.0" if controller.model == "pcie-root" else f"pci.{index}"
    if kind == "usb" and not index:
        return "usb"
    if kind == "ide" and not index and board == "i440fx":
        return "ide"
    if kind == "sata" and not index and board == "q35":
        return "ide"
    return f"{kind}{index}"
