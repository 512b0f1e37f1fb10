"""Devices of the node: libvirt's node device XML as a declared model, with its checks.

Source: libvirt's node device XML format; messages as observed.
"""

from typing import TYPE_CHECKING, Any, Self

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.model import Field, Model, Reader, Writer, integer, many, text
from pyvirsh.backend.conf.nodecapability import (
    Capability,
    decimal,
    device_name,
    hexadecimal,
    internal,
    told,
    unsupported,
)
from pyvirsh.backend.conf.nodedevpci import MdevTypes, Pci, Vpd
from pyvirsh.backend.conf.nodedevs390 import ApCard, ApMatrix, ApQueue, Ccw, Ccwgroup, CcwgroupMember, Css
from pyvirsh.backend.conf.nodedevscsi import (
    FcHost,
    Scsi,
    ScsiGeneric,
    ScsiHost,
    ScsiTarget,
    Storage,
    VportOps,
)
from pyvirsh.backend.conf.storagecommon import plain_uuid
from pyvirsh.backend.errors import INTERNAL_ERROR, NO_NAME, XML_ERROR, VirError

if TYPE_CHECKING:
    from collections.abc import Callable

_LINK_STATES = tuple("unknown notpresent down lowerlayerdown testing dormant up".split())
_FEATURES = "rx tx sg tso gso gro lro rxvlan txvlan ntuple rxhash rdma txudptnl switchdev".split()


class System(Capability):
    """The host itself."""

    type = "system"
    product: str | None = text("product")
    hardware_vendor: str | None = text("hardware/vendor")
    hardware_version: str | None = text("hardware/version")
    hardware_serial: str | None = text("hardware/serial")
    uuid: str | None = told("hardware/uuid", "system UUID")
    firmware_vendor: str | None = text("firmware/vendor")
    firmware_version: str | None = text("firmware/version")
    release_date: str | None = text("firmware/release_date")

    def after_parse(self, element: xml.Element) -> None:
        try:
            self.uuid = plain_uuid(self.uuid or "", "")
        except VirError:
            raise internal("malformed uuid element for '{}'", element) from None

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        firmware = node.kids[-1]
        if isinstance(firmware, xml.Node) and firmware.tag != "firmware":
            node.add("firmware").open = True


class UsbDevice(Capability):
    """A USB device."""

    type = "usb_device"
    bus: int = decimal("bus", "USB bus number")
    device: int = decimal("device", "USB device number")
    product_id: int = hexadecimal("product/@id", "USB product ID")
    product: str | None = text("product")
    vendor_id: int = hexadecimal("vendor/@id", "USB vendor ID")
    vendor: str | None = text("vendor")

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        # libvirt leaves a blank in these when they have no text.
        for at, kid in enumerate(node.kids):
            if isinstance(kid, xml.Node) and kid.tag in ("product", "vendor") and kid.text is None:
                node.kids[at] = f"    <{kid.tag} id='{kid.attrs['id']}' />"


class UsbInterface(Capability):
    """An interface of a USB device."""

    type = "usb"
    number: int = decimal("number", "USB interface number")
    usb_class: int = decimal("class", "USB interface class")
    subclass: int = decimal("subclass", "USB interface subclass")
    protocol: int = decimal("protocol", "USB interface protocol")
    description: str | None = text("description")


class Feature(Model):
    """Something that a network interface does in hardware."""

    name: str | None = text("@name")

    def after_parse(self, element: xml.Element) -> None:
        if self.name is None:
            raise VirError(XML_ERROR, "missing network device feature name")
        if self.name not in _FEATURES:
            raise VirError(XML_ERROR, f"unknown network device feature '{self.name}'")


class Net(Capability):
    """A network interface."""

    type = "net"
    interface: str | None = told("interface", "network interface")
    address: str | None = text("address")
    link_speed: int | None = integer("link/@speed")
    link_state: str | None = text("link/@state", choices=_LINK_STATES)
    features: list[Feature] = many("feature", Feature)
    kind: str | None = text("capability/@type")

    def after_parse(self, element: xml.Element) -> None:
        self.link_speed = self.link_speed or None
        names = {feature.name for feature in self.features}
        self.features = [Feature(name=name) for name in _FEATURES if name in names]
        if self.kind not in (None, "80203", "80211"):
            raise unsupported("invalid network type supplied for '{}'", element)


