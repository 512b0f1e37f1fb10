"""Character devices: the host's side as -chardev, the guest's as a device."""

from pyvirsh.backend.conf.domain.chardev import (
    Channel,
    CharPeer,
    CharSource,
    Console,
    Parallel,
    Serial,
    Smartcard,
)
from pyvirsh.backend.conf.domain.common import Reconnect
from pyvirsh.backend.conf.domain.devices import RedirFilterRule
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, VirError
from pyvirsh.backend.qemu.argv.disk import reconnect
from pyvirsh.backend.qemu.argv.plan import Plan, Secret, escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Props = dict[str, Any]


def add(plan: Plan) -> None:
    """Attach smart card readers' cards, serial and parallel ports, channels and consoles."""
    devices = plan.domain.devices
    for card in devices.smartcards:
        _smartcard(plan, card)
    for serial in devices.serials:
        _serial(plan, serial)
    for parallel in devices.parallels:
        _parallel(plan, parallel)
    for channel in devices.channels:
        _channel(plan, channel)
    for console in devices.consoles:
        _console(plan, console)


# -- the host's side -------------------------------------------------------------------------------------


def backend(plan: Plan, source: CharSource, alias: str) -> str:
    """Append what a device is connected to; return its name."""
    name = f"char{alias}"
    makers = {
        "null": lambda: ["null"],
        "vc": lambda: ["vc"],
        "pty": lambda: ["pty"],
        "stdio": lambda: ["stdio"],
        "dev": lambda: ["parallel" if alias.startswith("parallel") else "serial", _path(source)],
        "file": lambda: ["file", _path(source), *_append(source)],
        "pipe": lambda: ["pipe", _path(source)],
        "udp": lambda: _udp(source),
        "tcp": lambda: _tcp(plan, source, name),
        "unix": lambda: _unix(plan, source),
        "spicevmc": lambda: ["spicevmc", f"name={_spice_name(alias, plan)}"],
        "spiceport": lambda: ["spiceport", f"name={escaped(source.peer.channel or '')}"],
        "qemu-vdagent": lambda: _agent(source),
        "dbus": lambda: ["dbus", f"name={escaped(source.peer.channel or '')}"],
    }
    if source.type not in makers:
        raise VirError(CONFIG_UNSUPPORTED, f"unsupported chardev '{source.type}'")
    kind, *parts = makers[source.type]()
    log = []
    if source.log_file:
        log = [f"logfile={escaped(source.log_file)}"]
        if source.log_append is not None:
            log.append(f"logappend={source.log_append}")
    plan.add("chardev", ",".join([kind, f"id={name}", *parts, *log]))
    return name


def _path(source: CharSource) -> str:
    return f"path={escaped(source.peer.path or '')}"


def _append(source: CharSource) -> "list[str]":
    return [f"append={source.peer.append}"] if source.peer.append else []


def _udp(source: CharSource) -> "list[str]":
    remote, local = source.side("connect"), source.side("bind")
    remote = remote or CharPeer()
    local = local or CharPeer()
    return [
        "udp",
        f"host={escaped(remote.host or '')}",
        f"port={remote.service or ''}",
        f"localaddr={escaped(local.host or '')}",
        f"localport={local.service or '0'}",
    ]


def _tcp(plan: Plan, source: CharSource, name: str) -> "list[str]":
    peer = source.peer
    parts = ["socket", f"host={escaped(peer.host or '')}", f"port={peer.service or ''}"]
    if source.protocol == "telnet":
        parts.append("telnet=on")
    parts += _ends(plan, peer)
    if peer.tls == "yes":
        parts.append(f"tls-creds=obj{name}_tls0")
        listening = peer.mode == "bind"
        _certificates(plan, f"obj{name}_tls0", endpoint="server" if listening else "client")
    return parts


def _certificates(plan: Plan, name: str, *, endpoint: str) -> None:
    """Make the object with the certificates that a connection is encrypted with."""
    props = {"dir": plan.paths.tls, "endpoint": endpoint, "verify-peer": True}
    plan.object("tls-creds-x509", name, props)


def _unix(plan: Plan, source: CharSource) -> "list[str]":
    return ["socket", _path(source), *_ends(plan, source.peer)]


def _ends(plan: Plan, peer: CharPeer) -> "list[str]":
    """Say which end listens, and how a client connects anew."""
    if peer.mode == "bind":
        return ["server=on", "wait=off"]
    again = peer.reconnect or Reconnect()
    if again.enabled is None:
        return []
    return [reconnect(plan, again.timeout or 0 if again.enabled == "yes" else 0)]


def _spice_name(alias: str, plan: Plan) -> str:
    if alias.startswith("redir"):
        return "usbredir"
    return "smartcard" if alias.startswith("smartcard") else "vdagent"


def _agent(source: CharSource) -> "list[str]":
    peer = source.peer
    parts = [
        "qemu-vdagent",
    ]
    parts.append("name=vdagent")
    if peer.clipboard_copypaste is not None:
        parts.append("clipboard=" + ("on" if peer.clipboard_copypaste == "yes" else "off"))
    if peer.mouse_mode is not None:
        parts.append("mouse=" + ("on" if peer.mouse_mode == "client" else "off"))
    return parts


