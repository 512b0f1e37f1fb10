"""Controllers, and whether there is USB for what needs it."""

from pyvirsh.backend.conf.domain.devices import CONTROLLER_MODELS, Controller, ControllerDriver
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.errors import XML_ERROR, VirError, refuse

_PCI_INDEX_MAX = 255
# What a PCI controller states about itself, with its limits.
_LIMITS = (
    ("chassisNr", "chassis_nr", range(1, 256)),
    ("chassis", "chassis", range(256)),
    ("port", "port", range(256)),
    ("busNr", "bus_nr", range(1, 255)),
)
_TARGETS = range(31)
_VIRTIO_SCSI = [at for at, name in enumerate(CONTROLLER_MODELS["scsi"]) if name.startswith("virtio")]


def check(domain: Domain) -> None:
    """Check controllers, one by one."""
    for controller in domain.devices.controllers:
        _driver(controller, controller.driver or ControllerDriver())
        if controller.type == "pci":
            _pci(controller)
    _no_usb(domain)


def _driver(controller: Controller, driver: ControllerDriver) -> None:
    models = CONTROLLER_MODELS.get(controller.type, ())
    number = models.index(controller.model) if controller.model in models else -1
    virtio = controller.type == "scsi" and (controller.model or "").startswith("virtio")
    if driver.iothread is not None and not virtio:
        # libvirt goes by the model's number here, whatever the type.
        if number not in _VIRTIO_SCSI:
            raise VirError(XML_ERROR, "'iothread' attribute only supported for virtio scsi controllers")
        raise refuse("iothreads are supported only by 'virtio-scsi' controllers")
    if driver.iothread is not None and driver.iothreads:
        both = "'iothread' attribute can't be used together with 'iothreads' subelement"
        raise VirError(XML_ERROR, f"controller driver {both}")
    if driver.iothreads and not virtio:
        raise refuse("iothreads are supported only by 'virtio-scsi' controllers")


def _pci(controller: Controller) -> None:
    index = controller.index or 0
    if controller.info.address is not None and controller.model in ("pci-root", "pcie-root"):
        raise refuse("pci-root and pcie-root controllers should not have an address")
    if index > _PCI_INDEX_MAX:
        raise refuse(f"PCI controller index {index} too high, maximum is {_PCI_INDEX_MAX}")
    target = controller.target_index
    if target is not None and target not in _TARGETS:
        limits = f"{_TARGETS.start}-{_TARGETS.stop - 1}"
        raise refuse(f"PCI controller target index '{target}' out of range - must be {limits}")
    if target is not None and (target == 0) != (index == 0):
        raise refuse("Only the PCI controller with index 0 can have target index 0, and vice versa")
    for name, field, allowed in _LIMITS:
        value = getattr(controller, field)
        if value is not None and value not in allowed:
            limits = f"{allowed.start}-{allowed.stop - 1}"
            raise refuse(f"PCI controller {name} '{value}' out of range - must be {limits}")
    if controller.numa_node is not None and index == 0:
        raise refuse("The PCI controller with index=0 can't be associated with a NUMA node")


def _no_usb(domain: Domain) -> None:
    """Refuse devices on a USB bus that is turned off."""
    devices = domain.devices
    if not any(one.type == "usb" and one.model == "none" for one in devices.controllers):
        return
    if any(one.bus == "usb" for one in devices.inputs):
        raise refuse("Can't add USB input device. USB bus is disabled")
    if any(one.type == "usb" and one.mode != "capabilities" for one in devices.hostdevs):
        raise refuse("Can't add host USB device: USB is disabled in this host")
    if devices.hubs:
        raise refuse("Can't add USB hub: USB is disabled for this domain")
