"""Block nodes: what a disk's data is, from the storage up to the format.

A node of raw storage is used as it is; another format is a node above it.  Before QEMU 9.0, which can keep
such nodes out of the names that it writes into images, raw storage has a node for its format too.
"""

from pyvirsh.backend.conf.domain.common import Address
from pyvirsh.backend.conf.domain.disk import BackingStore, Disk
from pyvirsh.backend.conf.domain.source import Auth, DiskSource, Encryption, Host
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, VirError
from pyvirsh.backend.qemu.argv.plan import NULL, Plan, Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Props = dict[str, Any]


class Layer:
    """One image of a chain, and how it is opened.

    above: whether it is the top, which the guest may write.  below: the image under it: its layer, True if
    the chain ends here, False if nothing is said and QEMU asks the image.  wrapped: whether raw storage has a
    node for its format.
    """

    def __init__(self, kind: str, source: DiskSource, form: str, name: str) -> None:
        self.kind = kind
        self.source = source
        self.format = form
        self.name = name
        self.readonly = True
        self.encryption: Encryption | None = source.encryption
        self.auth: Auth | None = source.auth
        self.cache: Props | None = None
        self.aio: str | None = None
        self.discard: str | None = None
        self.detect_zeroes: str | None = None
        self.extra: Props = {}
        self.cdrom = self.floppy = False
        self.below: Layer | bool = False
        self.wrapped = False
        # Whether it is a whole device handed through, which has one node.
        self.device = False

    @property
    def storage(self) -> str:
        """The name of the node that stands for the storage."""
        return f"{self.name}-backend" if self.device else f"{self.name}-storage"

    @property
    def luks(self) -> bool:
        """Whether the image is a raw one inside a LUKS container."""
        return self.format == "raw" and self.encryption is not None and self.encryption.format == "luks"

    @property
    def direct(self) -> bool:
        """Whether the storage is used as it is, without a node for the format."""
        return self.format == "raw" and not self.luks and not self.wrapped

    @property
    def slice(self) -> "Props | None":
        """The part of the storage that holds the image; None for all of it."""
        for part in self.source.slices:
            if part.type == "storage":
                return {"offset": int(part.offset or 0), "size": int(part.size or 0)}
        return None

    @property
    def node(self) -> str:
        """The name of the node that stands for the image."""
        if not self.direct:
            return f"{self.name}-format"
        return f"{self.name}-slice-sto" if self.slice else self.storage


# -- chains --------------------------------------------------------------------------------------------


def chain(disk: Disk, numbers: "list[int]") -> Layer:
    """Return a disk's top image with all that is stated below it, named by the given numbers."""
    names = iter([f"libvirt-{number}" for number in numbers])
    source = disk.source or DiskSource()
    top = Layer(disk.type, source, disk.format or "raw", next(names))
    top.readonly = disk.readonly
    top.cdrom, top.floppy = disk.device == "cdrom", disk.device == "floppy"
    top.encryption = top.encryption or disk.encryption
    top.auth = top.auth or disk.auth
    _options(top, disk)
    layer, store = top, disk.backing
    while store is not None:
        if store.type is None:
            layer.below = True
            break
        below = Layer(store.type, store.source or DiskSource(), store.format or "raw", next(names))
        below.cache, below.aio, below.discard = top.cache, top.aio, top.discard
        layer.below = below
        layer, store = below, store.backing
    return top


def length(disk: Disk) -> int:
    """Return how many images a disk's chain states."""
    count, store = int(disk.type != "vhostuser"), disk.backing
    while store is not None and store.type is not None:
        count, store = count + 1, store.backing
    return count


def _options(top: Layer, disk: Disk) -> None:
    driver = disk.driver
    if driver is None:
        return
    top.cache = cache_of(disk)
    top.aio = driver.io
    top.discard = driver.discard
    zeroes = driver.detect_zeroes
    # Unmapping what is found to be zero needs discarding to be allowed.
    top.detect_zeroes = "on" if zeroes == "unmap" and driver.discard != "unmap" else zeroes
    if driver.metadata_cache is not None:
        top.extra["cache-size"] = driver.metadata_cache
    if driver.discard_no_unref is not None:
        top.extra["discard-no-unref"] = driver.discard_no_unref == "on"


_CACHE = {
    "none": (True, False),
    "directsync": (True, False),
    "writeback": (False, False),
    "writethrough": (False, False),
    "unsafe": (False, True),
}


def cache_mode(disk: Disk) -> "str | None":
    """Return a disk's cache mode; one that guests share must not be cached by this host."""
    mode = disk.driver.cache if disk.driver else None
    if mode in (None, "default"):
        return "none" if disk.shareable and not disk.readonly else None
    return mode


def cache_of(disk: Disk) -> "Props | None":
    """Return the cache flags of a disk's nodes."""
    mode = cache_mode(disk)
    if mode is None:
        return None
    direct, no_flush = _CACHE[mode]
    return {"direct": direct, "no-flush": no_flush}


# -- emission ------------------------------------------------------------------------------------------


