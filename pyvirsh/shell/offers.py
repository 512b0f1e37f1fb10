"""What completes the values of options, asked of the driver: names, addresses, numbers.

An offer is a function of the session, the options given so far and what stands behind the colon of
the option's `completes`.  Errors: whatever the driver raises; the caller then offers nothing.
A module of commands may have a table OFFERS of its own, for names that only it knows.

Source: completers.tsv; virsh 11.3.0 as observed.
"""

from pyvirsh.backend import constants
from pyvirsh.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.backend.api import DomainRef
    from pyvirsh.backend.conf.xml import Element
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

    Offer = Callable[[Session, Args, str], list[str]]


def _flags(kind: str, states: str) -> int:
    """Return the list call's flags for states such as ``active|has-checkpoint``."""
    names = [f"CONNECT_LIST_{kind}_{state.upper().replace('-', '_')}" for state in states.split("|") if state]
    return sum(int(getattr(constants, name)) for name in names)


# -- lists of objects --------------------------------------------------------------------------------


def domains(session: "Session", args: "Args", states: str) -> "list[str]":
    """Offer the names of domains in one of the states."""
    found = session.driver.connect_list_all_domains(_flags("DOMAINS", states))
    return [dom.name for dom in found]


def domain_uuids(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the UUIDs of domains."""
    return [dom.uuid for dom in session.driver.connect_list_all_domains(0)]


def networks(session: "Session", args: "Args", states: str) -> "list[str]":
    """Offer the names of networks."""
    found = session.driver.connect_list_all_networks(_flags("NETWORKS", states))
    return [network.name for network in found]


def network_uuids(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the UUIDs of networks."""
    return [network.uuid for network in session.driver.connect_list_all_networks(0)]


def network_ports(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the UUIDs of a network's ports."""
    network = session.network(_given(args, "network"))
    return [port.uuid for port in session.driver.network_list_all_ports(network)]


def lease_macs(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the MAC addresses that a network has leased addresses to."""
    network = session.network(_given(args, "network"))
    leases = session.driver.network_get_dhcp_leases(network, None)
    return [lease[3] for lease in leases if lease[3]]


def pools(session: "Session", args: "Args", states: str) -> "list[str]":
    """Offer the names of storage pools."""
    found = session.driver.connect_list_all_storage_pools(_flags("STORAGE_POOLS", states))
    return [pool.name for pool in found]


def volumes(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the names of the volumes in the pool that is given."""
    pool = session.pool(_given(args, "pool"))
    return [vol.name for vol in session.driver.storage_pool_list_all_volumes(pool)]


def volume_keys(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the keys of the volumes in all running pools."""
    driver = session.driver
    running = driver.connect_list_all_storage_pools(constants.CONNECT_LIST_STORAGE_POOLS_ACTIVE)
    return [vol.key for pool in running for vol in driver.storage_pool_list_all_volumes(pool)]


def interfaces(session: "Session", args: "Args", states: str) -> "list[str]":
    """Offer the names of the host's interfaces."""
    flags = _flags("INTERFACES", states or "active|inactive")
    return [interface.name for interface in session.driver.connect_list_all_interfaces(flags)]


def interface_macs(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the MAC addresses of the host's interfaces."""
    flags = _flags("INTERFACES", "active|inactive")
    return [interface.mac for interface in session.driver.connect_list_all_interfaces(flags)]


def node_devices(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the names of the node's devices."""
    return [device.name for device in session.driver.connect_list_all_node_devices(0)]


def nwfilters(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the names of network filters."""
    return [nwfilter.name for nwfilter in session.driver.connect_list_all_nwfilters(0)]


def nwfilter_bindings(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the ports that filters are bound to."""
    return [binding.portdev for binding in session.driver.connect_list_all_nwfilter_bindings(0)]


def secrets(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the UUIDs of secrets."""
    return [secret.uuid for secret in session.driver.connect_list_all_secrets(0)]


def snapshots(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the names of a domain's snapshots."""
    return [snapshot.name for snapshot in session.driver.domain_list_all_snapshots(_domain(session, args))]


def checkpoints(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the names of a domain's checkpoints."""
    found = session.driver.domain_list_all_checkpoints(_domain(session, args))
    return [checkpoint.name for checkpoint in found]


# -- parts of a domain -------------------------------------------------------------------------------


def _given(args: "Args", option: str) -> str:
    """Return the value of an option, wherever it stands on the line.  Errors: CommandFailed without one."""
    value = args.values.get(option)
    if not value or not isinstance(value, str):
        raise CommandFailed
    return value


def _domain(session: "Session", args: "Args") -> "DomainRef":
    return session.domain(_given(args, "domain"))


def _description(session: "Session", args: "Args") -> "Element":
    from pyvirsh.backend.conf import xml

    return xml.parse(session.driver.domain_get_xml_desc(_domain(session, args)))


def _attributes(root: "Element", path: str, name: str) -> "list[str]":
    """Return the attribute `name` of the elements at `path` that have one."""
    return [value for element in root.iterfind(path) if (value := element.get(name))]


def disk_targets(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the names that a domain's disks have in the guest."""
    return _attributes(_description(session, args), "devices/disk/target", "dev")


def chain_elements(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer disks and the files they are layered on: ``vda``, ``vda[1]``, ..."""
    found = []
    wanted = args.values.get("path")
    for disk in _description(session, args).iterfind("devices/disk"):
        for name in _attributes(disk, "target", "dev"):
            if wanted in (None, "", name):
                indexes = _attributes(disk, ".//backingStore", "index")
                found += [name, *(f"{name}[{index}]" for index in indexes)]
    return found


def domain_interfaces(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer a domain's interfaces by their name on the host, by MAC address where they have none."""
    found = []
    for interface in _description(session, args).iterfind("devices/interface"):
        names = [] if detail == "mac" else _attributes(interface, "target", "dev")
        found += (names or _attributes(interface, "mac", "address"))[:1]
    return found


def link_states(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the link state that an interface is not in."""
    wanted = _given(args, "interface")
    for interface in _description(session, args).iterfind("devices/interface"):
        names = _attributes(interface, "target", "dev") + _attributes(interface, "mac", "address")
        if wanted in names:
            return ["up"] if "down" in _attributes(interface, "link", "state") else ["down"]
    return ["up", "down"]


def aliases(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the aliases of a domain's devices."""
    return _attributes(_description(session, args), "devices/*/alias", "name")


def consoles(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the aliases of a domain's serial ports and consoles."""
    root = _description(session, args)
    found = [_attributes(root, f"devices/{tag}/alias", "name") for tag in ("serial", "parallel", "console")]
    return list(dict.fromkeys(sum(found, [])))


def throttle_groups(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the throttle groups of a domain."""
    root = _description(session, args)
    return [name.text for name in root.iterfind("throttlegroups/throttlegroup/group_name") if name.text]


def vcpus(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the numbers of a domain's virtual CPUs."""
    count = _description(session, args).findtext("vcpu") or ""
    return [str(number) for number in range(int(count))] if count.isdigit() else []


def iothreads(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the numbers of a domain's I/O threads."""
    return [str(thread[0]) for thread in session.driver.domain_get_iothread_info(_domain(session, args))]


def guest_vcpus(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the CPUs that the guest's agent knows."""
    parameters = session.driver.domain_get_guest_vcpus(_domain(session, args))
    text = next((str(value) for name, _, value in parameters if name == "vcpus"), "")
    found = []
    for piece in text.split(","):
        first, dash, last = piece.partition("-")
        if first.isdigit() and (last.isdigit() or not dash):
            found += [str(number) for number in range(int(first), int(last or first) + 1)]
    return found


def mountpoints(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the file systems that the guest's agent knows."""
    return [filesystem[0] for filesystem in session.driver.domain_get_fsinfo(_domain(session, args))]


# -- the host ----------------------------------------------------------------------------------------


def _capabilities(session: "Session") -> "Element":
    from pyvirsh.backend.conf import xml

    return xml.parse(session.driver.connect_get_capabilities(), "(capabilities)")


def host_cpus(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the host's CPUs that are switched on."""
    cpumap, _, count = session.driver.node_get_cpu_map()
    bits = int.from_bytes(cpumap, "little")
    return [str(number) for number in range(count) if bits >> number & 1]


def all_host_cpus(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer all CPUs of the host."""
    return [str(number) for number in range(session.driver.node_get_cpu_map()[2])]


def numa_cells(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the numbers of the host's NUMA cells."""
    return _attributes(_capabilities(session), "host/topology/cells/cell", "id")


def page_sizes(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the sizes of memory pages: those of the NUMA cell given, or the host's."""
    root = _capabilities(session)
    cell = args.values.get("cellno")
    if cell:
        cells = [each for each in root.iterfind("host/topology/cells/cell") if each.get("id") == cell]
        pages = [page for each in cells for page in each.iterfind("pages")]
    else:
        pages = list(root.iterfind("host/cpu/pages"))
    return [_size(int(page.get("size", "0"))) for page in pages]


def _size(kib: int) -> str:
    """Return a size as short as it can be said exactly."""
    units = ["KiB", "MiB", "GiB"]
    while len(units) > 1 and kib % 1024 == 0:
        kib, units = kib // 1024, units[1:]
    return f"{kib}{units[0]}"


def cpu_models(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the CPU models that the hypervisor described by the other options can give a guest."""
    from pyvirsh.backend.conf import xml

    emulator, arch, machine, kind = (
        str(args.values.get(name) or "") or None for name in ("emulator", "arch", "machine", "virttype")
    )
    document = session.driver.connect_get_domain_capabilities(emulator, arch, machine, kind, 0)
    models = xml.parse(document, "(capabilities)").iterfind("cpu/mode[@name='custom']/model")
    return [model.text for model in models if model.text]


# -- fixed names -------------------------------------------------------------------------------------


def native_formats(session: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the formats of other hypervisors' configurations."""
    return ["qemu-argv", "xen-xl", "xen-xm", "xen-sxpr", "vmware-vmx", "bhyve-argv", "lxc-tools"]


# `completes` up to the colon -> what offers its values; whether a value is a list with commas.
OFFERS: "dict[str, tuple[Offer, bool]]" = {
    "checkpoint": (checkpoints, False),
    "console-device-alias": (consoles, False),
    "cpu-model": (cpu_models, False),
    "device-alias": (aliases, False),
    "dhcp-lease-mac": (lease_macs, False),
    "disk-chain-element": (chain_elements, False),
    "disk-target": (disk_targets, False),
    "disk-target-list": (disk_targets, True),
    "domain": (domains, False),
    "domain-interface": (domain_interfaces, False),
    "domain-uuid": (domain_uuids, False),
    "domxml-native-format": (native_formats, False),
    "guest-mountpoint": (mountpoints, False),
    "guest-vcpu-list": (guest_vcpus, True),
    "host-cpu": (host_cpus, False),
    "host-cpu-list": (all_host_cpus, True),
    "interface": (interfaces, False),
    "interface-link-state": (link_states, False),
    "interface-mac": (interface_macs, False),
    "iothread-id": (iothreads, False),
    "network": (networks, False),
    "network-port-uuid": (network_ports, False),
    "network-uuid": (network_uuids, False),
    "nodedev": (node_devices, False),
    "numa-cell": (numa_cells, False),
    "nwfilter": (nwfilters, False),
    "nwfilter-binding": (nwfilter_bindings, False),
    "page-size": (page_sizes, False),
    "pool": (pools, False),
    "secret-uuid": (secrets, False),
    "snapshot": (snapshots, False),
    "throttle-group": (throttle_groups, False),
    "throttle-group-list": (throttle_groups, True),
    "vcpu": (vcpus, False),
    "vcpu-list": (vcpus, True),
    "volume": (volumes, False),
    "volume-key": (volume_keys, False),
}
