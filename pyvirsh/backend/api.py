"""The interface every driver implements: one method per libvirt call, plain values in and out.

A method is named after its RPC procedure in snake case and takes the procedure's arguments in
order; arguments that only size a buffer (``nparams``, ``maxnames``, ``need_results``) are left out
and the matching counts are not returned.  One result comes as itself, several as a tuple, named in the
comment above the method.  The base class answers "not supported by the connection driver"; a
driver overrides what it has.  Units are libvirt's: memory in KiB, times in ns, sizes in bytes.

Source: libvirt's public API; `flags` are the flags of the call named in the method's body, whose
values stand in `constants`.
"""

from __future__ import annotations

from pyvirsh.backend.errors import unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Protocol

    class Stream(Protocol):
        """A two-way byte stream: a console, a screenshot, a volume's data."""

        def fileno(self) -> int:
            """Return a descriptor that is readable when `recv` has something."""

        def recv(self, size: int) -> bytes:
            """Return up to `size` bytes; b"" at the end.  Errors: VirError if the peer failed."""

        def send(self, data: bytes) -> int:
            """Send some of `data`; return how many bytes were taken."""

        def finish(self) -> None:
            """Close after all data has passed."""

        def abort(self) -> None:
            """Close at once and drop what is under way."""

    class SparseStream(Stream, Protocol):
        """What `storage_vol_upload` and `storage_vol_download` return with the flag SPARSE_STREAM.

        `recv` stops before a hole.
        """

        def send_hole(self, length: int) -> None:
            """Send `length` bytes that are zero and need no room."""

        def recv_hole(self) -> int:
            """Return the length of the hole that comes next; 0 when data comes, or the end."""


# (name, type, value); type is one of the PARAM_* numbers.
TypedParam = tuple[str, int, "int | float | str"]

PARAM_INT = 1
PARAM_UINT = 2
PARAM_LLONG = 3
PARAM_ULLONG = 4
PARAM_DOUBLE = 5
PARAM_BOOLEAN = 6
PARAM_STRING = 7


# Peer to peer, in three steps, guarded from changes, migratable XML, offline, with parameters.
MIGRATION_FEATURES = (4, 6, 7, 11, 12, 13)


class Ref:
    """A handle on an object: plain values, good for one connection, equal by value."""

    __slots__: tuple[str, ...] = ()

    def __init__(self, *values: "str | int | Ref") -> None:
        for slot, value in zip(self.__slots__, values, strict=True):
            setattr(self, slot, value)

    def values(self) -> "tuple[str | int | Ref, ...]":
        """Return the handle's fields in order."""
        return tuple(getattr(self, slot) for slot in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Ref) and other.values() == self.values()

    def __hash__(self) -> int:
        return hash(self.values())

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.values()!r}"


class DomainRef(Ref):
    """A domain: its name, its UUID as text, its id (-1 when it does not run)."""

    __slots__ = ("name", "uuid", "id")
    name: str
    uuid: str
    id: int


class NetworkRef(Ref):
    """A network."""

    __slots__ = ("name", "uuid")
    name: str
    uuid: str


class NetworkPortRef(Ref):
    """A port of a network."""

    __slots__ = ("net", "uuid")
    net: NetworkRef
    uuid: str


class StoragePoolRef(Ref):
    """A storage pool."""

    __slots__ = ("name", "uuid")
    name: str
    uuid: str


class StorageVolRef(Ref):
    """A storage volume: its pool, its name, its key."""

    __slots__ = ("pool", "name", "key")
    pool: str
    name: str
    key: str


class NodeDeviceRef(Ref):
    """A device of the node."""

    __slots__ = ("name",)
    name: str


class InterfaceRef(Ref):
    """A network interface of the host."""

    __slots__ = ("name", "mac")
    name: str
    mac: str


class SecretRef(Ref):
    """A secret."""

    __slots__ = ("uuid", "usage_type", "usage_id")
    uuid: str
    usage_type: int
    usage_id: str


class NWFilterRef(Ref):
    """A network filter."""

    __slots__ = ("name", "uuid")
    name: str
    uuid: str


class NWFilterBindingRef(Ref):
    """A network filter bound to a port."""

    __slots__ = ("portdev", "filtername")
    portdev: str
    filtername: str


class SnapshotRef(Ref):
    """A snapshot of a domain."""

    __slots__ = ("name", "dom")
    name: str
    dom: DomainRef


class CheckpointRef(Ref):
    """A checkpoint of a domain."""

    __slots__ = ("name", "dom")
    name: str
    dom: DomainRef


class Event:
    """Something that happened.

    kind: "domain", "network", "storage_pool", "node_device", "secret" or "qemu"; event_id: its
    number within the kind; ref: what it happened to; values: the rest of the event's message in
    the protocol's order.
    """

    __slots__ = ("kind", "event_id", "callback_id", "ref", "values")

    def __init__(
        self, kind: str, event_id: int, callback_id: int, ref: Ref, values: "tuple[int | str | None, ...]"
    ) -> None:
        self.kind = kind
        self.event_id = event_id
        self.callback_id = callback_id
        self.ref = ref
        self.values = values


