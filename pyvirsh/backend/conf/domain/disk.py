"""Disks, what is behind them, and file systems.

Source: libvirt's domain XML format, "Hard drives, floppy disks, CDROMs" and "Filesystems".
"""

from pyvirsh.backend.conf.domain.common import Address, Info, Reconnect, SecLabel, VirtioDriver
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
from pyvirsh.backend.errors import NO_TARGET, VirError

SOURCE_TYPES = ("file", "block", "dir", "network", "volume", "nvme", "vhostuser", "vhostvdpa", "none")


PROTOCOLS = tuple("nbd rbd sheepdog gluster iscsi http https ftp ftps tftp vxhs nfs ssh".split())


class Host(Model):
    """A server of a network disk."""

    tag = "host"
    name: str | None = text("@name")
    port: str | None = text("@port")
    transport: str | None = text("@transport")
    socket: str | None = text("@socket")


class SecretRef(Model):
    """A reference to a secret, by UUID or by usage."""

    tag = "secret"
    type: str | None = text("@type")
    uuid: str | None = text("@uuid")
    usage: str | None = text("@usage")


class Auth(Model):
    """How to log in to a network disk."""

    tag = "auth"
    username: str | None = text("@username")
    secret: SecretRef | None = one("secret", SecretRef)


class Encryption(Model):
    """How an image is encrypted."""

    tag = "encryption"
    format: str | None = text("@format")
    engine: str | None = text("@engine")
    secrets: list[SecretRef] = many("secret", SecretRef)
    cipher_name: str | None = text("cipher/@name")
    cipher_size: str | None = text("cipher/@size")
    cipher_mode: str | None = text("cipher/@mode")
    cipher_hash: str | None = text("cipher/@hash")


class Cookie(Model):
    """A cookie sent with HTTP requests; secret, like a password."""

    tag = "cookie"
    name: str | None = text("@name")
    value: str | None = text(".")


class Slice(Model):
    """A part of the storage."""

    tag = "slice"
    type: str | None = text("@type")
    offset: str | None = text("@offset")
    size: str | None = text("@size")


class DiskSource(Model):
    """Where a disk's data is; the disk's type says which fields count."""

    tag = "source"
    protocol: str | None = text("@protocol", choices=PROTOCOLS)
    name: str | None = text("@name")
    query: str | None = text("@query")
    tls: str | None = yes_no("@tls")
    tls_hostname: str | None = text("@tlsHostname")
    file: str | None = text("@file")
    fdgroup: str | None = text("@fdgroup")
    dev: str | None = text("@dev")
    dir: str | None = text("@dir")
    pool: str | None = text("@pool")
    volume: str | None = text("@volume")
    mode: str | None = text("@mode")
    type: str | None = text("@type")
    path: str | None = text("@path")
    managed: str | None = yes_no("@managed")
    namespace: str | None = text("@namespace")
    startup_policy: str | None = text("@startupPolicy", choices=("mandatory", "requisite", "optional"))
    index: int | None = integer("@index")
    slices: list[Slice] = many("slices/slice", Slice)
    hosts: list[Host] = many("host", Host)
    snapshot_name: str | None = text("snapshot/@name")
    config_file: str | None = text("config/@file")
    address: Address | None = one("address", Address)
    ssl_verify: str | None = yes_no("ssl/@verify")
    cookies: list[Cookie] = many("cookies/cookie", Cookie)
    readahead: str | None = text("readahead/@size")
    timeout: str | None = text("timeout/@seconds")
    knownhosts: str | None = text("knownHosts/@path")
    identity_username: str | None = text("identity/@username")
    identity_agentsock: str | None = text("identity/@agentsock")
    identity_keyfile: str | None = text("identity/@keyfile")
    auth: Auth | None = one("auth", Auth)
    reservations_managed: str | None = yes_no("reservations/@managed")
    reservations_type: str | None = text("reservations/source/@type")
    reservations_path: str | None = text("reservations/source/@path")
    reservations_mode: str | None = text("reservations/source/@mode")
    initiator_iqn: str | None = text("initiator/iqn/@name")
    encryption: Encryption | None = one("encryption", Encryption)
    identity_user: str | None = text("identity/@user")
    identity_group: str | None = text("identity/@group")
    reconnect: Reconnect | None = one("reconnect", Reconnect)
    seclabels: list[SecLabel] = many("seclabel", SecLabel)


