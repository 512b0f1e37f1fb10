"""Character devices: what they are connected to, and the guest's side of them.

Source: libvirt's domain XML format, "Consoles, serial, parallel & channel devices".
"""

from collections.abc import Collection
from typing import Any, Self

from pyvirsh.backend.conf.cnumbers import c_integer
from pyvirsh.backend.conf.domain.common import Info, Reconnect, SecLabel, check_labels
from pyvirsh.backend.conf.model import (
    Model,
    inline,
    integer,
    items,
    many,
    on_off,
    one,
    others,
    required,
    text,
)
from pyvirsh.backend.conf.route import address_of
from pyvirsh.backend.conf.xml import Element, Node
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    INTERNAL_ERROR,
    SYSTEM_ERROR,
    XML_ERROR,
    VirError,
)

CHAR_TYPES = (
    "null",
    "vc",
    "pty",
    "dev",
    "file",
    "pipe",
    "stdio",
    "udp",
    "tcp",
    "unix",
    "spicevmc",
    "spiceport",
    "nmdm",
    "qemu-vdagent",
    "dbus",
)


PROTOCOLS = ("raw", "telnet", "telnets", "tls")


class CharPeer(Model):
    """One <source> of a character device; UDP has two of them."""

    tag = "source"
    mode: str | None = text("@mode", choices=("bind", "connect"))
    host: str | None = text("@host")
    service: str | None = text("@service")
    tls: str | None = text("@tls", choices=("yes", "no"))
    path: str | None = text("@path")
    append: str | None = on_off("@append")
    channel: str | None = text("@channel")
    master: str | None = text("@master")
    slave: str | None = text("@slave")
    clipboard_copypaste: str | None = text("clipboard/@copypaste", choices=("yes", "no"))
    mouse_mode: str | None = text("mouse/@mode", choices=("server", "client"))
    reconnect: Reconnect | None = one("reconnect", Reconnect)
    seclabels: list[SecLabel] = many("seclabel", SecLabel)

    def after_parse(self, element: Element) -> None:
        check_labels(self.seclabels)


class CharSource(Model):
    """What a character device is connected to; inlined, as it stands on the device's element."""

    type: str | None = text(
        "@type",
        choices=CHAR_TYPES,
        unknown=(CONFIG_UNSUPPORTED, "unknown type presented to host for character device: {}"),
    )
    tty: str | None = text("@tty")
    peers: list[CharPeer] = many("source", CharPeer)
    protocol: str | None = text("protocol/@type", choices=PROTOCOLS, lenient=True)
    log_file: str | None = text("log/@file")
    log_append: str | None = on_off("log/@append")

    def after_parse(self, element: Element) -> None:
        for tag, most in (("source", 2 if self.type == "udp" else 1), ("protocol", 1), ("log", 1)):
            if len(element.findall(tag)) > most:
                count = "two source elements are" if most == 2 else f"one {tag} element is"
                raise VirError(XML_ERROR, f"only {count} allowed for character device")
        if self.type == "qemu-vdagent":
            for tag, attribute in (("clipboard", "copypaste"), ("mouse", "mode")):
                for told in element.findall(f"source/{tag}"):
                    required(told, attribute)
        protocol = element.find("protocol")
        stated = protocol.get("type") if protocol is not None else None
        if self.type == "tcp" and stated is not None and stated not in PROTOCOLS:
            place = "attribute 'type' in element 'protocol'"
            raise VirError(XML_ERROR, f"Invalid value for {place}: '{stated}'.")
        if self.type == "unix":
            for peer in self.peers:
                peer.mode = peer.mode if peer.path is not None else None
        if self.type == "udp":
            sides = {peer.mode or "connect": peer for peer in reversed(self.peers)}
            for mode, peer in sides.items():
                peer.mode = mode
            self.peers = list(sides.values())
            self.peers.sort(key=lambda peer: peer.mode != "bind")

    @property
    def peer(self) -> CharPeer:
        """The first source, or an empty one."""
        return self.peers[0] if self.peers else CharPeer()

    def side(self, mode: str) -> "CharPeer | None":
        """Return the source with `mode`, as UDP devices have one of each."""
        return next((peer for peer in self.peers if (peer.mode or "connect") == mode), None)


_NO_TARGET = (CONFIG_UNSUPPORTED, "unknown target type '{}' specified for character device")
_SERIALS = (
    "none isa-serial usb-serial pci-serial spapr-vio-serial system-serial sclp-serial isa-debug".split()
)
_SERIAL_MODELS = (
    "none isa-serial usb-serial pci-serial spapr-vty pl011 sclpconsole sclplmconsole 16550a isa-debugcon"
).split()
_CONSOLES = "none serial xen uml virtio lxc openvz sclp sclplm".split()


def _port(path: str) -> Any:
    return integer(path, signed=True, bits=32, unknown=(XML_ERROR, "Invalid port number: {}"))


class _Character(Model):
    """What serial ports, parallel ports, consoles and channels share."""

    source: CharSource = inline(CharSource)
    target_port: int | None = None
    target_type: str | None = None

    def after_parse(self, element: Element) -> None:
        if self.target_port == -1:
            self.target_port = None
        if self.target_type == "none":
            self.target_type = None


