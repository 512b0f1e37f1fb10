"""Where a disk's data is: files, devices, servers; how to log in there and how it is encrypted.

Source: libvirt's domain XML format, "Hard drives, floppy disks, CDROMs".
"""

from collections.abc import Set as AbstractSet
from typing import Self

from pyvirsh.backend.conf.cnumbers import c_integer
from pyvirsh.backend.conf.domain.common import HostAddress, Reconnect, SecLabel, check_labels
from pyvirsh.backend.conf.model import Model, Reader, integer, many, one, text, yes_no
from pyvirsh.backend.conf.xml import Element, Node
from pyvirsh.backend.errors import INVALID_ARG, XML_ERROR, VirError, refuse

SOURCE_TYPES = ("file", "block", "dir", "network", "volume", "nvme", "vhostuser", "vhostvdpa", "none")
PROTOCOLS = tuple("nbd rbd sheepdog gluster iscsi http https ftp ftps tftp vxhs nfs ssh".split())
_HEX = frozenset("0123456789abcdefABCDEF")


def _fault(detail: str) -> VirError:
    return VirError(XML_ERROR, detail)


def is_uuid(text: str) -> bool:
    """Say whether a text is a UUID."""
    digits = text.replace("-", "")
    return len(digits) == 32 and all(digit in _HEX for digit in digits)


class Host(Model):
    """A server of a network disk."""

    tag = "host"
    name: str | None = text("@name")
    port: str | None = text("@port")
    transport: str | None = text("@transport", choices=("tcp", "unix", "rdma"))
    socket: str | None = text("@socket")

    def after_parse(self, element: Element) -> None:
        if self.transport == "unix":
            if self.socket is None:
                raise _fault("missing socket for unix transport")
            self.name = self.port = None
            return
        if self.socket is not None:
            raise _fault(f"transport '{self.transport or 'tcp'}' does not support socket attribute")
        if self.name is None:
            raise _fault("missing name for host")
        if self.port is not None:
            self.port = _port(self.port)
        if self.transport == "tcp":
            self.transport = None


def _port(port: str) -> "str | None":
    number = c_integer(port)
    if number is None or not 0 <= number < 1 << 32:
        raise VirError(INVALID_ARG, f"failed to parse port number '{port}'")
    if number > 65535:
        raise VirError(INVALID_ARG, f"port '{port}' out of range")
    return str(number) if number else None


class SecretRef(Model):
    """A reference to a secret, by UUID or by usage."""

    tag = "secret"
    type: str | None = text("@type")
    uuid: str | None = text("@uuid")
    usage: str | None = text("@usage")

    def after_parse(self, element: Element) -> None:
        if self.uuid is None and self.usage is None:
            raise _fault("missing secret uuid or usage attribute")
        if self.uuid is not None and self.usage is not None:
            raise _fault("either secret uuid or usage expected")
        if self.uuid is not None and not is_uuid(self.uuid):
            raise _fault(f"invalid secret uuid '{self.uuid}'")
        if self.uuid is not None:
            digits = self.uuid.replace("-", "").lower()
            self.uuid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


class Auth(Model):
    """How to log in to a network disk."""

    tag = "auth"
    username: str | None = text("@username")
    secret: SecretRef | None = one("secret", SecretRef)

    @classmethod
    def parse(cls, element: Element) -> Self:
        if not element.get("username"):
            raise _fault("missing username for auth")
        return super().parse(element)

    def after_parse(self, element: Element) -> None:
        if self.secret is None:
            raise _fault("Missing <secret> element in auth")


class Passphrase(SecretRef):
    """A reference to the secret that an image is encrypted with."""

    def after_parse(self, element: Element) -> None:
        if not self.type:
            raise _fault("unknown volume encryption secret type")
        super().after_parse(element)


class Encryption(Model):
    """How an image is encrypted."""

    tag = "encryption"
    format: str | None = text("@format")
    engine: str | None = text("@engine", choices=("qemu", "librbd"))
    secrets: list[SecretRef] = many("secret", Passphrase)

    def after_parse(self, element: Element) -> None:
        if not self.format:
            raise _fault("unknown volume encryption format")
        if self.format not in ("default", "qcow", "luks", "luks2", "luks-any"):
            raise refuse(f"unknown volume encryption format type {self.format}")
        for secret in self.secrets:
            if secret.type != "passphrase":
                raise refuse(f"unknown volume encryption secret type {secret.type}")
        _refuse_cipher(element.find("cipher"), element.find("ivgen"))

    def fill_node(self, node: Node) -> None:
        node.open = True
        super().fill_node(node)


def _refuse_cipher(cipher: "Element | None", ivgen: "Element | None") -> None:
    """An image that is there already says itself how it is encrypted."""
    if cipher is None and ivgen is None:
        return
    if cipher is None:
        raise _fault("ivgen element found, but cipher is missing")
    if cipher.get("name") is None:
        raise _fault("cipher info missing 'name' attribute")
    size = cipher.get("size")
    if size is None:
        raise _fault("Missing required attribute 'size' in element 'cipher'")
    if not size.isdigit():
        place = "attribute 'size' in element 'cipher'"
        raise _fault(f"Invalid value for {place}: '{size}'. Expected non-negative integer value")
    if ivgen is not None and ivgen.get("name") is None:
        raise _fault("missing ivgen info name string")
    raise refuse("supplying <cipher> for domain disk definition is unnecessary")