class BackingStore(Model):
    """An image below another one; one without a type ends the chain."""

    tag = "backingStore"
    kept_empty = True
    type: str | None = text("@type", choices=SOURCE_TYPES)
    index: int | None = integer("@index")
    format: str | None = text("format/@type")
    format_metadata_cache: int | None = sized("format/metadata_cache/max_size", unit="bytes", bare="bytes")
    source: DiskSource | None = one("source", DiskSource)
    backing: "BackingStore | None" = one("backingStore", lambda: BackingStore)


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
    id: int | None = integer("@id")


class MappedThread(Model):
    """An I/O thread that serves a device, with its virtqueues."""

    tag = "iothread"
    id: int | None = integer("@id")
    queues: list[ThreadQueue] = many("queue", ThreadQueue)


class StatisticsWindow(Model):
    """A period for which a latency histogram is kept."""

    tag = "statistic"
    interval: int | None = integer("@interval")


class DiskDriver(Model):
    """How the host handles a disk's data."""

    tag = "driver"
    name: str | None = text("@name")
    type: str | None = text("@type")
    cache: str | None = text(
        "@cache", choices=("default", "none", "writethrough", "writeback", "directsync", "unsafe")
    )
    error_policy: str | None = text("@error_policy")
    rerror_policy: str | None = text("@rerror_policy")
    io: str | None = text("@io", choices=("native", "threads", "io_uring"))
    ioeventfd: str | None = on_off("@ioeventfd")
    event_idx: str | None = on_off("@event_idx")
    copy_on_read: str | None = on_off("@copy_on_read")
    discard: str | None = text("@discard", choices=("ignore", "unmap"))
    iothread: int | None = integer("@iothread")
    detect_zeroes: str | None = text("@detect_zeroes", choices=("off", "on", "unmap"))
    discard_no_unref: str | None = on_off("@discard_no_unref")
    queues: int | None = integer("@queues")
    queue_size: int | None = integer("@queue_size")
    virtio: VirtioDriver = inline(VirtioDriver)
    iothreads: list[MappedThread] = many("iothreads/iothread", MappedThread)
    metadata_cache: int | None = sized("metadata_cache/max_size", unit="bytes", bare="bytes")
    statistics: list[StatisticsWindow] = many("statistics/statistic", StatisticsWindow)


TUNE_FIELDS = tuple(
    f"{kind}_{unit}_sec{suffix}"
    for suffix in ("", "_max", "_max_length")
    for unit in ("bytes", "iops")
    for kind in ("total", "read", "write")
)


class IoTune(Model):
    """Limits of a disk's I/O; 0 and None are none."""

    tag = "iotune"
    total_bytes_sec: int | None = integer("total_bytes_sec")
    read_bytes_sec: int | None = integer("read_bytes_sec")
    write_bytes_sec: int | None = integer("write_bytes_sec")
    total_iops_sec: int | None = integer("total_iops_sec")
    read_iops_sec: int | None = integer("read_iops_sec")
    write_iops_sec: int | None = integer("write_iops_sec")
    total_bytes_sec_max: int | None = integer("total_bytes_sec_max")
    read_bytes_sec_max: int | None = integer("read_bytes_sec_max")
    write_bytes_sec_max: int | None = integer("write_bytes_sec_max")
    total_iops_sec_max: int | None = integer("total_iops_sec_max")
    read_iops_sec_max: int | None = integer("read_iops_sec_max")
    write_iops_sec_max: int | None = integer("write_iops_sec_max")
    size_iops_sec: int | None = integer("size_iops_sec")
    group_name: str | None = text("group_name")
    total_bytes_sec_max_length: int | None = integer("total_bytes_sec_max_length")
    read_bytes_sec_max_length: int | None = integer("read_bytes_sec_max_length")
    write_bytes_sec_max_length: int | None = integer("write_bytes_sec_max_length")
    total_iops_sec_max_length: int | None = integer("total_iops_sec_max_length")
    read_iops_sec_max_length: int | None = integer("read_iops_sec_max_length")
    write_iops_sec_max_length: int | None = integer("write_iops_sec_max_length")