class Serial(_Character):
    """A serial port."""

    tag = "serial"
    target_type: str | None = text("target/@type", choices=tuple(_SERIALS), unknown=_NO_TARGET)
    target_port: int | None = _port("target/@port")
    target_model: str | None = text(
        "target/model/@name",
        choices=("", *_SERIAL_MODELS),
        unknown=(CONFIG_UNSUPPORTED, "unknown target model '{}' specified for character device"),
    )
    info: Info = inline(Info)

    def after_parse(self, element: Element) -> None:
        super().after_parse(element)
        if self.target_model in ("", "none"):
            self.target_model = None


class Parallel(_Character):
    """A parallel port."""

    tag = "parallel"
    target_port: int | None = _port("target/@port")
    info: Info = inline(Info)


class Console(_Character):
    """A console; the first one may stand for the first serial port."""

    tag = "console"
    target_type: str | None = text("target/@type", choices=tuple(_CONSOLES), unknown=_NO_TARGET)
    target_port: int | None = _port("target/@port")
    info: Info = inline(Info)


# What only channels of a type have.
_NAMED = ("target_name", "target_state")
_OF_CHANNELS = {"guestfwd": ("target_address", "target_port"), "virtio": _NAMED, "xen": _NAMED}


class Channel(_Character):
    """A channel between host and guest."""

    tag = "channel"
    target_type: str | None = text(
        "target/@type", choices=("guestfwd", "virtio", "xen", "none"), unknown=_NO_TARGET
    )
    target_name: str | None = text("target/@name")
    target_state: str | None = text(
        "target/@state", choices=("connected", "disconnected", "default"), lenient=True
    )
    target_address: str | None = text("target/@address")
    target_port: str | None = text("target/@port")  # type: ignore[assignment]
    info: Info = inline(Info)

    @classmethod
    def foreign(cls, element: Element) -> "Collection[str]":
        target = element.find("target")
        return others(_OF_CHANNELS, (target.get("type") if target is not None else None) or "")

    def after_parse(self, element: Element) -> None:
        target = element.find("target")
        if target is None:
            raise VirError(XML_ERROR, "target type must be specified for channel device")
        if self.target_type is None:
            raise VirError(_NO_TARGET[0], _NO_TARGET[1].format("(null)"))
        if self.target_type == "guestfwd":
            self._check_forward()

    def _check_forward(self) -> None:
        if self.target_address is None:
            raise VirError(XML_ERROR, "guestfwd channel does not define a target address")
        address = address_of(self.target_address)
        if address is None:
            place = f"address '{self.target_address}'"
            detail = f"Cannot parse socket {place}: Name or service not known"
            raise VirError(SYSTEM_ERROR, detail)
        if address.version != 4:
            raise VirError(CONFIG_UNSUPPORTED, "guestfwd channel only supports IPv4 addresses")
        port = self.target_port
        if port is None:
            raise VirError(XML_ERROR, "Missing required attribute 'port' in element 'target'")
        number = c_integer(port)
        if number is None or not 0 <= number < 1 << 32:
            place = "attribute 'port' in element 'target'"
            detail = f"Invalid value for {place}: '{port}'. Expected non-negative integer value"
            raise VirError(XML_ERROR, detail)
        # It has 16 bits, as in C.
        self.target_port = str(number % (1 << 16))
        self.target_address = str(address)


class Smartcard(Model):
    """A smart card reader's card."""

    tag = "smartcard"
    mode: str | None = text("@mode", choices=("host", "host-certificates", "passthrough"), required=True)
    source: CharSource = inline(CharSource)
    certificates: list[str] = items("certificate")
    database: str | None = text("database")
    info: Info = inline(Info)

    def after_parse(self, element: Element) -> None:
        if self.mode == "host-certificates" and len(self.certificates) != 3:
            raise VirError(XML_ERROR, "host-certificates mode needs exactly three certificates")
        if self.database is None and element.find("database") is not None:
            raise VirError(INTERNAL_ERROR, text="An error occurred, but the cause is unknown")
        if self.database is not None and not self.database.startswith("/"):
            raise VirError(XML_ERROR, f"expecting absolute path: {self.database}")
        if self.mode == "passthrough" and self.source.type is None:
            detail = "passthrough mode requires a character device type attribute"
            raise VirError(XML_ERROR, detail)
        if self.mode != "passthrough":
            self.source = CharSource()
        address = self.info.address
        if address is not None and address.type != "ccid":
            raise VirError(CONFIG_UNSUPPORTED, "Controllers must use the 'ccid' address type")


class RedirDev(Model):
    """A USB device redirected over a character device."""

    tag = "redirdev"
    bus: str | None = text(
        "@bus", choices=("usb",), unknown=(CONFIG_UNSUPPORTED, "unknown redirdev bus '{}'")
    )
    source: CharSource = inline(CharSource)
    info: Info = inline(Info)

    @classmethod
    def parse(cls, element: Element) -> Self:
        kind = element.get("type")
        if kind is not None and kind not in CHAR_TYPES:
            raise VirError(CONFIG_UNSUPPORTED, f"unknown redirdev character device type '{kind}'")
        return super().parse(element)

    def after_parse(self, element: Element) -> None:
        if self.source.type is None:
            raise VirError(INTERNAL_ERROR, "missing type in redirdev")
        self.bus = self.bus or "usb"
        if self.info.address is not None and self.info.address.type != "usb":
            raise VirError(XML_ERROR, "Invalid address for a USB device")

    def fill_node(self, node: Node) -> None:
        node.open = True
        super().fill_node(node)
