"""Capabilities of PCI devices.

Source: libvirt's node device XML format; messages as observed.
"""

import re
from typing import Any

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.model import Model, integer, many, one, text
from pyvirsh.backend.conf.nodecapability import Capability, MdevType, decimal, hexadecimal, internal, nested
from pyvirsh.backend.conf.pciaddress import PciAddress
from pyvirsh.backend.errors import XML_ERROR, VirError

SPEEDS = ("2.5", "5", "8", "16", "32", "64")
_VALIDITIES = ("cap", "sta")


class PhysFunction(Capability):
    """The physical function that a virtual one belongs to."""

    type = "phys_function"
    address: PciAddress | None = one("address", PciAddress)

    def after_parse(self, element: xml.Element) -> None:
        if self.address is None:
            raise VirError(XML_ERROR, "Missing address in 'phys_function' capability")


class VirtFunctions(Capability):
    """The virtual functions of a physical one."""

    type = "virt_functions"
    max_count: int | None = integer("@maxCount", unknown=(XML_ERROR, "Malformed 'maxCount' parameter"))
    addresses: list[PciAddress] = many("address", PciAddress)


class PciBridge(Capability):
    """A PCI bridge."""

    type = "pci-bridge"


class CardbusBridge(Capability):
    """A CardBus bridge."""

    type = "cardbus-bridge"


class MdevTypes(Capability):
    """What mediated devices can be made of it."""

    type = "mdev_types"
    readable = False
    types: list[MdevType] = many("type", MdevType)


class VpdField(Model):
    """A field of the vendor's or the system's own."""

    index: str | None = text("@index")
    value: str | None = text(".")

    def after_parse(self, element: xml.Element) -> None:
        if self.index is None:
            name = xml.local_name(element)
            raise VirError(XML_ERROR, f"Missing required attribute 'index' in element '{name}'")
        if not re.fullmatch("[0-9A-Z]", self.index):
            name = xml.local_name(element)
            raise VirError(XML_ERROR, f"'{name}' 'index' value '{self.index}' malformed")


class VpdFields(Model):
    """Vital product data that may be read, or read and written."""

    access: str | None = text("@access")
    change_level: str | None = text("change_level")
    manufacture_id: str | None = text("manufacture_id")
    part_number: str | None = text("part_number")
    serial_number: str | None = text("serial_number")
    asset_tag: str | None = text("asset_tag")
    vendor_fields: list[VpdField] = many("vendor_field", VpdField)
    system_fields: list[VpdField] = many("system_field", VpdField)

    def after_parse(self, element: xml.Element) -> None:
        if self.access is None:
            raise VirError(XML_ERROR, "Missing required attribute 'access' in element 'fields'")
        if self.access == "readonly":
            self.asset_tag, self.system_fields = None, []
        elif self.access == "readwrite":
            self.change_level = self.manufacture_id = self.part_number = self.serial_number = None
        else:
            raise VirError(XML_ERROR, f"Unsupported VPD field access type '{self.access}'")

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        node.open = True


class Vpd(Capability):
    """Vital product data."""

    type = "vpd"
    readable = False
    name: str | None = text("name")
    fields: list[VpdFields] = many("fields", VpdFields)

    def after_parse(self, element: xml.Element) -> None:
        if self.name is None:
            raise VirError(XML_ERROR, "Could not read a device name from the <name> element")


class IommuGroup(Model):
    """The devices that cannot be told apart by the IOMMU."""

    tag = "iommuGroup"
    number: int | None = integer("@number")
    addresses: list[PciAddress] = many("address", PciAddress)

    def after_parse(self, element: xml.Element) -> None:
        if self.number is None:
            raise VirError(XML_ERROR, "Missing required attribute 'number' in element 'iommuGroup'")


class Link(Model):
    """A PCI Express link: what it can be ("cap") or is ("sta")."""

    tag = "link"
    validity: str | None = text("@validity")
    port: int | None = integer("@port", signed=True)
    speed: str | None = text("@speed", choices=("", *SPEEDS))
    width: int | None = integer("@width")

    def after_parse(self, element: xml.Element) -> None:
        self.speed = self.speed or None
        if self.width is None and self.validity in _VALIDITIES:
            raise VirError(XML_ERROR, "Missing required attribute 'width' in element 'link'")


class PciExpress(Model):
    """A PCI Express device."""

    tag = "pci-express"
    kept_empty = True
    links: list[Link] = many("link", Link)

    def after_parse(self, element: xml.Element) -> None:
        found: dict[str | None, Link] = {}
        for link in self.links:
            found.setdefault(link.validity, link)
        self.links = [found[name] for name in _VALIDITIES if name in found]


class Pci(Capability):
    """A PCI device."""

    type = "pci"
    pci_class: int | None = hexadecimal("class", "PCI class", digits=6, required=False)
    domain: int = decimal("domain", "PCI domain ID")
    bus: int = decimal("bus", "PCI bus ID")
    slot: int = decimal("slot", "PCI slot ID")
    function: int = decimal("function", "PCI function ID")
    product_id: int = hexadecimal("product/@id", "PCI product ID")
    product: str | None = text("product")
    vendor_id: int = hexadecimal("vendor/@id", "PCI vendor ID")
    vendor: str | None = text("vendor")
    capabilities: list[Any] = nested(
        PhysFunction,
        VirtFunctions,
        PciBridge,
        CardbusBridge,
        MdevTypes,
        Vpd,
        missing="Missing capability type",
    )
    iommu_group: IommuGroup | None = one("iommuGroup", IommuGroup)
    numa_node: str | None = text("numa/@node")
    express: PciExpress | None = one("pci-express", PciExpress)

    def after_parse(self, element: xml.Element) -> None:
        if (self.pci_class or 0) > 0xFFFFFF:
            raise internal("invalid PCI class supplied for '{}'", element)
        if self.iommu_group is not None and not self.iommu_group.addresses:
            self.iommu_group = None
        if any(isinstance(one, PciBridge) for one in self.capabilities):
            self.capabilities = [one for one in self.capabilities if not isinstance(one, CardbusBridge)]
        if self.numa_node is None:
            return
        if not self.numa_node.removeprefix("-").isdigit():
            raise internal("invalid NUMA node ID supplied for '{}'", element)
        self.numa_node = self.numa_node if int(self.numa_node) >= 0 else None

    def filter_names(self) -> "list[str]":
        told = [one.type for one in self.capabilities if isinstance(one, (MdevTypes, Vpd))]
        return [self.type, *told]
