"""What many devices share: addresses, aliases, virtio options.

Source: libvirt's domain XML format, "Device addresses" and "Virtio-related options".
"""

import re
from typing import Any, Self

from pyvirsh.backend.conf.cnumbers import c_integer
from pyvirsh.backend.conf.model import Field, Model, Reader, flag, hexadecimal, integer, on_off, one, text
from pyvirsh.backend.conf.xml import Element, Node
from pyvirsh.backend.errors import INTERNAL_ERROR, XML_DETAIL, XML_ERROR, VirError, refuse

ADDRESS_TYPES = (
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
    "drive": ("controller", "bus", "target", "unit"),
    "virtio-serial": ("controller", "bus"),
    "ccid": ("controller", "slot"),
    "usb": ("bus",),
    "ccw": ("cssid", "ssid", "devno"),
}
# The attributes that an address of a type has; others are passed over.
_ATTRIBUTES = {
    kind: frozenset(["type", *names.split()])
    for kind, names in (
        ("pci", "domain bus slot function multifunction"),
        ("drive", "controller bus target unit"),
        ("virtio-serial", "controller bus port"),
        ("ccid", "controller slot"),
        ("usb", "bus port"),
        ("spapr-vio", "reg"),
        ("ccw", "cssid ssid devno"),
        ("isa", "iobase irq"),
        ("dimm", "slot base"),
        ("virtio-s390", ""),
        ("virtio-mmio", ""),
        ("unassigned", ""),
    )
}
_DECIMAL = ("drive", "virtio-serial", "ccid", "usb", "dimm")
_USB_MAX = (1 << 32) - 1
_USB_PORT = re.compile(r"\s*\+?[0-9]+(\.\s*\+?[0-9]+){0,3}")


def _usb_port(text: str) -> "str | None":
    """Return the ports on the way to a USB device as they are written; None for none."""
    parts = [int(part) for part in text.split(".")] if _USB_PORT.fullmatch(text) else []
    if not parts or any(part > _USB_MAX for part in parts):
        raise VirError(INTERNAL_ERROR, "Cannot parse <address> 'port' attribute")
    return ".".join(map(str, parts[: parts.index(0) if 0 in parts else None])) or None


def _virtio_port(text: str) -> int:
    number = c_integer(text)
    if number is None or not 0 <= number <= _USB_MAX:
        detail = f"Invalid value for attribute 'port' in element 'address': '{text}'"
        raise VirError(XML_ERROR, f"{detail}. Expected non-negative integer value")
    return number