class Driver:
    """A connection to a hypervisor.  See the module's text for the rules of its methods."""

    # What `open` was given, with aliases resolved.
    uri: str = ""
    read_only: bool = False
    # Held over each call where connections of one process share their state in memory; None where
    # calls on several connections may overlap (one connection is used by one thread at a time).
    lock: "AbstractContextManager[object] | None" = None
    # Whether every call returns at once, so that a server needs no thread for it.
    immediate: bool = False
    # What the user should know of this connection.
    warnings: tuple[str, ...] = ()

    # -- not in the protocol -----------------------------------------------------------------

    def close(self) -> None:
        """Let go of sockets and files.  A driver that holds none does nothing."""

    def abandon(self) -> None:
        """Let go at once, though a call has been cut off in the middle."""
        self.close()

    def alive(self) -> bool:
        """Say whether the connection still stands."""
        return True

    def lost(self) -> str:
        """Say in a few words how the connection ended ("end of file", ...); "" while it stands."""
        return ""

    def supports_keepalive(self) -> bool:
        """Say whether the peer is remote and can be asked for keepalive messages."""
        return False

    def set_keepalive(self, interval: int, count: int) -> None:
        """Ask a peer silent for `interval` seconds (0: never) for a sign of life, `count` times."""

    def beside(self) -> "Driver":
        """Return a connection for use while a call of this one is under way in another thread.

        Closed by the caller unless it is this one, which then takes calls from several threads.
        """
        from pyvirsh import backend

        return backend.open(self.uri, read_only=self.read_only)

    def next_events(self, timeout: "float | None") -> "list[Event]":
        """Wait up to `timeout` seconds (None: for ever) and return the events that came.

        Only events of registered callbacks come.  [] means that the time has passed.
        ^C raises KeyboardInterrupt as anywhere.
        """
        raise unsupported("virEventRunDefaultImpl")

    def implements(self, name: str) -> bool:
        """Say whether this driver has the call `name` at all."""
        return getattr(type(self), name, None) is not getattr(Driver, name, None)

    def events_fileno(self) -> int:
        """Return a descriptor that is readable while `next_events(0)` has something; -1: none.

        Another thread may cause the event: a server waits on it beside its clients' sockets.
        """
        return -1

    # -- the connection --------------------------------------------------------------------------
    def connect_supports_feature(self, feature: int) -> bool:
        """Say whether the driver has one of the protocol's features.

        Only those of migration are asked for: a driver with migration's steps has them.
        """
        return feature in MIGRATION_FEATURES and self.implements("domain_migrate_perform3_params")

    def connect_get_type(self) -> str:
        raise unsupported("virConnectGetType")

    def connect_get_version(self) -> int:
        raise unsupported("virConnectGetVersion")

    def connect_get_max_vcpus(self, type: str | None) -> int:
        raise unsupported("virConnectGetMaxVcpus")

    def connect_get_capabilities(self) -> str:
        raise unsupported("virConnectGetCapabilities")

    def connect_get_hostname(self) -> str:
        raise unsupported("virConnectGetHostname")

    def connect_find_storage_pool_sources(self, type: str, src_spec: str | None, flags: int = 0) -> str:
        raise unsupported("virConnectFindStoragePoolSources")

    def connect_get_uri(self) -> str:
        raise unsupported("virConnectGetURI")

    def connect_domain_xml_from_native(self, native_format: str, native_config: str, flags: int = 0) -> str:
        raise unsupported("virConnectDomainXMLFromNative")

    def connect_domain_xml_to_native(self, native_format: str, domain_xml: str, flags: int = 0) -> str:
        raise unsupported("virConnectDomainXMLToNative")

    def connect_get_lib_version(self) -> int:
        raise unsupported("virConnectGetLibVersion")

    def connect_compare_cpu(self, xml: str, flags: int = 0) -> int:
        raise unsupported("virConnectCompareCPU")

    def connect_baseline_cpu(self, xml_cpus: list[str], flags: int = 0) -> str:
        raise unsupported("virConnectBaselineCPU")

    def connect_get_sysinfo(self, flags: int = 0) -> str:
        raise unsupported("virConnectGetSysinfo")

    def connect_list_all_domains(self, flags: int = 0) -> list[DomainRef]:
        raise unsupported("virConnectListAllDomains")

    def connect_list_all_storage_pools(self, flags: int = 0) -> list[StoragePoolRef]:
        raise unsupported("virConnectListAllStoragePools")

    def connect_list_all_networks(self, flags: int = 0) -> list[NetworkRef]:
        raise unsupported("virConnectListAllNetworks")

    def connect_list_all_interfaces(self, flags: int = 0) -> list[InterfaceRef]:
        raise unsupported("virConnectListAllInterfaces")

    def connect_list_all_node_devices(self, flags: int = 0) -> list[NodeDeviceRef]:
        raise unsupported("virConnectListAllNodeDevices")

    def connect_list_all_nwfilters(self, flags: int = 0) -> list[NWFilterRef]:
        raise unsupported("virConnectListAllNWFilters")

    def connect_list_all_secrets(self, flags: int = 0) -> list[SecretRef]:
        raise unsupported("virConnectListAllSecrets")

    def connect_get_cpu_model_names(self, arch: str, flags: int = 0) -> list[str]:
        raise unsupported("virConnectGetCPUModelNames")

    def connect_network_event_register_any(self, event_id: int, net: "NetworkRef | None") -> int:
        raise unsupported("virConnectNetworkEventRegisterAny")

    def connect_network_event_deregister_any(self, callback_id: int) -> None:
        raise unsupported("virConnectNetworkEventDeregisterAny")

    def connect_domain_event_callback_register_any(self, event_id: int, dom: "DomainRef | None") -> int:
        raise unsupported("virConnectDomainEventRegisterAny")

    def connect_domain_event_callback_deregister_any(self, callback_id: int) -> None:
        raise unsupported("virConnectDomainEventDeregisterAny")

    def connect_get_domain_capabilities(
        self,
        emulatorbin: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        flags: int = 0,
    ) -> str:
        raise unsupported("virConnectGetDomainCapabilities")

    def connect_get_all_domain_stats(
        self, doms: list[DomainRef], stats: int, flags: int = 0
    ) -> list[tuple[DomainRef, list[TypedParam]]]:
        raise unsupported("virConnectGetAllDomainStats")

    def connect_storage_pool_event_register_any(self, event_id: int, pool: "StoragePoolRef | None") -> int:
        raise unsupported("virConnectStoragePoolEventRegisterAny")

    def connect_storage_pool_event_deregister_any(self, callback_id: int) -> None:
        raise unsupported("virConnectStoragePoolEventDeregisterAny")

    def connect_node_device_event_register_any(self, event_id: int, dev: "NodeDeviceRef | None") -> int:
        raise unsupported("virConnectNodeDeviceEventRegisterAny")

    def connect_node_device_event_deregister_any(self, callback_id: int) -> None:
        raise unsupported("virConnectNodeDeviceEventDeregisterAny")

    def connect_secret_event_register_any(self, event_id: int, secret: "SecretRef | None") -> int:
        raise unsupported("virConnectSecretEventRegisterAny")

    def connect_secret_event_deregister_any(self, callback_id: int) -> None:
        raise unsupported("virConnectSecretEventDeregisterAny")

    def connect_compare_hypervisor_cpu(
        self,
        emulator: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        xml_cpu: str,
        flags: int = 0,
    ) -> int:
        raise unsupported("virConnectCompareHypervisorCPU")

    def connect_baseline_hypervisor_cpu(
        self,
        emulator: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        xml_cpus: list[str],
        flags: int = 0,
    ) -> str:
        raise unsupported("virConnectBaselineHypervisorCPU")

    def connect_list_all_nwfilter_bindings(self, flags: int = 0) -> list[NWFilterBindingRef]:
        raise unsupported("virConnectListAllNWFilterBindings")

    def connect_get_storage_pool_capabilities(self, flags: int = 0) -> str:
        raise unsupported("virConnectGetStoragePoolCapabilities")

    def connect_domain_monitor_event_register(
        self, dom: "DomainRef | None", event: str | None, flags: int = 0
    ) -> int:
        raise unsupported("virConnectDomainQemuMonitorEventRegister")

    def connect_domain_monitor_event_deregister(self, callback_id: int) -> None:
        raise unsupported("virConnectDomainQemuMonitorEventDeregister")

    # -- the node and its devices ----------------------------------------------------------------
    # returns model, memory, cpus, mhz, nodes, sockets, cores, threads
    def node_get_info(self) -> tuple[str, int, int, int, int, int, int, int]:
        raise unsupported("virNodeGetInfo")

    def node_get_cells_free_memory(self, start_cell: int, maxcells: int) -> list[int]:
        raise unsupported("virNodeGetCellsFreeMemory")

    def node_get_free_memory(self) -> int:
        raise unsupported("virNodeGetFreeMemory")

    def node_device_lookup_by_name(self, name: str) -> NodeDeviceRef:
        raise unsupported("virNodeDeviceLookupByName")

    def node_device_get_xml_desc(self, name: str, flags: int = 0) -> str:
        raise unsupported("virNodeDeviceGetXMLDesc")

    def node_device_get_parent(self, name: str) -> str | None:
        raise unsupported("virNodeDeviceGetParent")

    def node_device_list_caps(self, name: str) -> list[str]:
        raise unsupported("virNodeDeviceListCaps")

    def node_device_dettach(self, name: str) -> None:
        raise unsupported("virNodeDeviceDettach")

    def node_device_re_attach(self, name: str) -> None:
        raise unsupported("virNodeDeviceReAttach")

    def node_device_reset(self, name: str) -> None:
        raise unsupported("virNodeDeviceReset")

    # returns model, doi
    def node_get_security_model(self) -> tuple[str, str]:
        raise unsupported("virNodeGetSecurityModel")

    def node_device_create_xml(self, xml_desc: str, flags: int = 0) -> NodeDeviceRef:
        raise unsupported("virNodeDeviceCreateXML")

    def node_device_destroy(self, name: str) -> None:
        raise unsupported("virNodeDeviceDestroy")

    def node_get_cpu_stats(self, cpu_num: int, flags: int = 0) -> list[tuple[str, int]]:
        raise unsupported("virNodeGetCPUStats")

    def node_get_memory_stats(self, cell_num: int, flags: int = 0) -> list[tuple[str, int]]:
        raise unsupported("virNodeGetMemoryStats")

    def node_suspend_for_duration(self, target: int, duration: int, flags: int = 0) -> None:
        raise unsupported("virNodeSuspendForDuration")

    def node_set_memory_parameters(self, params: list[TypedParam], flags: int = 0) -> None:
        raise unsupported("virNodeSetMemoryParameters")

    def node_get_memory_parameters(self, flags: int = 0) -> list[TypedParam]:
        raise unsupported("virNodeGetMemoryParameters")

    # returns cpumap, online, the number of CPUs present
    def node_get_cpu_map(self, flags: int = 0) -> tuple[bytes, int, int]:
        raise unsupported("virNodeGetCPUMap")

    def node_device_lookup_scsi_host_by_wwn(self, wwnn: str, wwpn: str, flags: int = 0) -> NodeDeviceRef:
        raise unsupported("virNodeDeviceLookupSCSIHostByWWN")

    def node_device_detach_flags(self, name: str, driver_name: str | None, flags: int = 0) -> None:
        raise unsupported("virNodeDeviceDetachFlags")

    def node_get_free_pages(
        self, pages: list[int], start_cell: int, cell_count: int, flags: int = 0
    ) -> list[int]:
        raise unsupported("virNodeGetFreePages")

    def node_alloc_pages(
        self, page_sizes: list[int], page_counts: list[int], start_cell: int, cell_count: int, flags: int = 0
    ) -> int:
        raise unsupported("virNodeAllocPages")

    def node_get_sev_info(self, flags: int = 0) -> list[TypedParam]:
        raise unsupported("virNodeGetSEVInfo")

    def node_device_define_xml(self, xml_desc: str, flags: int = 0) -> NodeDeviceRef:
        raise unsupported("virNodeDeviceDefineXML")

    def node_device_undefine(self, name: str, flags: int = 0) -> None:
        raise unsupported("virNodeDeviceUndefine")

    def node_device_create(self, name: str, flags: int = 0) -> None:
        raise unsupported("virNodeDeviceCreate")

    def node_device_get_autostart(self, name: str) -> bool:
        raise unsupported("virNodeDeviceGetAutostart")

    def node_device_set_autostart(self, name: str, autostart: int) -> None:
        raise unsupported("virNodeDeviceSetAutostart")

    def node_device_is_persistent(self, name: str) -> bool:
        raise unsupported("virNodeDeviceIsPersistent")

    def node_device_is_active(self, name: str) -> bool:
        raise unsupported("virNodeDeviceIsActive")

    def node_device_update(self, name: str, xml_desc: str, flags: int = 0) -> None:
        raise unsupported("virNodeDeviceUpdate")

    # -- domains, their snapshots and checkpoints ------------------------------------------------
    def domain_attach_device(self, dom: DomainRef, xml: str) -> None:
        raise unsupported("virDomainAttachDevice")

    def domain_create(self, dom: DomainRef) -> None:
        raise unsupported("virDomainCreate")

    def domain_create_xml(self, xml_desc: str, flags: int = 0) -> DomainRef:
        raise unsupported("virDomainCreateXML")

    def domain_define_xml(self, xml: str) -> DomainRef:
        raise unsupported("virDomainDefineXML")

    def domain_destroy(self, dom: DomainRef) -> None:
        raise unsupported("virDomainDestroy")

    def domain_detach_device(self, dom: DomainRef, xml: str) -> None:
        raise unsupported("virDomainDetachDevice")

    def domain_get_xml_desc(self, dom: DomainRef, flags: int = 0) -> str:
        raise unsupported("virDomainGetXMLDesc")

    def domain_get_autostart(self, dom: DomainRef) -> bool:
        raise unsupported("virDomainGetAutostart")

    # returns state, maxMem, memory, nrVirtCpu, cpuTime
    def domain_get_info(self, dom: DomainRef) -> tuple[int, int, int, int, int]:
        raise unsupported("virDomainGetInfo")

    def domain_get_max_memory(self, dom: DomainRef) -> int:
        raise unsupported("virDomainGetMaxMemory")

    def domain_get_max_vcpus(self, dom: DomainRef) -> int:
        raise unsupported("virDomainGetMaxVcpus")

    def domain_get_os_type(self, dom: DomainRef) -> str:
        raise unsupported("virDomainGetOSType")

    # returns info, cpumaps
    def domain_get_vcpus(self, dom: DomainRef) -> tuple[list[tuple[int, int, int, int]], bytes]:
        raise unsupported("virDomainGetVcpus")

    def domain_lookup_by_id(self, id: int) -> DomainRef:
        raise unsupported("virDomainLookupByID")

    def domain_lookup_by_name(self, name: str) -> DomainRef:
        raise unsupported("virDomainLookupByName")

    def domain_lookup_by_uuid(self, uuid: str) -> DomainRef:
        raise unsupported("virDomainLookupByUUID")

    def domain_pin_vcpu(self, dom: DomainRef, vcpu: int, cpumap: bytes) -> None:
        raise unsupported("virDomainPinVcpu")

    def domain_reboot(self, dom: DomainRef, flags: int = 0) -> None:
        raise unsupported("virDomainReboot")

    def domain_resume(self, dom: DomainRef) -> None:
        raise unsupported("virDomainResume")

    def domain_set_autostart(self, dom: DomainRef, autostart: int) -> None:
        raise unsupported("virDomainSetAutostart")

    def domain_set_max_memory(self, dom: DomainRef, memory: int) -> None:
        raise unsupported("virDomainSetMaxMemory")

    def domain_set_memory(self, dom: DomainRef, memory: int) -> None:
        raise unsupported("virDomainSetMemory")

    def domain_set_vcpus(self, dom: DomainRef, nvcpus: int) -> None:
        raise unsupported("virDomainSetVcpus")

    def domain_shutdown(self, dom: DomainRef) -> None:
        raise unsupported("virDomainShutdown")

    def domain_suspend(self, dom: DomainRef) -> None:
        raise unsupported("virDomainSuspend")

    def domain_undefine(self, dom: DomainRef) -> None:
        raise unsupported("virDomainUndefine")

    def domain_core_dump(self, dom: DomainRef, to: str, flags: int = 0) -> None:
        raise unsupported("virDomainCoreDump")

    def domain_restore(self, path: str) -> None:
        raise unsupported("virDomainRestore")

    def domain_save(self, dom: DomainRef, to: str) -> None:
        raise unsupported("virDomainSave")

    # returns type, nparams
    def domain_get_scheduler_type(self, dom: DomainRef) -> tuple[str, int]:
        raise unsupported("virDomainGetSchedulerType")

    def domain_get_scheduler_parameters(self, dom: DomainRef) -> list[TypedParam]:
        raise unsupported("virDomainGetSchedulerParameters")

    def domain_set_scheduler_parameters(self, dom: DomainRef, params: list[TypedParam]) -> None:
        raise unsupported("virDomainSetSchedulerParameters")

    # returns rd_req, rd_bytes, wr_req, wr_bytes, errs
    def domain_block_stats(self, dom: DomainRef, path: str) -> tuple[int, int, int, int, int]:
        raise unsupported("virDomainBlockStats")

    # returns rx_bytes, rx_packets, rx_errs, rx_drop, tx_bytes, tx_packets, tx_errs, tx_drop
    def domain_interface_stats(
        self, dom: DomainRef, device: str
    ) -> tuple[int, int, int, int, int, int, int, int]:
        raise unsupported("virDomainInterfaceStats")

    def domain_block_peek(self, dom: DomainRef, path: str, offset: int, size: int, flags: int = 0) -> bytes:
        raise unsupported("virDomainBlockPeek")

    def domain_memory_peek(self, dom: DomainRef, offset: int, size: int, flags: int = 0) -> bytes:
        raise unsupported("virDomainMemoryPeek")

    # returns label, enforcing
    def domain_get_security_label(self, dom: DomainRef) -> tuple[str, int]:
        raise unsupported("virDomainGetSecurityLabel")

    def domain_is_active(self, dom: DomainRef) -> bool:
        raise unsupported("virDomainIsActive")

    def domain_is_persistent(self, dom: DomainRef) -> bool:
        raise unsupported("virDomainIsPersistent")

    def domain_memory_stats(self, dom: DomainRef, flags: int = 0) -> list[tuple[int, int]]:
        raise unsupported("virDomainMemoryStats")

    def domain_attach_device_flags(self, dom: DomainRef, xml: str, flags: int = 0) -> None:
        raise unsupported("virDomainAttachDeviceFlags")

    def domain_detach_device_flags(self, dom: DomainRef, xml: str, flags: int = 0) -> None:
        raise unsupported("virDomainDetachDeviceFlags")

    # returns type, timeElapsed, timeRemaining, dataTotal, dataProcessed, dataRemaining, memTotal,
    #     memProcessed, memRemaining, fileTotal, fileProcessed, fileRemaining
    def domain_get_job_info(
        self, dom: DomainRef
    ) -> tuple[int, int, int, int, int, int, int, int, int, int, int, int]:
        raise unsupported("virDomainGetJobInfo")

    def domain_abort_job(self, dom: DomainRef) -> None:
        raise unsupported("virDomainAbortJob")

    def domain_migrate_set_max_downtime(self, dom: DomainRef, downtime: int, flags: int = 0) -> None:
        raise unsupported("virDomainMigrateSetMaxDowntime")

    def domain_update_device_flags(self, dom: DomainRef, xml: str, flags: int = 0) -> None:
        raise unsupported("virDomainUpdateDeviceFlags")

    def domain_managed_save(self, dom: DomainRef, flags: int = 0) -> None:
        raise unsupported("virDomainManagedSave")

    def domain_has_managed_save_image(self, dom: DomainRef, flags: int = 0) -> bool:
        raise unsupported("virDomainHasManagedSaveImage")

    def domain_managed_save_remove(self, dom: DomainRef, flags: int = 0) -> None:
        raise unsupported("virDomainManagedSaveRemove")

    def domain_snapshot_create_xml(self, dom: DomainRef, xml_desc: str, flags: int = 0) -> SnapshotRef:
        raise unsupported("virDomainSnapshotCreateXML")

    def domain_snapshot_get_xml_desc(self, snap: SnapshotRef, flags: int = 0) -> str:
        raise unsupported("virDomainSnapshotGetXMLDesc")

    def domain_snapshot_num(self, dom: DomainRef, flags: int = 0) -> int:
        raise unsupported("virDomainSnapshotNum")

    def domain_snapshot_lookup_by_name(self, dom: DomainRef, name: str, flags: int = 0) -> SnapshotRef:
        raise unsupported("virDomainSnapshotLookupByName")

    def domain_has_current_snapshot(self, dom: DomainRef, flags: int = 0) -> bool:
        raise unsupported("virDomainHasCurrentSnapshot")

    def domain_snapshot_current(self, dom: DomainRef, flags: int = 0) -> SnapshotRef:
        raise unsupported("virDomainSnapshotCurrent")

    def domain_revert_to_snapshot(self, snap: SnapshotRef, flags: int = 0) -> None:
        raise unsupported("virDomainRevertToSnapshot")

    def domain_snapshot_delete(self, snap: SnapshotRef, flags: int = 0) -> None:
        raise unsupported("virDomainSnapshotDelete")

    # returns allocation, capacity, physical
    def domain_get_block_info(self, dom: DomainRef, path: str, flags: int = 0) -> tuple[int, int, int]:
        raise unsupported("virDomainGetBlockInfo")

    def domain_create_with_flags(self, dom: DomainRef, flags: int = 0) -> DomainRef:
        raise unsupported("virDomainCreateWithFlags")

    def domain_set_memory_parameters(self, dom: DomainRef, params: list[TypedParam], flags: int = 0) -> None:
        raise unsupported("virDomainSetMemoryParameters")

    def domain_get_memory_parameters(self, dom: DomainRef, flags: int = 0) -> list[TypedParam]:
        raise unsupported("virDomainGetMemoryParameters")

    def domain_set_vcpus_flags(self, dom: DomainRef, nvcpus: int, flags: int = 0) -> None:
        raise unsupported("virDomainSetVcpusFlags")

    def domain_get_vcpus_flags(self, dom: DomainRef, flags: int = 0) -> int:
        raise unsupported("virDomainGetVcpusFlags")

    def domain_open_console(self, dom: DomainRef, dev_name: str | None, flags: int = 0) -> "Stream":
        raise unsupported("virDomainOpenConsole")

    def domain_is_updated(self, dom: DomainRef) -> bool:
        raise unsupported("virDomainIsUpdated")

    def domain_set_memory_flags(self, dom: DomainRef, memory: int, flags: int = 0) -> None:
        raise unsupported("virDomainSetMemoryFlags")

    def domain_set_blkio_parameters(self, dom: DomainRef, params: list[TypedParam], flags: int = 0) -> None:
        raise unsupported("virDomainSetBlkioParameters")

    def domain_get_blkio_parameters(self, dom: DomainRef, flags: int = 0) -> list[TypedParam]:
        raise unsupported("virDomainGetBlkioParameters")

    def domain_migrate_set_max_speed(self, dom: DomainRef, bandwidth: int, flags: int = 0) -> None:
        raise unsupported("virDomainMigrateSetMaxSpeed")

    def domain_inject_nmi(self, dom: DomainRef, flags: int = 0) -> None:
        raise unsupported("virDomainInjectNMI")

    def domain_screenshot(self, dom: DomainRef, screen: int, flags: int = 0) -> "tuple[str, Stream]":
        raise unsupported("virDomainScreenshot")

    # returns state, reason
    def domain_get_state(self, dom: DomainRef, flags: int = 0) -> tuple[int, int]:
        raise unsupported("virDomainGetState")

    def domain_set_scheduler_parameters_flags(
        self, dom: DomainRef, params: list[TypedParam], flags: int = 0
    ) -> None:
        raise unsupported("virDomainSetSchedulerParametersFlags")

    def domain_get_scheduler_parameters_flags(self, dom: DomainRef, flags: int = 0) -> list[TypedParam]:
        raise unsupported("virDomainGetSchedulerParametersFlags")

    def domain_pin_vcpu_flags(self, dom: DomainRef, vcpu: int, cpumap: bytes, flags: int = 0) -> None:
        raise unsupported("virDomainPinVcpuFlags")

    def domain_send_key(
        self, dom: DomainRef, codeset: int, holdtime: int, keycodes: list[int], flags: int = 0
    ) -> None:
        raise unsupported("virDomainSendKey")

    # returns state, details, stateTime
    def domain_get_control_info(self, dom: DomainRef, flags: int = 0) -> tuple[int, int, int]:
        raise unsupported("virDomainGetControlInfo")

    def domain_get_vcpu_pin_info(self, dom: DomainRef, flags: int = 0) -> bytes:
        raise unsupported("virDomainGetVcpuPinInfo")

    def domain_undefine_flags(self, dom: DomainRef, flags: int = 0) -> None:
        raise unsupported("virDomainUndefineFlags")

    def domain_save_flags(self, dom: DomainRef, to: str, dxml: str | None, flags: int = 0) -> None:
        raise unsupported("virDomainSaveFlags")

    def domain_restore_flags(self, path: str, dxml: str | None, flags: int = 0) -> None:
        raise unsupported("virDomainRestoreFlags")

    def domain_destroy_flags(self, dom: DomainRef, flags: int = 0) -> None:
        raise unsupported("virDomainDestroyFlags")

    def domain_save_image_get_xml_desc(self, file: str, flags: int = 0) -> str:
        raise unsupported("virDomainSaveImageGetXMLDesc")

    def domain_save_image_define_xml(self, file: str, dxml: str, flags: int = 0) -> None:
        raise unsupported("virDomainSaveImageDefineXML")

    def domain_block_job_abort(self, dom: DomainRef, path: str, flags: int = 0) -> None:
        raise unsupported("virDomainBlockJobAbort")

    # returns found, type, bandwidth, cur, end
    def domain_get_block_job_info(
        self, dom: DomainRef, path: str, flags: int = 0
    ) -> tuple[int, int, int, int, int]:
        raise unsupported("virDomainGetBlockJobInfo")

    def domain_block_job_set_speed(self, dom: DomainRef, path: str, bandwidth: int, flags: int = 0) -> None:
        raise unsupported("virDomainBlockJobSetSpeed")

    def domain_block_pull(self, dom: DomainRef, path: str, bandwidth: int, flags: int = 0) -> None:
        raise unsupported("virDomainBlockPull")

    def domain_migrate_get_max_speed(self, dom: DomainRef, flags: int = 0) -> int:
        raise unsupported("virDomainMigrateGetMaxSpeed")

    def domain_block_stats_flags(self, dom: DomainRef, path: str, flags: int = 0) -> list[TypedParam]:
        raise unsupported("virDomainBlockStatsFlags")

    def domain_snapshot_get_parent(self, snap: SnapshotRef, flags: int = 0) -> SnapshotRef:
        raise unsupported("virDomainSnapshotGetParent")

    def domain_reset(self, dom: DomainRef, flags: int = 0) -> None:
        raise unsupported("virDomainReset")

    def domain_snapshot_num_children(self, snap: SnapshotRef, flags: int = 0) -> int:
        raise unsupported("virDomainSnapshotNumChildren")

    def domain_open_graphics(self, dom: DomainRef, idx: int, fds: list[int], flags: int = 0) -> None:
        raise unsupported("virDomainOpenGraphics")

    def domain_block_resize(self, dom: DomainRef, disk: str, size: int, flags: int = 0) -> None:
        raise unsupported("virDomainBlockResize")

    def domain_set_block_io_tune(
        self, dom: DomainRef, disk: str, params: list[TypedParam], flags: int = 0
    ) -> None:
        raise unsupported("virDomainSetBlockIoTune")

    def domain_get_block_io_tune(self, dom: DomainRef, disk: str | None, flags: int = 0) -> list[TypedParam]:
        raise unsupported("virDomainGetBlockIoTune")

    def domain_set_numa_parameters(self, dom: DomainRef, params: list[TypedParam], flags: int = 0) -> None:
        raise unsupported("virDomainSetNumaParameters")

    def domain_get_numa_parameters(self, dom: DomainRef, flags: int = 0) -> list[TypedParam]:
        raise unsupported("virDomainGetNumaParameters")

    def domain_set_interface_parameters(
        self, dom: DomainRef, device: str, params: list[TypedParam], flags: int = 0
    ) -> None:
        raise unsupported("virDomainSetInterfaceParameters")

    def domain_get_interface_parameters(
        self, dom: DomainRef, device: str, flags: int = 0
    ) -> list[TypedParam]:
        raise unsupported("virDomainGetInterfaceParameters")

    def domain_shutdown_flags(self, dom: DomainRef, flags: int = 0) -> None:
        raise unsupported("virDomainShutdownFlags")

    def domain_pm_suspend_for_duration(
        self, dom: DomainRef, target: int, duration: int, flags: int = 0
    ) -> None:
        raise unsupported("virDomainPMSuspendForDuration")

    # Those of several CPUs follow one another; ncpus 0 asks how many CPUs there are: the answer
    # is as long as that, whatever it holds.  start_cpu -1 with ncpus 1: the sum over all.
    def domain_get_cpu_stats(
        self, dom: DomainRef, start_cpu: int, ncpus: int, flags: int = 0
    ) -> list[TypedParam]:
        raise unsupported("virDomainGetCPUStats")

    def domain_get_disk_errors(self, dom: DomainRef, flags: int = 0) -> list[tuple[str, int]]:
        raise unsupported("virDomainGetDiskErrors")

    def domain_set_metadata(
        self,
        dom: DomainRef,
        type: int,
        metadata: str | None,
        key: str | None,
        uri: str | None,
        flags: int = 0,
    ) -> None:
        raise unsupported("virDomainSetMetadata")

    def domain_get_metadata(self, dom: DomainRef, type: int, uri: str | None, flags: int = 0) -> str:
        raise unsupported("virDomainGetMetadata")

    def domain_block_rebase(
        self, dom: DomainRef, path: str, base: str | None, bandwidth: int, flags: int = 0
    ) -> None:
        raise unsupported("virDomainBlockRebase")

    def domain_pm_wakeup(self, dom: DomainRef, flags: int = 0) -> None:
        raise unsupported("virDomainPMWakeup")

    def domain_snapshot_is_current(self, snap: SnapshotRef, flags: int = 0) -> bool:
        raise unsupported("virDomainSnapshotIsCurrent")

    def domain_snapshot_has_metadata(self, snap: SnapshotRef, flags: int = 0) -> int:
        raise unsupported("virDomainSnapshotHasMetadata")

    def domain_list_all_snapshots(self, dom: DomainRef, flags: int = 0) -> list[SnapshotRef]:
        raise unsupported("virDomainListAllSnapshots")

    def domain_snapshot_list_all_children(self, snapshot: SnapshotRef, flags: int = 0) -> list[SnapshotRef]:
        raise unsupported("virDomainSnapshotListAllChildren")

    def domain_get_hostname(self, dom: DomainRef, flags: int = 0) -> str:
        raise unsupported("virDomainGetHostname")

    def domain_get_security_label_list(self, dom: DomainRef) -> list[tuple[str, int]]:
        raise unsupported("virDomainGetSecurityLabelList")

    def domain_pin_emulator(self, dom: DomainRef, cpumap: bytes, flags: int = 0) -> None:
        raise unsupported("virDomainPinEmulator")

    def domain_get_emulator_pin_info(self, dom: DomainRef, flags: int = 0) -> bytes:
        raise unsupported("virDomainGetEmulatorPinInfo")

    def domain_block_commit(
        self, dom: DomainRef, disk: str, base: str | None, top: str | None, bandwidth: int, flags: int = 0
    ) -> None:
        raise unsupported("virDomainBlockCommit")

    def domain_fstrim(self, dom: DomainRef, mount_point: str | None, minimum: int, flags: int = 0) -> None:
        raise unsupported("virDomainFSTrim")

    def domain_send_process_signal(self, dom: DomainRef, pid_value: int, signum: int, flags: int = 0) -> None:
        raise unsupported("virDomainSendProcessSignal")

    def domain_open_channel(self, dom: DomainRef, name: str | None, flags: int = 0) -> "Stream":
        raise unsupported("virDomainOpenChannel")

    # returns type, params
    def domain_get_job_stats(self, dom: DomainRef, flags: int = 0) -> tuple[int, list[TypedParam]]:
        raise unsupported("virDomainGetJobStats")

    def domain_migrate_get_compression_cache(self, dom: DomainRef, flags: int = 0) -> int:
        raise unsupported("virDomainMigrateGetCompressionCache")

    def domain_migrate_set_compression_cache(self, dom: DomainRef, cache_size: int, flags: int = 0) -> None:
        raise unsupported("virDomainMigrateSetCompressionCache")

    def domain_set_memory_stats_period(self, dom: DomainRef, period: int, flags: int = 0) -> None:
        raise unsupported("virDomainSetMemoryStatsPeriod")

    def domain_create_xml_with_files(self, xml_desc: str, fds: list[int], flags: int = 0) -> DomainRef:
        raise unsupported("virDomainCreateXMLWithFiles")

    def domain_create_with_files(self, dom: DomainRef, fds: list[int], flags: int = 0) -> DomainRef:
        raise unsupported("virDomainCreateWithFiles")

    def domain_core_dump_with_format(self, dom: DomainRef, to: str, dumpformat: int, flags: int = 0) -> None:
        raise unsupported("virDomainCoreDumpWithFormat")

    def domain_fsfreeze(self, dom: DomainRef, mountpoints: list[str], flags: int = 0) -> int:
        raise unsupported("virDomainFSFreeze")

    def domain_fsthaw(self, dom: DomainRef, mountpoints: list[str], flags: int = 0) -> int:
        raise unsupported("virDomainFSThaw")

    # returns seconds, nseconds
    def domain_get_time(self, dom: DomainRef, flags: int = 0) -> tuple[int, int]:
        raise unsupported("virDomainGetTime")

    def domain_set_time(self, dom: DomainRef, seconds: int, nseconds: int, flags: int = 0) -> None:
        raise unsupported("virDomainSetTime")

    def domain_open_graphics_fd(self, dom: DomainRef, idx: int, flags: int = 0) -> int:
        raise unsupported("virDomainOpenGraphicsFD")

    def domain_block_copy(
        self, dom: DomainRef, path: str, destxml: str, params: list[TypedParam], flags: int = 0
    ) -> None:
        raise unsupported("virDomainBlockCopy")

    def domain_get_fsinfo(self, dom: DomainRef, flags: int = 0) -> list[tuple[str, str, str, list[str]]]:
        raise unsupported("virDomainGetFSInfo")

    def domain_define_xml_flags(self, xml: str, flags: int = 0) -> DomainRef:
        raise unsupported("virDomainDefineXMLFlags")

    def domain_get_iothread_info(self, dom: DomainRef, flags: int = 0) -> list[tuple[int, bytes]]:
        raise unsupported("virDomainGetIOThreadInfo")

    def domain_pin_iothread(self, dom: DomainRef, iothreads_id: int, cpumap: bytes, flags: int = 0) -> None:
        raise unsupported("virDomainPinIOThread")

    def domain_interface_addresses(
        self, dom: DomainRef, source: int, flags: int = 0
    ) -> list[tuple[str, str | None, list[tuple[int, str, int]]]]:
        raise unsupported("virDomainInterfaceAddresses")

    def domain_add_iothread(self, dom: DomainRef, iothread_id: int, flags: int = 0) -> None:
        raise unsupported("virDomainAddIOThread")

    def domain_del_iothread(self, dom: DomainRef, iothread_id: int, flags: int = 0) -> None:
        raise unsupported("virDomainDelIOThread")

    def domain_set_user_password(
        self, dom: DomainRef, user: str | None, password: str | None, flags: int = 0
    ) -> None:
        raise unsupported("virDomainSetUserPassword")

    def domain_rename(self, dom: DomainRef, new_name: str | None, flags: int = 0) -> int:
        raise unsupported("virDomainRename")

    def domain_migrate_perform3(
        self,
        dom: DomainRef,
        xmlin: str | None,
        cookie_in: bytes,
        dconnuri: str | None,
        uri: str | None,
        flags: int,
        dname: str | None,
        resource: int,
    ) -> bytes:
        raise unsupported("virDomainMigratePerform3")

    def domain_migrate_begin3_params(
        self, dom: DomainRef, params: list[TypedParam], flags: int = 0
    ) -> tuple[bytes, str]:
        raise unsupported("virDomainMigrateBegin3Params")

    def domain_migrate_prepare3_params(
        self, params: list[TypedParam], cookie_in: bytes, flags: int = 0
    ) -> tuple[bytes, str | None]:
        raise unsupported("virDomainMigratePrepare3Params")

    def domain_migrate_perform3_params(
        self,
        dom: DomainRef,
        dconnuri: str | None,
        params: list[TypedParam],
        cookie_in: bytes,
        flags: int = 0,
    ) -> bytes:
        raise unsupported("virDomainMigratePerform3Params")

    def domain_migrate_finish3_params(
        self, params: list[TypedParam], cookie_in: bytes, flags: int, cancelled: int
    ) -> tuple[DomainRef, bytes]:
        raise unsupported("virDomainMigrateFinish3Params")

    def domain_migrate_confirm3_params(
        self, dom: DomainRef, params: list[TypedParam], cookie_in: bytes, flags: int, cancelled: int
    ) -> None:
        raise unsupported("virDomainMigrateConfirm3Params")

    def domain_migrate_start_post_copy(self, dom: DomainRef, flags: int = 0) -> None:
        raise unsupported("virDomainMigrateStartPostCopy")

    def domain_get_perf_events(self, dom: DomainRef, flags: int = 0) -> list[TypedParam]:
        raise unsupported("virDomainGetPerfEvents")

    def domain_set_perf_events(self, dom: DomainRef, params: list[TypedParam], flags: int = 0) -> None:
        raise unsupported("virDomainSetPerfEvents")

    def domain_get_guest_vcpus(self, dom: DomainRef, flags: int = 0) -> list[TypedParam]:
        raise unsupported("virDomainGetGuestVcpus")

    def domain_set_guest_vcpus(self, dom: DomainRef, cpumap: str, state: int, flags: int = 0) -> None:
        raise unsupported("virDomainSetGuestVcpus")

    def domain_set_vcpu(self, dom: DomainRef, cpumap: str, state: int, flags: int = 0) -> None:
        raise unsupported("virDomainSetVcpu")

    def domain_set_block_threshold(self, dom: DomainRef, dev: str, threshold: int, flags: int = 0) -> None:
        raise unsupported("virDomainSetBlockThreshold")

    def domain_migrate_get_max_downtime(self, dom: DomainRef, flags: int = 0) -> int:
        raise unsupported("virDomainMigrateGetMaxDowntime")

    def domain_managed_save_get_xml_desc(self, dom: DomainRef, flags: int = 0) -> str:
        raise unsupported("virDomainManagedSaveGetXMLDesc")

    def domain_managed_save_define_xml(self, dom: DomainRef, dxml: str | None, flags: int = 0) -> None:
        raise unsupported("virDomainManagedSaveDefineXML")

    def domain_set_lifecycle_action(self, dom: DomainRef, type: int, action: int, flags: int = 0) -> None:
        raise unsupported("virDomainSetLifecycleAction")

    def domain_detach_device_alias(self, dom: DomainRef, alias: str, flags: int = 0) -> None:
        raise unsupported("virDomainDetachDeviceAlias")

    def domain_get_launch_security_info(self, dom: DomainRef, flags: int = 0) -> list[TypedParam]:
        raise unsupported("virDomainGetLaunchSecurityInfo")

    def domain_set_iothread_params(
        self, dom: DomainRef, iothread_id: int, params: list[TypedParam], flags: int = 0
    ) -> None:
        raise unsupported("virDomainSetIOThreadParams")

    def domain_checkpoint_create_xml(self, dom: DomainRef, xml_desc: str, flags: int = 0) -> CheckpointRef:
        raise unsupported("virDomainCheckpointCreateXML")

    def domain_checkpoint_get_xml_desc(self, checkpoint: CheckpointRef, flags: int = 0) -> str:
        raise unsupported("virDomainCheckpointGetXMLDesc")

    def domain_list_all_checkpoints(self, dom: DomainRef, flags: int = 0) -> list[CheckpointRef]:
        raise unsupported("virDomainListAllCheckpoints")

    def domain_checkpoint_list_all_children(
        self, checkpoint: CheckpointRef, flags: int = 0
    ) -> list[CheckpointRef]:
        raise unsupported("virDomainCheckpointListAllChildren")

    def domain_checkpoint_lookup_by_name(self, dom: DomainRef, name: str, flags: int = 0) -> CheckpointRef:
        raise unsupported("virDomainCheckpointLookupByName")

    def domain_checkpoint_get_parent(self, checkpoint: CheckpointRef, flags: int = 0) -> CheckpointRef:
        raise unsupported("virDomainCheckpointGetParent")

    def domain_checkpoint_delete(self, checkpoint: CheckpointRef, flags: int = 0) -> None:
        raise unsupported("virDomainCheckpointDelete")

    def domain_get_guest_info(self, dom: DomainRef, types: int, flags: int = 0) -> list[TypedParam]:
        raise unsupported("virDomainGetGuestInfo")

    def domain_agent_set_response_timeout(self, dom: DomainRef, timeout: int, flags: int = 0) -> int:
        raise unsupported("virDomainAgentSetResponseTimeout")

    def domain_backup_begin(
        self, dom: DomainRef, backup_xml: str, checkpoint_xml: str | None, flags: int = 0
    ) -> None:
        raise unsupported("virDomainBackupBegin")

    def domain_backup_get_xml_desc(self, dom: DomainRef, flags: int = 0) -> str:
        raise unsupported("virDomainBackupGetXMLDesc")

    def domain_authorized_ssh_keys_get(self, dom: DomainRef, user: str, flags: int = 0) -> list[str]:
        raise unsupported("virDomainAuthorizedSSHKeysGet")

    def domain_authorized_ssh_keys_set(
        self, dom: DomainRef, user: str, keys: list[str], flags: int = 0
    ) -> None:
        raise unsupported("virDomainAuthorizedSSHKeysSet")

    def domain_get_messages(self, dom: DomainRef, flags: int = 0) -> list[str]:
        raise unsupported("virDomainGetMessages")

    def domain_start_dirty_rate_calc(self, dom: DomainRef, seconds: int, flags: int = 0) -> None:
        raise unsupported("virDomainStartDirtyRateCalc")

    def domain_set_launch_security_state(
        self, dom: DomainRef, params: list[TypedParam], flags: int = 0
    ) -> None:
        raise unsupported("virDomainSetLaunchSecurityState")

    def domain_save_params(self, dom: DomainRef, params: list[TypedParam], flags: int = 0) -> None:
        raise unsupported("virDomainSaveParams")

    def domain_restore_params(self, params: list[TypedParam], flags: int = 0) -> None:
        raise unsupported("virDomainRestoreParams")

    def domain_abort_job_flags(self, dom: DomainRef, flags: int = 0) -> None:
        raise unsupported("virDomainAbortJobFlags")

    def domain_fd_associate(self, dom: DomainRef, name: str, fds: list[int], flags: int = 0) -> None:
        raise unsupported("virDomainFDAssociate")

    def domain_graphics_reload(self, dom: DomainRef, type: int, flags: int = 0) -> None:
        raise unsupported("virDomainGraphicsReload")

    def domain_get_autostart_once(self, dom: DomainRef) -> bool:
        raise unsupported("virDomainGetAutostartOnce")

    def domain_set_autostart_once(self, dom: DomainRef, autostart: int) -> None:
        raise unsupported("virDomainSetAutostartOnce")

    # Newer than the RPC table.  params: initial, max, rounds, step, all unsigned; device None: all.
    def domain_announce_interface(
        self, dom: DomainRef, device: str | None, params: list[TypedParam], flags: int = 0
    ) -> None:
        raise unsupported("virDomainAnnounceInterface")

    def domain_set_throttle_group(
        self, dom: DomainRef, group: str, params: list[TypedParam], flags: int = 0
    ) -> None:
        raise unsupported("virDomainSetThrottleGroup")

    def domain_del_throttle_group(self, dom: DomainRef, group: str | None, flags: int = 0) -> None:
        raise unsupported("virDomainDelThrottleGroup")

    def domain_monitor_command(self, dom: DomainRef, cmd: str, flags: int = 0) -> str:
        raise unsupported("virDomainQemuMonitorCommand")

    def domain_attach(self, pid_value: int, flags: int = 0) -> DomainRef:
        raise unsupported("virDomainQemuAttach")

    def domain_agent_command(self, dom: DomainRef, cmd: str, timeout: int, flags: int = 0) -> str | None:
        raise unsupported("virDomainQemuAgentCommand")

    def domain_monitor_command_with_files(
        self, dom: DomainRef, cmd: str, fds: list[int], flags: int = 0
    ) -> str:
        raise unsupported("virDomainQemuMonitorCommandWithFiles")

    def domain_open_namespace(self, dom: DomainRef, flags: int = 0) -> list[int]:
        raise unsupported("virDomainLxcOpenNamespace")

    # -- networks and their ports ----------------------------------------------------------------
    def network_create(self, net: NetworkRef) -> None:
        raise unsupported("virNetworkCreate")

    def network_create_xml(self, xml: str) -> NetworkRef:
        raise unsupported("virNetworkCreateXML")

    def network_define_xml(self, xml: str) -> NetworkRef:
        raise unsupported("virNetworkDefineXML")

    def network_destroy(self, net: NetworkRef) -> None:
        raise unsupported("virNetworkDestroy")

    def network_get_xml_desc(self, net: NetworkRef, flags: int = 0) -> str:
        raise unsupported("virNetworkGetXMLDesc")

    def network_get_autostart(self, net: NetworkRef) -> bool:
        raise unsupported("virNetworkGetAutostart")

    def network_get_bridge_name(self, net: NetworkRef) -> str:
        raise unsupported("virNetworkGetBridgeName")

    def network_lookup_by_name(self, name: str) -> NetworkRef:
        raise unsupported("virNetworkLookupByName")

    def network_lookup_by_uuid(self, uuid: str) -> NetworkRef:
        raise unsupported("virNetworkLookupByUUID")

    def network_set_autostart(self, net: NetworkRef, autostart: int) -> None:
        raise unsupported("virNetworkSetAutostart")

    def network_undefine(self, net: NetworkRef) -> None:
        raise unsupported("virNetworkUndefine")

    def network_is_active(self, net: NetworkRef) -> bool:
        raise unsupported("virNetworkIsActive")

    def network_is_persistent(self, net: NetworkRef) -> bool:
        raise unsupported("virNetworkIsPersistent")

    def network_update(
        self, net: NetworkRef, command: int, section: int, parent_index: int, xml: str, flags: int = 0
    ) -> None:
        raise unsupported("virNetworkUpdate")

    def network_get_dhcp_leases(
        self, net: NetworkRef, mac: str | None, flags: int = 0
    ) -> list[tuple[str, int, int, str | None, str | None, str, int, str | None, str | None]]:
        raise unsupported("virNetworkGetDHCPLeases")

    def network_list_all_ports(self, network: NetworkRef, flags: int = 0) -> list[NetworkPortRef]:
        raise unsupported("virNetworkListAllPorts")

    def network_port_lookup_by_uuid(self, network: NetworkRef, uuid: str) -> NetworkPortRef:
        raise unsupported("virNetworkPortLookupByUUID")

    def network_port_create_xml(self, network: NetworkRef, xml: str, flags: int = 0) -> NetworkPortRef:
        raise unsupported("virNetworkPortCreateXML")

    def network_port_get_parameters(self, port: NetworkPortRef, flags: int = 0) -> list[TypedParam]:
        raise unsupported("virNetworkPortGetParameters")

    def network_port_set_parameters(
        self, port: NetworkPortRef, params: list[TypedParam], flags: int = 0
    ) -> None:
        raise unsupported("virNetworkPortSetParameters")

    def network_port_get_xml_desc(self, port: NetworkPortRef, flags: int = 0) -> str:
        raise unsupported("virNetworkPortGetXMLDesc")

    def network_port_delete(self, port: NetworkPortRef, flags: int = 0) -> None:
        raise unsupported("virNetworkPortDelete")

    def network_define_xml_flags(self, xml: str, flags: int = 0) -> NetworkRef:
        raise unsupported("virNetworkDefineXMLFlags")

    def network_create_xml_flags(self, xml: str, flags: int = 0) -> NetworkRef:
        raise unsupported("virNetworkCreateXMLFlags")

    def network_set_metadata(
        self,
        network: NetworkRef,
        type: int,
        metadata: str | None,
        key: str | None,
        uri: str | None,
        flags: int = 0,
    ) -> None:
        raise unsupported("virNetworkSetMetadata")

    def network_get_metadata(self, network: NetworkRef, type: int, uri: str | None, flags: int = 0) -> str:
        raise unsupported("virNetworkGetMetadata")

    # -- storage pools and volumes ---------------------------------------------------------------
    def storage_pool_create_xml(self, xml: str, flags: int = 0) -> StoragePoolRef:
        raise unsupported("virStoragePoolCreateXML")

    def storage_pool_define_xml(self, xml: str, flags: int = 0) -> StoragePoolRef:
        raise unsupported("virStoragePoolDefineXML")

    def storage_pool_create(self, pool: StoragePoolRef, flags: int = 0) -> None:
        raise unsupported("virStoragePoolCreate")

    def storage_pool_build(self, pool: StoragePoolRef, flags: int = 0) -> None:
        raise unsupported("virStoragePoolBuild")

    def storage_pool_destroy(self, pool: StoragePoolRef) -> None:
        raise unsupported("virStoragePoolDestroy")

    def storage_pool_delete(self, pool: StoragePoolRef, flags: int = 0) -> None:
        raise unsupported("virStoragePoolDelete")

    def storage_pool_undefine(self, pool: StoragePoolRef) -> None:
        raise unsupported("virStoragePoolUndefine")

    def storage_pool_refresh(self, pool: StoragePoolRef, flags: int = 0) -> None:
        raise unsupported("virStoragePoolRefresh")

    def storage_pool_lookup_by_name(self, name: str) -> StoragePoolRef:
        raise unsupported("virStoragePoolLookupByName")

    def storage_pool_lookup_by_uuid(self, uuid: str) -> StoragePoolRef:
        raise unsupported("virStoragePoolLookupByUUID")

    def storage_pool_lookup_by_volume(self, vol: StorageVolRef) -> StoragePoolRef:
        raise unsupported("virStoragePoolLookupByVolume")

    # returns state, capacity, allocation, available
    def storage_pool_get_info(self, pool: StoragePoolRef) -> tuple[int, int, int, int]:
        raise unsupported("virStoragePoolGetInfo")

    def storage_pool_get_xml_desc(self, pool: StoragePoolRef, flags: int = 0) -> str:
        raise unsupported("virStoragePoolGetXMLDesc")

    def storage_pool_get_autostart(self, pool: StoragePoolRef) -> bool:
        raise unsupported("virStoragePoolGetAutostart")

    def storage_pool_set_autostart(self, pool: StoragePoolRef, autostart: int) -> None:
        raise unsupported("virStoragePoolSetAutostart")

    def storage_vol_create_xml(self, pool: StoragePoolRef, xml: str, flags: int = 0) -> StorageVolRef:
        raise unsupported("virStorageVolCreateXML")

    def storage_vol_delete(self, vol: StorageVolRef, flags: int = 0) -> None:
        raise unsupported("virStorageVolDelete")

    def storage_vol_lookup_by_name(self, pool: StoragePoolRef, name: str) -> StorageVolRef:
        raise unsupported("virStorageVolLookupByName")

    def storage_vol_lookup_by_key(self, key: str) -> StorageVolRef:
        raise unsupported("virStorageVolLookupByKey")

    def storage_vol_lookup_by_path(self, path: str) -> StorageVolRef:
        raise unsupported("virStorageVolLookupByPath")

    # returns type, capacity, allocation
    def storage_vol_get_info(self, vol: StorageVolRef) -> tuple[int, int, int]:
        raise unsupported("virStorageVolGetInfo")

    def storage_vol_get_xml_desc(self, vol: StorageVolRef, flags: int = 0) -> str:
        raise unsupported("virStorageVolGetXMLDesc")

    def storage_vol_get_path(self, vol: StorageVolRef) -> str:
        raise unsupported("virStorageVolGetPath")

    def storage_vol_create_xml_from(
        self, pool: StoragePoolRef, xml: str, clonevol: StorageVolRef, flags: int = 0
    ) -> StorageVolRef:
        raise unsupported("virStorageVolCreateXMLFrom")

    def storage_pool_is_active(self, pool: StoragePoolRef) -> bool:
        raise unsupported("virStoragePoolIsActive")

    def storage_pool_is_persistent(self, pool: StoragePoolRef) -> bool:
        raise unsupported("virStoragePoolIsPersistent")

    def storage_vol_wipe(self, vol: StorageVolRef, flags: int = 0) -> None:
        raise unsupported("virStorageVolWipe")

    def storage_vol_upload(self, vol: StorageVolRef, offset: int, length: int, flags: int = 0) -> "Stream":
        raise unsupported("virStorageVolUpload")

    def storage_vol_download(self, vol: StorageVolRef, offset: int, length: int, flags: int = 0) -> "Stream":
        raise unsupported("virStorageVolDownload")

    def storage_vol_wipe_pattern(self, vol: StorageVolRef, algorithm: int, flags: int = 0) -> None:
        raise unsupported("virStorageVolWipePattern")

    def storage_vol_resize(self, vol: StorageVolRef, capacity: int, flags: int = 0) -> None:
        raise unsupported("virStorageVolResize")

    def storage_pool_list_all_volumes(self, pool: StoragePoolRef, flags: int = 0) -> list[StorageVolRef]:
        raise unsupported("virStoragePoolListAllVolumes")

    # returns type, capacity, allocation
    def storage_vol_get_info_flags(self, vol: StorageVolRef, flags: int = 0) -> tuple[int, int, int]:
        raise unsupported("virStorageVolGetInfoFlags")

    def storage_pool_lookup_by_target_path(self, path: str) -> StoragePoolRef:
        raise unsupported("virStoragePoolLookupByTargetPath")

    # -- host interfaces -------------------------------------------------------------------------
    def interface_lookup_by_name(self, name: str) -> InterfaceRef:
        raise unsupported("virInterfaceLookupByName")

    def interface_lookup_by_mac_string(self, mac: str) -> InterfaceRef:
        raise unsupported("virInterfaceLookupByMACString")

    def interface_get_xml_desc(self, iface: InterfaceRef, flags: int = 0) -> str:
        raise unsupported("virInterfaceGetXMLDesc")

    def interface_define_xml(self, xml: str, flags: int = 0) -> InterfaceRef:
        raise unsupported("virInterfaceDefineXML")

    def interface_undefine(self, iface: InterfaceRef) -> None:
        raise unsupported("virInterfaceUndefine")

    def interface_create(self, iface: InterfaceRef, flags: int = 0) -> None:
        raise unsupported("virInterfaceCreate")

    def interface_destroy(self, iface: InterfaceRef, flags: int = 0) -> None:
        raise unsupported("virInterfaceDestroy")

    def interface_is_active(self, iface: InterfaceRef) -> bool:
        raise unsupported("virInterfaceIsActive")

    def interface_change_begin(self, flags: int = 0) -> None:
        raise unsupported("virInterfaceChangeBegin")

    def interface_change_commit(self, flags: int = 0) -> None:
        raise unsupported("virInterfaceChangeCommit")

    def interface_change_rollback(self, flags: int = 0) -> None:
        raise unsupported("virInterfaceChangeRollback")

    # -- secrets ---------------------------------------------------------------------------------
    def secret_lookup_by_uuid(self, uuid: str) -> SecretRef:
        raise unsupported("virSecretLookupByUUID")

    def secret_define_xml(self, xml: str, flags: int = 0) -> SecretRef:
        raise unsupported("virSecretDefineXML")

    def secret_get_xml_desc(self, secret: SecretRef, flags: int = 0) -> str:
        raise unsupported("virSecretGetXMLDesc")

    def secret_set_value(self, secret: SecretRef, value: bytes, flags: int = 0) -> None:
        raise unsupported("virSecretSetValue")

    def secret_get_value(self, secret: SecretRef, flags: int = 0) -> bytes:
        raise unsupported("virSecretGetValue")

    def secret_undefine(self, secret: SecretRef) -> None:
        raise unsupported("virSecretUndefine")

    def secret_lookup_by_usage(self, usage_type: int, usage_id: str) -> SecretRef:
        raise unsupported("virSecretLookupByUsage")

    # -- network filters and bindings ------------------------------------------------------------
    def nwfilter_lookup_by_name(self, name: str) -> NWFilterRef:
        raise unsupported("virNWFilterLookupByName")

    def nwfilter_lookup_by_uuid(self, uuid: str) -> NWFilterRef:
        raise unsupported("virNWFilterLookupByUUID")

    def nwfilter_get_xml_desc(self, nwfilter: NWFilterRef, flags: int = 0) -> str:
        raise unsupported("virNWFilterGetXMLDesc")

    def nwfilter_define_xml(self, xml: str) -> NWFilterRef:
        raise unsupported("virNWFilterDefineXML")

    def nwfilter_undefine(self, nwfilter: NWFilterRef) -> None:
        raise unsupported("virNWFilterUndefine")

    def nwfilter_binding_lookup_by_port_dev(self, name: str) -> NWFilterBindingRef:
        raise unsupported("virNWFilterBindingLookupByPortDev")

    def nwfilter_binding_get_xml_desc(self, nwfilter: NWFilterBindingRef, flags: int = 0) -> str:
        raise unsupported("virNWFilterBindingGetXMLDesc")

    def nwfilter_binding_create_xml(self, xml: str, flags: int = 0) -> NWFilterBindingRef:
        raise unsupported("virNWFilterBindingCreateXML")

    def nwfilter_binding_delete(self, nwfilter: NWFilterBindingRef) -> None:
        raise unsupported("virNWFilterBindingDelete")

    def nwfilter_define_xml_flags(self, xml: str, flags: int = 0) -> NWFilterRef:
        raise unsupported("virNWFilterDefineXMLFlags")