def emit(plan: Plan, top: Layer) -> str:
    """Append all nodes of a chain, lowest first; return the name of the top one."""
    if isinstance(top.below, Layer):
        emit(plan, top.below)
    top.wrapped = not top.device and (top.wrapped or plan.facts.version < (9, 0))
    storage = _storage(plan, top)
    encryption_secret(plan, top)
    effective = _effective(top)
    whole = top.slice is None and top.direct
    storage |= {"node-name": top.storage, **(effective if whole else _lower(top))}
    plan.json("blockdev", storage)
    file = top.storage
    if (part := top.slice) is not None:
        file = f"{top.name}-slice-sto"
        options = effective if top.direct else _lower(top)
        plan.json("blockdev", {"driver": "raw", "file": top.storage, **part, "node-name": file, **options})
    if not top.direct:
        plan.json("blockdev", _format(plan, top, file, effective))
    return top.node


def _effective(layer: Layer) -> "Props":
    """Return the options of the node that the device uses."""
    return {
        "read-only": layer.readonly,
        "discard": layer.discard,
        "detect-zeroes": layer.detect_zeroes,
        "cache": layer.cache,
    }


def _lower(layer: Layer) -> "Props":
    """Return the options of a node that another one stands on."""
    return {"auto-read-only": True, "discard": "unmap", "cache": layer.cache}


def _format(plan: Plan, layer: Layer, file: str, options: "Props") -> "Props":
    props: Props = {"node-name": f"{layer.name}-format", **options}
    encryption = layer.encryption
    secret = f"{layer.name}-format-encryption-secret0"
    if layer.luks:
        return {**props, "driver": "luks", "key-secret": secret, "file": file}
    props |= {"driver": layer.format, **layer.extra}
    if encryption is not None and encryption.format in ("luks", "qcow"):
        form = "aes" if encryption.format == "qcow" else "luks"
        props["encrypt"] = {"format": form, "key-secret": secret}
    props["file"] = file
    if layer.format != "raw":
        if isinstance(layer.below, Layer):
            props["backing"] = layer.below.node
        elif layer.below:
            props["backing"] = NULL
    return props


# -- storage -------------------------------------------------------------------------------------------


def _storage(plan: Plan, layer: Layer) -> "Props":
    """Return where a layer's data is, without the node's name and options; add the secrets it needs."""
    source = layer.source
    if layer.kind == "file":
        if source.fdgroup:
            raise VirError(CONFIG_UNSUPPORTED, "disk source attribute 'fdgroup' is not supported")
        return {"driver": "file", "filename": source.file, "aio": layer.aio, **_reservations(plan, layer)}
    if layer.kind == "block":
        cdrom = layer.cdrom and (source.dev or "").startswith(("/dev/cd", "/dev/sr", "/dev/dvd"))
        driver = "host_cdrom" if cdrom else "host_device"
        return {"driver": driver, "filename": source.dev, "aio": layer.aio, **_reservations(plan, layer)}
    if layer.kind == "dir":
        layer.wrapped = True
        layer.format = "raw"
        return {"driver": "vvfat", "dir": source.dir, "floppy": layer.floppy, "rw": not layer.readonly}
    if layer.kind == "nvme":
        return _nvme(source)
    if layer.kind == "vhostvdpa":
        number = plan.fd("vdpa", layer.name)
        return {"driver": "virtio-blk-vhost-vdpa", "path": f"/dev/fd/{number}"}
    if layer.kind == "network":
        return _network(plan, layer)
    detail = f"storage type '{layer.kind}' is not supported: name the image by <source file=''> or dev=''"
    raise VirError(CONFIG_UNSUPPORTED, detail)


def _reservations(plan: Plan, layer: Layer) -> "Props":
    """Return the manager of persistent reservations, made when a layer has one of its own."""
    source = layer.source
    if source.reservations_managed is None:
        return {}
    if source.reservations_managed == "yes":
        return {"pr-manager": "pr-helper0"}
    return {"pr-manager": f"pr-helper-{layer.name}-storage"}


def _nvme(source: DiskSource) -> "Props":
    device = host_address(source.address or Address())
    return {"driver": "nvme", "device": device, "namespace": int(source.namespace or 1)}


def host_address(address: Address) -> str:
    """Return the address of a PCI device of the host as QEMU takes it."""
    domain, bus, slot = address.domain or 0, address.bus or 0, address.slot or 0
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{address.function or 0:x}"


def _server(host: Host, *, typed: bool = True) -> "Props":
    if host.transport == "unix" or host.socket:
        return {"type": "unix", "path": host.socket}
    place = {"host": host.name, "port": host.port}
    return {"type": "inet", **place} if typed else place


def _network(plan: Plan, layer: Layer) -> "Props":
    source = layer.source
    makers = {
        "nbd": _nbd,
        "http": _curl,
        "https": _curl,
        "ftp": _curl,
        "ftps": _curl,
        "tftp": _curl,
        "rbd": _rbd,
        "iscsi": _iscsi,
        "ssh": _ssh,
        "gluster": _gluster,
        "nfs": _nfs,
    }
    if source.protocol not in makers:
        raise VirError(CONFIG_UNSUPPORTED, f"disk source protocol '{source.protocol}' is not supported")
    return makers[source.protocol](plan, layer)


