"""Devices attached to, changed in and detached from a domain."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.domain import Devices, Domain
from pyvirsh.backend.conf.domain.checks.disks import check_disk
from pyvirsh.backend.conf.domain.checks.interfaces import check_one as check_interface
from pyvirsh.backend.conf.domain.checks.others import check_hostdev
from pyvirsh.backend.conf.domain.common import Info
from pyvirsh.backend.conf.domain.defaults import disk_number, insert_disk
from pyvirsh.backend.conf.domain.devices import MemoryModule
from pyvirsh.backend.conf.domain.disk import Disk, DiskDriver
from pyvirsh.backend.conf.domain.filling import interfaces
from pyvirsh.backend.conf.domain.filling.disks import bus_for, check_source, check_target, path_of, place
from pyvirsh.backend.conf.domain.filling.inactive import infos, strip_alias, strip_disk, strip_interface
from pyvirsh.backend.conf.domain.hostdev import HostDev
from pyvirsh.backend.conf.domain.net import Interface
from pyvirsh.backend.conf.model import Model
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    INTERNAL_ERROR,
    INVALID_ARG,
    OPERATION_UNSUPPORTED,
    XML_DETAIL,
    XML_ERROR,
    VirError,
)
from pyvirsh.backend.test.base import TestBase
from pyvirsh.backend.test.guest import Guest

# Elements whose kind is called otherwise in messages.
_KINDS = dict.fromkeys(("serial", "parallel", "console", "channel"), "chr")
# Names that the kinds of host devices have in one message of the original's.
_HOSTDEV_KINDS = {"usb": "default", "scsi": "vfio", "scsi_host": "xen"}


# Tag -> the field that says whether a device is on the USB, and how it says so.
_USB = {
    "disk": ("target_bus", "usb"),
    "hostdev": ("type", "usb"),
    "interface": ("model", "usb-net"),
    "serial": ("target_type", "usb-serial"),
    "sound": ("model", "usb"),
    "controller": ("type", "ccid"),
}
# Devices that one can boot from.
_BOOTED = (Disk, HostDev, Interface)
# Kinds of interfaces that can be attached to a domain that runs.
_PLUGGED = ("bridge", "ethernet")


def parse_device(document: str) -> "tuple[str, Model]":
    """Return an element's tag and the device it describes.  Errors: CONFIG_UNSUPPORTED, XML_ERROR."""
    root = xml.parse(document, "(device_definition)")
    tag = xml.local_name(root)
    for field in Devices.declared().values():
        if getattr(field, "steps", ()) == (tag,) and hasattr(field, "model"):
            return tag, field.model().parse(root)
    raise VirError(CONFIG_UNSUPPORTED, f"unknown device type '{tag}'")


def _live(flags: int, guest: Guest, function: str) -> None:
    """Check that flags ask for the live definition only.  Errors: INVALID_ARG, OPERATION_INVALID."""
    asked = guest.impact(flags & 3) | flags & ~3
    allowed(asked, c.DOMAIN_AFFECT_LIVE, function)


class DeviceChanges(TestBase):
    """Attach, update, detach."""

    def domain_attach_device(self, dom: DomainRef, xml: str) -> None:
        self.domain_attach_device_flags(dom, xml)

    def domain_attach_device_flags(self, dom: DomainRef, xml: str, flags: int = 0) -> None:
        guest = self.guest(dom)
        _live(flags, guest, "testDomainAttachDeviceLiveAndConfig")
        tag, device = parse_device(xml)
        _prepare(guest, guest.live.model, tag, device)
        _check_alias(guest.live.model, device)
        _check_fits(guest.live.model, tag, device)
        if isinstance(device, Disk):
            _attach_disk(guest, device)
        elif isinstance(device, HostDev):
            _attach_host_device(guest, device)
        elif isinstance(device, Interface):
            _attach_interface(guest, device)
        else:
            kind = _KINDS.get(tag, tag)
            raise VirError(OPERATION_UNSUPPORTED, f"live attach of device '{kind}' is not supported")

    def domain_detach_device_alias(self, dom: DomainRef, alias: str, flags: int = 0) -> None:
        guest = self.guest(dom)
        _live(flags, guest, "testDomainDetachDeviceAliasLiveAndConfig")
        tag, device, devices = _find_alias(guest.live.model, alias)
        if isinstance(device, Interface) and device.type not in _PLUGGED:
            detail = f"live detach of interface type {device.type} is not implemented yet"
            raise VirError(OPERATION_UNSUPPORTED, detail)
        if not isinstance(device, (Disk, HostDev, Interface)):
            kind = _KINDS.get(tag, tag)
            raise VirError(OPERATION_UNSUPPORTED, f"live detach of device '{kind}' is not supported")
        guest.live.change()
        devices.remove(device)
        guest.emit(c.DOMAIN_EVENT_ID_DEVICE_REMOVED, alias)

    def domain_update_device_flags(self, dom: DomainRef, xml: str, flags: int = 0) -> None:
        allowed(flags, c.DOMAIN_AFFECT_LIVE | c.DOMAIN_AFFECT_CONFIG, "testDomainUpdateDeviceFlags")
        guest = self.guest(dom)
        definitions = guest.asked(flags)
        tag, device = parse_device(xml)
        _prepare(guest, definitions[0].model, tag, device)
        if not isinstance(device, Disk):
            kind = _KINDS.get(tag, tag)
            detail = f"persistent update of device '{kind}' is not supported"
            raise VirError(OPERATION_UNSUPPORTED, detail)
        # All of them are changed, or none.
        places = [_place_of(definition.model, device) for definition in definitions]
        for definition, at in zip(definitions, places, strict=True):
            definition.change().devices.disks[at] = device.copy()


