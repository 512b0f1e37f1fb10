"""Storage pools: libvirt's pool XML as a declared model, with the checks libvirt makes of it.

Source: libvirt's storage pool XML format; messages as observed.
"""

from typing import TYPE_CHECKING, Self

from pyvirsh.backend.conf import shape, xml
from pyvirsh.backend.conf.model import Model, integer, many, one, text, told, yes_no
from pyvirsh.backend.conf.storageadapter import NO_ADAPTER, Adapter
from pyvirsh.backend.conf.storagecommon import Permissions, SecretRef, clean_path, fault, plain_uuid
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, NO_SUPPORT, XML_DETAIL, VirError

if TYPE_CHECKING:
    from collections.abc import Callable

_FS_FORMATS = "auto ext2 ext3 ext4 ufs iso9660 udf gfs gfs2 vfat hfs+ xfs ocfs2 vmfs".split()
_DISK_FORMATS = "unknown dos dvh gpt mac bsd pc98 sun lvm2".split()


class Kind:
    """What a type of pool has: `parts` of its source, those it `needs`, formats (the first is the default).

    target: where its volumes appear: "" nowhere, "*" where the document says, else a path with the
    source's name in place of {}.
    """

    def __init__(self, parts: str, *, needs: str = "", formats: "list[str] | None" = None, target: str = ""):
        self.parts = parts.split()
        self.needs = needs.split()
        self.formats = formats or []
        self.target = target


KINDS = {
    "dir": Kind("", target="*"),
    "fs": Kind("devices", needs="devices", formats=_FS_FORMATS, target="*"),
    "netfs": Kind("hosts dir", needs="hosts dir", formats=["auto", "nfs", "glusterfs", "cifs"], target="*"),
    "logical": Kind("name devices", formats=["lvm2", "unknown"], target="/dev/{}"),
    "disk": Kind("devices", needs="devices", formats=_DISK_FORMATS, target="*"),
    "iscsi": Kind("hosts devices initiator", needs="hosts", target="*"),
    "iscsi-direct": Kind("hosts devices initiator", needs="hosts initiator"),
    "scsi": Kind("adapter", needs="adapter", target="*"),
    "mpath": Kind("", target="*"),
    "rbd": Kind("hosts name", needs="hosts"),
    "sheepdog": Kind("hosts name", needs="hosts"),
    "gluster": Kind("hosts name dir", needs="hosts"),
    "zfs": Kind("name devices", target="/dev/zvol/{}"),
    "vstorage": Kind("name", target="*"),
}
_MISSING = {
    "hosts": "missing storage pool source host name",
    "devices": "missing storage pool source device name",
    "dir": "missing storage pool source path",
    "adapter": NO_ADAPTER,
}
NAMESPACES = {
    "fs": "http://libvirt.org/schemas/storagepool/fs/1.0",
    "rbd": "http://libvirt.org/schemas/storagepool/rbd/1.0",
}


class Host(Model):
    """A server."""

    tag = "host"
    name: str | None = text("@name")
    port: int | None = integer("@port", signed=True)

    def after_parse(self, element: xml.Element) -> None:
        if self.name is None:
            raise fault("missing storage pool host name")
        if self.port is not None and not -(1 << 31) <= self.port < 1 << 31:
            detail = f"Invalid value for attribute 'port' in element 'host': '{element.get('port')}'."
            raise fault(f"{detail} Expected integer value")
        self.port = self.port or None


class FreeExtent(Model):
    """Free space of a disk."""

    start: str | None = text("@start")
    end: str | None = text("@end")


class Device(Model):
    """A device of the host, or the name of a target."""

    tag = "device"
    path: str | None = text("@path")
    part_separator: str | None = yes_no("@part_separator")
    free_extents: list[FreeExtent] = many("freeExtent", FreeExtent)

    def after_parse(self, element: xml.Element) -> None:
        if self.path is None:
            raise fault("missing storage pool source device path")
        self.free_extents = []

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        node.open = bool(self.free_extents)


class Auth(Model):
    """How to log in to a server."""

    tag = "auth"
    type: str | None = text("@type", blank=True)
    username: str | None = text("@username")
    secret: SecretRef | None = one("secret", SecretRef)

    @classmethod
    def parse(cls, element: xml.Element) -> Self:
        kind = element.get("type") or None
        if not element.get("username"):
            raise fault("missing username for auth")
        if kind not in (None, "none", "chap", "ceph"):
            raise VirError(CONFIG_UNSUPPORTED, f"unknown auth type '{kind}'")
        if element.find("secret") is None:
            raise fault("Missing <secret> element in auth")
        return super().parse(element)


