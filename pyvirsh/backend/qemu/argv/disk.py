"""Disks, and the flash that firmware is in."""

from pyvirsh.backend.conf.domain.common import Info
from pyvirsh.backend.conf.domain.disk import Disk, DiskDriver
from pyvirsh.backend.conf.domain.source import DiskSource
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, VirError
from pyvirsh.backend.qemu.aliases import narrow, scsi_model
from pyvirsh.backend.qemu.argv import storage
from pyvirsh.backend.qemu.argv.controller import mapping
from pyvirsh.backend.qemu.argv.plan import Plan, escaped, switch, virtio, virtio_name
from pyvirsh.backend.qemu.argv.storage import Layer
from pyvirsh.backend.qemu.facts import family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Props = dict[str, Any]

_BOOT = {"disk": "hd", "lun": "hd", "cdrom": "cdrom", "floppy": "fd"}


def pflash(plan: Plan) -> None:
    """Make the block nodes of firmware in flash and of its variables."""
    os = plan.domain.os
    if os.loader_type != "pflash" or not os.loader:
        return
    code = Layer("file", DiskSource(file=os.loader), os.loader_format or "raw", "libvirt-pflash0")
    code.readonly = os.loader_readonly == "yes"
    code.wrapped = True
    code.below = True
    storage.emit(plan, code)
    if os.nvram is not None:
        nvram = os.nvram
        source = nvram.source or DiskSource(file=nvram.path)
        kept = Layer(nvram.type or "file", source, nvram.format or "raw", "libvirt-pflash1")
        kept.readonly = False
        kept.below = True
        storage.emit(plan, kept)


def add(plan: Plan) -> None:
    """Attach the disks."""
    disks = plan.domain.devices.disks
    numbers = _numbers(disks)
    _drive_order(plan)
    for disk in disks:
        if disk.type == "vhostuser":
            _vhost_user(plan, disk)
            continue
        node = _throttled(plan, disk, numbers[id(disk)]) if disk.has_medium else None
        plan.device(_device(plan, disk, node))


def _drive_order(plan: Plan) -> None:
    """State the places of floppy drives in the boot order: properties of their controller.

    Only older boards bring that controller.
    """
    floppies = [disk for disk in plan.domain.devices.disks if disk.target_bus == "fdc"]
    order = {}
    for disk in floppies:
        address = disk.info.address
        if index := boot_index(plan, disk):
            order[f"bootindex{'B' if address is not None and address.unit else 'A'}"] = index
    if family(plan.domain.os.machine or "") != "i440fx" and floppies:
        plan.device({"driver": "isa-fdc", **order})
        return
    for name, index in order.items():
        plan.add("global", f"isa-fdc.{name}={index}")


def _numbers(disks: "list[Disk]") -> "dict[int, list[int]]":
    """Number all images and limits: those of the last disk first, each chain from its top."""
    found, number = {}, 0
    for disk in reversed(disks):
        count = storage.length(disk) + len(disk.throttle_groups)
        found[id(disk)] = list(range(number + 1, number + count + 1))
        number += count
    return found


def reservations(plan: Plan) -> None:
    """Make the object of the helper that all disks with managed reservations share."""
    disks = plan.domain.devices.disks
    if any(disk.source and disk.source.reservations_managed == "yes" for disk in disks):
        plan.object("pr-manager-helper", "pr-helper0", {"path": f"{plan.paths.run}/pr-helper0.sock"})


def _throttled(plan: Plan, disk: Disk, numbers: "list[int]") -> str:
    """Append a disk's block nodes and the limits on them; return the one its device uses."""
    node = _nodes(plan, disk, numbers)
    for group, number in zip(disk.throttle_groups, numbers[storage.length(disk) :], strict=False):
        above = f"libvirt-{number}-filter"
        props = {
            "driver": "throttle",
            "node-name": above,
            "throttle-group": f"throttle-{group}",
            "file": node,
        }
        plan.json("blockdev", props)
        node = above
    return node


def _nodes(plan: Plan, disk: Disk, numbers: "list[int]") -> str:
    """Append a disk's block nodes; return the one its device uses."""
    top = storage.chain(disk, numbers)
    source = top.source
    if source.reservations_managed == "no":
        name = f"pr-helper-{top.name}-storage"
        plan.object("pr-manager-helper", name, {"path": source.reservations_path})
    node = storage.emit(plan, top)
    if disk.driver is not None and disk.driver.copy_on_read == "on":
        above = f"libvirt-CoR-{disk.target_dev}"
        plan.json(
            "blockdev", {"driver": "copy-on-read", "node-name": above, "file": node, "discard": "unmap"}
        )
        return above
    return node


# -- devices -------------------------------------------------------------------------------------------


def boot_index(plan: Plan, disk: Disk) -> "int | None":
    """Return a disk's place in the boot order: its own, or that of its kind for the first of the kind."""
    if disk.info.boot_order:
        return disk.info.boot_order
    kind = _BOOT[disk.device]
    order = plan.domain.os.boot
    if kind not in order:
        return None
    first = next(one for one in plan.domain.devices.disks if _BOOT[one.device] == kind)
    return order.index(kind) + 1 if first is disk else None


def _device(plan: Plan, disk: Disk, node: "str | None") -> "Props":
    bus = disk.target_bus or ""
    makers = {"ide": _ide, "sata": _sata, "scsi": _scsi, "virtio": _virtio, "usb": _usb, "fdc": _floppy}
    if bus not in makers:
        raise VirError(INTERNAL_ERROR, f"unsupported disk bus '{bus}' with device setup")
    place = makers[bus](plan, disk)
    index = None if bus == "fdc" else boot_index(plan, disk)
    return {
        **place,
        "share-rw": True if disk.shareable else None,
        "drive": node,
        "id": disk.info.alias,
        "bootindex": index,
        **_geometry(disk),
        **(_removable(disk) if bus == "usb" else {}),
        **_policies(disk),
    }


