"""Storage volumes: libvirt's volume XML as a declared model, with the checks libvirt makes of it.

Source: libvirt's storage volume XML format; messages as observed.
"""

import re

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.model import Model, flag, many, one, sized, text, told
from pyvirsh.backend.conf.storagecommon import Permissions, SecretRef
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, XML_ERROR, VirError

TYPES = ("file", "block", "dir", "network", "netdir", "ploop")
_FILE_FORMATS = tuple("raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk".split())
_DISK_FORMATS = tuple("none linux fat16 fat32 linux-swap linux-lvm linux-raid extended".split())
# Formats of a pool type's volumes, the default first; those of other types have none.
FORMATS = {
    **dict.fromkeys(("dir", "fs", "netfs", "rbd", "gluster", "vstorage"), _FILE_FORMATS),
    "disk": _DISK_FORMATS,
}
_MALFORMED = (XML_ERROR, "malformed capacity element")
_CLUSTER = (XML_ERROR, "Invalid value '{}' for element or attribute './target/clusterSize'")
_COMPAT = re.compile(r"[0-9]+\.[0-9]+")
ENCRYPTIONS = ("default", "qcow", "luks", "luks2", "luks-any")


class Extent(Model):
    """A part of a device, in bytes."""

    start: str | None = text("@start")
    end: str | None = text("@end")


class SourceDevice(Model):
    """A device that a volume is on."""

    path: str | None = text("@path")
    extents: list[Extent] = many("extent", Extent)


class Source(Model):
    """What a volume is made of; drivers fill it."""

    tag = "source"
    kept_empty = True
    devices: list[SourceDevice] = many("device", SourceDevice)

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        node.open = True


class EncryptionSecret(SecretRef):
    """What unlocks a volume."""

    def after_parse(self, element: xml.Element) -> None:
        if self.type is None:
            raise VirError(XML_ERROR, "unknown volume encryption secret type")
        if self.type != "passphrase":
            raise VirError(CONFIG_UNSUPPORTED, f"unknown volume encryption secret type {self.type}")
        super().after_parse(element)


class Encryption(Model):
    """How a volume is encrypted."""

    tag = "encryption"
    format: str | None = text("@format")
    engine: str | None = text("@engine", choices=("qemu", "librbd"))
    secrets: list[EncryptionSecret] = many("secret", EncryptionSecret)
    cipher_name: str | None = text("cipher/@name")
    cipher_size: str | None = text("cipher/@size")
    cipher_mode: str | None = text("cipher/@mode")
    cipher_hash: str | None = text("cipher/@hash")
    ivgen_name: str | None = text("ivgen/@name")
    ivgen_hash: str | None = text("ivgen/@hash")

    def after_parse(self, element: xml.Element) -> None:
        if self.format is None:
            raise VirError(XML_ERROR, "unknown volume encryption format")
        if self.format not in ENCRYPTIONS:
            detail = f"unknown volume encryption format type {self.format}"
            raise VirError(CONFIG_UNSUPPORTED, detail)
        if self.format != "luks":
            self.cipher_name = self.cipher_size = self.cipher_mode = self.cipher_hash = None
            self.ivgen_name = self.ivgen_hash = None
            return
        if element.find("cipher") is not None:
            self._check_cipher()
        if element.find("ivgen") is None:
            return
        if element.find("cipher") is None:
            raise VirError(XML_ERROR, "ivgen element found, but cipher is missing")
        if self.ivgen_name is None:
            raise VirError(XML_ERROR, "missing ivgen info name string")

    def _check_cipher(self) -> None:
        if self.cipher_name is None:
            raise VirError(XML_ERROR, "cipher info missing 'name' attribute")
        if self.cipher_size is None:
            raise VirError(XML_ERROR, "Missing required attribute 'size' in element 'cipher'")
        if not self.cipher_size.isdigit():
            detail = f"Invalid value for attribute 'size' in element 'cipher': '{self.cipher_size}'."
            raise VirError(XML_ERROR, f"{detail} Expected non-negative integer value")

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        node.open = True


class Timestamps(Model):
    """When a file was used and changed; drivers fill it."""

    tag = "timestamps"
    atime: str | None = text("atime")
    mtime: str | None = text("mtime")
    ctime: str | None = text("ctime")
    btime: str | None = text("btime")


class Features(Model):
    """Features of a qcow2 image."""

    tag = "features"
    kept_empty = True
    lazy_refcounts: bool = flag("lazy_refcounts")
    extended_l2: bool = flag("extended_l2")

    def after_parse(self, element: xml.Element) -> None:
        for child in xml.children(element):
            if child.tag not in self.declared():
                raise VirError(CONFIG_UNSUPPORTED, f"unsupported feature {child.tag}")