class Source(Model):
    """Where a pool's data is."""

    tag = "source"
    kept_empty = True
    hosts: list[Host] = many("host", Host)
    devices: list[Device] = many("device", Device)
    dir: str | None = text("dir/@path")
    adapter: Adapter | None = one("adapter", Adapter)
    # The Fibre Channel adapter to be made, which libvirt heeds for kinds of pools that show none, too.
    virtual_adapter: "Adapter | None" = None
    name: str | None = text("name")
    initiator: str | None = text("initiator/iqn/@name")
    format: str | None = text("format/@type")
    auth: Auth | None = one("auth", Auth)
    protocol: str | None = text("protocol/@ver")
    vendor: str | None = text("vendor/@name")
    product: str | None = text("product/@name")

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        node.open = True

    def complete(self, kind: Kind) -> None:
        """Fill in and check the format, which a kind of pool may not have.  Errors: CONFIG_UNSUPPORTED."""
        if not kind.formats:
            self.format = None
        elif not self.format:
            self.format = kind.formats[0]
        elif self.format not in kind.formats:
            raise VirError(CONFIG_UNSUPPORTED, f"unknown pool format type {self.format}")
        self.dir = clean_path(self.dir) if self.dir else None
        self.vendor = self.vendor or None
        self.product = self.product or None

    def drop_foreign(self, kind: Kind) -> None:
        """Drop what a kind of pool does not have."""
        if self.adapter is not None and self.adapter.type == "fc_host":
            self.virtual_adapter = self.adapter
        for part in ("hosts", "devices", "dir", "adapter", "name", "initiator"):
            if part not in kind.parts:
                setattr(self, part, [] if part in ("hosts", "devices") else None)


class Target(Model):
    """Where a pool's volumes appear."""

    tag = "target"
    path: str | None = text("path")
    permissions: Permissions | None = one("permissions", Permissions)


class Option(Model):
    """An option that a namespace adds."""

    name: str | None = text("@name")
    value: str | None = text("@value")


class Pool(Model):
    """A storage pool.  Sizes are in bytes and what the driver says, never the document."""

    tag = "pool"
    type: str = text("@type", choices=tuple(KINDS), required=True)
    name: str = text("name")
    uuid: str | None = text("uuid")
    capacity: int | None = told("capacity")
    allocation: int | None = told("allocation")
    available: int | None = told("available")
    cow: str | None = yes_no("features/cow/@state")
    source: Source = one("source", Source)
    target: Target | None = one("target", Target)
    refresh: str | None = text("refresh/volume/@allocation")
    mount_options: list[Option] = many("fs:mount_opts/fs:option", Option)
    config_options: list[Option] = many("rbd:config_opts/rbd:option", Option)

    @property
    def kind(self) -> Kind:
        """Return what its type has."""
        return KINDS[self.type]

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        for prefix, options in (("fs", self.mount_options), ("rbd", self.config_options)):
            if options:
                node.attrs[f"xmlns:{prefix}"] = NAMESPACES[prefix]


def parse_source(root: xml.Element, pool_type: str) -> Source:
    """Make a source of a parsed element, for a search.  Errors: XML_ERROR and its kin."""
    if root.tag != "source":
        raise fault(f"expecting root element of 'source', not '{xml.local_name(root)}'")
    if pool_type not in KINDS:
        raise VirError(INTERNAL_ERROR, "missing backend for pool type -1")
    check_name(root, pool_type)
    source = Source.parse(root)
    source.complete(KINDS[pool_type])
    return source


def check_name(source: "xml.Element | None", pool_type: "str | None") -> None:
    """Check that a source has a name where it cannot be the pool's.  Errors: XML_ERROR."""
    if pool_type == "rbd" and source is not None and not source.findtext("name"):
        raise fault("element 'name' is mandatory for RBD pool")


# What libvirt's schema asks for at the top of a pool of each type, and first in its source.
_SHAPES = {
    **dict.fromkeys(("dir", "mpath"), ("name target", "")),
    **dict.fromkeys(("fs", "disk"), ("name source target", "device")),
    **dict.fromkeys(("netfs", "iscsi"), ("name source target", "host")),
    "scsi": ("name source target", "adapter"),
    "iscsi-direct": ("name source", "host"),
    "logical": ("source target", ""),
    **dict.fromkeys(("sheepdog", "gluster"), ("source", "host")),
    **dict.fromkeys(("rbd", "zfs", "vstorage"), ("source", "name")),
}


