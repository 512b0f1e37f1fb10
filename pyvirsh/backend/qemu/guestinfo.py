"""What a guest tells of itself through its agent.

Source: libvirt API, virDomainGetGuestInfo and its kin; QEMU's "QEMU Guest Agent Protocol Reference".
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import (
    PARAM_BOOLEAN,
    PARAM_INT,
    PARAM_STRING,
    PARAM_UINT,
    PARAM_ULLONG,
    DomainRef,
    TypedParam,
)
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.errors import (
    AGENT_COMMAND_FAILED,
    ARGUMENT_UNSUPPORTED,
    INVALID_ARG,
    OPERATION_FAILED,
    OPERATION_UNSUPPORTED,
    VirError,
)
from pyvirsh.backend.qemu import agent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyvirsh.backend.qemu.driver import QemuDriver

    Params = list[TypedParam]

FAMILIES = {"ipv4": c.IP_ADDR_TYPE_IPV4, "ipv6": c.IP_ADDR_TYPE_IPV6}


def ask(
    driver: "QemuDriver", dom: DomainRef, command: str, arguments: "dict[str, Any] | None" = None
) -> "Any":
    """Have the agent carry out one command."""
    with agent.reach(driver, dom) as talk:
        return talk.execute(command, arguments)


def hostname(driver: "QemuDriver", dom: DomainRef, flags: int) -> str:
    """Return the guest's own name."""
    allowed(flags, c.DOMAIN_GET_HOSTNAME_AGENT | c.DOMAIN_GET_HOSTNAME_LEASE, "qemuDomainGetHostname")
    if flags & c.DOMAIN_GET_HOSTNAME_LEASE:
        raise VirError(
            OPERATION_FAILED, f"no hostname found for domain '{dom.name}': its networks keep no leases"
        )
    return str(ask(driver, dom, "guest-get-host-name")["host-name"])


