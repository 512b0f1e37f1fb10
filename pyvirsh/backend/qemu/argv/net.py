"""Network interfaces."""

from pyvirsh.backend.conf.domain.net import Interface, InterfaceDriver, InterfaceSource, Offloads
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, VirError
from pyvirsh.backend.qemu.argv import passt
from pyvirsh.backend.qemu.argv.plan import Plan, escaped, switch, virtio, virtio_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Props = dict[str, Any]

_TAPS = ("bridge", "network", "ethernet", "direct")


def add(plan: Plan) -> None:
    """Attach the interfaces."""
    for interface in plan.domain.devices.interfaces:
        if interface.type == "hostdev":
            continue  # made with the other devices of the host
        name = f"host{interface.info.alias}"
        plan.json("netdev", {**_backend(plan, interface), "id": name})
        plan.device(_device(plan, interface, name))


def boot_index(plan: Plan, interface: Interface) -> "int | None":
    """Return an interface's place in the boot order: its own, or the network's for the first one."""
    if interface.info.boot_order:
        return interface.info.boot_order
    order = plan.domain.os.boot
    first = plan.domain.devices.interfaces[0]
    return order.index("network") + 1 if "network" in order and first is interface else None


# -- the host's side -------------------------------------------------------------------------------------


def _backend(plan: Plan, interface: Interface) -> "Props":
    kind, source = interface.type, interface.source or InterfaceSource()
    if kind in _TAPS:
        return _tap(plan, interface)
    if kind == "user":
        return passt.backend(plan, interface) if passt.wanted(interface) else _user(interface)
    if kind in ("server", "client", "mcast", "udp"):
        return _socket(kind, source)
    if kind == "vhostuser":
        return _vhost_user(plan, interface)
    if kind == "vdpa":
        number = plan.fd("vdpa", interface.info.alias or "")
        return {"type": "vhost-vdpa", "vhostdev": f"/dev/fd/{number}"}
    if kind == "null":
        return {"type": "hubport", "hubid": 0}
    raise VirError(CONFIG_UNSUPPORTED, f"interface type '{kind}' is not supported")


def _tap(plan: Plan, interface: Interface) -> "Props":
    """Use a tap device that is opened beforehand; with virtio the kernel moves the packets if it can."""
    driver = interface.driver or InterfaceDriver()
    alias = interface.info.alias or ""
    queues = driver.queues or 1
    props: Props = {"type": "tap"}
    numbers = [str(plan.fd("tap", alias, index)) for index in range(queues)]
    props["fd" if queues == 1 else "fds"] = ":".join(numbers)
    if _kernel_moves_packets(plan, interface):
        vhost = [str(plan.fd("vhost", alias, index)) for index in range(queues)]
        props["vhost"] = True
        props["vhostfd" if queues == 1 else "vhostfds"] = ":".join(vhost)
    props["sndbuf"] = interface.tune_sndbuf
    return props


def _kernel_moves_packets(plan: Plan, interface: Interface) -> bool:
    """Say whether vhost-net is to be used: where it is asked for, and unasked under KVM where it is there."""
    name = interface.driver.name if interface.driver is not None else None
    if not (interface.model or "").startswith("virtio") or name == "qemu":
        return False
    return name == "vhost" or (plan.domain.type == "kvm" and plan.host.vhost_net)


def _user(interface: Interface) -> "Props":
    """Use the network stack inside QEMU; its addresses are those of the definition."""
    props: Props = {"type": "user"}
    for address in interface.ips:
        version = 6 if address.family == "ipv6" or ":" in (address.address or "") else 4
        if version == 4:
            props["net"] = f"{_network(address.address or '', address.prefix or 24)}"
        else:
            props["ipv6-prefix"] = address.address
            props["ipv6-prefixlen"] = address.prefix
    forwards = [{"str": text} for text in _forwards(interface)]
    props["hostfwd"] = forwards or None
    return props