def _place_of(model: Domain, disk: Disk) -> int:
    """Return which disk of a domain another one is to replace.  Errors: INVALID_ARG, CONFIG_UNSUPPORTED."""
    for at, known in enumerate(model.devices.disks):
        if known.target_dev == disk.target_dev:
            _check_boot(model, disk, known)
            return at
    raise VirError(INVALID_ARG, f"target {disk.target_dev} doesn't exist.")


# -- attach ------------------------------------------------------------------------------------------


def _prepare(guest: Guest, model: Domain, tag: str, device: Model) -> None:
    """Check a device by itself and fill in what it leaves open."""
    if isinstance(info := getattr(device, "info", None), Info):
        strip_alias(info)
    if isinstance(device, Disk):
        strip_disk(device)
        _complete(device)
        groups = {group.group_name for group in model.throttle_groups}
        for name in device.throttle_groups:
            if name not in groups:
                raise VirError(XML_ERROR, f"throttle group '{name}' not found")
    elif isinstance(device, Interface):
        strip_interface(device)
        interfaces.complete_one(device, guest.world.new_mac, guest.world.new_uuid)
        check_interface(device)
    elif isinstance(device, HostDev):
        check_hostdev(device)
    elif tag == "redirdev" and not _has_usb(model):
        detail = "cannot add redirected USB device: USB is disabled for this domain"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    elif isinstance(device, MemoryModule) and _has_node(device) and not (model.cpu and model.cpu.cells):
        detail = "can't add memory backend as guest has no NUMA nodes configured"
        raise VirError(XML_DETAIL, detail)


def _has_node(module: MemoryModule) -> bool:
    return module.target is not None and module.target.node is not None


def _has_usb(model: Domain) -> bool:
    return any(one.type == "usb" and one.model != "none" for one in model.devices.controllers)


def _check_alias(model: Domain, device: Model) -> None:
    """Refuse an alias that another device has.  Errors: CONFIG_UNSUPPORTED."""
    alias = _alias(device)
    if alias in _aliases(model):
        raise VirError(CONFIG_UNSUPPORTED, f"non unique alias detected: {alias}")


def _check_fits(model: Domain, tag: str, device: Model) -> None:
    """Refuse what the domain has no bus for, or no place in the boot order."""
    if not _has_usb(model) and _wants_usb(tag, device):
        detail = "Device configuration is not compatible: Domain has no USB bus support"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    _check_boot(model, device)
    if tag == "memory" and model.max_memory is None:
        detail = "cannot use/hotplug a memory device when domain 'maxMemory' is not defined"
        raise VirError(CONFIG_UNSUPPORTED, detail)


def _check_boot(model: Domain, device: Model, replaced: "Model | None" = None) -> None:
    """Refuse a place in the boot order that cannot be had."""
    order = _boot_order(device)
    if order is None or order == _boot_order(replaced):
        return
    if model.os.boot:
        detail = "per-device boot elements cannot be used together with os/boot elements"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    if any(info.boot_order == order for info in infos(model.devices)):
        raise VirError(CONFIG_UNSUPPORTED, f"boot order {order} is already used by another device")


def _boot_order(device: "Model | None") -> "int | None":
    info = getattr(device, "info", None)
    return info.boot_order if isinstance(info, Info) and isinstance(device, _BOOTED) else None


