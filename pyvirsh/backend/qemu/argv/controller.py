"""Controllers: buses of all kinds that other devices are attached to."""

from pyvirsh.backend.conf.domain.devices import Controller, ControllerDriver
from pyvirsh.backend.conf.domain.disk import MappedThread
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, VirError
from pyvirsh.backend.qemu.argv.plan import Plan, switch, virtio, virtio_name
from pyvirsh.backend.qemu.facts import family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Props = dict[str, Any]

# Kinds in the order they are made: what others are plugged into comes first.
_ORDER = ("pci", "usb", "scsi", "ide", "sata", "virtio-serial", "nvme")
_USB = {
    "piix3-uhci": "piix3-usb-uhci",
    "piix4-uhci": "piix4-usb-uhci",
    "ehci": "usb-ehci",
    "ich9-ehci1": "ich9-usb-ehci1",
    "ich9-uhci1": "ich9-usb-uhci1",
    "ich9-uhci2": "ich9-usb-uhci2",
    "ich9-uhci3": "ich9-usb-uhci3",
    "vt82c686b-uhci": "vt82c686b-usb-uhci",
    "pci-ohci": "pci-ohci",
    "nec-xhci": "nec-usb-xhci",
    "qemu-xhci": "qemu-xhci",
}
_SCSI = {
    "lsilogic": "lsi",
    "lsisas1068": "mptsas1068",
    "lsisas1078": "megasas",
    "vmpvscsi": "pvscsi",
    "am53c974": "am53c974",
    "dc390": "dc-390",
}


def add(plan: Plan) -> None:
    """Make the controllers that the board does not bring."""
    _hole(plan)
    _hotplug(plan)
    for kind in _ORDER:
        _all_of(plan, kind)


def add_usb(plan: Plan) -> None:
    """Make what sits on USB and has devices of its own: hubs, readers of smart cards."""
    for hub in plan.domain.devices.hubs:
        plan.device({"driver": "usb-hub", "id": hub.info.alias, **plan.address(hub.info)})
    _all_of(plan, "ccid")


def _all_of(plan: Plan, kind: str) -> None:
    for controller in plan.domain.devices.controllers:
        if controller.type == kind and (props := _device(plan, controller)):
            plan.device(props)


def _hole(plan: Plan) -> None:
    """State the size of the hole for 64-bit PCI addresses."""
    board = {"i440fx": "i440FX-pcihost", "q35": "q35-pcihost"}.get(family(plan.domain.os.machine or ""))
    for controller in plan.domain.devices.controllers:
        if controller.type == "pci" and not controller.index and controller.pcihole64 is not None and board:
            plan.add("global", f"{board}.pci-hole64-size={controller.pcihole64}K")


def _hotplug(plan: Plan) -> None:
    """Let nothing be plugged into the board's own PCI bus if its controller says so."""
    for controller in plan.domain.devices.controllers:
        if controller.type == "pci" and controller.model == "pci-root" and controller.hotplug is not None:
            plan.add("global", f"PIIX4_PM.acpi-root-pci-hotplug={controller.hotplug}")


def _device(plan: Plan, controller: Controller) -> "Props":
    """Return the device; {} if the board brings it."""
    kind = controller.type
    board = family(plan.domain.os.machine or "")
    built_in = {"i440fx": ("ide",), "q35": ("sata",)}.get(board, ())
    if kind in built_in and not controller.index:
        return {}
    makers = {
        "pci": _pci,
        "usb": _usb,
        "scsi": _scsi,
        "sata": _sata,
        "virtio-serial": _serial,
        "ccid": _ccid,
        "nvme": _nvme,
    }
    if kind not in makers:
        detail = f"controller type '{kind}' is not supported on machine type '{plan.domain.os.machine}'"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    return makers[kind](plan, controller)


def _pci(plan: Plan, controller: Controller) -> "Props":
    model = controller.model or ""
    if model in ("pci-root", "pcie-root"):
        return {}
    expander = model.endswith("expander-bus")
    port = model in ("pcie-root-port", "pcie-switch-downstream-port")
    return {
        "driver": controller.model_name,
        "port": controller.port if port else None,
        "chassis": controller.chassis if port else None,
        "chassis_nr": controller.chassis_nr if model == "pci-bridge" else None,
        "bus_nr": controller.bus_nr if expander else None,
        "mem-reserve": controller.mem_reserve * 1024 if controller.mem_reserve is not None else None,
        "id": controller.info.alias,
        "numa_node": controller.numa_node if expander else None,
        "hotplug": switch(controller.hotplug),
        **plan.address(controller.info),
    }


def _usb(plan: Plan, controller: Controller) -> "Props":
    model = controller.model or ""
    if model == "none":
        return {}
    if model not in _USB:
        raise VirError(CONFIG_UNSUPPORTED, f"model type '{model}' is not supported for usb controller")
    props: Props = {"driver": _USB[model]}
    if model in ("nec-xhci", "qemu-xhci"):
        props |= {"p2": controller.ports, "p3": controller.ports}
    if (start := controller.info.master_startport) is not None:
        props |= {"masterbus": f"{controller.info.alias}.0", "firstport": start}
    else:
        props["id"] = controller.info.alias
    return {**props, **plan.address(controller.info)}


def _scsi(plan: Plan, controller: Controller) -> "Props":
    model = controller.model or ""
    if not model.startswith("virtio"):
        if model not in _SCSI:
            raise VirError(CONFIG_UNSUPPORTED, f"Unsupported controller model: {model}")
        return {"driver": _SCSI[model], "id": controller.info.alias, **plan.address(controller.info)}
    driver = controller.driver or ControllerDriver()
    name = "virtio-scsi-pci"
    if model not in ("virtio-scsi",):
        name = virtio_name("virtio-scsi", model)
    return {
        "driver": name,
        **virtio(driver.virtio),
        "iothread": f"iothread{driver.iothread}" if driver.iothread is not None else None,
        "id": controller.info.alias,
        "num_queues": driver.queues,
        "cmd_per_lun": driver.cmd_per_lun,
        "max_sectors": driver.max_sectors,
        "ioeventfd": switch(driver.ioeventfd),
        "iothread-vq-mapping": mapping(driver.iothreads),
        **plan.address(controller.info),
    }


def mapping(threads: "list[MappedThread]") -> "list[Props] | None":
    """Return which I/O thread serves which virtqueues; None if nothing is said."""
    found = []
    for thread in threads:
        one: Props = {"iothread": f"iothread{thread.id}"}
        if thread.queues:
            one["vqs"] = [queue.id for queue in thread.queues]
        found.append(one)
    return found or None


def _sata(plan: Plan, controller: Controller) -> "Props":
    return {"driver": "ahci", "id": controller.info.alias, **plan.address(controller.info)}


def _serial(plan: Plan, controller: Controller) -> "Props":
    driver = controller.driver or ControllerDriver()
    return {
        "driver": virtio_name("virtio-serial", controller.model),
        **virtio(driver.virtio),
        "id": controller.info.alias,
        "max_ports": controller.ports,
        "vectors": controller.vectors,
        **plan.address(controller.info),
    }


def _ccid(plan: Plan, controller: Controller) -> "Props":
    return {"driver": "usb-ccid", "id": controller.info.alias, **plan.address(controller.info)}


def _nvme(plan: Plan, controller: Controller) -> "Props":
    return {
        "driver": "nvme",
        "id": controller.info.alias,
        "serial": controller.serial,
        **plan.address(controller.info),
    }