# -- the guest's side ------------------------------------------------------------------------------------


def _smartcard(plan: Plan, card: Smartcard) -> None:
    props: Props = {"driver": "ccid-card-emulated", "backend": "nss-emulated"}
    if card.mode == "host-certificates":
        props["backend"] = "certificates"
        for number, name in enumerate(card.certificates, 1):
            props[f"cert{number}"] = name
        props["db"] = card.database or "/etc/pki/nssdb"
    elif card.mode == "passthrough":
        name = backend(plan, card.source, card.info.alias or "")
        props = {"driver": "ccid-card-passthru", "chardev": name}
    plan.device({**props, "id": card.info.alias, **plan.address(card.info)})


def _serial(plan: Plan, serial: Serial) -> None:
    alias = serial.info.alias or ""
    name = backend(plan, serial.source, alias)
    models = ("isa-serial", "usb-serial", "pci-serial", "isa-debugcon")
    if serial.target_model not in models:
        detail = f"serial target model '{serial.target_model}' is not supported on this machine type"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    props: Props = {"driver": serial.target_model, "chardev": name, "id": alias}
    if serial.target_model == "isa-serial":
        props["index"] = serial.target_port
    plan.device({**props, **_isa(plan, serial)})


def _isa(plan: Plan, port: "Serial | Parallel") -> "Props":
    address = port.info.address
    if address is not None and address.type == "isa":
        return {"iobase": address.iobase, "irq": address.irq}
    return plan.address(port.info)


def _parallel(plan: Plan, parallel: Parallel) -> None:
    alias = parallel.info.alias or ""
    name = backend(plan, parallel.source, alias)
    plan.device({"driver": "isa-parallel", "chardev": name, "id": alias, **_isa(plan, parallel)})


def _channel(plan: Plan, channel: Channel) -> None:
    alias = channel.info.alias or ""
    name = backend(plan, channel.source, alias)
    if channel.target_type == "guestfwd":
        forward = f"tcp:{channel.target_address}:{channel.target_port}-chardev:{name}"
        plan.json("netdev", {"type": "user", "guestfwd": [{"str": forward}], "id": alias})
        return
    agent = channel.source.type in ("spicevmc", "qemu-vdagent")
    title = channel.target_name or ("com.redhat.spice.0" if channel.source.type == "spicevmc" else None)
    address = channel.info.address
    if address is None:
        raise VirError(CONFIG_UNSUPPORTED, f"channel '{title or alias}' has no address")
    bus = f"virtio-serial{address.controller or 0}.{address.bus or 0}"
    plan.device(
        {
            "driver": "virtserialport",
            "bus": bus,
            "nr": int(address.port or 0),
            "chardev": name,
            "id": alias,
            "name": title if title or not agent else None,
        }
    )


def _console(plan: Plan, console: Console) -> None:
    """Attach a console; the first may be a serial port, which is there already."""
    if console.target_type == "serial":
        return
    alias = console.info.alias or ""
    if console.target_type != "virtio":
        raise VirError(CONFIG_UNSUPPORTED, f"console target type '{console.target_type}' is not supported")
    name = backend(plan, console.source, alias)
    place = console.info.address
    port: Props = {}
    if place is not None and place.type == "virtio-serial":
        port = {"bus": f"virtio-serial{place.controller or 0}.{place.bus or 0}", "nr": int(place.port or 0)}
    plan.device({"driver": "virtconsole", **port, "chardev": name, "id": alias})


# -- redirected USB devices ------------------------------------------------------------------------------


def redirections(plan: Plan) -> None:
    """Attach redirected USB devices, with the filter that says which may be redirected."""
    rules = "|".join(_rule(rule) for rule in plan.domain.devices.redirfilter) or None
    for device in plan.domain.devices.redirdevs:
        name = backend(plan, device.source, device.info.alias or "")
        plan.device(
            {
                "driver": "usb-redir",
                "chardev": name,
                "id": device.info.alias,
                "filter": rules,
                "bootindex": device.info.boot_order,
                **plan.address(device.info),
            }
        )


def _rule(rule: RedirFilterRule) -> str:
    parts = []
    for value, digits in ((rule.usb_class, 2), (rule.vendor, 4), (rule.product, 4)):
        number = int(value, 16) if value not in (None, "-1") else -1
        parts.append("-1" if number < 0 else f"0x{number:0{digits}X}")
    parts.append(_version(rule.version))
    return ":".join([*parts, "1" if rule.allow == "yes" else "0"])


def _version(text: "str | None") -> str:
    """Return a USB version such as "2.56" in binary coded decimal."""
    if text in (None, "-1"):
        return "-1"
    major, _, minor = (text or "").partition(".")
    return f"0x{int(major):02d}{int(minor or 0):02d}"


__all__ = ["Secret", "add", "backend", "redirections"]