class Address(Model):
    """Where a device sits.  Numbers are None where the type has none or nothing is decided.

    port: text, as USB ports are paths ("1.2").
    """

    tag = "address"
    type: str | None = text("@type", choices=ADDRESS_TYPES)
    domain: int | None = integer("@domain", any_base=True, bits=32)
    controller: int | None = integer("@controller", any_base=True, bits=32)
    bus: int | None = integer("@bus", any_base=True, bits=32)
    target: int | None = integer("@target", any_base=True, bits=32)
    unit: int | None = integer("@unit", any_base=True, bits=32)
    port: str | None = text("@port")
    slot: int | None = integer("@slot", any_base=True, bits=32)
    function: int | None = integer("@function", any_base=True, bits=32)
    multifunction: str | None = on_off("@multifunction")
    iobase: int | None = integer("@iobase", base=16, bits=32)
    irq: int | None = integer("@irq", base=16, bits=32)
    base: int | None = integer("@base", any_base=True)
    cssid: int | None = integer("@cssid", any_base=True, bits=32)
    ssid: int | None = integer("@ssid", any_base=True, bits=32)
    devno: int | None = integer("@devno", any_base=True, bits=32)
    reg: int | None = integer("@reg", any_base=True)
    uuid: str | None = text("@uuid")
    zpci_uid: int | None = hexadecimal("zpci/@uid", 4)
    zpci_fid: int | None = hexadecimal("zpci/@fid", 8)

    @classmethod
    def parse(cls, element: Element) -> Self:
        made, reader = cls(), Reader(element)
        own = cls.attributes_of(element)
        for name, field in cls.declared().items():
            if own is None or field.steps or field.attribute in own:
                value = cls._read(reader, field)
                if value is not None:
                    setattr(made, name, value)
        made.after_parse(element)
        return made

    @classmethod
    def _read(cls, reader: Reader, field: Field) -> "Any":
        """Read a field; the numbers of addresses of some types are decimal ones."""
        if field.attribute in _NUMBERS and field.attribute != "base":
            if reader.element.get("type") in _DECIMAL:
                return _DECIMALS[field.attribute].read(reader, cls)
        return field.read(reader, cls)

    @classmethod
    def attributes_of(cls, element: Element) -> "frozenset[str] | None":
        """Return the attributes that an address of its type has; None for every one."""
        return _ATTRIBUTES.get(element.get("type") or "")

    def after_parse(self, element: Element) -> None:
        if self.type == "pci":
            self._check_pci()
        elif self.type == "usb" and self.port is not None:
            self.port = _usb_port(self.port)
        elif self.type == "virtio-serial" and self.port is not None:
            self.port = str(_virtio_port(self.port))
        elif self.type == "ccw":
            self._check_ccw()
        elif self.type == "virtio-s390":
            raise VirError(XML_ERROR, "virtio-s390 bus doesn't have an address")
        elif self.type == "dimm" and self.slot is None:
            raise VirError(XML_ERROR, "Missing required attribute 'slot' in element 'address'")
        if self.type in ("dimm", "isa"):
            self.base, self.iobase, self.irq = self.base or None, self.iobase or None, self.irq or None
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
        """Check a PCI address: one without a place is still to be decided."""
        for part, limit in (("bus", 0xFF), ("slot", 0x1F)):
            value = getattr(self, part) or 0
            if not 0 <= value <= limit:
                detail = f"Invalid PCI address {part}='0x{value:x}', must be <= 0x{limit:X}"
                raise VirError(XML_ERROR, detail)
        if not 0 <= (self.function or 0) <= 7:
            detail = f"Invalid PCI address function=0x{self.function:x}, must be <= 7"
            raise VirError(XML_ERROR, detail)
        if self.domain or self.bus or self.slot:
            for part in ("domain", "bus", "slot", "function"):
                setattr(self, part, getattr(self, part) or 0)
        else:
            self.domain = self.bus = self.slot = self.function = None

    def _check_ccw(self) -> None:
        parts = (self.cssid, self.ssid, self.devno)
        if None in parts and any(part is not None for part in parts):
            raise VirError(INTERNAL_ERROR, "Invalid partial specification for virtio ccw address")
        cssid, ssid, devno = (part or 0 for part in parts)
        if cssid > 0xFE or ssid > 3 or devno > 0xFFFF:
            place = f"cssid='0x{cssid:x}' ssid='0x{ssid:x}' devno='0x{devno:04x}'"
            detail = f"Invalid specification for virtio ccw address: {place}"
            raise VirError(INTERNAL_ERROR, detail)

    @property
    def pci(self) -> "tuple[int, int, int] | None":
        """Bus, slot and function of a PCI address; None for others and undecided ones."""
        if self.type != "pci" or self.slot is None:
            return None
        return self.bus or 0, self.slot, self.function or 0


_DECIMALS = {name: integer(f"@{name}", bits=32) for name in _NUMBERS}


# The attributes of the places of a host's devices.
_HOST_ATTRIBUTES = {
    "pci": frozenset(["type", "domain", "bus", "slot", "function"]),
    "usb": frozenset(["type", "bus", "device"]),
    "scsi": frozenset(["bus", "target", "unit"]),
    "mdev": frozenset(["uuid"]),
}


class HostAddress(Address):
    """Where the device is on the host: PCI, USB bus and device, SCSI, or a mediated device's UUID."""

    # Whether the type is written.
    typed = False
    unit: int | None = integer("@unit", any_base=True)
    device: int | None = integer("@device", bits=32, any_base=True)

    @classmethod
    def attributes_of(cls, element: Element) -> "frozenset[str] | None":
        holder: Element | None = element
        while holder is not None and holder.tag in ("address", "source"):
            holder = holder.getparent()
        tag = holder.tag if holder is not None else ""
        kind = element.get("type") if tag == "interface" else "pci"
        if holder is not None and tag == "hostdev":
            kind = holder.get("type")
        return _HOST_ATTRIBUTES.get(kind or "")

    def fill_pci(self) -> None:
        """Check it, and make it a whole PCI address: what it does not say is 0.  Errors: XML_ERROR."""
        self._check_pci()
        for part in ("domain", "bus", "slot", "function"):
            setattr(self, part, getattr(self, part) or 0)

    def fill_node(self, node: Node) -> None:
        kept, self.type = self.type, "pci" if self.domain is not None else self.type
        super().fill_node(node)
        self.type = kept
        if not self.typed:
            node.attrs.pop("type", None)