def _wants_usb(tag: str, device: Model) -> bool:
    if tag == "input" and getattr(device, "type", None) != "evdev":
        own = None if getattr(device, "type", None) in ("mouse", "keyboard") else "usb"
        return (getattr(device, "bus", None) or own) == "usb"
    name, value = _USB.get(tag, ("", ""))
    return tag == "hub" or bool(name) and getattr(device, name, None) == value


def _complete(disk: Disk) -> None:
    disk.target_bus = disk.target_bus or bus_for(disk)
    check_source(disk)
    place(disk)
    check_target(disk)
    check_disk(disk)


def _attach_disk(guest: Guest, disk: Disk) -> None:
    disks = guest.live.model.devices.disks
    drive = next((one for one in disks if one.target_dev == disk.target_dev), None)
    if disk.device == "cdrom" and drive is not None:
        guest.live.change()
        drive.source, drive.type, drive.readonly = disk.source if path_of(disk) else None, disk.type, True
        drive.driver = drive.driver or DiskDriver()
        drive.driver.type = disk.driver.type if disk.driver is not None else None
        return
    if disk.device == "cdrom" and disk.target_bus == "virtio":
        raise VirError(OPERATION_UNSUPPORTED, "cdrom device with virtio bus isn't supported")
    if disk.device == "floppy":
        raise VirError(OPERATION_UNSUPPORTED, "floppy device hotplug isn't supported")
    _check_free(disks, disk)
    if disk.target_bus not in ("virtio", "usb"):
        raise VirError(OPERATION_UNSUPPORTED, f"disk bus '{disk.target_bus}' cannot be hotplugged.")
    disk.info.alias = disk.info.alias or f"{disk.target_bus}-disk{disk_number(disk.target_dev or '')}"
    guest.live.change()
    insert_disk(disks, disk)
    guest.emit(c.DOMAIN_EVENT_ID_DEVICE_ADDED, disk.info.alias)


def _check_free(disks: "list[Disk]", disk: Disk) -> None:
    for one in disks:
        if one.target_dev == disk.target_dev:
            sources = f"'{path_of(one) or '<null>'}' and '{path_of(disk) or '<null>'}'"
            detail = f"target '{disk.target_dev}' duplicated for disk sources {sources}"
            raise VirError(XML_ERROR, detail)


def _attach_interface(guest: Guest, interface: Interface) -> None:
    if interface.type not in _PLUGGED:
        detail = f"hotplug of interface type of {interface.type} is not implemented yet"
        raise VirError(OPERATION_UNSUPPORTED, detail)
    if interface.info.alias is None:
        taken = _aliases(guest.live.model)
        numbers = [int(alias[3:]) for alias in taken if alias.startswith("net") and alias[3:].isdigit()]
        interface.info.alias = f"net{max(numbers, default=-1) + 1}"
    guest.live.change().devices.interfaces.append(interface)
    guest.emit(c.DOMAIN_EVENT_ID_DEVICE_ADDED, interface.info.alias)


def _attach_host_device(guest: Guest, device: HostDev) -> None:
    kind = _HOSTDEV_KINDS.get(device.type or "")
    if kind is not None:
        detail = f"hotplug is not supported for hostdev subsys type '{kind}'"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    device.managed = device.managed or "no"
    guest.live.change().devices.hostdevs.append(device)


# -- by alias ----------------------------------------------------------------------------------------


def _with_alias(model: Domain) -> "list[tuple[str, Model, list[Model]]]":
    """Return the devices that have an alias: tag, device, and the list it stands in."""
    found: list[tuple[str, Model, list[Model]]] = []
    for name, field in Devices.declared().items():
        value = getattr(model.devices, name)
        devices = value if isinstance(value, list) else [value]
        found += [
            (field.steps[-1], device, devices)
            for device in devices
            if isinstance(device, Model) and _alias(device)
        ]
    return found


def _aliases(model: Domain) -> "set[str]":
    return {alias for _, device, _ in _with_alias(model) if (alias := _alias(device))}


def _alias(device: Model) -> "str | None":
    info = getattr(device, "info", None)
    return info.alias if isinstance(info, Info) else None


def _find_alias(model: Domain, alias: str) -> "tuple[str, Model, list[Model]]":
    for tag, device, devices in _with_alias(model):
        if _alias(device) == alias:
            return tag, device, devices
    raise VirError(INTERNAL_ERROR, f"no device found with alias {alias}")
