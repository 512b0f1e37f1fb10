"""Character devices: what they are connected to, and the guest's side of them.

Source: libvirt's domain XML format, "Consoles, serial, parallel & channel devices".
"""

from pyvirsh.backend.conf.domain.common import Info, Reconnect, SecLabel
from pyvirsh.backend.conf.model import Model, inline, integer, items, many, on_off, one, text
from pyvirsh.backend.conf.xml import Element
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED

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


class CharSource(Model):
    """What a character device is connected to; inlined, as it stands on the device's element."""

    type: str | None = text(
        "@type",
        choices=CHAR_TYPES,
        unknown=(CONFIG_UNSUPPORTED, "unknown type presented to host for character device: {}"),
    )
    tty: str | None = text("@tty")
    peers: list[CharPeer] = many("source", CharPeer)
    protocol: str | None = text("protocol/@type", choices=("raw", "telnet", "telnets", "tls"))
    log_file: str | None = text("log/@file")
    log_append: str | None = on_off("log/@append")

    def after_parse(self, element: Element) -> None:
        if self.type == "udp":
            self.peers.sort(key=lambda peer: peer.mode != "bind")

    @property
    def peer(self) -> CharPeer:
        """The first source, or an empty one."""
        return self.peers[0] if self.peers else CharPeer()

    def side(self, mode: str) -> "CharPeer | None":
        """Return the source with `mode`, as UDP devices have one of each."""
        return next((peer for peer in self.peers if (peer.mode or "connect") == mode), None)


class _Character(Model):
    """What serial ports, parallel ports, consoles and channels share."""

    source: CharSource = inline(CharSource)


class Serial(_Character):
    """A serial port."""

    tag = "serial"
    target_type: str | None = text("target/@type")
    target_port: int | None = integer("target/@port")
    target_model: str | None = text("target/model/@name")
    info: Info = inline(Info)


class Parallel(_Character):
    """A parallel port."""

    tag = "parallel"
    target_port: int | None = integer("target/@port")
    info: Info = inline(Info)


class Console(_Character):
    """A console; the first one may stand for the first serial port."""

    tag = "console"
    target_type: str | None = text("target/@type")
    target_port: int | None = integer("target/@port")
    info: Info = inline(Info)


class Channel(_Character):
    """A channel between host and guest."""

    tag = "channel"
    target_type: str | None = text("target/@type", choices=("guestfwd", "virtio", "xen", "none"))
    target_name: str | None = text("target/@name")
    target_state: str | None = text("target/@state", choices=("connected", "disconnected", "default"))
    target_address: str | None = text("target/@address")
    target_port: str | None = text("target/@port")
    info: Info = inline(Info)


class Smartcard(Model):
    """A smart card reader's card."""

    tag = "smartcard"
    mode: str | None = text("@mode", choices=("host", "host-certificates", "passthrough"))
    source: CharSource = inline(CharSource)
    certificates: list[str] = items("certificate")
    database: str | None = text("database")
    info: Info = inline(Info)


class RedirDev(Model):
    """A USB device redirected over a character device."""

    tag = "redirdev"
    bus: str | None = text("@bus", choices=("usb",))
    source: CharSource = inline(CharSource)
    info: Info = inline(Info)