class Cookie(Model):
    """A cookie sent with HTTP requests; secret, like a password."""

    tag = "cookie"
    name: str | None = text("@name")
    value: str | None = text(".")

    def after_parse(self, element: Element) -> None:
        if not self.name:
            raise _fault("missing cookie name")
        if self.value is None:
            raise _fault(f"missing value for cookie '{self.name}'")
        if any(char in self.name for char in ' \t()<>@,;:\\"/[]?={}'):
            raise _fault(f"cookie name '{self.name}' contains invalid characters")
        # It may stand in quotes.
        quoted = self.value.startswith('"') and self.value.endswith('"')
        plain = self.value[1:-1] if quoted else self.value
        if any(char in plain for char in ' \t\n\r",;\\'):
            raise _fault(f"value of cookie '{self.name}' contains invalid characters")


class Slice(Model):
    """A part of the storage."""

    tag = "slice"
    type: str | None = text("@type")
    offset: str | None = text("@offset")
    size: str | None = text("@size")

    def after_parse(self, element: Element) -> None:
        if self.type != "storage":
            return
        if not self.offset or not self.size:
            raise _fault("missing offset or size attribute of slice")
        for name, value in (("offset", self.offset), ("size", self.size)):
            if not value.isascii() or not value.isdigit() or int(value) >= 1 << 64:
                raise _fault(f"malformed value '{value}' of '{name}' attribute of slice")
        self.offset, self.size = str(int(self.offset)), str(int(self.size))


_WRONG_SPEED = (XML_ERROR, "invalid readahead size or timeout")