class Drm(Capability):
    """A node of a graphics device."""

    type = "drm"
    kind: str | None = text("type")

    def after_parse(self, element: xml.Element) -> None:
        if self.kind not in ("primary", "control", "render"):
            raise unsupported(f"unknown drm type '{self.kind or '(null)'}' for '{{}}'", element)


class MdevAttribute(Model):
    """An attribute of a mediated device."""

    name: str | None = text("@name")
    value: str | None = text("@value")


class Mdev(Capability):
    """A mediated device."""

    type = "mdev"
    type_id: str | None = text("type/@id")
    uuid: str | None = text("uuid")
    parent_address: str | None = text("parent_addr")
    iommu_group: str | None = text("iommuGroup/@number")
    attributes: list[MdevAttribute] = many("attr", MdevAttribute)

    def after_parse(self, element: xml.Element) -> None:
        self.parent_address = None
        if not self.type_id:
            raise unsupported("missing type id attribute for '{}'", element)
        if self.uuid is not None:
            message = f"Invalid uuid '{self.uuid}' for new mdev device"
            try:
                self.uuid = plain_uuid(self.uuid, message)
            except VirError:
                raise VirError(INTERNAL_ERROR, message) from None
        self.iommu_group = self.iommu_group or "0"
        if not self.iommu_group.isdigit():
            raise internal("invalid iommuGroup number attribute for '{}'", element)
        self.attributes = [one for one in self.attributes if one.name is not None and one.value is not None]


class Vdpa(Capability):
    """A vDPA device."""

    type = "vdpa"
    readable = False
    chardev: str | None = text("chardev")


# In the order of libvirt's numbers for them.
KINDS: "dict[str, type[Capability]]" = {
    "system": System,
    "pci": Pci,
    "usb_device": UsbDevice,
    "usb": UsbInterface,
    "net": Net,
    "scsi_host": ScsiHost,
    "scsi_target": ScsiTarget,
    "scsi": Scsi,
    "storage": Storage,
    "fc_host": FcHost,
    "vports": VportOps,
    "scsi_generic": ScsiGeneric,
    "drm": Drm,
    "mdev_types": MdevTypes,
    "mdev": Mdev,
    "ccw": Ccw,
    "css": Css,
    "vdpa": Vdpa,
    "ap_card": ApCard,
    "ap_queue": ApQueue,
    "ap_matrix": ApMatrix,
    "vpd": Vpd,
    "ccwgroup": Ccwgroup,
    "ccwgroup_member": CcwgroupMember,
}
# Capabilities that stand inside others only, or that only the host can tell.
_UNREADABLE = ("fc_host", "vports", "scsi_generic", "mdev_types", "vdpa", "vpd", "ccwgroup_member")


class _Capabilities(Field):
    """What a device is; written with both tags, each on a line, even when it says nothing."""

    def fresh(self) -> "list[Capability]":
        return []

    def read(self, at: Reader, owner: "type[Model]") -> "list[Capability]":
        return [self._parse(element) for element in at.find_all(self.steps)]

    @staticmethod
    def _parse(element: xml.Element) -> Capability:
        kind = element.get("type")
        if kind is None:
            raise VirError(XML_ERROR, "Missing required attribute 'type' in element 'capability'")
        if kind not in KINDS:
            detail = f"Invalid value for attribute 'type' in element 'capability': '{kind}'."
            raise VirError(XML_ERROR, detail)
        if kind in _UNREADABLE:
            raise internal(f"unknown capability type '{list(KINDS).index(kind)}' for '{{}}'", element)
        return KINDS[kind].parse(element)

    def write(self, value: "list[Capability]", at: Writer) -> None:
        for item in value:
            node = at.new(self.steps)
            item.fill_node(node)
            node.open = True