def _secret(plan: Plan, layer: Layer) -> "str | None":
    """Return the object with the password of a layer's storage; None if it needs none."""
    if layer.auth is None or layer.auth.secret is None:
        return None
    name = f"{layer.storage}-auth-secret0"
    _add_secret(plan, name, layer.auth.secret.type or "", layer.auth.secret.uuid, layer.auth.secret.usage)
    return name


def _add_secret(plan: Plan, name: str, kind: str, uuid: "str | None", usage: "str | None") -> None:
    plan.secret(Secret(name, kind, uuid, usage))


def encryption_secret(plan: Plan, layer: Layer) -> None:
    """Ask for the passphrase of an encrypted image."""
    encryption = layer.encryption
    if encryption is None:
        return
    for number, one in enumerate(encryption.secrets):
        name = f"{layer.name}-format-encryption-secret{number}"
        _add_secret(plan, name, "volume", one.uuid, one.usage)


def _nbd(plan: Plan, layer: Layer) -> "Props":
    source = layer.source
    credentials = None
    if source.tls == "yes":
        credentials = f"obj{layer.storage}_tls0"
        props = {"dir": plan.paths.tls, "endpoint": "client", "verify-peer": True}
        plan.object("tls-creds-x509", credentials, props)
    return {
        "driver": "nbd",
        "server": _server(source.hosts[0]) if source.hosts else None,
        "export": source.name,
        "tls-creds": credentials,
        "tls-hostname": source.tls_hostname,
        "reconnect-delay": source.reconnect_delay or None,
    }


def _curl(plan: Plan, layer: Layer) -> "Props":
    source = layer.source
    host = source.hosts[0] if source.hosts else Host()
    query = f"?{source.query}" if source.query else ""
    path = (source.name or "").removeprefix("/")
    cookies = f"{layer.name}-storage-httpcookie-secret0" if source.cookies else None
    secret = _secret(plan, layer)
    if cookies:
        joined = "; ".join(f"{one.name}={one.value}" for one in source.cookies)
        plan.secret(Secret(cookies, "cookie", None, joined))
    verify = source.ssl_verify
    return {
        "driver": source.protocol,
        "url": f"{source.protocol}://{host.name}:{host.port}/{path}{query}",
        "username": layer.auth.username if layer.auth is not None else None,
        "password-secret": secret,
        "sslverify": verify == "yes" if verify is not None else None,
        "cookie-secret": cookies,
        "timeout": int(source.timeout) if source.timeout else None,
        "readahead": int(source.readahead) if source.readahead else None,
    }


def _rbd(plan: Plan, layer: Layer) -> "Props":
    source = layer.source
    pool, _, image = (source.name or "").partition("/")
    namespace, slash, rest = image.partition("/")
    secret = _secret(plan, layer)
    user = layer.auth.username if layer.auth is not None else None
    return {
        "driver": "rbd",
        "pool": pool,
        "namespace": namespace if slash else None,
        "image": rest if slash else image,
        "snapshot": source.snapshot_name,
        "conf": source.config_file,
        "server": [_server(host, typed=False) for host in source.hosts] or None,
        "user": user,
        "auth-client-required": ["cephx", "none"] if user else None,
        "key-secret": secret,
    }


def _iscsi(plan: Plan, layer: Layer) -> "Props":
    source = layer.source
    target, _, lun = (source.name or "").partition("/")
    host = source.hosts[0] if source.hosts else Host()
    secret = _secret(plan, layer)
    return {
        "driver": "iscsi",
        "portal": f"{host.name}:{host.port or 3260}",
        "target": target,
        "lun": int(lun or 0),
        "transport": "tcp",
        "user": layer.auth.username if layer.auth is not None else None,
        "password-secret": secret,
        "initiator-name": source.initiator_iqn,
    }


def _ssh(plan: Plan, layer: Layer) -> "Props":
    source = layer.source
    return {
        "driver": "ssh",
        "path": source.name,
        "server": _server(source.hosts[0], typed=False) if source.hosts else None,
        "user": source.identity_username,
    }


def _gluster(plan: Plan, layer: Layer) -> "Props":
    volume, _, path = (layer.source.name or "").partition("/")
    servers = [_server(host) for host in layer.source.hosts]
    return {"driver": "gluster", "volume": volume, "path": path, "server": servers, "debug": 4}


def _nfs(plan: Plan, layer: Layer) -> "Props":
    source = layer.source
    host = source.hosts[0].name if source.hosts else None
    return {
        "driver": "nfs",
        "server": {"host": host, "type": "inet"},
        "path": source.name,
        "user": int(source.identity_user) if source.identity_user else None,
        "group": int(source.identity_group) if source.identity_group else None,
    }


__all__ = [
    "BackingStore",
    "Layer",
    "cache_mode",
    "chain",
    "emit",
    "encryption_secret",
    "host_address",
    "length",
]
