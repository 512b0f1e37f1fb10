"""Disks.

Source: libvirt's domain XML format, "Hard drives, floppy disks, CDROMs".
"""

from typing import Any, Self

from pyvirsh.backend.conf.domain.common import Info, VirtioDriver
from pyvirsh.backend.conf.domain.source import SOURCE_TYPES, Auth, DiskSource, Encryption
from pyvirsh.backend.conf.model import (
    Model,
    flag,
    inline,
    integer,
    items,
    many,
    on_off,
    one,
    sized,
    text,
    yes_no,
)
from pyvirsh.backend.conf.xml import Element
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, XML_ERROR, VirError

VIRTIO_MODELS = ("virtio", "virtio-transitional", "virtio-non-transitional")
# Formats of images that libvirt knows.
FORMATS = tuple("raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk".split())


class BackingStore(Model):
    """An image below another one; one without a type ends the chain."""

    tag = "backingStore"
    kept_empty = True
    type: str | None = text("@type")
    index: int | None = integer("@index", lenient=True)
    format: str | None = text("format/@type")
    format_metadata_cache: int | None = sized("format/metadata_cache/max_size", unit="bytes", bare="bytes")
    source: DiskSource | None = one("source", DiskSource)
    backing: "BackingStore | None" = one("backingStore", lambda: BackingStore)

    @classmethod
    def parse(cls, element: Element) -> Self:
        if element.get("type") is None:
            return cls()
        return super().parse(element)

    def after_parse(self, element: Element) -> None:
        if not self.format:
            raise VirError(XML_ERROR, "missing disk backing store format")
        if self.format not in FORMATS:
            raise VirError(XML_ERROR, f"unknown storage source format '{self.format}'")
        if self.type not in SOURCE_TYPES or self.type == "none":
            raise VirError(XML_ERROR, f"unknown storage source type '{self.type}'")
        if element.find("source") is None:
            raise VirError(XML_ERROR, "missing disk backing store source")
        if self.source is not None:
            self.source.file = self.source.file or None
            self.source.name = self.source.name or None


class Mirror(Model):
    """The copy that a block job makes."""

    tag = "mirror"
    type: str | None = text("@type")
    file: str | None = text("@file")
    file_format: str | None = text("@format")
    job: str | None = text("@job")
    ready: str | None = text("@ready")
    format: str | None = text("format/@type")
    source: DiskSource | None = one("source", DiskSource)
    backing: BackingStore | None = one("backingStore", BackingStore)


class ThreadQueue(Model):
    """A virtqueue served by an I/O thread."""

    tag = "queue"
    id: int | None = integer("@id", required=True, bits=32)


class MappedThread(Model):
    """An I/O thread that serves a device, with its virtqueues."""

    tag = "iothread"
    id: int | None = integer("@id", required=True, bits=32)
    queues: list[ThreadQueue] = many("queue", ThreadQueue)


class StatisticsWindow(Model):
    """A period for which a latency histogram is kept."""

    tag = "statistic"
    interval: int | None = integer("@interval")


_POLICIES = ("stop", "report", "ignore", "enospace")


class DiskDriver(Model):
    """How the host handles a disk's data."""

    tag = "driver"
    name: str | None = text("@name")
    type: str | None = text("@type")
    cache: str | None = text(
        "@cache", choices=("default", "none", "writethrough", "writeback", "directsync", "unsafe")
    )
    error_policy: str | None = text("@error_policy", choices=_POLICIES)
    rerror_policy: str | None = text("@rerror_policy", choices=_POLICIES)
    io: str | None = text("@io", choices=("native", "threads", "io_uring"))
    ioeventfd: str | None = on_off("@ioeventfd")
    event_idx: str | None = on_off("@event_idx")
    copy_on_read: str | None = on_off("@copy_on_read")
    discard: str | None = text("@discard", choices=("ignore", "unmap"))
    iothread: int | None = integer("@iothread", bits=32, positive=True)
    detect_zeroes: str | None = text("@detect_zeroes", choices=("off", "on", "unmap"))
    discard_no_unref: str | None = on_off("@discard_no_unref")
    queues: int | None = integer("@queues", or_none=True, bits=32)
    queue_size: int | None = integer("@queue_size", or_none=True, bits=32)
    virtio: VirtioDriver = inline(VirtioDriver)
    iothreads: list[MappedThread] = many("iothreads/iothread", MappedThread)
    metadata_cache: int | None = sized(
        "metadata_cache/max_size", unit="bytes", bare="bytes", place="./metadata_cache/max_size"
    )
    statistics: list[StatisticsWindow] = many("statistics/statistic", StatisticsWindow)

    def after_parse(self, element: Element) -> None:
        if self.type is not None and self.type not in FORMATS:
            raise VirError(CONFIG_UNSUPPORTED, f"unknown driver format value '{self.type}'")
        if self.cache == "default":
            self.cache = None


TUNE_FIELDS = tuple(
    f"{kind}_{unit}_sec{suffix}"
    for suffix in ("", "_max", "_max_length")
    for unit in ("bytes", "iops")
    for kind in ("total", "read", "write")
)


def _limit(name: str) -> Any:
    unknown = (XML_ERROR, f"disk iotune field '{name}' must be an integer")
    return integer(name, or_none=True, unknown=unknown)