class Devnode(Model):
    """A file in /dev, or a link to it."""

    tag = "devnode"
    type: str | None = text("@type", choices=("dev", "link"), required=True)
    path: str | None = text(".")

    def after_parse(self, element: xml.Element) -> None:
        self.path = self.path or ""


class Device(Model):
    """A device of the node.

    parent_wwnn, parent_wwpn, parent_fabric_wwn: other ways to name the parent of a virtual adapter.
    """

    tag = "device"
    name: str | None = text("name")
    path: str | None = text("path")
    devnodes: list[Devnode] = many("devnode", Devnode)
    parent: str | None = text("parent")
    driver: str | None = text("driver/name")
    capabilities: list[Any] = _Capabilities("capability")  # type: ignore[assignment]
    parent_wwnn: "str | None" = None
    parent_wwpn: "str | None" = None
    parent_fabric_wwn: "str | None" = None

    def after_parse(self, element: xml.Element) -> None:
        self.driver = None
        main = [node for node in self.devnodes if node.type == "dev"][-1:]
        self.devnodes = main + [node for node in self.devnodes if node.type == "link"]
        if not self.capabilities:
            raise VirError(INTERNAL_ERROR, f"no device capabilities for '{device_name(element)}'")

    @classmethod
    def parse(cls, element: xml.Element) -> Self:
        parent = element.find("parent")
        if parent is not None:
            check_parent(parent)
        made = super().parse(element)
        if parent is not None:
            made.parent_wwnn = parent.get("wwnn")
            made.parent_wwpn = parent.get("wwpn")
            made.parent_fabric_wwn = parent.get("fabric_wwn")
        return made

    @property
    def scsi_host(self) -> "ScsiHost | None":
        """Return what it has of a SCSI adapter."""
        return next((one for one in self.capabilities if isinstance(one, ScsiHost)), None)

    def filter_names(self) -> "list[str]":
        """Return the names of the capabilities that it counts as when devices are listed."""
        return [name for one in self.capabilities for name in one.filter_names()]


def check_parent(parent: xml.Element) -> None:
    """Check how a parent is named.  Errors: XML_ERROR."""
    for there, lacking in (("wwnn", "wwpn"), ("wwpn", "wwnn")):
        value = parent.get(there)
        if value is not None and parent.get(lacking) is None:
            detail = f"when providing parent {there}='{value}', the {lacking} must also be provided"
            raise VirError(XML_ERROR, detail)


def parse_device(root: xml.Element, *, new_wwn: "Callable[[], str] | None" = None) -> Device:
    """Make a device of a parsed element.

    new_wwn: makes the names of a virtual adapter up where the document has none; it is given for a device
    that is to be made, whose name in the document does not count.  Errors: XML_ERROR and its kin, NO_NAME.
    """
    if root.tag != "device":
        raise VirError(XML_ERROR, f"expecting root element of 'device', not '{xml.local_name(root)}'")
    if new_wwn is not None:
        for element in root.findall("name"):
            root.remove(element)
    elif not root.findtext("name"):
        raise VirError(NO_NAME, text="missing name information")
    device = Device.parse(root)
    device.name = device.name or "new device"
    host = device.scsi_host
    if host is not None and host.host is None and new_wwn is None:
        raise VirError(INTERNAL_ERROR, f"no SCSI host ID supplied for '{device.name}'")
    if host is not None and host.fc_host is not None:
        _name_adapter(device, host.fc_host, new_wwn)
    return device


def _name_adapter(device: Device, adapter: FcHost, new_wwn: "Callable[[], str] | None") -> None:
    for name in ("wwnn", "wwpn"):
        if not getattr(adapter, name):
            if new_wwn is None:
                detail = f"no {name.upper()} supplied for '{device.name}', and auto-generation failed"
                raise VirError(INTERNAL_ERROR, detail)
            setattr(adapter, name, new_wwn())


def format_device(device: Device) -> str:
    """Return the device as XML text."""
    return xml.write(device.to_node())