def domain_get_time(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> "tuple[int, int]":
    allowed(flags, 0, "qemuDomainGetTime")
    seconds, nanoseconds = divmod(int(ask(driver, dom, "guest-get-time")), 1_000_000_000)
    return seconds, nanoseconds


# -- virtual CPUs as the guest sees them -----------------------------------------------------------------


def vcpus(driver: "QemuDriver", dom: DomainRef, flags: int) -> int:
    """Return how many CPUs the guest uses, or has (MAXIMUM)."""
    if driver.running(dom.uuid) is None:
        driver.check_exists(dom)
        raise VirError(
            INVALID_ARG, "vCPU count provided by the guest agent can only be requested for live domains"
        )
    found = ask(driver, dom, "guest-get-vcpus")
    return len(found) if flags & c.DOMAIN_VCPU_MAXIMUM else sum(bool(one["online"]) for one in found)


def domain_get_guest_vcpus(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> "Params":
    allowed(flags, 0, "qemuDomainGetGuestVcpus")
    found = ask(driver, dom, "guest-get-vcpus")
    sets = (
        ("vcpus", [one["logical-id"] for one in found]),
        ("online", [one["logical-id"] for one in found if one["online"]]),
        ("offlinable", [one["logical-id"] for one in found if one.get("can-offline")]),
    )
    return [(name, PARAM_STRING, bitmap.show(sorted(numbers))) for name, numbers in sets]


def domain_set_guest_vcpus(
    driver: "QemuDriver", dom: DomainRef, cpumap: str, state: int, flags: int = 0
) -> None:
    allowed(flags, 0, "qemuDomainSetGuestVcpus")
    wanted = bitmap.parse(cpumap)
    with agent.reach(driver, dom) as talk:
        known = {int(one["logical-id"]): one for one in talk.execute("guest-get-vcpus")}
        for number in sorted(wanted):
            if number not in known:
                raise VirError(INVALID_ARG, f"guest is missing vCPUs '{number}'")
            if not state and not known[number].get("can-offline"):
                raise VirError(OPERATION_UNSUPPORTED, f"vCPU '{number}' is not offlinable")
        change = [{"logical-id": number, "online": bool(state)} for number in sorted(wanted)]
        if talk.execute("guest-set-vcpus", {"vcpus": change}) != len(change):
            raise VirError(OPERATION_FAILED, "the guest changed only some of its CPUs")


# -- addresses and file systems ----------------------------------------------------------------------------


def domain_interface_addresses(
    driver: "QemuDriver", dom: DomainRef, source: int, flags: int = 0
) -> "list[tuple[str, str | None, list[tuple[int, str, int]]]]":
    allowed(flags, 0, "qemuDomainInterfaceAddresses")
    driver.guest(dom)
    if source == c.DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT:
        found = ask(driver, dom, "guest-network-get-interfaces")
        return [(str(one["name"]), one.get("hardware-address"), _addresses(one)) for one in found]
    if source == c.DOMAIN_INTERFACE_ADDRESSES_SRC_ARP:
        return _neighbours(driver, dom)
    if source == c.DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE:
        return []  # no network of this connection keeps leases
    raise VirError(ARGUMENT_UNSUPPORTED, f"Unknown IP address data source {source}")


def _addresses(interface: "dict[str, Any]") -> "list[tuple[int, str, int]]":
    listed = interface.get("ip-addresses", [])
    return [
        (FAMILIES.get(one["ip-address-type"], 0), str(one["ip-address"]), int(one["prefix"]))
        for one in listed
    ]


def _neighbours(
    driver: "QemuDriver", dom: DomainRef
) -> "list[tuple[str, str | None, list[tuple[int, str, int]]]]":
    """Return what the host has heard of the guest's MAC addresses."""
    from pyvirsh.backend.host.cpus import read

    table = [line.split() for line in (read("/proc/net/arp") or "").split("\n")[1:]]
    found = []
    for interface in driver.current(dom)[0].devices.interfaces:
        mac = (interface.mac or "").lower()
        addresses = [
            (c.IP_ADDR_TYPE_IPV4, row[0], 0) for row in table if len(row) > 5 and row[3].lower() == mac
        ]
        if addresses and interface.target_dev:
            found.append((interface.target_dev, interface.mac, addresses))
    return found


def domain_get_fsinfo(
    driver: "QemuDriver", dom: DomainRef, flags: int = 0
) -> "list[tuple[str, str, str, list[str]]]":
    allowed(flags, 0, "qemuDomainGetFSInfo")
    found = ask(driver, dom, "guest-get-fsinfo")
    targets = _targets(driver, dom)
    return [
        (str(one["mountpoint"]), str(one["name"]), str(one["type"]), _disks(one, targets)) for one in found
    ]


def _targets(driver: "QemuDriver", dom: DomainRef) -> "dict[tuple[int, ...], str]":
    """Return the target of each disk by its PCI place, or controller, bus, target and unit."""
    targets: dict[tuple[int, ...], str] = {}
    for disk in driver.current(dom)[0].devices.disks:
        address = disk.info.address
        if address is None:
            continue
        if address.pci is not None:
            targets[(3, *address.pci)] = str(disk.target_dev)
        elif address.type == "drive":
            place = (address.bus or 0, address.target or 0, address.unit or 0)
            targets[(0, *place)] = str(disk.target_dev)
    return targets


def _disks(filesystem: "dict[str, Any]", targets: "dict[tuple[int, ...], str]") -> "list[str]":
    found = []
    for disk in filesystem.get("disk", []):
        pci = disk.get("pci-controller", {})
        places = (
            (3, int(pci.get("bus", -1)), int(pci.get("slot", -1)), int(pci.get("function", -1))),
            (0, int(disk.get("bus", 0)), int(disk.get("target", 0)), int(disk.get("unit", 0))),
        )
        found += [targets[place] for place in places if place in targets][:1]
    return found


# -- all of it -----------------------------------------------------------------------------------------------


def domain_get_guest_info(driver: "QemuDriver", dom: DomainRef, types: int, flags: int = 0) -> "Params":
    allowed(flags, 0, "qemuDomainGetGuestInfo")
    wanted = types or sum(_KINDS)
    params: Params = []
    with agent.reach(driver, dom) as talk:
        for kind, (command, make) in _KINDS.items():
            if not wanted & kind:
                continue
            try:
                params += make(talk.execute(command), _targets(driver, dom))
            except VirError as error:
                # What the agent cannot tell is left out, unless it is all that was asked for.
                if error.code != AGENT_COMMAND_FAILED or types:
                    raise
    return params


def _users(found: "Any", targets: "Any") -> "Params":
    params: Params = [("user.count", PARAM_UINT, len(found))]
    for at, user in enumerate(found):
        params.append((f"user.{at}.name", PARAM_STRING, str(user["user"])))
        if "domain" in user:
            params.append((f"user.{at}.domain", PARAM_STRING, str(user["domain"])))
        params.append((f"user.{at}.login-time", PARAM_ULLONG, int(float(user["login-time"]) * 1000)))
    return params


def _os(found: "Any", targets: "Any") -> "Params":
    names = ("id", "name", "pretty-name", "version", "version-id", "machine", "variant", "variant-id")
    ordered = (*names, "kernel-release", "kernel-version")
    return [(f"os.{name}", PARAM_STRING, str(found[name])) for name in ordered if name in found]


def _timezone(found: "Any", targets: "Any") -> "Params":
    name: Params = [("timezone.name", PARAM_STRING, str(found["zone"]))] if "zone" in found else []
    return [*name, ("timezone.offset", PARAM_INT, int(found["offset"]))]


def _hostname(found: "Any", targets: "Any") -> "Params":
    return [("hostname", PARAM_STRING, str(found["host-name"]))]


def _all_disks(found: "Any", targets: "dict[tuple[int, ...], str]") -> "Params":
    params: Params = [("disk.count", PARAM_UINT, len(found))]
    for at, one in enumerate(found):
        prefix, address = f"disk.{at}", one.get("address", {})
        params.append((f"{prefix}.name", PARAM_STRING, str(one["name"])))
        params.append((f"{prefix}.partition", PARAM_BOOLEAN, bool(one["partition"])))
        below = one.get("dependencies", [])
        if below:
            params.append((f"{prefix}.dependency.count", PARAM_UINT, len(below)))
        params += [
            (f"{prefix}.dependency.{number}.name", PARAM_STRING, str(name))
            for number, name in enumerate(below)
        ]
        texts = {
            "serial": address.get("serial"),
            "alias": next(iter(_disks({"disk": [address]}, targets)), None),
            "guest_alias": one.get("alias"),
            "guest_bus": address.get("bus-type"),
        }
        params += [(f"{prefix}.{name}", PARAM_STRING, str(text)) for name, text in texts.items() if text]
    return params


def _filesystems(found: "Any", targets: "Any") -> "Params":
    if not found:
        return []
    params: Params = [("fs.count", PARAM_UINT, len(found))]
    for at, one in enumerate(found):
        names = (("name", "name"), ("mountpoint", "mountpoint"), ("fstype", "type"))
        params += [(f"fs.{at}.{ours}", PARAM_STRING, str(one[theirs])) for ours, theirs in names]
        for ours, theirs in (("total-bytes", "total-bytes"), ("used-bytes", "used-bytes")):
            if theirs in one:
                params.append((f"fs.{at}.{ours}", PARAM_ULLONG, int(one[theirs])))
        devices = one.get("disk", [])
        params.append((f"fs.{at}.disk.count", PARAM_UINT, len(devices)))
        for number, alias in enumerate(_disks(one, targets)):
            params.append((f"fs.{at}.disk.{number}.alias", PARAM_STRING, alias))
    return params


def _interfaces(found: "Any", targets: "Any") -> "Params":
    params: Params = [("if.count", PARAM_UINT, len(found))]
    for at, one in enumerate(found):
        params.append((f"if.{at}.name", PARAM_STRING, str(one["name"])))
        if "hardware-address" in one:
            params.append((f"if.{at}.hwaddr", PARAM_STRING, str(one["hardware-address"])))
        addresses = one.get("ip-addresses", [])
        params.append((f"if.{at}.addr.count", PARAM_UINT, len(addresses)))
        for number, address in enumerate(addresses):
            prefix = f"if.{at}.addr.{number}"
            params.append((f"{prefix}.type", PARAM_STRING, str(address["ip-address-type"])))
            params.append((f"{prefix}.addr", PARAM_STRING, str(address["ip-address"])))
            params.append((f"{prefix}.prefix", PARAM_UINT, int(address["prefix"])))
    return params


_KINDS: "dict[int, tuple[str, Callable[[Any, Any], Params]]]" = {
    c.DOMAIN_GUEST_INFO_USERS: ("guest-get-users", _users),
    c.DOMAIN_GUEST_INFO_OS: ("guest-get-osinfo", _os),
    c.DOMAIN_GUEST_INFO_TIMEZONE: ("guest-get-timezone", _timezone),
    c.DOMAIN_GUEST_INFO_HOSTNAME: ("guest-get-host-name", _hostname),
    c.DOMAIN_GUEST_INFO_DISKS: ("guest-get-disks", _all_disks),
    c.DOMAIN_GUEST_INFO_FILESYSTEM: ("guest-get-fsinfo", _filesystems),
    c.DOMAIN_GUEST_INFO_INTERFACES: ("guest-network-get-interfaces", _interfaces),
}
