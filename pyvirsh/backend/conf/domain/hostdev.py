"""Devices of the host, given to the guest.

Source: libvirt's domain XML format, "Host device assignment".
"""

from collections.abc import Collection
from typing import Self

from pyvirsh.backend.conf.cnumbers import c_integer
from pyvirsh.backend.conf.domain.common import HostAddress, Info
from pyvirsh.backend.conf.domain.disk import VIRTIO_MODELS
from pyvirsh.backend.conf.domain.source import Auth, Host, is_uuid
from pyvirsh.backend.conf.model import Model, flag, inline, many, on_off, one, others, text, yes_no
from pyvirsh.backend.conf.xml import Element, Node
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR, VirError

_SUBSYSTEMS = ("usb", "pci", "scsi", "scsi_host", "mdev")
_CAPABILITIES = ("storage", "misc", "net")
HOSTDEV_TYPES = (*_SUBSYSTEMS, *_CAPABILITIES)
_HEX = frozenset("0123456789abcdefABCDEF")


def _fault(detail: str) -> VirError:
    return VirError(XML_ERROR, detail)


# What only sources of a kind have.
_SOURCES: "dict[str, tuple[str, ...]]" = {
    "usb": ("guest_reset", "vendor", "product", "address"),
    "pci": ("write_filtering", "address"),
    "scsi": ("protocol", "adapter", "address"),
    "iscsi": ("protocol", "name", "hosts", "auth", "initiator_iqn"),
    "scsi_host": ("protocol", "wwpn"),
    "mdev": ("address",),
    "storage": ("block",),
    "misc": ("char",),
    "net": ("interface",),
}


class HostdevSource(Model):
    """The host's device."""

    tag = "source"
    protocol: str | None = text("@protocol")
    wwpn: str | None = text("@wwpn")
    name: str | None = text("@name")
    startup_policy: str | None = text("@startupPolicy", choices=("mandatory", "requisite", "optional"))
    guest_reset: str | None = text("@guestReset", choices=("on", "off", "uninitialized"))
    write_filtering: str | None = yes_no("@writeFiltering")
    hosts: list[Host] = many("host", Host)
    auth: Auth | None = one("auth", Auth)
    initiator_iqn: str | None = text("initiator/iqn/@name")
    vendor: str | None = text("vendor/@id")
    product: str | None = text("product/@id")
    adapter: str | None = text("adapter/@name")
    address: HostAddress | None = one("address", HostAddress)
    char: str | None = text("char")
    block: str | None = text("block")
    interface: str | None = text("interface")

    @classmethod
    def foreign(cls, element: Element) -> "Collection[str]":
        parent = element.getparent()
        kind = (parent.get("type") if parent is not None else None) or ""
        return others(_SOURCES, "iscsi" if kind == "scsi" and element.get("protocol") == "iscsi" else kind)

    def settle(self, kind: str) -> None:
        """Check what says which device of a kind it is.  Errors: XML_ERROR, INTERNAL_ERROR."""
        if self.startup_policy is not None and kind != "usb":
            raise VirError(CONFIG_UNSUPPORTED, "Setting startupPolicy is only allowed for USB devices")
        if kind == "pci":
            self._settle_pci()
        elif kind == "usb":
            self._check_usb()
        elif kind == "scsi":
            self._check_scsi()
        elif kind == "scsi_host":
            self._check_vhost()
        elif kind == "mdev":
            self._check_mediated()

    def _settle_pci(self) -> None:
        self.address = self.address or HostAddress()
        self.address.fill_pci()

    def _check_usb(self) -> None:
        for name, value in (("vendor", self.vendor), ("product", self.product)):
            if value is not None:
                setattr(self, name, _id(name, value))
        if self.vendor is not None and self.product is None:
            raise VirError(INTERNAL_ERROR, "missing product")
        if self.product is not None and self.vendor is None:
            raise VirError(INTERNAL_ERROR, "missing vendor")
        if self.address is not None:
            for name in ("bus", "device"):
                if getattr(self.address, name) is None:
                    raise _fault(f"Missing required attribute '{name}' in element 'address'")
            self.address.port = None

    def _check_scsi(self) -> None:
        if self.protocol not in (None, "adapter", "iscsi"):
            raise _fault(f"Invalid value for attribute 'protocol' in element 'source': '{self.protocol}'.")
        if self.protocol == "iscsi":
            if self.name is None:
                raise _fault("missing iSCSI hostdev source path name")
            if not self.hosts:
                raise _fault("missing the host address for the iSCSI hostdev")
            if len(self.hosts) > 1:
                raise _fault("only one source host address may be specified for the iSCSI hostdev")
            if "/" not in self.name:
                self.name += "/0"
            return
        if self.address is None:
            raise _fault("'address' must be specified for scsi hostdev source")
        for name in ("bus", "target", "unit"):
            if getattr(self.address, name) is None:
                raise _fault(f"Missing required attribute '{name}' in element 'address'")
        if not self.adapter:
            raise _fault("'adapter' name must be specified for scsi hostdev source")

    def _check_vhost(self) -> None:
        if self.protocol is None:
            raise _fault("Missing required attribute 'protocol' in element 'source'")
        if self.protocol != "vhost":
            raise _fault(f"Invalid value for attribute 'protocol' in element 'source': '{self.protocol}'.")
        if self.wwpn is None:
            raise _fault("missing vhost-scsi hostdev source wwpn")
        digits = self.wwpn.removeprefix("naa.")
        if digits == self.wwpn or len(digits) != 16 or not _HEX.issuperset(digits):
            raise _fault("malformed 'wwpn' value")

    def _check_mediated(self) -> None:
        if self.address is None:
            raise VirError(CONFIG_UNSUPPORTED, "Missing <address> element")
        uuid = self.address.uuid
        if uuid is None:
            raise VirError(CONFIG_UNSUPPORTED, "Missing 'uuid' attribute for element <address>")
        if not is_uuid(uuid):
            raise VirError(INTERNAL_ERROR, "Cannot parse uuid attribute of element <address>")