class Target(Model):
    """The volume itself."""

    tag = "target"
    path: str | None = text("path")
    format: str | None = text("format/@type")
    permissions: Permissions | None = one("permissions", Permissions)
    timestamps: Timestamps | None = one("timestamps", Timestamps)
    encryption: Encryption | None = one("encryption", Encryption)
    compat: str | None = text("compat")
    cluster_size: int | None = sized("clusterSize", unit="B", bare="B", unknown=_CLUSTER)
    features: Features | None = one("features", Features)
    # Whether the file is to be made without copy on write; libvirt reads this and does not write it.
    nocow = False

    def after_parse(self, element: xml.Element) -> None:
        self.timestamps = None
        self.cluster_size = self.cluster_size or None
        self.nocow = element.find("nocow") is not None
        if self.compat is not None and not _COMPAT.fullmatch(self.compat):
            raise VirError(XML_ERROR, "forbidden characters in 'compat' attribute")
        if self.features is not None and self.compat is None:
            self.compat = "1.1"


class BackingStore(Model):
    """The image below a volume."""

    tag = "backingStore"
    path: str | None = text("path")
    format: str | None = text("format/@type")
    permissions: Permissions | None = one("permissions", Permissions)
    timestamps: Timestamps | None = one("timestamps", Timestamps)

    def after_parse(self, element: xml.Element) -> None:
        self.timestamps = None


class Volume(Model):
    """A storage volume.  Sizes are in bytes."""

    tag = "volume"
    type: str | None = text("@type")
    name: str = text("name")
    key: str | None = text("key")
    source: Source | None = one("source", Source)
    capacity: int = sized("capacity", unit="bytes", bare="bytes", unknown=_MALFORMED)
    allocation: int = sized("allocation", unit="bytes", bare="bytes", unknown=_MALFORMED)
    physical: int | None = told("physical")
    target: Target = one("target", Target)
    backing: BackingStore | None = one("backingStore", BackingStore)
    # Whether the document says how much is to be allocated.
    says_allocation = False


def parse_volume(root: xml.Element, pool_type: str, *, needs_capacity: bool = True) -> Volume:
    """Make a volume of a parsed element, for a pool of a type.

    needs_capacity: False where it may come from elsewhere: an original that is copied, an image below.
    Errors: XML_ERROR and its kin.
    """
    if root.tag != "volume":
        raise VirError(XML_ERROR, f"expecting root element of 'volume', not '{xml.local_name(root)}'")
    if not root.findtext("name"):
        raise VirError(XML_ERROR, "missing volume name element")
    kind = root.get("type") or None
    if kind not in (None, *TYPES):
        raise VirError(CONFIG_UNSUPPORTED, f"unknown volume type '{kind}'")
    formats = FORMATS.get(pool_type, ())
    # What is wrong is told of in libvirt's order: the image below, sizes, the format, the rest.
    backing = _backing(_taken(root, "backingStore"), formats)
    target = _taken(root, "target")
    if needs_capacity and not root.findtext("capacity"):
        raise VirError(XML_ERROR, "missing capacity element")
    volume = Volume.parse(root)
    _sizes(volume)
    format = _format(target.find("format"), formats) if target is not None else _format(None, formats)
    volume.target = Target.parse(target) if target is not None else Target()
    volume.type, volume.source, volume.backing, volume.target.format = kind, None, backing, format
    return volume


def _taken(root: xml.Element, tag: str) -> "xml.Element | None":
    """Take the elements of a tag out of a document and return the first."""
    found = root.findall(tag)
    for element in found:
        root.remove(element)
    return found[0] if found else None


def _backing(element: "xml.Element | None", formats: "tuple[str, ...]") -> "BackingStore | None":
    if element is None or not element.findtext("path"):
        return None
    format = _format(element.find("format"), formats)
    store = BackingStore.parse(element)
    store.format = format
    return store


def _format(element: "xml.Element | None", formats: "tuple[str, ...]") -> "str | None":
    name = element.get("type") if element is not None else None
    if not formats:
        return None
    if name and name not in formats:
        raise VirError(CONFIG_UNSUPPORTED, f"unknown volume format type {name}")
    return str(name or formats[0])


def _sizes(volume: Volume) -> None:
    if volume.capacity is None:
        volume.capacity = 0
    volume.says_allocation = volume.allocation is not None
    if not volume.says_allocation:
        volume.allocation = volume.capacity


def format_volume(volume: Volume) -> str:
    """Return the volume as XML text."""
    return xml.write(volume.to_node())
