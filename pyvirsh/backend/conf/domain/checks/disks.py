"""Disks."""

from pyvirsh.backend.conf.domain.common import Address
from pyvirsh.backend.conf.domain.disk import Disk, DiskDriver, IoTune
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.filling.disks import check_medium, check_names, duplicate
from pyvirsh.backend.conf.domain.source import Auth
from pyvirsh.backend.conf.model import repeats
from pyvirsh.backend.errors import (
    INTERNAL_ERROR,
    NO_TARGET,
    OPERATION_UNSUPPORTED,
    XML_ERROR,
    VirError,
    refuse,
)

_HEX = frozenset("0123456789abcdefABCDEF")
_VENDOR_LENGTH = 8
_PRODUCT_LENGTH = 16
SECRET_TYPES = ("none", "ceph", "iscsi", "volume", "tls", "vtpm")


def _fault(detail: str) -> VirError:
    return VirError(XML_ERROR, detail)


def check(domain: Domain) -> None:
    """Check disks, one by one."""
    groups = {group.group_name for group in domain.throttle_groups}
    for disk in domain.devices.disks:
        check_disk(disk)
        for name in disk.throttle_groups:
            if name not in groups:
                raise _fault(f"throttle group '{name}' not found")


def check_together(domain: Domain) -> None:
    """Check that no two disks have one name or place."""
    taken: dict[str | None, Disk] = {}
    for disk in domain.devices.disks:
        if disk.target_dev in taken:
            raise duplicate(taken[disk.target_dev], disk)
        taken[disk.target_dev] = disk
    _check_places(domain.devices.disks)


def _check_places(disks: "list[Disk]") -> None:
    places: dict[tuple[str | None, int, int, int, int], Disk] = {}
    for disk in disks:
        address = disk.info.address
        if address is None or address.type != "drive":
            continue
        place = (disk.target_bus, *_drive(address))
        if place in places:
            raise _same_place(places[place], address)
        places[place] = disk


def _drive(address: Address) -> "tuple[int, int, int, int]":
    return address.controller or 0, address.bus or 0, address.target or 0, address.unit or 0


def _same_place(disk: Disk, address: Address) -> VirError:
    controller, bus, target, unit = _drive(address)
    place = f"controller='{controller}' bus='{bus}' target='{target}' unit='{unit}'"
    name = f"target name '{disk.target_dev}'"
    return refuse(f"Found duplicate drive address for disk with {name} {place}")


def check_disk(disk: Disk) -> None:
    """Check one disk."""
    if disk.target_dev is None:
        raise VirError(NO_TARGET, disk.shown())
    _driver(disk)
    check_names(disk)
    if disk.type == "vhostuser":
        _vhostuser(disk)
    _source(disk)
    _lun(disk)
    _bus(disk)
    _names(disk)
    if disk.iotune is not None:
        check_iotune(disk.iotune)
    _throttled(disk)
    check_medium(disk)


def _driver(disk: Disk) -> None:
    driver = disk.driver
    if driver is None:
        return
    if driver.rerror_policy == "enospace":
        raise refuse(f"Invalid disk read error policy: '{driver.rerror_policy}'")
    if driver.iothread is not None and driver.iothreads:
        detail = "disk driver 'iothread' attribute can't be used together with 'iothreads' subelement"
        raise _fault(detail)
    if driver.discard_no_unref == "on" and driver.type != "qcow2":
        raise refuse("'discard_no_unref' only works with qcow2 disk format")
    if driver.discard_no_unref == "on" and disk.readonly:
        raise refuse("'discard_no_unref' is not compatible with read-only disk")
    if disk.target_bus != "virtio":
        _virtio_only(driver)


def _virtio_only(driver: DiskDriver) -> None:
    for value, detail in (
        (driver.queues, "queues attribute in disk driver element is only supported for virtio bus"),
        (driver.queue_size, "queue_size attribute in disk driver is only supported for virtio bus"),
        (driver.event_idx, "disk event_idx mode supported only for virtio bus"),
        (driver.ioeventfd, "disk ioeventfd mode supported only for virtio bus"),
    ):
        if value is not None:
            raise refuse(detail)
    for name in driver.virtio.declared():
        if getattr(driver.virtio, name) is not None:
            raise refuse(f"{name} driver option is only supported for virtio devices")


def _vhostuser(disk: Disk) -> None:
    """Refuse what a disk served by another process cannot have."""
    if disk.target_bus != "virtio":
        raise refuse("vhostuser disk supports only virtio bus")
    if disk.snapshot != "no":
        raise refuse("only snapshot=no is supported with vhostuser disk")
    driver = disk.driver or DiskDriver()
    stated: dict[str, object] = {
        name: getattr(driver, name)
        for name in "cache error_policy io ioeventfd copy_on_read discard iothread detect_zeroes".split()
    }
    stated["metadata_cache"] = driver.metadata_cache
    stated["iotune"], stated["backingStore"] = disk.iotune, disk.backing
    for name in "encryption readonly shareable transient serial wwn vendor product auth".split():
        stated[name] = getattr(disk, name)
    stated["geometry"] = disk.geometry_cyls
    stated["blockio"] = disk.logical_block_size or disk.physical_block_size
    if disk.source is not None:
        stated["encryption"] = stated["encryption"] or disk.source.encryption
        stated["auth"] = stated["auth"] or disk.source.auth
    stated["error_policy"] = stated["error_policy"] or driver.rerror_policy
    for name, value in stated.items():
        if value:
            raise refuse(f"{name} is not supported with vhostuser disk")


