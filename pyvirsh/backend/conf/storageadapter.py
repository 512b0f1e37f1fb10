"""The adapters that pools of SCSI devices are on.

Source: libvirt's storage pool XML format; messages as observed.
"""

import re

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.model import Model, one, text
from pyvirsh.backend.conf.pciaddress import PciAddress
from pyvirsh.backend.conf.storagecommon import fault
from pyvirsh.backend.errors import INTERNAL_ERROR, VirError

NO_ADAPTER = "missing storage pool source adapter"
_WWN = re.compile(r"[0-9a-fA-F]{16}")


class ParentAddress(Model):
    """The PCI device that an adapter is on."""

    tag = "parentaddr"
    unique_id: str | None = text("@unique_id")
    address: PciAddress | None = one("address", PciAddress)

    def after_parse(self, element: xml.Element) -> None:
        if self.address is None:
            raise fault("Missing scsi_host PCI address element")
        if not (self.unique_id or "").isdigit():
            raise fault("Missing or invalid scsi adapter 'unique_id' value")


class Adapter(Model):
    """A SCSI host adapter, or a virtual one of a Fibre Channel adapter."""

    tag = "adapter"
    type: str | None = text("@type", choices=("scsi_host", "fc_host"))
    name: str | None = text("@name")
    parent: str | None = text("@parent")
    parent_wwnn: str | None = text("@parent_wwnn")
    parent_wwpn: str | None = text("@parent_wwpn")
    parent_fabric_wwn: str | None = text("@parent_fabric_wwn")
    managed: str | None = text("@managed")
    wwnn: str | None = text("@wwnn")
    wwpn: str | None = text("@wwpn")
    parent_address: ParentAddress | None = one("parentaddr", ParentAddress)

    def after_parse(self, element: xml.Element) -> None:
        if self.type is None:
            self._untyped()
        if self.type == "fc_host":
            self.name = self.parent_address = None
            if self.managed not in (None, "yes", "no"):
                detail = f"Invalid value for attribute 'managed' in element 'adapter': '{self.managed}'."
                raise fault(detail)
            return
        for name in ("parent", "parent_wwnn", "parent_wwpn", "parent_fabric_wwn", "managed", "wwnn", "wwpn"):
            setattr(self, name, None)

    def _untyped(self) -> None:
        if self.wwnn is not None or self.wwpn is not None or self.parent is not None:
            raise fault("Use of 'wwnn', 'wwpn', and 'parent' attributes requires use of the adapter 'type'")
        if self.parent_address is not None:
            raise fault("Use of 'parentaddr' element requires use of the adapter 'type'")
        if self.name is not None:
            self.type = "scsi_host"

    def validate(self) -> None:
        """Check what a pool needs of its adapter.  Errors: XML_ERROR, INTERNAL_ERROR."""
        if self.type == "fc_host":
            self._validate_fc()
        elif self.type is None:
            raise fault(NO_ADAPTER)
        elif self.name is None and self.parent_address is None:
            raise fault("Either 'name' or 'parent' must be specified for the 'scsi_host' adapter")
        elif self.name is not None and self.parent_address is not None:
            raise fault("Both 'name' and 'parent' cannot be specified for the 'scsi_host' adapter")

    def _validate_fc(self) -> None:
        if self.wwnn is None or self.wwpn is None:
            raise fault("'wwnn' and 'wwpn' must be specified for adapter type 'fchost'")
        for name in ("wwnn", "wwpn"):
            check_wwn(getattr(self, name))
        if (self.parent_wwnn is None) != (self.parent_wwpn is None):
            there, lacking = ("wwnn", "wwpn") if self.parent_wwnn is not None else ("wwpn", "wwnn")
            value = getattr(self, f"parent_{there}")
            what = f"parent_{there}='{value}', the parent_{lacking}"
            raise fault(f"when providing {what} must also be provided")
        for name in ("parent_wwnn", "parent_wwpn", "parent_fabric_wwn"):
            check_wwn(getattr(self, name))


def check_wwn(value: "str | None") -> None:
    """Check a name of a Fibre Channel port or node.  Errors: INTERNAL_ERROR."""
    if value is not None and not _WWN.fullmatch(value):
        raise VirError(INTERNAL_ERROR, f"Malformed wwn: {value}")