def _id(name: str, value: str) -> str:
    """Return the number of a USB vendor or product as it is written."""
    place = f"attribute 'id' in element '{name}'"
    number = c_integer(value, 0)
    if number is None or not 0 <= number < 1 << 32:
        detail = f"Invalid value for {place}: '{value}'. Expected non-negative integer value"
        raise _fault(detail)
    if not number and name == "vendor":
        raise _fault(f"Invalid value for {place}: Zero is not permitted")
    return f"0x{number:04x}"


class HostDev(Model):
    """A device of the host, given to the guest."""

    tag = "hostdev"
    mode: str | None = text("@mode", choices=("subsystem", "capabilities"))
    type: str | None = text("@type", choices=HOSTDEV_TYPES, required=True)
    managed: str | None = yes_no("@managed", lenient=True)
    sgio: str | None = text("@sgio", choices=("filtered", "unfiltered"))
    rawio: str | None = yes_no("@rawio")
    model: str | None = text("@model")
    display: str | None = on_off("@display")
    ramfb: str | None = on_off("@ramfb")
    driver_name: str | None = text("driver/@name", choices=("kvm", "vfio", "xen"))
    driver_model: str | None = text("driver/@model")
    source: HostdevSource | None = one("source", HostdevSource)
    teaming_type: str | None = text(
        "teaming/@type",
        choices=("persistent", "transient"),
        unknown=(CONFIG_UNSUPPORTED, "unknown teaming type '{}'"),
    )
    teaming_persistent: str | None = text("teaming/@persistent")
    readonly: bool = flag("readonly")
    shareable: bool = flag("shareable")
    info: Info = inline(Info)

    @classmethod
    def foreign(cls, element: Element) -> "Collection[str]":
        own = {"pci": ["driver_name", "driver_model", "display", "ramfb"], "mdev": ["display", "ramfb"]}
        return others(own, element.get("type") or "")

    @classmethod
    def parse(cls, element: Element) -> Self:
        mode, kind = element.get("mode", "subsystem"), element.get("type")
        own = {"subsystem": _SUBSYSTEMS, "capabilities": _CAPABILITIES}.get(mode, HOSTDEV_TYPES)
        if kind is not None and kind not in own:
            raise _fault(f"Invalid value for attribute 'type' in element 'hostdev': '{kind}'.")
        if element.find("source") is None and kind is not None:
            raise _fault("Missing <source> element in hostdev device")
        return super().parse(element)

    def after_parse(self, element: Element) -> None:
        self.mode = self.mode or "subsystem"
        source = self.source = self.source or HostdevSource()
        if self.mode == "capabilities":
            self._check_capability(source)
            self.managed = None
            return
        self.managed = self.managed or "no"
        for name in ("sgio", "rawio"):
            if getattr(self, name) is not None and self.type != "scsi":
                raise _fault(f"{name} is only supported for scsi host device")
        if self.sgio == "unfiltered":
            raise VirError(CONFIG_UNSUPPORTED, "unfiltered sgio is no longer supported")
        self._check_model()
        source.settle(self.type or "")
        self._check_teaming()

    def _check_model(self) -> None:
        if self.type == "mdev":
            if self.model is None:
                raise _fault("Missing required attribute 'model' in element 'hostdev'")
            if self.model not in ("vfio-pci", "vfio-ccw", "vfio-ap"):
                raise _fault(f"Invalid value for attribute 'model' in element 'hostdev': '{self.model}'.")
        elif self.type == "scsi_host":
            if self.model not in (None, *VIRTIO_MODELS):
                raise _fault(f"Invalid value for attribute 'model' in element 'hostdev': '{self.model}'.")
        elif self.model is not None:
            raise _fault(f"'model' attribute in <hostdev> is only supported when type='{self.type}'")

    def _check_capability(self, source: HostdevSource) -> None:
        for kind, value, detail in (
            ("storage", source.block, "Missing <block> element in hostdev storage device"),
            ("misc", source.char, "Missing <char> element in hostdev character device"),
            ("net", source.interface, "Missing <interface> element in hostdev net device"),
        ):
            if self.type == kind and value is None:
                raise _fault(detail)

    def _check_teaming(self) -> None:
        if self.teaming_type is None:
            return
        for wrong, detail in (
            (self.type != "pci", "teaming is only supported for pci hostdev devices"),
            (self.teaming_type != "transient", "teaming hostdev devices must have type='transient'"),
            (
                not self.teaming_persistent,
                "missing required persistent attribute in hostdev teaming element",
            ),
        ):
            if wrong:
                raise VirError(CONFIG_UNSUPPORTED, detail)

    def fill_node(self, node: Node) -> None:
        node.open = True
        super().fill_node(node)