def pci_address(bus: int, slot: int, function: int = 0, *, multifunction: bool = False) -> Address:
    """Make a PCI address in domain 0."""
    address = Address(type="pci", domain=0, bus=bus, slot=slot, function=function)
    if multifunction:
        address.multifunction = "on"
    return address


class Info(Model):
    """What stands at the end of every device: boot order, alias, address."""

    boot_order: int | None = integer("boot/@order", positive=True, required=True, bits=32)
    boot_loadparm: str | None = text("boot/@loadparm")
    alias: str | None = text("alias/@name")
    master_startport: int | None = integer("master/@startport", bits=32)
    rom_enabled: str | None = text("rom/@enabled", choices=("yes", "no"))
    rom_bar: str | None = on_off("rom/@bar")
    rom_file: str | None = text("rom/@file")
    acpi_index: int | None = integer("acpi/@index", positive=True, bits=32)
    acpi_nodeset: str | None = text("acpi/@nodeset")
    address: Address | None = one("address", Address)

    def after_parse(self, element: Element) -> None:
        if self.rom_enabled == "no" and (self.rom_bar is not None or self.rom_file is not None):
            raise refuse("ROM tuning is not supported when ROM is disabled")
        if self.boot_loadparm is not None:
            self.boot_loadparm = _loadparm(self.boot_loadparm.upper())
        if self.address is not None and self.address.type is None:
            raise VirError(XML_ERROR, "Missing required attribute 'type' in element 'address'")


def _loadparm(value: str) -> str:
    if not 1 <= len(value) <= 8:
        raise VirError(INTERNAL_ERROR, f"loadparm value '{value}' must be between 1 and 8 characters")
    if any(not (char.isascii() and char.isalnum()) and char not in ". " for char in value):
        value = value.replace("-", "_")
        detail = f"invalid loadparm value '{value}', expecting chars in set of [a-zA-Z0-9.] and blank spaces"
        raise VirError(INTERNAL_ERROR, detail)
    return value


class VirtioDriver(Model):
    """Options of any virtio device, on its <driver>."""

    tag = "driver"
    iommu: str | None = on_off("@iommu")
    ats: str | None = on_off("@ats")
    packed: str | None = on_off("@packed")
    page_per_vq: str | None = on_off("@page_per_vq")


class SecLabel(Model):
    """A security label of a device's source or of the domain."""

    tag = "seclabel"
    type: str | None = text("@type", choices=("none", "dynamic", "static"))
    model: str | None = text("@model")
    relabel: str | None = text("@relabel", choices=("yes", "no"))
    labelskip: str | None = text("@labelskip", choices=("yes", "no"), lenient=True)
    label: str | None = text("label")
    imagelabel: str | None = text("imagelabel")
    baselabel: str | None = text("baselabel")


def check_labels(labels: "list[SecLabel]") -> None:
    """Check the security labels of a device's source.  Errors: XML_ERROR, XML_DETAIL."""
    for at, label in enumerate(labels):
        model = label.model or "<null>"
        if any(other.model == label.model for other in labels[:at]):
            raise VirError(XML_DETAIL, f"seclabel for model {model} is already provided")
        if label.relabel == "yes" and label.label is None:
            detail = f"Cannot specify relabel if label is missing. model={model}"
            raise VirError(XML_ERROR, detail)
        if label.relabel == "no" and label.label is not None:
            detail = f"Cannot specify a label if relabelling is turned off. model={model}"
            raise VirError(XML_ERROR, detail)


class Reconnect(Model):
    """Whether and when a client socket is connected anew."""

    tag = "reconnect"
    enabled: str | None = text("@enabled", choices=("yes", "no"))
    timeout: int | None = integer("@timeout", bits=32)

    def after_parse(self, element: Element) -> None:
        if self.enabled != "yes":
            self.timeout = None
        elif self.timeout is None:
            raise VirError(XML_ERROR, "Missing required attribute 'timeout' in element 'reconnect'")


__all__ = ["Address", "Info", "Reconnect", "SecLabel", "VirtioDriver", "flag", "pci_address"]
