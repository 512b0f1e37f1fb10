"""Disks where the definition leaves them open."""

from pyvirsh.backend.conf.domain.common import Address
from pyvirsh.backend.conf.domain.defaults import bus_of, disk_number, drive_address, insert_disk
from pyvirsh.backend.conf.domain.disk import Disk
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.source import DiskSource
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    INTERNAL_ERROR,
    NO_SOURCE,
    XML_ERROR,
    VirError,
)

# Protocols' own ports.
_PORTS = {
    "http": "80",
    "https": "443",
    "ftp": "21",
    "ftps": "990",
    "tftp": "69",
    "ssh": "22",
    "nbd": "10809",
    "iscsi": "3260",
    "gluster": "24007",
    "sheepdog": "7000",
    "vxhs": "9999",
}

# Units of a narrow SCSI bus, without the controller's own.
SCSI_UNITS = 7
_ON_DRIVES = ("ide", "scsi", "sata", "fdc")
_HARDDISKS = ("hd", "sd", "vd", "xvd", "ubd")


def order(domain: Domain) -> None:
    """Sort disks by their target's name within each bus stated; where none is, it follows from the name."""
    ordered: list[Disk] = []
    for disk in domain.devices.disks:
        insert_disk(ordered, disk)
    for disk in ordered:
        if disk.target_bus is None:
            disk.target_bus = bus_for(disk)
    domain.devices.disks = ordered


def bus_for(disk: Disk) -> str:
    """Return the bus of a disk that states none."""
    if disk.device == "floppy":
        return "fdc"
    return bus_of(disk.target_dev or "") or "ide"


def complete(domain: Domain) -> None:
    """Fill in drives' places, and check targets and sources."""
    nvram = domain.os.nvram
    if nvram is not None and nvram.source is not None:
        complete_hosts(nvram.source)
    for disk in domain.devices.disks:
        check_source(disk)
        check_target(disk)
        place(disk)
    place_scsi_hostdevs(domain)


def place(disk: Disk) -> None:
    """Fill in what follows from a disk's kind, its bus and its target."""
    if disk.device == "cdrom":
        disk.readonly = True
    if disk.type == "vhostuser":
        disk.snapshot = disk.snapshot or "no"
    elif disk.snapshot == "no" and disk.readonly:
        disk.snapshot = None
    if disk.source is not None:
        complete_hosts(disk.source)
    store = disk.backing
    while store is not None:
        if store.source is not None:
            complete_hosts(store.source)
        store = store.backing
    if disk.target_bus in _ON_DRIVES and disk.info.address is None:
        disk.info.address = drive_address(disk)


def duplicate(known: Disk, new: Disk) -> VirError:
    """Make the error for a target that another disk has."""
    sources = f"'{path_of(known) or '<null>'}' and '{path_of(new) or '<null>'}'"
    return VirError(XML_ERROR, f"target '{new.target_dev}' duplicated for disk sources {sources}")


def check_source(disk: Disk) -> None:
    """Check what is behind a disk.  Errors: NO_SOURCE, XML_ERROR, CONFIG_UNSUPPORTED."""
    source = disk.source
    if source is not None and bool(source.pool) != bool(source.volume):
        detail = "'pool' and 'volume' must be specified together for 'pool' type source"
        raise VirError(XML_ERROR, detail)


def check_medium(disk: Disk) -> None:
    """Check that a hard disk is on something.  Errors: NO_SOURCE."""
    named = path_of(disk) is not None and (disk.source is None or disk.source.protocol != "none")
    if disk.device == "disk" and not named and not _has_source(disk):
        raise VirError(NO_SOURCE, disk.target_dev or "")


def _has_source(disk: Disk) -> bool:
    source = disk.source
    return source is not None and disk.type not in ("file", "block", "dir") and source.protocol != "none"


def check_target(disk: Disk) -> None:
    """Check a disk's name, kind and place.  Errors: XML_ERROR, CONFIG_UNSUPPORTED, INTERNAL_ERROR."""
    target = disk.target_dev or ""
    if disk.target_dev is None:
        # It is refused with what else is found of each disk by itself.
        return
    if disk_number(target) < 0 and disk.info.address is None:
        raise VirError(XML_ERROR, f"Unknown disk name '{target}' and no address specified")
    if disk.device == "lun" and disk.type not in ("block", "network", "volume"):
        detail = "disk device='lun' is only valid for block type disk source"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    for name in ("rawio", "sgio"):
        if disk.device != "lun" and getattr(disk, name) is not None:
            raise VirError(CONFIG_UNSUPPORTED, f"{name} can be used only with device='lun'")
    bus, address = disk.target_bus, disk.info.address
    if disk.model is not None and bus != "virtio":
        raise VirError(CONFIG_UNSUPPORTED, f"disk model '{disk.model}' not supported for bus '{bus}'")
    if bus in _ON_DRIVES and address is not None and address.type != "drive":
        where = f"for the disk '{target}' with the bus type '{bus}'"
        raise VirError(CONFIG_UNSUPPORTED, f"Invalid address type '{address.type}' {where}")


def check_names(disk: Disk) -> None:
    """Check that a disk's name and bus are of its kind.  Errors: INTERNAL_ERROR."""
    target, bus = disk.target_dev or "", disk.target_bus
    if disk.device == "floppy" and bus != "fdc":
        raise VirError(INTERNAL_ERROR, f"Invalid bus type '{bus}' for floppy disk")
    if disk.device != "floppy" and bus == "fdc":
        raise VirError(INTERNAL_ERROR, f"Invalid bus type '{bus}' for disk")
    if disk.device == "floppy" and not target.startswith("fd"):
        raise VirError(INTERNAL_ERROR, f"Invalid floppy device name: {target}")
    if disk.device in ("disk", "lun") and not target.startswith(_HARDDISKS):
        raise VirError(INTERNAL_ERROR, f"Invalid harddisk device name: {target}")


def path_of(disk: Disk) -> "str | None":
    """Return what a disk's source is called on its host."""
    source = disk.source
    if source is None or disk.type == "vhostvdpa":
        return None
    name = source.name
    if name is not None and source.protocol in ("rbd", "gluster"):
        # The pool or volume in front is apart.
        name = name.partition("/")[2]
    return source.file or source.dev or source.dir or name


def complete_hosts(source: DiskSource) -> None:
    """Fill in the ports of servers reached by TCP."""
    port = _PORTS.get(source.protocol or "")
    for server in source.hosts:
        if server.port is None and server.transport in (None, "tcp") and server.socket is None:
            server.port = port


def place_scsi_hostdevs(domain: Domain) -> None:
    """Give SCSI devices of the host a free unit each, on a controller more where all are taken."""
    devices = domain.devices
    scsi = [one for one in devices.hostdevs if one.type == "scsi" and one.mode in (None, "subsystem")]
    held = [disk.info for disk in devices.disks if disk.target_bus == "scsi"] + [one.info for one in scsi]
    addresses = [info.address for info in held if info.address is not None and info.address.type == "drive"]
    taken = {(one.controller or 0, one.unit or 0) for one in addresses if not one.bus and not one.target}
    for hostdev in scsi:
        if hostdev.info.address is None:
            places = ((number, unit) for number in range(256) for unit in range(SCSI_UNITS))
            controller, unit = next(place for place in places if place not in taken)
            taken.add((controller, unit))
            hostdev.info.address = Address(type="drive", controller=controller, bus=0, target=0, unit=unit)