class DiskSource(Model):
    """Where a disk's data is; the disk's type says which fields count."""

    tag = "source"
    protocol: str | None = text("@protocol")
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
    mode: str | None = text("@mode", choices=("host", "direct"))
    type: str | None = text("@type")
    path: str | None = text("@path")
    managed: str | None = yes_no("@managed")
    namespace: str | None = text("@namespace")
    startup_policy: str | None = text("@startupPolicy", choices=("mandatory", "requisite", "optional"))
    index: int | None = integer("@index", lenient=True)
    hosts: list[Host] = many("host", Host)
    reconnect_delay: int | None = integer("reconnect/@delay", bits=32)
    snapshot_name: str | None = text("snapshot/@name", blank=True)
    config_file: str | None = text("config/@file", blank=True)
    initiator_iqn: str | None = text("initiator/iqn/@name", blank=True)
    address: HostAddress | None = one("address", HostAddress)
    ssl_verify: str | None = yes_no("ssl/@verify")
    cookies: list[Cookie] = many("cookies/cookie", Cookie)
    readahead: int | None = integer("readahead/@size", or_none=True, blank=True, unknown=_WRONG_SPEED)
    timeout: int | None = integer("timeout/@seconds", or_none=True, blank=True, unknown=_WRONG_SPEED)
    knownhosts: str | None = text("knownHosts/@path", required=True)
    identity_username: str | None = text("identity/@username")
    identity_agentsock: str | None = text("identity/@agentsock")
    identity_keyfile: str | None = text("identity/@keyfile")
    reconnect: Reconnect | None = one("reconnect", Reconnect)
    slices: list[Slice] = many("slices/slice", Slice)
    auth: Auth | None = one("auth", Auth)
    reservations_managed: str | None = yes_no("reservations/@managed", required=True)
    reservations_type: str | None = text("reservations/source/@type")
    reservations_path: str | None = text("reservations/source/@path")
    reservations_mode: str | None = text("reservations/source/@mode")
    encryption: Encryption | None = one("encryption", Encryption)
    identity_user: str | None = text("identity/@user")
    identity_group: str | None = text("identity/@group")
    seclabels: list[SecLabel] = many("seclabel", SecLabel)

    @classmethod
    def parse(cls, element: Element) -> Self:
        """Read what a source of its kind has; the element that it stands in says the kind."""
        parent = element.getparent()
        kind = (parent.get("type") if parent is not None else None) or "file"
        own = set(_OWN.get(kind, ()))
        for names, protocols in _PROTOCOLS if kind == "network" else ():
            if element.get("protocol") not in protocols:
                own.difference_update(names)
        made, reader = cls(), Reader(element)
        _check_type(kind, element.get("type"))
        made._read(reader, own)
        made._settle(kind)
        made._read(reader, cls.declared().keys() - set(_TYPED))
        made.after_parse(element)
        return made

    def _read(self, reader: Reader, names: "AbstractSet[str]") -> None:
        for name, field in self.declared().items():
            if name in names:
                setattr(self, name, field.read(reader, type(self)))

    def after_parse(self, element: Element) -> None:
        self.slices = [one for one in self.slices if one.type == "storage"][:1]
        check_labels(self.seclabels)
        named = self.identity_username is not None or element.find("identity") is None
        if self.protocol == "ssh" and not named:
            raise _fault("Missing required attribute 'username' in element 'identity'")
        for label in self.seclabels:
            if label.label is not None and label.relabel is None:
                label.relabel = "yes"
        self._check_reservations()

    def _settle(self, kind: str) -> None:
        """Check what a source of a kind has.  Errors: XML_ERROR, CONFIG_UNSUPPORTED."""
        if kind == "network":
            self._settle_network()
        elif kind == "nvme":
            self._check_nvme()
        elif kind == "vhostuser":
            self._check_vhostuser()
        elif kind == "vhostvdpa" and self.dev is None:
            raise _fault("Missing required attribute 'dev' in element 'source'")

    def _settle_network(self) -> None:
        protocol, name = self.protocol, self.name
        self.reconnect_delay = self.reconnect_delay or None
        if protocol is None:
            raise _fault("Missing required attribute 'protocol' in element 'source'")
        if protocol not in ("none", *PROTOCOLS):
            raise _fault(f"Invalid value for attribute 'protocol' in element 'source': '{protocol}'.")
        if name is None and protocol != "nbd":
            raise _fault("missing name for disk source")
        if protocol in ("rbd", "gluster") and (name or "").find("/") < 1:
            raise _fault(f"can't split path '{name}' into pool name and image name")
        if protocol == "sheepdog":
            raise refuse("'sheepdog' protocol is no longer supported by any hypervisor driver")
        others = (self.identity_keyfile, self.identity_agentsock)
        if self.identity_username is not None and others == (None, None):
            raise _fault("element 'identity' requires either 'keyfile' or 'agentsock' attribute")

    def _check_nvme(self) -> None:
        if self.namespace is None:
            raise _fault("Missing required attribute 'namespace' in element 'source'")
        if not self.namespace.isdigit() or int(self.namespace) >= 1 << 64:
            place = "attribute 'namespace' in element 'source'"
            value = f"'{self.namespace}'. Expected non-negative integer value"
            raise _fault(f"Invalid value for {place}: {value}")
        if not int(self.namespace):
            raise refuse("NVMe namespace can't be zero")
        self.namespace = str(int(self.namespace))
        if self.address is None:
            raise _fault("NVMe disk source is missing address")
        self.managed = self.managed or "yes"
        self.address.fill_pci()

    def _check_vhostuser(self) -> None:
        if self.path is None:
            raise _fault("missing 'path' attribute for vhostuser disk source")

    def _check_reservations(self) -> None:
        if self.reservations_managed is None:
            return
        stated = (self.reservations_type, self.reservations_path, self.reservations_mode)
        if self.reservations_managed == "yes" and not any(stated):
            return
        if not self.reservations_type:
            raise _fault("missing connection type for <reservations/>")
        if self.reservations_type != "unix":
            raise _fault(f"unsupported connection type for <reservations/>: {self.reservations_type}")
        if not self.reservations_path:
            raise _fault("missing path for <reservations/>")
        if not self.reservations_mode:
            raise _fault("missing connection mode for <reservations/>")
        if self.reservations_mode != "client":
            raise _fault(f"unsupported connection mode for <reservations/>: {self.reservations_mode}")


def _check_type(kind: str, stated: "str | None") -> None:
    """Check the type that sources of some kinds state."""
    if kind == "nvme":
        if stated is None:
            raise _fault("missing 'type' attribute to disk source")
        if stated != "pci":
            raise _fault(f"unsupported source type '{stated}'")
    elif kind == "vhostuser":
        if stated is None:
            raise _fault("missing 'type' attribute for vhostuser disk source")
        if stated != "unix":
            raise _fault("invalid 'type' attribute for vhostuser disk source")


# What only sources of some kinds have.
_NETWORK = (
    "protocol name query tls tls_hostname hosts snapshot_name config_file ssl_verify cookies readahead"
    " timeout reconnect_delay knownhosts identity_username identity_agentsock identity_keyfile initiator_iqn"
    " identity_user identity_group"
).split()
_HTTP = ("http", "https")
_CURL = ("http", "https", "ftp", "ftps")
_PROTOCOLS = (
    (("query",), _HTTP),
    (("cookies",), _HTTP),
    (("ssl_verify",), ("https", "ftps")),
    (("readahead", "timeout"), _CURL),
    (("reconnect_delay",), ("nbd",)),
    (("knownhosts", "identity_username", "identity_keyfile", "identity_agentsock"), ("ssh",)),
    (("identity_user", "identity_group"), ("nfs",)),
)
_OWN: "dict[str, tuple[str, ...]]" = {
    "file": ("file", "fdgroup"),
    "block": ("dev",),
    "dir": ("dir",),
    "network": tuple(_NETWORK),
    "volume": ("pool", "volume", "mode"),
    "nvme": ("type", "managed", "namespace", "address"),
    "vhostuser": ("type", "path", "reconnect", "mode"),
    "vhostvdpa": ("dev",),
}
_TYPED = sorted({name for names in _OWN.values() for name in names})