class Disk(Model):
    """A block device of the guest."""

    tag = "disk"
    type: str = text("@type", choices=SOURCE_TYPES, default="file")
    device: str = text("@device", choices=("disk", "cdrom", "floppy", "lun"), default="disk")
    model: str | None = text("@model")
    rawio: str | None = yes_no("@rawio")
    sgio: str | None = text("@sgio", choices=("filtered", "unfiltered"))
    snapshot: str | None = text("@snapshot", choices=("no", "internal", "external", "manual"))
    driver: DiskDriver | None = one("driver", DiskDriver)
    auth: Auth | None = one("auth", Auth)
    source: DiskSource | None = one("source", DiskSource)
    backing: BackingStore | None = one("backingStore", BackingStore)
    geometry_cyls: int | None = integer("geometry/@cyls")
    geometry_heads: int | None = integer("geometry/@heads")
    geometry_secs: int | None = integer("geometry/@secs")
    geometry_trans: str | None = text("geometry/@trans")
    logical_block_size: int | None = integer("blockio/@logical_block_size")
    physical_block_size: int | None = integer("blockio/@physical_block_size")
    discard_granularity: int | None = integer("blockio/@discard_granularity")
    mirror: Mirror | None = one("mirror", Mirror)
    target_dev: str | None = text("target/@dev")
    target_bus: str | None = text(
        "target/@bus", choices=("ide", "fdc", "scsi", "virtio", "xen", "usb", "uml", "sata", "sd", "nvme")
    )
    target_tray: str | None = text("target/@tray", choices=("open", "closed"))
    target_removable: str | None = on_off("target/@removable")
    target_rotation_rate: int | None = integer("target/@rotation_rate")
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

    def after_parse(self, element: Element) -> None:
        if not self.target_dev:
            raise VirError(NO_TARGET, self._shown())

    def _shown(self) -> str:
        """Return what the disk is called where it has no target."""
        source = self.source
        return (source.file or source.dev or source.name or "") if source is not None else ""

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
        places = (source.file, source.dev, source.dir, source.protocol, source.address, source.volume)
        return any(place is not None for place in places)


class Filesystem(Model):
    """A directory of the host in the guest."""

    tag = "filesystem"
    type: str = text(
        "@type", choices=("mount", "block", "file", "template", "ram", "bind", "volume"), default="mount"
    )
    accessmode: str | None = text("@accessmode", choices=("passthrough", "mapped", "squash"))
    fmode: str | None = text("@fmode")
    dmode: str | None = text("@dmode")
    model: str | None = text("@model", choices=("virtio", "virtio-transitional", "virtio-non-transitional"))
    multidevs: str | None = text("@multidevs")
    driver_type: str | None = text("driver/@type")
    driver_format: str | None = text("driver/@format")
    driver_wrpolicy: str | None = text("driver/@wrpolicy")
    driver_queue: int | None = integer("driver/@queue")
    driver: VirtioDriver | None = one("driver", VirtioDriver)
    binary_path: str | None = text("binary/@path")
    binary_xattr: str | None = on_off("binary/@xattr")
    source_dir: str | None = text("source/@dir")
    source_dev: str | None = text("source/@dev")
    source_file: str | None = text("source/@file")
    source_name: str | None = text("source/@name")
    source_socket: str | None = text("source/@socket")
    source_pool: str | None = text("source/@pool")
    source_volume: str | None = text("source/@volume")
    target_dir: str | None = text("target/@dir")
    readonly: bool = flag("readonly")
    space_hard_limit: int | None = sized("space_hard_limit", unit="bytes", bare="bytes")
    space_soft_limit: int | None = sized("space_soft_limit", unit="bytes", bare="bytes")
    info: Info = inline(Info)
