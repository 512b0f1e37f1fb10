"""Capabilities of SCSI adapters, targets and devices, and of storage.

Source: libvirt's node device XML format; messages as observed.
"""

from typing import Any

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.model import integer, text
from pyvirsh.backend.conf.nodecapability import Capability, decimal, internal, nested, told


class FcHost(Capability):
    """A Fibre Channel adapter."""

    type = "fc_host"
    wwnn: str | None = text("wwnn")
    wwpn: str | None = text("wwpn")
    fabric_wwn: str | None = text("fabric_wwn")


class VportOps(Capability):
    """An adapter that can have virtual ones; the numbers are the host's to say."""

    type = "vport_ops"
    max_vports: int = integer("max_vports", default=0)
    vports: int = integer("vports", default=0)

    @classmethod
    def parse(cls, element: xml.Element) -> "VportOps":
        return cls()

    def filter_names(self) -> "list[str]":
        return ["vports"]


class ScsiHost(Capability):
    """A SCSI adapter."""

    type = "scsi_host"
    # None only for one that is to be made.
    host: int | None = decimal("host", "SCSI host ID", required=False)
    unique_id: str | None = text("unique_id")
    capabilities: list[Any] = nested(
        FcHost,
        VportOps,
        missing="missing SCSI host capability type for '{}'",
        unknown="unknown SCSI host capability type '%s' for '{}'",
    )

    def after_parse(self, element: xml.Element) -> None:
        if self.unique_id is None:
            return
        if not self.unique_id.removeprefix("-").isdigit():
            raise internal("invalid unique_id supplied for '{}'", element)
        self.unique_id = None if int(self.unique_id) == -1 else str(int(self.unique_id))

    @property
    def fc_host(self) -> "FcHost | None":
        """Return what it has of a Fibre Channel adapter."""
        return next((one for one in self.capabilities if isinstance(one, FcHost)), None)

    @property
    def vport_ops(self) -> "VportOps | None":
        """Return what virtual adapters it can have."""
        return next((one for one in self.capabilities if isinstance(one, VportOps)), None)

    def filter_names(self) -> "list[str]":
        return [self.type, *(name for one in self.capabilities for name in one.filter_names())]


class FcRemotePort(Capability):
    """A port at the other end."""

    type = "fc_remote_port"
    rport: str | None = text("rport")
    wwpn: str | None = text("wwpn")

    def after_parse(self, element: xml.Element) -> None:
        if self.rport is None:
            raise internal("missing rport name for '{}'", element)
        if self.wwpn is None:
            raise internal("missing wwpn identifier for '{}'", element)


class ScsiTarget(Capability):
    """A SCSI target."""

    type = "scsi_target"
    target: str | None = told("target", "target name")
    capabilities: list[Any] = nested(
        FcRemotePort,
        missing="missing type for SCSI target capability for '{}'",
        unknown="unknown SCSI target capability type '%s' for '{}'",
    )


class Scsi(Capability):
    """A SCSI device."""

    type = "scsi"
    host: int = decimal("host", "SCSI host ID")
    bus: int = decimal("bus", "SCSI bus ID")
    target: int = decimal("target", "SCSI target ID")
    lun: int = decimal("lun", "SCSI LUN ID")
    kind: str | None = text("type")


class ScsiGeneric(Capability):
    """A generic SCSI character device."""

    type = "scsi_generic"
    readable = False
    char: str | None = text("char")


class Removable(Capability):
    """A drive whose medium can be taken out."""

    type = "removable"
    media_available: str | None = text("media_available")
    media_size: int = decimal("media_size", "removable media size")
    media_label: str | None = text("media_label")
    logical_block_size: int | None = integer("logical_block_size")
    num_blocks: int | None = integer("num_blocks")

    def after_parse(self, element: xml.Element) -> None:
        self.media_available = "1" if self.media_available == "1" else "0"
        self.logical_block_size = self.num_blocks = None


class Hotpluggable(Capability):
    """A drive that can be plugged while the host runs."""

    type = "hotpluggable"


class Storage(Capability):
    """A block device."""

    type = "storage"
    block: str | None = told("block", "block device path")
    bus: str | None = text("bus")
    drive_type: str | None = text("drive_type")
    model: str | None = text("model")
    vendor: str | None = text("vendor")
    serial: str | None = text("serial")
    size: str | None = text("size")
    logical_block_size: str | None = text("logical_block_size")
    num_blocks: str | None = text("num_blocks")
    capabilities: list[Any] = nested(
        Removable,
        Hotpluggable,
        missing="missing storage capability type for '{}'",
        unknown="unknown storage capability type '%s' for '{}'",
    )

    def after_parse(self, element: xml.Element) -> None:
        self.logical_block_size = self.num_blocks = None
        if any(isinstance(one, Removable) for one in self.capabilities):
            self.size = None
        elif self.size is None:
            raise internal("no size supplied for '{}'", element)
        elif not self.size.isdigit():
            raise internal("invalid size supplied for '{}'", element)
