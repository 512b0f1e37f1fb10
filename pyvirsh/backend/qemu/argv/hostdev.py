"""Devices of the host that are given to the guest."""

from pyvirsh.backend.conf.domain.hostdev import HostDev, HostdevSource
from pyvirsh.backend.conf.domain.net import Interface, InterfaceSource
from pyvirsh.backend.conf.domain.source import DiskSource
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, VirError
from pyvirsh.backend.qemu.argv import storage
from pyvirsh.backend.qemu.argv.disk import scsi_place
from pyvirsh.backend.qemu.argv.net import boot_index
from pyvirsh.backend.qemu.argv.plan import Plan, switch, virtio_name
from pyvirsh.backend.qemu.argv.storage import Layer, host_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Props = dict[str, Any]


def add(plan: Plan) -> None:
    """Attach the host's devices."""
    makers = {"pci": _pci, "usb": _usb, "scsi": _scsi, "scsi_host": _scsi_host, "mdev": _mediated}
    for interface in plan.domain.devices.interfaces:
        if interface.type == "hostdev":
            _interface(plan, interface)
    for device in plan.domain.devices.hostdevs:
        if device.mode == "capabilities" or device.type not in makers:
            raise VirError(CONFIG_UNSUPPORTED, f"hostdev type '{device.type}' is not supported")
        address = device.info.address
        if address is None or address.type != "unassigned":
            makers[device.type](plan, device)


def _source(device: HostDev) -> HostdevSource:
    return device.source or HostdevSource()


def _pci(plan: Plan, device: HostDev) -> None:
    address = _source(device).address
    if address is None:
        raise VirError(CONFIG_UNSUPPORTED, "hostdev source: a PCI device is named by its address")
    plan.device(
        {
            "driver": _driver(device),
            "host": host_address(address),
            "id": device.info.alias,
            "display": device.display,
            "ramfb": switch(device.ramfb),
            "failover_pair_id": device.teaming_persistent,
            "bootindex": device.info.boot_order,
            **plan.address(device.info),
            **plan.rom(device.info),
        }
    )


def _usb(plan: Plan, device: HostDev) -> None:
    source = _source(device)
    address = source.address
    props: Props = {"driver": "usb-host"}
    if address is not None and address.bus and address.device:
        props["hostdevice"] = f"/dev/bus/usb/{address.bus:03d}/{address.device:03d}"
    elif source.vendor and source.product:
        props |= {"vendorid": int(source.vendor, 0), "productid": int(source.product, 0)}
    elif source.startup_policy != "optional":
        raise VirError(
            CONFIG_UNSUPPORTED, "hostdev source: a USB device needs vendor and product, or an address"
        )
    props["id"] = device.info.alias
    reset = source.guest_reset
    if reset is not None:
        props["guest-reset"] = reset != "off"
        props["guest-resets-all"] = reset == "on" if reset != "off" else None
    props["bootindex"] = device.info.boot_order
    plan.device({**props, **plan.address(device.info)})


def _scsi(plan: Plan, device: HostDev) -> None:
    source = _source(device)
    devices = plan.domain.devices
    before = next(at for at, one in enumerate(_scsi_devices(devices.hostdevs)) if one is device)
    others = sum(storage.length(disk) + len(disk.throttle_groups) for disk in devices.disks)
    name = f"libvirt-{others + before + 1}"
    if source.protocol != "iscsi":
        detail = "hostdev type='scsi': only iSCSI is supported: give a local device as a disk device='lun'"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    remote = DiskSource(protocol="iscsi", name=source.name, initiator_iqn=source.initiator_iqn)
    remote.hosts, remote.auth = source.hosts, source.auth
    layer = Layer("network", remote, "raw", name)
    layer.readonly, layer.device = device.readonly, True
    node = storage.emit(plan, layer)
    alias = f"scsi{device.info.address.controller or 0}" if device.info.address else "scsi0"
    plan.device(
        {
            "driver": "scsi-generic",
            "drive": node,
            "id": device.info.alias,
            "bus": f"{alias}.0",
            **scsi_place(plan, device.info),
            "share-rw": True if device.shareable else None,
            "bootindex": device.info.boot_order,
        }
    )


def _scsi_devices(hostdevs: "list[HostDev]") -> "list[HostDev]":
    return [one for one in hostdevs if one.type == "scsi"]


def _scsi_host(plan: Plan, device: HostDev) -> None:
    number = plan.fd("vhost-scsi", device.info.alias or "")
    plan.device(
        {
            "driver": virtio_name("vhost-scsi", device.model),
            "wwpn": _source(device).wwpn,
            "vhostfd": str(number),
            "id": device.info.alias,
            **plan.address(device.info),
        }
    )


def _driver(device: HostDev) -> str:
    """Return QEMU's device; one with a frame buffer of firmware's cannot be unplugged."""
    model = device.model if device.type == "mdev" else None
    if model in ("vfio-ccw", "vfio-ap"):
        return model
    return "vfio-pci-nohotplug" if device.ramfb == "on" else "vfio-pci"


def _mediated(plan: Plan, device: HostDev) -> None:
    address = _source(device).address
    uuid = address.uuid if address is not None else None
    plan.device(
        {
            "driver": _driver(device),
            "id": device.info.alias,
            "sysfsdev": f"/sys/bus/mdev/devices/{uuid}",
            "display": device.display,
            "ramfb": switch(device.ramfb),
            "bootindex": device.info.boot_order,
            **plan.address(device.info),
        }
    )


def _interface(plan: Plan, interface: Interface) -> None:
    """Give the guest a network card of the host."""
    source = interface.source or InterfaceSource()
    address = source.address
    if address is None:
        raise VirError(CONFIG_UNSUPPORTED, "interface source: a host device is named by a PCI address")
    plan.device(
        {
            "driver": "vfio-pci",
            "host": host_address(address),
            "id": interface.info.alias,
            "failover_pair_id": interface.teaming_persistent,
            "bootindex": boot_index(plan, interface),
            **plan.address(interface.info),
            **plan.rom(interface.info),
        }
    )