class IoTune(Model):
    """Limits of a disk's I/O; 0 and None are none."""

    tag = "iotune"
    total_bytes_sec: int | None = _limit("total_bytes_sec")
    read_bytes_sec: int | None = _limit("read_bytes_sec")
    write_bytes_sec: int | None = _limit("write_bytes_sec")
    total_iops_sec: int | None = _limit("total_iops_sec")
    read_iops_sec: int | None = _limit("read_iops_sec")
    write_iops_sec: int | None = _limit("write_iops_sec")
    total_bytes_sec_max: int | None = _limit("total_bytes_sec_max")
    read_bytes_sec_max: int | None = _limit("read_bytes_sec_max")
    write_bytes_sec_max: int | None = _limit("write_bytes_sec_max")
    total_iops_sec_max: int | None = _limit("total_iops_sec_max")
    read_iops_sec_max: int | None = _limit("read_iops_sec_max")
    write_iops_sec_max: int | None = _limit("write_iops_sec_max")
    size_iops_sec: int | None = _limit("size_iops_sec")
    group_name: str | None = text("group_name")
    total_bytes_sec_max_length: int | None = _limit("total_bytes_sec_max_length")
    read_bytes_sec_max_length: int | None = _limit("read_bytes_sec_max_length")
    write_bytes_sec_max_length: int | None = _limit("write_bytes_sec_max_length")
    total_iops_sec_max_length: int | None = _limit("total_iops_sec_max_length")
    read_iops_sec_max_length: int | None = _limit("read_iops_sec_max_length")
    write_iops_sec_max_length: int | None = _limit("write_iops_sec_max_length")


class Disk(Model):
    """A block device of the guest."""

    tag = "disk"
    type: str = text("@type", choices=SOURCE_TYPES[:-1], default="file")
    device: str = text("@device", choices=("disk", "cdrom", "floppy", "lun"), default="disk")
    model: str | None = text("@model", choices=("default", *VIRTIO_MODELS))
    rawio: str | None = yes_no("@rawio")
    sgio: str | None = text("@sgio", choices=("filtered", "unfiltered"))
    snapshot: str | None = text("@snapshot", choices=("no", "internal", "external", "manual"))
    driver: DiskDriver | None = one("driver", DiskDriver)
    auth: Auth | None = one("auth", Auth)
    source: DiskSource | None = one("source", DiskSource)
    backing: BackingStore | None = one("backingStore", BackingStore)
    geometry_cyls: int | None = integer("geometry/@cyls", bits=32)
    geometry_heads: int | None = integer("geometry/@heads", bits=32)
    geometry_secs: int | None = integer("geometry/@secs", bits=32)
    geometry_trans: str | None = text("geometry/@trans", choices=("none", "auto", "lba"))
    logical_block_size: int | None = integer("blockio/@logical_block_size", bits=32, or_none=True)
    physical_block_size: int | None = integer("blockio/@physical_block_size", bits=32, or_none=True)
    discard_granularity: int | None = integer("blockio/@discard_granularity", bits=32, or_none=True)
    mirror: Mirror | None = one("mirror", Mirror)
    target_dev: str | None = text("target/@dev")
    target_bus: str | None = text(
        "target/@bus", choices=("ide", "fdc", "scsi", "virtio", "xen", "usb", "uml", "sata", "sd", "nvme")
    )
    target_tray: str | None = text("target/@tray", choices=("open", "closed"))
    target_removable: str | None = on_off("target/@removable")
    target_rotation_rate: int | None = integer("target/@rotation_rate", bits=32, or_none=True)
    target_dpofua: str | None = on_off("target/@dpofua")
    iotune: IoTune | None = one("iotune", IoTune)
    throttle_groups: list[str] = items("throttlefilters/throttlefilter/@group")
    readonly: bool = flag("readonly")
    shareable: bool = flag("shareable")
    transient: bool = flag("transient")
    transient_share: str | None = yes_no("transient/@shareBacking")
    serial: str | None = text("serial")
    wwn: str | None = text("wwn")
    vendor: str | None = text("vendor")
    product: str | None = text("product")
    encryption: Encryption | None = one("encryption", Encryption)
    info: Info = inline(Info)
    _read_first = ("type", "device", "source")

    def after_parse(self, element: Element) -> None:
        self.model = None if self.model == "default" else self.model
        # Of all <throttlefilters>.
        self.throttle_groups = [
            one.get("group") or "" for one in element.findall("throttlefilters/throttlefilter")
        ]
        if element.find("source") is None and self.device in ("cdrom", "floppy"):
            self.type = "file"
        if self.source is not None:
            if self.source.protocol == "iscsi" and "/" not in (self.source.name or ""):
                self.source.name = f"{self.source.name}/0"
        if not (self.geometry_cyls and self.geometry_heads and self.geometry_secs):
            self.geometry_cyls = self.geometry_heads = self.geometry_secs = self.geometry_trans = None
        if self.source is not None and self.source.auth is not None and self.auth is not None:
            raise VirError(CONFIG_UNSUPPORTED, "an <auth> definition already found for disk source")
        if self.source is not None and self.source.encryption is not None and self.encryption is not None:
            raise VirError(CONFIG_UNSUPPORTED, "an <encryption> definition already found for disk source")

    def shown(self) -> str:
        """Return what the disk is called where it has no target."""
        source = self.source
        if source is None:
            return ""
        name = source.name or ""
        if source.protocol in ("rbd", "gluster"):
            # The pool's name is none of the image's.
            name = name.partition("/")[2]
        return source.file or source.dev or source.dir or name

    @property
    def format(self) -> "str | None":
        """The image's format, as the definition states it."""
        return self.driver.type if self.driver else None

    @property
    def has_medium(self) -> bool:
        """Whether there is an image; a drive for removable media may be empty."""
        source = self.source
        if source is None:
            return False
        if source.protocol == "none":
            return False
        places = (source.file, source.dev, source.dir, source.protocol, source.address, source.volume)
        return any(place is not None for place in places)