def _source(disk: Disk) -> None:
    source = disk.source
    if source is None:
        return
    if source.reservations_managed is not None and disk.device != "lun":
        raise refuse("<reservations/> allowed only for lun devices")
    policy = source.startup_policy
    if policy is not None and disk.type in ("network", "nvme", "vhostuser", "vhostvdpa"):
        raise _fault(f"disk startupPolicy '{policy}' is not allowed for disk of '{disk.type}' type")
    if policy == "requisite" and disk.device not in ("cdrom", "floppy"):
        raise _fault("disk startupPolicy 'requisite' is allowed only for cdrom or floppy")
    _auth(disk)


def _auth(disk: Disk) -> None:
    """Check how to log in to the servers that a disk, and what is below it, are on."""
    if disk.source is not None:
        _check_auth(disk.source.protocol, disk.auth or disk.source.auth)
    store = disk.backing
    while store is not None:
        if store.source is not None:
            _check_auth(store.source.protocol, store.source.auth)
        store = store.backing


def _check_auth(protocol: "str | None", auth: "Auth | None") -> None:
    """Check that a login's secret is of the kind that a protocol has.  Errors: CONFIG_UNSUPPORTED."""
    if auth is None or auth.secret is None or protocol is None:
        return
    kind = auth.secret.type
    if kind not in SECRET_TYPES:
        raise refuse(f"unknown secret type '{'<null>' if kind is None else kind}'")
    if protocol not in ("rbd", "iscsi", "http", "https", "ftp", "ftps", "ssh"):
        raise refuse(f"authentication is not supported for protocol '{protocol}'")
    needed = {"rbd": "ceph", "iscsi": "iscsi"}.get(protocol, "" if kind == "none" else kind)
    if kind != needed:
        raise refuse(f"invalid secret type '{kind}'")


def _lun(disk: Disk) -> None:
    protocol = disk.source.protocol if disk.source is not None else None
    if disk.device == "lun" and disk.type == "network" and protocol != "iscsi":
        raise refuse(f"disk device='lun' is not supported for protocol='{protocol}'")
    if disk.sgio == "unfiltered":
        raise refuse("unfiltered sgio is no longer supported")
    if disk.device == "lun" and disk.driver is not None and disk.driver.type not in (None, "raw"):
        raise refuse("disk device 'lun' must use 'raw' format")


def _bus(disk: Disk) -> None:
    bus = disk.target_bus
    if disk.target_tray is not None and disk.device not in ("cdrom", "floppy"):
        raise refuse("tray is only valid for cdrom and floppy")
    if disk.target_removable is not None and bus not in ("usb", "scsi"):
        raise _fault("removable is only valid for usb or scsi disks")


def _names(disk: Disk) -> None:
    wwn = (disk.wwn or "").removeprefix("0x")
    if disk.wwn is not None and (len(wwn) != 16 or not _HEX.issuperset(wwn)):
        raise VirError(INTERNAL_ERROR, f"Malformed wwn: {disk.wwn}")
    for kind, value in (("vendor", disk.vendor), ("product", disk.product)):
        if value is not None and not (value.isascii() and value.isprintable()):
            raise _fault(f"disk {kind} is not printable string")
    if len(disk.vendor or "") > _VENDOR_LENGTH:
        raise refuse(f"disk vendor is more than {_VENDOR_LENGTH} characters")
    if len(disk.product or "") > _PRODUCT_LENGTH:
        raise refuse(f"disk product is more than {_PRODUCT_LENGTH} characters")


def check_iotune(tune: IoTune) -> None:
    """Refuse limits of the total beside those of reads or writes."""
    for unit in ("bytes", "iops"):
        for suffix in ("_sec", "_sec_max"):
            name = f"{unit}{suffix}"
            if getattr(tune, f"total_{name}") and (
                getattr(tune, f"read_{name}") or getattr(tune, f"write_{name}")
            ):
                raise _fault(f"total and read/write {name} cannot be set at the same time")


def _throttled(disk: Disk) -> None:
    if not disk.throttle_groups:
        return
    for name in repeats(disk.throttle_groups):
        raise _fault(f"duplicate filter name '{name}' found")
    if disk.device == "cdrom":
        raise VirError(OPERATION_UNSUPPORTED, "cdrom device with throttle filters isn't supported")
    if disk.iotune is not None and not disk.iotune.is_empty():
        detail = f"block 'throttlefilters' can't be used together with 'iotune' for disk '{disk.target_dev}'"
        raise VirError(OPERATION_UNSUPPORTED, detail)
