"""Directories and file systems of the host in the guest.

Source: libvirt's domain XML format, "Filesystems".
"""

from collections.abc import Collection

from pyvirsh.backend.conf.cnumbers import c_integer
from pyvirsh.backend.conf.domain.common import Info, VirtioDriver
from pyvirsh.backend.conf.domain.disk import FORMATS, VIRTIO_MODELS
from pyvirsh.backend.conf.domain.security import IdMap
from pyvirsh.backend.conf.model import Model, flag, inline, integer, many, on_off, one, scaled, sized, text
from pyvirsh.backend.conf.xml import Element, Node
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, NO_SOURCE, XML_ERROR, VirError

_TYPES = ("mount", "block", "file", "template", "ram", "bind", "volume")
# What a file system of a type stands on.
_SOURCES = {"mount": "dir", "bind": "dir", "block": "dev", "file": "file", "template": "name"}


# What only a file system that virtiofsd serves has.
_VIRTIOFS = (
    "binary_path",
    "binary_xattr",
    "binary_cache",
    "binary_sandbox",
    "binary_posix_lock",
    "binary_flock",
    "binary_threads",
    "binary_open_files",
    "uid_maps",
    "gid_maps",
)


# The rights of files that may be stated.
_MODE_MAX = 0o777


class Filesystem(Model):
    """A directory or file system of the host in the guest."""

    tag = "filesystem"
    type: str = text("@type", choices=_TYPES, default="mount")
    accessmode: str | None = text("@accessmode", choices=("passthrough", "mapped", "squash"), blank=True)
    model: str | None = text("@model", choices=VIRTIO_MODELS)
    multidevs: str | None = text("@multidevs", choices=("default", "remap", "forbid", "warn"))
    fmode: str | None = text("@fmode")
    dmode: str | None = text("@dmode")
    driver_type: str | None = text(
        "driver/@type", choices=("path", "handle", "loop", "nbd", "ploop", "virtiofs", "mtp", "default")
    )
    driver_format: str | None = text(
        "driver/@format",
        choices=FORMATS,
        unknown=(CONFIG_UNSUPPORTED, "unknown driver format value '{}'"),
    )
    driver_wrpolicy: str | None = text("driver/@wrpolicy", choices=("immediate", "default"))
    driver_queue: int | None = integer("driver/@queue", lenient=True)
    driver: VirtioDriver | None = one("driver", VirtioDriver)
    binary_path: str | None = text("binary/@path")
    binary_xattr: str | None = on_off("binary/@xattr", lenient=True)
    binary_cache: str | None = text("binary/cache/@mode", choices=("none", "always"))
    binary_sandbox: str | None = text("binary/sandbox/@mode", choices=("namespace", "chroot"))
    binary_posix_lock: str | None = on_off("binary/lock/@posix")
    binary_flock: str | None = on_off("binary/lock/@flock")
    binary_threads: int | None = integer(
        "binary/thread_pool/@size",
        signed=True,
        unknown=(XML_ERROR, "cannot parse thread pool size '{}' for virtiofs"),
    )
    binary_open_files: int | None = integer("binary/openfiles/@max")
    uid_maps: list[IdMap] = many("idmap/uid", IdMap)
    gid_maps: list[IdMap] = many("idmap/gid", IdMap)
    source_dir: str | None = text("source/@dir")
    source_dev: str | None = text("source/@dev")
    source_file: str | None = text("source/@file")
    source_name: str | None = text("source/@name")
    source_socket: str | None = text("source/@socket")
    source_pool: str | None = text("source/@pool")
    source_volume: str | None = text("source/@volume")
    source_usage: int | None = None
    target_dir: str | None = text("target/@dir")
    readonly: bool = flag("readonly")
    space_hard_limit: int | None = sized("space_hard_limit", unit="bytes", bare="bytes")
    space_soft_limit: int | None = sized("space_soft_limit", unit="bytes", bare="bytes")
    info: Info = inline(Info)

    @classmethod
    def foreign(cls, element: Element) -> "Collection[str]":
        driver = element.find("driver")
        return () if driver is not None and driver.get("type") == "virtiofs" else _VIRTIOFS

    def after_parse(self, element: Element) -> None:
        for name in ("multidevs", "driver_type", "driver_wrpolicy"):
            if getattr(self, name) == "default":
                setattr(self, name, None)
        self._take_source(element)
        for name in ("fmode", "dmode"):
            self._take_mode(name)
        self._take_queue(element.find("driver"))
        if self.driver_type is None:
            self.driver_wrpolicy = self.driver_format = None

    def _take_source(self, element: Element) -> None:
        """Keep what a source of the type has.  Errors: NO_SOURCE, XML_ERROR."""
        own = _SOURCES.get(self.type)
        for name in ("dir", "dev", "file", "name"):
            if name != own or self.source_socket is not None:
                setattr(self, f"source_{name}", None)
        if self.type == "ram":
            self._take_usage(element)
        elif own is not None and getattr(self, f"source_{own}") is None and self.source_socket is None:
            raise VirError(NO_SOURCE, self.target_dir or "")

    def _take_usage(self, element: Element) -> None:
        source = element.find("source")
        usage = source.get("usage") if source is not None else None
        if source is None or usage is None:
            raise VirError(XML_ERROR, "missing 'usage' attribute for RAM filesystem")
        size = scaled(usage, source.get("units") or "KiB")
        if size is None:
            raise VirError(XML_ERROR, f"cannot parse usage '{usage}' for RAM filesystem")
        self.source_usage = -(-size // 1024)

    def _take_queue(self, driver: "Element | None") -> None:
        stated = driver.get("queue") if driver is not None and self.driver_type is not None else None
        size = c_integer(stated or "0")
        if size is None or abs(size) >= 1 << 64:
            raise VirError(XML_ERROR, f"cannot parse queue size '{stated}' for virtiofs")
        # A negative number wraps around, as in libvirt.
        self.driver_queue = (size % (1 << 64) or None) if self.driver_type == "virtiofs" else None

    def _take_mode(self, name: str) -> None:
        mode = getattr(self, name)
        if mode is None:
            return
        if not mode or any(digit not in "01234567" for digit in mode):
            place = f"attribute '{name}' in element 'filesystem'"
            detail = f"Invalid value for {place}: '{mode}'. Expected non-negative integer value"
            raise VirError(XML_ERROR, detail)
        if int(mode, 8) > _MODE_MAX:
            raise VirError(XML_ERROR, f"invalid {name}: '0{int(mode, 8):o}'")
        setattr(self, name, f"{int(mode, 8):04o}" if int(mode, 8) else None)

    def fill_node(self, node: Node) -> None:
        super().fill_node(node)
        tags = [kid.tag for kid in node.kids if isinstance(kid, Node)]
        if self.type not in ("volume", "ram") or "source" in tags:
            return
        made = Node("source")
        if self.source_usage is not None:
            made.attrs.update(usage=str(self.source_usage), units="KiB")
        at = next((i for i, kid in enumerate(node.kids) if isinstance(kid, Node) and kid.tag == "target"), 0)
        node.kids.insert(at, made)