def _geometry(disk: Disk) -> "Props":
    return {
        "logical_block_size": disk.logical_block_size,
        "physical_block_size": disk.physical_block_size,
        "discard_granularity": disk.discard_granularity,
        "wwn": int(disk.wwn, 16) if disk.wwn else None,
        "rotation_rate": disk.target_rotation_rate,
        "vendor": disk.vendor,
        "product": disk.product,
        "cyls": disk.geometry_cyls,
        "heads": disk.geometry_heads,
        "secs": disk.geometry_secs,
        "bios-chs-trans": disk.geometry_trans,
    }


def _removable(disk: Disk) -> "Props":
    return {"removable": disk.target_removable == "on"}


_ERRORS = {"enospace": "enospc"}


def _policies(disk: Disk) -> "Props":
    """Return the serial number, what is done on errors, and whether the guest sees a write cache."""
    driver = disk.driver or DiskDriver()
    mode = storage.cache_mode(disk)
    cached = None if mode is None or disk.device == "lun" else mode not in ("directsync", "writethrough")
    write, read = driver.error_policy, driver.rerror_policy
    if read is None and write in ("stop", "report", "ignore"):
        read = write
    return {
        "write-cache": None if cached is None else "on" if cached else "off",
        "dpofua": switch(disk.target_dpofua),
        "serial": disk.serial,
        "werror": _ERRORS.get(write or "", write),
        "rerror": read,
    }


def _ide(plan: Plan, disk: Disk) -> "Props":
    address = disk.info.address
    bus, unit = (address.bus or 0, address.unit or 0) if address is not None else (0, 0)
    return {"driver": _ide_driver(disk), "bus": f"ide.{bus}", "unit": unit}


def _ide_driver(disk: Disk) -> str:
    return "ide-cd" if disk.device == "cdrom" else "ide-hd"


def _sata(plan: Plan, disk: Disk) -> "Props":
    address = disk.info.address
    unit = address.unit or 0 if address is not None else 0
    alias = _controller(plan, "sata", address.controller or 0 if address is not None else 0)
    return {"driver": _ide_driver(disk), "bus": f"{alias}.{unit}"}


def _controller(plan: Plan, kind: str, index: int) -> str:
    for controller in plan.domain.devices.controllers:
        if controller.type == kind and (controller.index or 0) == index:
            return controller.info.alias or ""
    raise VirError(
        CONFIG_UNSUPPORTED, f"Could not find {kind} controller with index {index} required for device"
    )


def _scsi(plan: Plan, disk: Disk) -> "Props":
    address = disk.info.address
    if address is None:
        raise VirError(CONFIG_UNSUPPORTED, f"disk '{disk.target_dev}' has no address")
    driver = {"lun": "scsi-block", "cdrom": "scsi-cd"}.get(disk.device, "scsi-hd")
    device_id = None
    if disk.device != "lun":
        device_id = disk.serial or f"drive-{disk.info.alias}"
    alias = _controller(plan, "scsi", address.controller or 0)
    return {"driver": driver, "bus": f"{alias}.0", **scsi_place(plan, disk.info), "device_id": device_id}


def scsi_place(plan: Plan, info: Info) -> "Props":
    """Return where a drive sits on its SCSI bus."""
    address = info.address
    if address is None:
        return {}
    if narrow(scsi_model(plan.domain, address.controller or 0)):
        return {"scsi-id": address.unit or 0}
    return {"channel": address.bus or 0, "scsi-id": address.target or 0, "lun": address.unit or 0}


def _virtio(plan: Plan, disk: Disk) -> "Props":
    driver = disk.driver or DiskDriver()
    return {
        "driver": virtio_name("virtio-blk", disk.model),
        "iothread": f"iothread{driver.iothread}" if driver.iothread is not None else None,
        **virtio(driver.virtio),
        "ioeventfd": switch(driver.ioeventfd),
        "event_idx": switch(driver.event_idx),
        "num-queues": driver.queues,
        "queue-size": driver.queue_size,
        "iothread-vq-mapping": mapping(driver.iothreads),
        **plan.address(disk.info),
    }


def _usb(plan: Plan, disk: Disk) -> "Props":
    return {"driver": "usb-storage", **plan.address(disk.info)}


def _floppy(plan: Plan, disk: Disk) -> "Props":
    address = disk.info.address
    return {"driver": "floppy", "unit": address.unit or 0 if address is not None else 0}


# -- vhost-user ----------------------------------------------------------------------------------------


def _vhost_user(plan: Plan, disk: Disk) -> None:
    """Attach a disk that another process serves."""
    source = disk.source or DiskSource()
    name = f"chr-vu-{disk.info.alias}"
    again = ""
    if source.reconnect is not None and source.reconnect.enabled == "yes":
        again = "," + reconnect(plan, source.reconnect.timeout or 0)
    plan.add("chardev", f"socket,id={name},path={escaped(source.path or '')}{again}")
    driver = disk.driver or DiskDriver()
    plan.device(
        {
            "driver": virtio_name("vhost-user-blk", disk.model),
            **virtio(driver.virtio),
            "num-queues": driver.queues,
            "queue-size": driver.queue_size,
            **plan.address(disk.info),
            "chardev": name,
            "id": disk.info.alias,
            "bootindex": boot_index(plan, disk),
        }
    )


def reconnect(plan: Plan, seconds: int) -> str:
    """Return the option by which a client socket connects anew, in the form that this QEMU has."""
    if "reconnect-ms" in plan.facts.options.get("chardev", ()):
        return f"reconnect-ms={seconds * 1000}"
    return f"reconnect={seconds}"