def check_shape(root: xml.Element) -> None:
    """Check a pool's document as far as `shape` does.  Errors: XML_INVALID_SCHEMA."""
    top, first = _SHAPES.get(root.get("type") or "", ("name", ""))
    shape.check(root, Pool, "storagepool", tuple(top.split()))
    source = root.find("source")
    if first and source is not None and source.find(first) is None:
        failed = "Element {} failed to validate content\n"
        inner = shape.lacking(first) + failed.format("source")
        raise shape.misfit("storagepool", f"{inner}Invalid sequence in interleave\n{failed.format('pool')}")


def parse_pool(
    root: xml.Element, *, new_uuid: "Callable[[], str]", extensions: "tuple[str, ...]" = ()
) -> Pool:
    """Make a pool of a parsed element; it says nothing about sizes.

    extensions: the namespaces whose options are taken ("fs", "rbd").  Errors: XML_ERROR and its kin.
    """
    if root.tag != "pool":
        raise fault(f"expecting root element of 'pool', not '{xml.local_name(root)}'")
    check_name(root.find("source"), root.get("type"))
    pool = Pool.parse(root)
    pool.source = pool.source or Source()
    kind = pool.kind
    pool.source.complete(kind)
    _name(pool)
    pool.uuid = plain_uuid(pool.uuid, "malformed uuid element") if pool.uuid else new_uuid()
    if pool.type == "gluster":
        pool.source.dir = pool.source.dir or "/"
    _check(pool)
    _place(pool)
    pool.source.drop_foreign(kind)
    _extend(pool, root, extensions)
    return pool


def _name(pool: Pool) -> None:
    if not pool.name:
        pool.name = pool.source.name or ""
    if not pool.name:
        raise fault("missing pool source name element")
    if "/" in pool.name:
        raise fault(f"name {pool.name} cannot contain '/'")
    if pool.source.name is None and "name" in pool.kind.parts:
        pool.source.name = pool.name if pool.type != "rbd" else None


def _check(pool: Pool) -> None:
    source = pool.source
    for part in pool.kind.needs:
        if part in ("adapter", "initiator"):
            _check_protocol(source)
        if not getattr(source, part):
            if part == "initiator":
                raise VirError(CONFIG_UNSUPPORTED, "missing initiator IQN")
            raise fault(_MISSING[part])
    _check_protocol(source)
    if "adapter" in pool.kind.parts and source.adapter is not None:
        source.adapter.validate()
    if source.auth is not None and source.auth.type in (None, "none"):
        raise VirError(CONFIG_UNSUPPORTED, "storage pool missing auth type")
    if source.protocol is not None and source.format in ("cifs", "glusterfs"):
        detail = f"storage pool protocol ver unsupported for pool type '{source.format}'"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    if pool.cow is not None and pool.type not in ("fs", "dir"):
        raise VirError(NO_SUPPORT, "cow feature may only be used for 'fs' and 'dir' pools")
    pool.refresh = pool.refresh or None
    if pool.refresh not in (None, "default", "capacity"):
        detail = f"unknown storage pool volume refresh allocation type {pool.refresh}"
        raise VirError(CONFIG_UNSUPPORTED, detail)


def _check_protocol(source: Source) -> None:
    if "," in (source.protocol or ""):
        raise VirError(XML_DETAIL, text=f"storage pool protocol ver '{source.protocol}' must not contain ','")


def _place(pool: Pool) -> None:
    """Decide where the volumes appear.  Errors: XML_ERROR."""
    where = pool.kind.target
    if not where:
        pool.target = None
        return
    target = pool.target = pool.target or Target()
    if where != "*":
        target.path = clean_path(where.format(pool.source.name))
    elif not target.path:
        raise fault("missing storage pool target path")
    else:
        target.path = clean_path(target.path)


def _extend(pool: Pool, root: xml.Element, extensions: "tuple[str, ...]") -> None:
    if "fs" in extensions and pool.type in ("fs", "netfs"):
        name = f"{{{NAMESPACES['fs']}}}"
        pool.mount_options = [Option.parse(one) for one in root.iterfind(f"{name}mount_opts/{name}option")]
        if any(option.name is None for option in pool.mount_options):
            raise fault("no fs mount option name specified")
    if "rbd" in extensions and pool.type == "rbd":
        name = f"{{{NAMESPACES['rbd']}}}"
        pool.config_options = [Option.parse(one) for one in root.iterfind(f"{name}config_opts/{name}option")]
        for option in pool.config_options:
            if option.name is None:
                raise fault("no rbd option name specified")
            if option.value is None:
                raise fault(f"no rbd option value specified for name '{option.name}'")


def format_pool(pool: Pool) -> str:
    """Return the pool as XML text."""
    return xml.write(pool.to_node())
