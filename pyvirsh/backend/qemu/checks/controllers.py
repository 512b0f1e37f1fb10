"""Checks of controllers: their models and numbers, and what those of PCI state about themselves."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.devices import Controller
from pyvirsh.backend.errors import XML_ERROR, VirError, refuse
from pyvirsh.backend.qemu.facts import family

_PCI_MODELS = (
    "pci-root",
    "pcie-root",
    "pci-bridge",
    "dmi-to-pci-bridge",
    "pcie-to-pci-bridge",
    "pcie-root-port",
    "pcie-switch-upstream-port",
    "pcie-switch-downstream-port",
    "pci-expander-bus",
    "pcie-expander-bus",
)
_USB_MODELS = (
    "piix3-uhci",
    "piix4-uhci",
    "ehci",
    "ich9-ehci1",
    "ich9-uhci1",
    "ich9-uhci2",
    "ich9-uhci3",
    "vt82c686b-uhci",
    "pci-ohci",
    "nec-xhci",
    "qemu-xhci",
    "none",
)
_SCSI_MODELS = (
    "auto",
    "lsilogic",
    "lsisas1068",
    "lsisas1078",
    "virtio-scsi",
    "virtio-transitional",
    "virtio-non-transitional",
    "vmpvscsi",
    "am53c974",
    "dc390",
)
# The devices that a PCI controller can be.
_NAMES = {
    "pci-bridge": ("pci-bridge",),
    "dmi-to-pci-bridge": ("i82801b11-bridge",),
    "pcie-to-pci-bridge": ("pcie-pci-bridge",),
    "pcie-root-port": ("ioh3420", "pcie-root-port"),
    "pcie-switch-upstream-port": ("x3130-upstream",),
    "pcie-switch-downstream-port": ("xio3130-downstream",),
    "pci-expander-bus": ("pxb",),
    "pcie-expander-bus": ("pxb-pcie",),
}
_EXPANDERS = ("pci-expander-bus", "pcie-expander-bus")
_PORTS = ("pcie-root-port", "pcie-switch-downstream-port")
# What a PCI controller can state: its name, the field, the models that have it.
_OPTIONS = (
    ("chassisNr", "chassis_nr", ("pci-bridge",)),
    ("chassis", "chassis", _PORTS),
    ("port", "port", _PORTS),
    ("busNr", "bus_nr", _EXPANDERS),
    ("numaNode", "numa_node", _EXPANDERS),
    ("hotplug", "hotplug", ("pci-root", *_PORTS)),
)


def check(domain: Domain) -> None:
    """Check what PCI controllers state about themselves.  Errors: CONFIG_UNSUPPORTED, XML_ERROR."""
    cells = len(domain.cpu.cells) if domain.cpu is not None else 0
    for controller in domain.devices.controllers:
        _driver(controller)
        if controller.type == "pci":
            _options(controller)
            _position(controller, cells)


def _driver(controller: Controller) -> None:
    if controller.type == "scsi" and (controller.model or "").startswith("virtio"):
        return
    for name in ("queues", "cmd_per_lun", "max_sectors", "ioeventfd"):
        if controller.driver is not None and getattr(controller.driver, name) is not None:
            raise refuse(f"'{name}' is only supported by virtio-scsi controller")


def _options(controller: Controller) -> None:
    model = controller.model or ""
    shown = f"index '{controller.index}', model '{model}' and modelName '{controller.model_name or 'none'}'"
    if controller.model_name not in (None, *_NAMES.get(model, ())):
        raise refuse(f"Option 'modelName' has invalid value for PCI controller with {shown}")
    for name, field, models in _OPTIONS:
        if getattr(controller, field) is not None and model not in models:
            raise refuse(f"Option '{name}' is not valid for PCI controller with {shown}")


def _position(controller: Controller, cells: int) -> None:
    index, address, node = controller.index or 0, controller.info.address, controller.numa_node
    if address is not None and address.pci is not None and index == address.pci[0]:
        shown = f"PCI controller at index {index} (0x{index:02x}) has bus='0x{address.pci[0]:02x}'"
        raise refuse(f"{shown}, but index must be larger than bus")
    if node is not None and node >= cells:
        where = f"{controller.model} with index {index} is configured for a NUMA node ({node})"
        raise VirError(XML_ERROR, f"{where} not present in the domain's <cpu><numa> array ({cells})")


def check_controllers(controllers: "list[Controller]", machine: str) -> None:
    """Check models before anything is placed on them."""
    models = {"pci": _PCI_MODELS, "usb": _USB_MODELS, "scsi": _SCSI_MODELS}
    seen: set[tuple[str, int | None]] = set()
    for controller in controllers:
        kind, model = controller.type, controller.model
        if model is not None and kind in models and model not in models[kind]:
            if kind == "scsi":
                raise refuse(f"Unsupported controller model: {model}")
            raise refuse(f"Unknown model type '{model}'")
        if (kind, controller.index) in seen and not (model or "").startswith("ich9-"):
            if kind == "usb":
                raise VirError(XML_ERROR, f"Duplicate USB controllers with index {controller.index}")
            raise VirError(XML_ERROR, f"Multiple '{kind}' controllers with index '{controller.index}'")
        seen.add((kind, controller.index))
        _check_size(controller)
    _check_root(controllers, machine)


def _check_size(controller: Controller) -> None:
    index, model = controller.index or 0, controller.model
    if controller.type == "pci" and index > 255:
        raise refuse(f"PCI controller index {index} too high, maximum is 255")
    if model in ("nec-xhci", "qemu-xhci") and (controller.ports or 0) > 15:
        raise refuse(f"'{model}' controller only supports up to '15' ports")


def _check_root(controllers: "list[Controller]", machine: str) -> None:
    root = {"i440fx": "pci-root", "q35": "pcie-root"}.get(family(machine))
    for controller in controllers:
        if root is not None and controller.type == "pci" and not controller.index:
            if controller.model not in (None, root):
                detail = (
                    f"The PCI controller with index='0' must be model='{root}' for this machine type, but "
                    f"model='{controller.model}' was found instead"
                )
                raise VirError(XML_ERROR, detail)
        if root == "pci-root" and controller.type == "ide" and controller.index:
            raise refuse("Only a single IDE controller is supported for this machine type")
        if root == "pcie-root" and controller.type == "ide":
            raise refuse("IDE controllers are unsupported for this QEMU binary or machine type")
