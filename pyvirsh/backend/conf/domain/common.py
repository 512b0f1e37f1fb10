"""What many devices share: addresses, aliases, virtio options.

Source: libvirt's domain XML format, "Device addresses" and "Virtio-related options".
"""

from pyvirsh.backend.conf.model import Model, flag, hexadecimal, integer, on_off, one, text
from pyvirsh.backend.conf.xml import Element, Node
from pyvirsh.backend.errors import XML_ERROR, VirError

ADDRESS_TYPES = (
    "none",
    "pci",
    "drive",
    "virtio-serial",
    "ccid",
    "usb",
    "spapr-vio",
    "virtio-s390",
    "ccw",
    "virtio-mmio",
    "isa",
    "dimm",
    "unassigned",
)


def parse_number(value: str, element: str, attribute: str) -> int:
    """Read a number in decimal or 0x form.  Errors: XML_ERROR."""
    try:
        return int(value.strip(), 0 if value.strip()[:2].lower() == "0x" else 10)
    except ValueError:
        detail = f"Invalid value for attribute '{attribute}' in element '{element}': '{value}'."
        raise VirError(XML_ERROR, detail) from None


# How an address's numbers are written, per type; those of other types are plain.
_FORMS = {
    "pci": {"domain": "0x{:04x}", "bus": "0x{:02x}", "slot": "0x{:02x}", "function": "0x{:x}"},
    "isa": {"iobase": "0x{:x}", "irq": "0x{:x}"},
    "dimm": {"base": "0x{:x}"},
    "ccw": {"cssid": "0x{:x}", "ssid": "0x{:x}", "devno": "0x{:04x}"},
    "spapr-vio": {"reg": "0x{:08x}"},
}
_NUMBERS = "domain controller bus target unit slot function iobase irq base cssid ssid devno reg".split()
# An address of a type has these, 0 where the document says nothing.
_PARTS = {
    "pci": ("domain", "bus", "slot", "function"),
    "drive": ("controller", "bus", "target", "unit"),
    "virtio-serial": ("controller", "bus"),
    "ccid": ("controller", "slot"),
    "usb": ("bus",),
}


class Address(Model):
    """Where a device sits.  Numbers are None where the type has none or nothing is decided.

    port: text, as USB ports are paths ("1.2").
    """

    tag = "address"
    type: str | None = text("@type", choices=ADDRESS_TYPES)
    domain: int | None = integer("@domain")
    controller: int | None = integer("@controller")
    bus: int | None = integer("@bus")
    target: int | None = integer("@target")
    unit: int | None = integer("@unit")
    port: str | None = text("@port")
    slot: int | None = integer("@slot")
    function: int | None = integer("@function")
    multifunction: str | None = on_off("@multifunction")
    iobase: int | None = integer("@iobase")
    irq: int | None = integer("@irq")
    base: int | None = integer("@base")
    cssid: int | None = integer("@cssid")
    ssid: int | None = integer("@ssid")
    devno: int | None = integer("@devno")
    reg: int | None = integer("@reg")
    uuid: str | None = text("@uuid")
    zpci_uid: int | None = hexadecimal("zpci/@uid", 4)
    zpci_fid: int | None = hexadecimal("zpci/@fid", 8)

    def after_parse(self, element: Element) -> None:
        if self.type == "pci":
            self._check_pci()
        for part in _PARTS.get(self.type or "", ()):
            if getattr(self, part) is None:
                setattr(self, part, 0)
        if self.type == "virtio-serial" and self.port is None:
            self.port = "0"

    def fill_node(self, node: Node) -> None:
        forms = _FORMS.get(self.type or "", {})
        super().fill_node(node)
        for part in _NUMBERS:
            value = getattr(self, part)
            if value is not None and part in forms:
                node.attrs[part] = forms[part].format(value)

    def _check_pci(self) -> None:
        for part, limit in (("domain", 0xFFFF), ("bus", 0xFF), ("slot", 0x1F)):
            value = getattr(self, part) or 0
            if not 0 <= value <= limit:
                detail = f"Invalid PCI address {part}='0x{value:x}', must be <= 0x{limit:X}"
                raise VirError(XML_ERROR, detail)
        if not 0 <= (self.function or 0) <= 7:
            detail = f"Invalid PCI address function=0x{self.function:x}, must be <= 7"
            raise VirError(XML_ERROR, detail)

    @property
    def pci(self) -> "tuple[int, int, int] | None":
        """Bus, slot and function of a PCI address; None for others and undecided ones."""
        if self.type != "pci" or self.slot is None:
            return None
        return self.bus or 0, self.slot, self.function or 0


def pci_address(bus: int, slot: int, function: int = 0, *, multifunction: bool = False) -> Address:
    """Make a PCI address in domain 0."""
    address = Address(type="pci", domain=0, bus=bus, slot=slot, function=function)
    if multifunction:
        address.multifunction = "on"
    return address


class Info(Model):
    """What stands at the end of every device: boot order, alias, address."""

    boot_order: int | None = integer("boot/@order")
    boot_loadparm: str | None = text("boot/@loadparm")
    alias: str | None = text("alias/@name")
    master_startport: int | None = integer("master/@startport")
    rom_enabled: str | None = text("rom/@enabled", choices=("yes", "no"))
    rom_bar: str | None = on_off("rom/@bar")
    rom_file: str | None = text("rom/@file")
    acpi_index: int | None = integer("acpi/@index")
    acpi_nodeset: str | None = text("acpi/@nodeset")
    address: Address | None = one("address", Address)

    def after_parse(self, element: Element) -> None:
        if self.boot_order == 0:
            detail = "Invalid value for attribute 'order' in element 'boot': Zero is not permitted"
            raise VirError(XML_ERROR, detail)
        if self.address is not None and self.address.type is None:
            self.address = None


class VirtioDriver(Model):
    """Options of any virtio device, on its <driver>."""

    iommu: str | None = on_off("@iommu")
    ats: str | None = on_off("@ats")
    packed: str | None = on_off("@packed")
    page_per_vq: str | None = on_off("@page_per_vq")


class SecLabel(Model):
    """A security label of a device's source or of the domain."""

    tag = "seclabel"
    type: str | None = text("@type")
    model: str | None = text("@model")
    relabel: str | None = text("@relabel", choices=("yes", "no"))
    labelskip: str | None = text("@labelskip", choices=("yes", "no"))
    label: str | None = text("label")
    imagelabel: str | None = text("imagelabel")
    baselabel: str | None = text("baselabel")


class Reconnect(Model):
    """Whether and when a client socket is connected anew."""

    tag = "reconnect"
    enabled: str | None = text("@enabled", choices=("yes", "no"))
    timeout: int | None = integer("@timeout")


__all__ = ["Address", "Info", "Reconnect", "SecLabel", "VirtioDriver", "flag", "parse_number", "pci_address"]
