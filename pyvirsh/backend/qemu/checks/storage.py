"""Checks of disks and file systems."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.common import Address
from pyvirsh.backend.conf.domain.disk import Disk
from pyvirsh.backend.conf.domain.filesystem import Filesystem
from pyvirsh.backend.errors import INTERNAL_ERROR, NO_SOURCE, XML_ERROR, VirError, refuse
from pyvirsh.backend.qemu.aliases import scsi_model
from pyvirsh.backend.qemu.facts import Facts, family

_SERIAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ .+")
_HEX = frozenset("0123456789abcdefABCDEF")
# Image formats.
FORMATS = (
    "raw",
    "qcow2",
    "qcow",
    "qed",
    "vmdk",
    "vdi",
    "vpc",
    "vhdx",
    "bochs",
    "cloop",
    "dmg",
    "parallels",
)
_BUSES = ("ide", "sata", "scsi", "virtio", "usb", "fdc", "sd", "xen", "uml")


def check(domain: Domain, facts: Facts) -> None:
    """Check the disks, one by one and among each other."""
    board = family(domain.os.machine or "")
    for disk in domain.devices.disks:
        _bus(disk, board)
        _driver(disk)
        _source(disk, facts)
        _details(disk)
        _protocol(disk)
    _unique_targets(domain)
    _unique_drives(domain)
    _targets(domain)
    for filesystem in domain.devices.filesystems:
        _filesystem(filesystem)


def _bus(disk: Disk, board: str) -> None:
    bus, target = disk.target_bus, disk.target_dev
    if bus is None:
        raise VirError(XML_ERROR, f"Unknown disk name '{target}' and no address specified")
    if bus not in _BUSES:
        raise refuse(f"disk '{target}': bus '{bus}' is not supported")
    if bus == "ide" and board != "i440fx":
        raise refuse("IDE controllers are unsupported for this QEMU binary or machine type")
    if disk.device == "floppy" and bus != "fdc":
        raise VirError(INTERNAL_ERROR, f"Invalid bus type '{bus}' for floppy disk")
    if disk.device == "floppy" and not (target or "").startswith("fd"):
        raise VirError(INTERNAL_ERROR, f"Invalid floppy device name: {target}")
    if disk.device != "floppy" and bus == "fdc":
        raise VirError(INTERNAL_ERROR, f"Invalid bus type '{bus}' for disk")
    if disk.device == "disk" and disk.readonly and bus in ("ide", "sata"):
        raise refuse(f"readonly {bus} disks are not supported")
    if disk.device == "cdrom" and bus == "virtio":
        raise refuse(f"disk type of '{target}' does not support ejectable media")
    if bus == "usb" and not disk.has_medium:
        raise refuse("'usb' disk must not be empty")
    _place(disk, board)


def _protocol(disk: Disk) -> None:
    protocol = disk.source.protocol if disk.source is not None else None
    if protocol in ("tftp", "sheepdog"):
        raise refuse(f"'{protocol}' protocol is not supported with this QEMU binary")


def _place(disk: Disk, board: str) -> None:
    address, bus = disk.info.address, disk.target_bus
    kind = address.type if address is not None else None
    if bus == "virtio" and kind not in ("pci", None):
        raise refuse(f"virtio disk cannot have an address of type '{kind}'")
    if bus in ("ide", "sata", "scsi", "fdc") and kind not in ("drive", None):
        raise refuse(f"unexpected address type for {bus} disk")
    if address is None or kind != "drive":
        return
    _numbers(disk, address)
    if bus == "ide" and board == "i440fx" and address.controller:
        raise VirError(INTERNAL_ERROR, "Only 1 IDE controller is supported")
    if bus == "fdc" and address.controller:
        raise VirError(INTERNAL_ERROR, "Only 1 fdc controller is supported")


def _numbers(disk: Disk, address: Address) -> None:
    """Refuse places that a controller of the kind does not have."""
    bus = disk.target_bus
    if bus == "fdc" and address.bus:
        raise VirError(INTERNAL_ERROR, "Only 1 fdc bus is supported")
    if bus == "scsi" and address.bus:
        raise VirError(INTERNAL_ERROR, "SCSI controller only supports 1 bus")
    if bus == "sata" and address.bus:
        raise refuse("bus must be 0 for sata controller")
    if address.target and bus in ("ide", "sata"):
        raise refuse(f"target must be 0 for {bus} controller")
    if address.target and bus == "fdc":
        raise refuse("target must be 0 for controller fdc")


def check_start(domain: Domain, facts: Facts) -> None:
    """Check what QEMU would refuse when the guest starts."""
    for filesystem in domain.devices.filesystems:
        if filesystem.driver_type == "handle":
            raise refuse("filesystem driver type='handle' is not supported: use 'path' or 'virtiofs'")
    for disk in domain.devices.disks:
        _newer(disk, facts)
        address = disk.info.address
        limits = {"ide": (1, 1), "fdc": (0, 1), "sata": (0, 5)}.get(disk.target_bus or "")
        if limits is None or address is None or address.type != "drive":
            continue
        if (address.bus or 0) > limits[0] or (address.unit or 0) > limits[1]:
            place = f"bus='{address.bus or 0}' unit='{address.unit or 0}'"
            raise refuse(f"disk '{disk.target_dev}': there is no {place} on an {disk.target_bus} controller")
        if disk.type == "volume":
            raise refuse(f"disk '{disk.target_dev}': type='volume' is not supported: name its file or device")


def _newer(disk: Disk, facts: Facts) -> None:
    """Refuse what older QEMUs lack."""
    driver = disk.driver
    if driver is None:
        return
    if driver.iothreads and not facts.has("virtio-blk-pci", "iothread-vq-mapping"):
        raise refuse(f"disk '{disk.target_dev}': driver/iothreads needs QEMU 9.0 or newer")
    if driver.discard_no_unref is not None and facts.version < (8, 1):
        raise refuse(f"disk '{disk.target_dev}': discard_no_unref needs QEMU 8.1 or newer")


def _driver(disk: Disk) -> None:
    driver, target = disk.driver, disk.target_dev
    if driver is None:
        return
    if driver.name not in (None, "qemu"):
        raise refuse(f"unsupported driver name '{driver.name}' for disk '{target}'")
    known = {"dir": ("fat",), "volume": (*FORMATS, "fat")}.get(disk.type, FORMATS)
    if driver.type not in (None, *known):
        if disk.type == "dir":
            raise refuse("storage type 'dir' requires use of storage format 'fat'")
        if driver.type == "fat":
            raise refuse("storage format 'fat' is supported only with 'dir' storage type")
        raise refuse(f"unknown driver format value '{driver.type}'")
    if driver.metadata_cache is not None and driver.type != "qcow2":
        raise refuse("metadata cache max size control is supported only with qcow2 images")
    if driver.rerror_policy == "enospace":
        raise refuse(f"Invalid disk read error policy: '{driver.rerror_policy}'")
    if driver.io == "native" and driver.cache not in ("none", "directsync"):
        raise refuse("io='native' needs either no disk cache or directsync cache mode")
    if driver.copy_on_read == "on" and disk.readonly:
        raise refuse("copy_on_read is not compatible with read-only disk")
    for option in (driver.queues, driver.queue_size, driver.event_idx, driver.ioeventfd):
        if option is not None and disk.target_bus != "virtio":
            raise refuse(f"disk '{target}': virtio options are only supported for virtio bus")


def _source(disk: Disk, facts: Facts) -> None:
    if disk.device in ("disk", "lun") and not disk.has_medium:
        if disk.type not in ("vhostuser", "vhostvdpa"):
            raise VirError(NO_SOURCE, disk.target_dev or "")
    source = disk.source
    needed = {"file": "file", "block": "dev", "dir": "dir", "network": "protocol"}.get(disk.type)
    if source is not None and needed is not None and disk.has_medium and not getattr(source, needed):
        raise VirError(NO_SOURCE, disk.target_dev or "")
    if disk.device == "lun" and disk.type not in ("block", "network", "volume"):
        raise refuse("disk device='lun' is only valid for block type disk source")
    if disk.device == "lun" and disk.target_bus not in ("scsi", "virtio"):
        raise refuse(f"disk device='lun' is not supported for bus='{disk.target_bus}'")
    if disk.device == "lun" and disk.target_bus == "virtio" and not facts.has("virtio-blk-pci", "scsi"):
        raise refuse("This QEMU doesn't support SCSI emulation with 'virtio-blk' device")
    if disk.type == "dir" and not disk.readonly:
        raise refuse("virtual FAT storage can't be accessed in read-write mode")


def _details(disk: Disk) -> None:
    bus = disk.target_bus
    if disk.geometry_cyls and bus in ("usb", "sd"):
        raise refuse(f"CHS geometry can not be set for '{bus}' bus")
    if disk.geometry_trans is not None and bus != "ide":
        raise refuse(f"CHS translation mode can only be set for 'ide' bus not '{bus}'")
    if disk.shareable and disk.driver is not None and disk.driver.type not in (None, "raw"):
        detail = "requires use of supported storage format"
        raise refuse(f"shared access for disk '{disk.target_dev}' {detail}")
    if disk.serial is not None and any(letter not in _SERIAL for letter in disk.serial):
        raise VirError(INTERNAL_ERROR, f"driver serial '{disk.serial}' contains unsafe characters")
    wwn = (disk.wwn or "").removeprefix("0x")
    if disk.wwn is not None and (len(wwn) != 16 or any(letter not in _HEX for letter in wwn)):
        raise VirError(INTERNAL_ERROR, f"Malformed wwn: {disk.wwn}")
    if disk.vendor is not None and len(disk.vendor) > 8:
        raise VirError(XML_ERROR, "disk vendor is more than 8 characters")
    if disk.product is not None and len(disk.product) > 16:
        raise VirError(XML_ERROR, "disk product is more than 16 characters")
    for name in ("vendor", "product", "wwn"):
        if getattr(disk, name) is not None and disk.target_bus not in ("scsi", "ide", "sata"):
            raise refuse(f"disk '{disk.target_dev}': {name} is only supported on bus scsi, ide or sata")


def _unique_targets(domain: Domain) -> None:
    seen: dict[str, Disk] = {}
    for disk in domain.devices.disks:
        other = seen.setdefault(disk.target_dev or "", disk)
        if other is not disk:
            names = [_shown(one) for one in (other, disk)]
            detail = f"target '{disk.target_dev}' duplicated for disk sources '{names[0]}' and '{names[1]}'"
            raise VirError(XML_ERROR, detail)


def _targets(domain: Domain) -> None:
    """Refuse targets on SCSI controllers that tell drives apart by their unit only."""
    for disk in domain.devices.disks:
        address = disk.info.address
        if disk.target_bus == "scsi" and address is not None and address.target:
            model = scsi_model(domain, address.controller or 0)
            if model == "lsilogic":
                raise refuse(f"target must be 0 for controller model '{model}'")


def _shown(disk: Disk) -> str:
    source = disk.source
    return (source.file or source.dev or source.name or "") if source is not None else ""


def _unique_drives(domain: Domain) -> None:
    seen: set[tuple[str, int, int, int, int]] = set()
    for disk in domain.devices.disks:
        address = disk.info.address
        if address is None or address.type != "drive":
            continue
        numbers = [address.controller, address.bus, address.target, address.unit]
        controller, bus, target, unit = (number or 0 for number in numbers)
        place = (disk.target_bus or "", controller, bus, target, unit)
        if place in seen:
            detail = (
                f"Found duplicate drive address for disk with target name '{disk.target_dev}' "
                f"controller='{controller}' bus='{bus}' target='{target}' unit='{unit}'"
            )
            raise refuse(detail)
        seen.add(place)


def _filesystem(filesystem: Filesystem) -> None:
    if filesystem.type != "mount":
        raise refuse("only supports mount filesystem type")
    if not (filesystem.source_dir or filesystem.source_socket):
        raise VirError(NO_SOURCE, text="missing source information for device")
    if not filesystem.target_dir and not filesystem.source_socket:
        raise VirError(XML_ERROR, "missing target of file system: name its tag by <target dir=''/>")
    if (filesystem.fmode or filesystem.dmode) and filesystem.accessmode != "mapped":
        raise refuse("fmode and dmode must be used with accessmode=mapped")