def _network(address: str, prefix: int) -> str:
    """Return the network that an address is in, as QEMU wants it."""
    numbers = [int(part) for part in address.split(".") if part.isdigit()]
    value = 0
    for number in numbers:
        value = value << 8 | number
    value &= ~((1 << (32 - prefix)) - 1)
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0)) + f"/{prefix}"


def _forwards(interface: Interface) -> "list[str]":
    """Return the forwarded ports in the form of the built-in stack."""
    found = []
    for forward in interface.port_forwards:
        for ports in forward.ranges:
            if ports.exclude == "yes" or ports.start is None:
                continue
            to = ports.to if ports.to is not None else ports.start
            for offset in range((ports.end or ports.start) - ports.start + 1):
                outside = f"{forward.proto or 'tcp'}:{forward.address or ''}:{ports.start + offset}"
                found.append(f"{outside}-:{to + offset}")
    return found


def _socket(kind: str, source: InterfaceSource) -> "Props":
    place = f"{source.address_text or ''}:{source.port or ''}"
    if kind == "server":
        return {"type": "socket", "listen": place}
    if kind == "client":
        return {"type": "socket", "connect": place}
    if kind == "mcast":
        return {"type": "socket", "mcast": place}
    local = f"{source.local_address or ''}:{source.local_port or ''}"
    return {"type": "socket", "udp": place, "localaddr": local}


def _vhost_user(plan: Plan, interface: Interface) -> "Props":
    if (interface.backend_type or "default") == "passt":
        return passt.vhost_backend(plan, interface)
    source = interface.source or InterfaceSource()
    name = f"char{interface.info.alias}"
    parts = [f"socket,id={name},path={escaped(source.path or '')}"]
    if source.mode == "server":
        parts.append("server=on")
    plan.add("chardev", ",".join(parts))
    queues = interface.driver.queues if interface.driver is not None else None
    return {"type": "vhost-user", "chardev": name, "queues": queues}


# -- the guest's side ------------------------------------------------------------------------------------

_HOST_OFFLOADS = ("csum", "gso", "host_tso4", "host_tso6", "host_ecn", "host_ufo", "mrg_rxbuf")


def _device(plan: Plan, interface: Interface, netdev: str) -> "Props":
    model = interface.model or "rtl8139"
    is_virtio = model.startswith("virtio")
    props: Props = {"driver": virtio_name("virtio-net", model) if is_virtio else model}
    if is_virtio:
        props |= _virtio(interface)
    return {
        **props,
        "netdev": netdev,
        "id": interface.info.alias,
        "mac": interface.mac,
        "bootindex": boot_index(plan, interface),
        **plan.address(interface.info),
        **plan.rom(interface.info),
    }


def _virtio(interface: Interface) -> "Props":
    driver = interface.driver or InterfaceDriver()
    queues = driver.queues or 1
    multi = queues > 1
    return {
        **virtio(driver.virtio),
        "tx": {"iothread": "bh", "timer": "timer"}.get(driver.txmode or ""),
        "ioeventfd": switch(driver.ioeventfd),
        "event_idx": switch(driver.event_idx),
        **_offloads(driver),
        "mq": True if multi else None,
        "vectors": 2 * queues + 2 if multi else None,
        "rx_queue_size": driver.rx_queue_size,
        "tx_queue_size": driver.tx_queue_size,
        "host_mtu": interface.mtu,
        "failover": True if interface.teaming_type == "persistent" else None,
        "rss": switch(driver.rss),
        "hash": switch(driver.rss_hash_report),
    }


def _offloads(driver: InterfaceDriver) -> "Props":
    host, guest = driver.host or Offloads(), driver.guest or Offloads()
    outside = (host.csum, host.gso, host.tso4, host.tso6, host.ecn, host.ufo, host.mrg_rxbuf)
    props = {name: switch(value) for name, value in zip(_HOST_OFFLOADS, outside, strict=True)}
    for name in ("csum", "tso4", "tso6", "ecn", "ufo"):
        props[f"guest_{name}"] = switch(getattr(guest, name))
    return props
