"""What a read-only connection allows: what is known to change nothing; all else is refused.

Source: `reference/rpc/readonly.json`, measured on libvirt; the names in the messages are its API's.
"""

from typing import TYPE_CHECKING, Any

from pyvirsh.backend import constants
from pyvirsh.backend.api import DomainRef, Driver
from pyvirsh.backend.checks import not_zero
from pyvirsh.backend.errors import OPERATION_DENIED, VirError, unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

# Calls that change something -> libvirt's name of them.
DENIED: "dict[str, str]" = {
    "connect_baseline_hypervisor_cpu": "virConnectBaselineHypervisorCPU",
    "connect_compare_hypervisor_cpu": "virConnectCompareHypervisorCPU",
    "connect_domain_monitor_event_deregister": "virConnectDomainQemuMonitorEventDeregister",
    "connect_domain_monitor_event_register": "virConnectDomainQemuMonitorEventRegister",
    "connect_domain_xml_from_native": "virConnectDomainXMLFromNative",
    "connect_domain_xml_to_native": "virConnectDomainXMLToNative",
    "connect_find_storage_pool_sources": "virConnectFindStoragePoolSources",
    "connect_get_domain_capabilities": "virConnectGetDomainCapabilities",
    "domain_abort_job": "virDomainAbortJob",
    "domain_abort_job_flags": "virDomainAbortJobFlags",
    "domain_add_iothread": "virDomainAddIOThread",
    "domain_agent_command": "virDomainQemuAgentCommand",
    "domain_agent_set_response_timeout": "virDomainAgentSetResponseTimeout",
    "domain_attach": "virDomainQemuAttach",
    "domain_attach_device": "virDomainAttachDevice",
    "domain_attach_device_flags": "virDomainAttachDeviceFlags",
    "domain_authorized_ssh_keys_get": "virDomainAuthorizedSSHKeysGet",
    "domain_authorized_ssh_keys_set": "virDomainAuthorizedSSHKeysSet",
    "domain_backup_begin": "virDomainBackupBegin",
    "domain_block_commit": "virDomainBlockCommit",
    "domain_block_copy": "virDomainBlockCopy",
    "domain_block_job_abort": "virDomainBlockJobAbort",
    "domain_block_job_set_speed": "virDomainBlockJobSetSpeed",
    "domain_block_peek": "virDomainBlockPeek",
    "domain_block_pull": "virDomainBlockPull",
    "domain_block_rebase": "virDomainBlockRebase",
    "domain_block_resize": "virDomainBlockResize",
    "domain_checkpoint_create_xml": "virDomainCheckpointCreateXML",
    "domain_checkpoint_delete": "virDomainCheckpointDelete",
    "domain_core_dump": "virDomainCoreDump",
    "domain_core_dump_with_format": "virDomainCoreDumpWithFormat",
    "domain_create": "virDomainCreate",
    "domain_create_with_files": "virDomainCreateWithFiles",
    "domain_create_with_flags": "virDomainCreateWithFlags",
    "domain_create_xml": "virDomainCreateXML",
    "domain_create_xml_with_files": "virDomainCreateXMLWithFiles",
    "domain_define_xml": "virDomainDefineXML",
    "domain_define_xml_flags": "virDomainDefineXMLFlags",
    "domain_del_throttle_group": "virDomainDelThrottleGroup",
    "domain_del_iothread": "virDomainDelIOThread",
    "domain_destroy": "virDomainDestroy",
    "domain_destroy_flags": "virDomainDestroyFlags",
    "domain_detach_device": "virDomainDetachDevice",
    "domain_detach_device_alias": "virDomainDetachDeviceAlias",
    "domain_detach_device_flags": "virDomainDetachDeviceFlags",
    "domain_fd_associate": "virDomainFDAssociate",
    "domain_fsfreeze": "virDomainFSFreeze",
    "domain_fsthaw": "virDomainFSThaw",
    "domain_fstrim": "virDomainFSTrim",
    "domain_get_fsinfo": "virDomainGetFSInfo",
    "domain_get_guest_info": "virDomainGetGuestInfo",
    "domain_get_guest_vcpus": "virDomainGetGuestVcpus",
    "domain_get_hostname": "virDomainGetHostname",
    "domain_get_launch_security_info": "virDomainGetLaunchSecurityInfo",
    "domain_get_time": "virDomainGetTime",
    "domain_graphics_reload": "virDomainGraphicsReload",
    "domain_inject_nmi": "virDomainInjectNMI",
    "domain_managed_save": "virDomainManagedSave",
    "domain_managed_save_define_xml": "virDomainManagedSaveDefineXML",
    "domain_managed_save_remove": "virDomainManagedSaveRemove",
    "domain_memory_peek": "virDomainMemoryPeek",
    "domain_migrate_begin3_params": "virDomainMigrateBegin3Params",
    "domain_migrate_confirm3_params": "virDomainMigrateConfirm3Params",
    "domain_migrate_finish3_params": "virDomainMigrateFinish3Params",
    "domain_migrate_get_max_speed": "virDomainMigrateGetMaxSpeed",
    "domain_migrate_perform3_params": "virDomainMigratePerform3Params",
    "domain_migrate_prepare3_params": "virDomainMigratePrepare3Params",
    "domain_migrate_set_compression_cache": "virDomainMigrateSetCompressionCache",
    "domain_migrate_set_max_downtime": "virDomainMigrateSetMaxDowntime",
    "domain_migrate_set_max_speed": "virDomainMigrateSetMaxSpeed",
    "domain_migrate_start_post_copy": "virDomainMigrateStartPostCopy",
    "domain_monitor_command": "virDomainQemuMonitorCommand",
    "domain_monitor_command_with_files": "virDomainQemuMonitorCommandWithFiles",
    "domain_open_channel": "virDomainOpenChannel",
    "domain_open_console": "virDomainOpenConsole",
    "domain_open_graphics": "virDomainOpenGraphics",
    "domain_open_graphics_fd": "virDomainOpenGraphicsFD",
    "domain_open_namespace": "virDomainLxcOpenNamespace",
    "domain_pin_emulator": "virDomainPinEmulator",
    "domain_pin_iothread": "virDomainPinIOThread",
    "domain_pin_vcpu": "virDomainPinVcpu",
    "domain_pin_vcpu_flags": "virDomainPinVcpuFlags",
    "domain_pm_suspend_for_duration": "virDomainPMSuspendForDuration",
    "domain_pm_wakeup": "virDomainPMWakeup",
    "domain_reboot": "virDomainReboot",
    "domain_rename": "virDomainRename",
    "domain_reset": "virDomainReset",
    "domain_restore": "virDomainRestore",
    "domain_restore_flags": "virDomainRestoreFlags",
    "domain_restore_params": "virDomainRestoreParams",
    "domain_resume": "virDomainResume",
    "domain_revert_to_snapshot": "virDomainRevertToSnapshot",
    "domain_save": "virDomainSave",
    "domain_save_flags": "virDomainSaveFlags",
    "domain_save_image_define_xml": "virDomainSaveImageDefineXML",
    "domain_save_image_get_xml_desc": "virDomainSaveImageGetXMLDesc",
    "domain_save_params": "virDomainSaveParams",
    "domain_screenshot": "virDomainScreenshot",
    "domain_send_key": "virDomainSendKey",
    "domain_send_process_signal": "virDomainSendProcessSignal",
    "domain_set_autostart": "virDomainSetAutostart",
    "domain_set_autostart_once": "virDomainSetAutostartOnce",
    "domain_set_blkio_parameters": "virDomainSetBlkioParameters",
    "domain_set_block_io_tune": "virDomainSetBlockIoTune",
    "domain_set_block_threshold": "virDomainSetBlockThreshold",
    "domain_set_guest_vcpus": "virDomainSetGuestVcpus",
    "domain_set_interface_parameters": "virDomainSetInterfaceParameters",
    "domain_set_iothread_params": "virDomainSetIOThreadParams",
    "domain_set_launch_security_state": "virDomainSetLaunchSecurityState",
    "domain_set_lifecycle_action": "virDomainSetLifecycleAction",
    "domain_set_max_memory": "virDomainSetMaxMemory",
    "domain_set_memory": "virDomainSetMemory",
    "domain_set_memory_flags": "virDomainSetMemoryFlags",
    "domain_set_memory_parameters": "virDomainSetMemoryParameters",
    "domain_set_memory_stats_period": "virDomainSetMemoryStatsPeriod",
    "domain_set_metadata": "virDomainSetMetadata",
    "domain_set_numa_parameters": "virDomainSetNumaParameters",
    "domain_set_perf_events": "virDomainSetPerfEvents",
    "domain_set_scheduler_parameters": "virDomainSetSchedulerParameters",
    "domain_set_scheduler_parameters_flags": "virDomainSetSchedulerParametersFlags",
    "domain_set_throttle_group": "virDomainSetThrottleGroup",
    "domain_set_time": "virDomainSetTime",
    "domain_set_user_password": "virDomainSetUserPassword",
    "domain_set_vcpu": "virDomainSetVcpu",
    "domain_set_vcpus": "virDomainSetVcpus",
    "domain_set_vcpus_flags": "virDomainSetVcpusFlags",
    "domain_shutdown": "virDomainShutdown",
    "domain_shutdown_flags": "virDomainShutdownFlags",
    "domain_snapshot_create_xml": "virDomainSnapshotCreateXML",
    "domain_snapshot_delete": "virDomainSnapshotDelete",
    "domain_start_dirty_rate_calc": "virDomainStartDirtyRateCalc",
    "domain_suspend": "virDomainSuspend",
    "domain_undefine": "virDomainUndefine",
    "domain_undefine_flags": "virDomainUndefineFlags",
    "domain_update_device_flags": "virDomainUpdateDeviceFlags",
    "interface_change_begin": "virInterfaceChangeBegin",
    "interface_change_commit": "virInterfaceChangeCommit",
    "interface_change_rollback": "virInterfaceChangeRollback",
    "interface_create": "virInterfaceCreate",
    "interface_define_xml": "virInterfaceDefineXML",
    "interface_destroy": "virInterfaceDestroy",
    "interface_undefine": "virInterfaceUndefine",
    "network_create": "virNetworkCreate",
    "network_create_xml": "virNetworkCreateXML",
    "network_create_xml_flags": "virNetworkCreateXMLFlags",
    "network_define_xml": "virNetworkDefineXML",
    "network_define_xml_flags": "virNetworkDefineXMLFlags",
    "network_destroy": "virNetworkDestroy",
    "network_port_create_xml": "virNetworkPortCreateXML",
    "network_port_delete": "virNetworkPortDelete",
    "network_port_set_parameters": "virNetworkPortSetParameters",
    "network_set_autostart": "virNetworkSetAutostart",
    "network_set_metadata": "virNetworkSetMetadata",
    "network_undefine": "virNetworkUndefine",
    "network_update": "virNetworkUpdate",
    "node_alloc_pages": "virNodeAllocPages",
    "node_device_create": "virNodeDeviceCreate",
    "node_device_create_xml": "virNodeDeviceCreateXML",
    "node_device_define_xml": "virNodeDeviceDefineXML",
    "node_device_destroy": "virNodeDeviceDestroy",
    "node_device_detach_flags": "virNodeDeviceDetachFlags",
    "node_device_dettach": "virNodeDeviceDettach",
    "node_device_re_attach": "virNodeDeviceReAttach",
    "node_device_reset": "virNodeDeviceReset",
    "node_device_set_autostart": "virNodeDeviceSetAutostart",
    "node_device_undefine": "virNodeDeviceUndefine",
    "node_device_update": "virNodeDeviceUpdate",
    "node_get_sev_info": "virNodeGetSEVInfo",
    "node_set_memory_parameters": "virNodeSetMemoryParameters",
    "node_suspend_for_duration": "virNodeSuspendForDuration",
    "nwfilter_binding_create_xml": "virNWFilterBindingCreateXML",
    "nwfilter_binding_delete": "virNWFilterBindingDelete",
    "nwfilter_define_xml": "virNWFilterDefineXML",
    "nwfilter_define_xml_flags": "virNWFilterDefineXMLFlags",
    "nwfilter_undefine": "virNWFilterUndefine",
    "secret_define_xml": "virSecretDefineXML",
    "secret_get_value": "virSecretGetValue",
    "secret_set_value": "virSecretSetValue",
    "secret_undefine": "virSecretUndefine",
    "storage_pool_build": "virStoragePoolBuild",
    "storage_pool_create": "virStoragePoolCreate",
    "storage_pool_create_xml": "virStoragePoolCreateXML",
    "storage_pool_define_xml": "virStoragePoolDefineXML",
    "storage_pool_delete": "virStoragePoolDelete",
    "storage_pool_destroy": "virStoragePoolDestroy",
    "storage_pool_refresh": "virStoragePoolRefresh",
    "storage_pool_set_autostart": "virStoragePoolSetAutostart",
    "storage_pool_undefine": "virStoragePoolUndefine",
    "storage_vol_create_xml": "virStorageVolCreateXML",
    "storage_vol_create_xml_from": "virStorageVolCreateXMLFrom",
    "storage_vol_delete": "virStorageVolDelete",
    "storage_vol_download": "virStorageVolDownload",
    "storage_vol_resize": "virStorageVolResize",
    "storage_vol_upload": "virStorageVolUpload",
    "storage_vol_wipe": "virStorageVolWipe",
    "storage_vol_wipe_pattern": "virStorageVolWipePattern",
}

# Calls that change nothing.
ALLOWED = frozenset(
    (
        "connect_baseline_cpu",
        "connect_compare_cpu",
        "connect_domain_event_callback_deregister_any",
        "connect_domain_event_callback_register_any",
        "connect_get_all_domain_stats",
        "connect_get_capabilities",
        "connect_get_cpu_model_names",
        "connect_get_hostname",
        "connect_get_lib_version",
        "connect_get_max_vcpus",
        "connect_get_storage_pool_capabilities",
        "connect_get_sysinfo",
        "connect_get_type",
        "connect_get_uri",
        "connect_get_version",
        "connect_list_all_domains",
        "connect_list_all_interfaces",
        "connect_list_all_networks",
        "connect_list_all_node_devices",
        "connect_list_all_nwfilter_bindings",
        "connect_list_all_nwfilters",
        "connect_list_all_secrets",
        "connect_list_all_storage_pools",
        "connect_network_event_deregister_any",
        "connect_network_event_register_any",
        "connect_node_device_event_deregister_any",
        "connect_node_device_event_register_any",
        "connect_secret_event_deregister_any",
        "connect_secret_event_register_any",
        "connect_storage_pool_event_deregister_any",
        "connect_storage_pool_event_register_any",
        "domain_backup_get_xml_desc",
        "domain_block_stats",
        "domain_block_stats_flags",
        "domain_checkpoint_get_parent",
        "domain_checkpoint_get_xml_desc",
        "domain_checkpoint_list_all_children",
        "domain_checkpoint_lookup_by_name",
        "domain_get_autostart",
        "domain_get_autostart_once",
        "domain_get_blkio_parameters",
        "domain_get_block_info",
        "domain_get_block_io_tune",
        "domain_get_block_job_info",
        "domain_get_control_info",
        "domain_get_cpu_stats",
        "domain_get_disk_errors",
        "domain_get_emulator_pin_info",
        "domain_get_info",
        "domain_get_interface_parameters",
        "domain_get_iothread_info",
        "domain_get_job_info",
        "domain_get_job_stats",
        "domain_get_max_memory",
        "domain_get_max_vcpus",
        "domain_get_memory_parameters",
        "domain_get_messages",
        "domain_get_metadata",
        "domain_get_numa_parameters",
        "domain_get_os_type",
        "domain_get_perf_events",
        "domain_get_scheduler_parameters",
        "domain_get_scheduler_parameters_flags",
        "domain_get_scheduler_type",
        "domain_get_security_label",
        "domain_get_security_label_list",
        "domain_get_state",
        "domain_get_vcpu_pin_info",
        "domain_get_vcpus",
        "domain_get_vcpus_flags",
        "domain_get_xml_desc",
        "domain_has_current_snapshot",
        "domain_has_managed_save_image",
        "domain_interface_addresses",
        "domain_interface_stats",
        "domain_is_active",
        "domain_is_persistent",
        "domain_is_updated",
        "domain_list_all_checkpoints",
        "domain_list_all_snapshots",
        "domain_lookup_by_id",
        "domain_lookup_by_name",
        "domain_lookup_by_uuid",
        "domain_managed_save_get_xml_desc",
        "domain_memory_stats",
        "domain_migrate_get_compression_cache",
        "domain_migrate_get_max_downtime",
        "domain_snapshot_current",
        "domain_snapshot_get_parent",
        "domain_snapshot_get_xml_desc",
        "domain_snapshot_has_metadata",
        "domain_snapshot_is_current",
        "domain_snapshot_list_all_children",
        "domain_snapshot_lookup_by_name",
        "domain_snapshot_num",
        "domain_snapshot_num_children",
        "interface_get_xml_desc",
        "interface_is_active",
        "interface_lookup_by_mac_string",
        "interface_lookup_by_name",
        "network_get_autostart",
        "network_get_bridge_name",
        "network_get_dhcp_leases",
        "network_get_metadata",
        "network_get_xml_desc",
        "network_is_active",
        "network_is_persistent",
        "network_list_all_ports",
        "network_lookup_by_name",
        "network_lookup_by_uuid",
        "network_port_get_parameters",
        "network_port_get_xml_desc",
        "network_port_lookup_by_uuid",
        "node_device_get_autostart",
        "node_device_get_parent",
        "node_device_get_xml_desc",
        "node_device_is_active",
        "node_device_is_persistent",
        "node_device_list_caps",
        "node_device_lookup_by_name",
        "node_device_lookup_scsi_host_by_wwn",
        "node_get_cells_free_memory",
        "node_get_cpu_map",
        "node_get_cpu_stats",
        "node_get_free_memory",
        "node_get_free_pages",
        "node_get_info",
        "node_get_memory_parameters",
        "node_get_memory_stats",
        "node_get_security_model",
        "nwfilter_binding_get_xml_desc",
        "nwfilter_binding_lookup_by_port_dev",
        "nwfilter_get_xml_desc",
        "nwfilter_lookup_by_name",
        "nwfilter_lookup_by_uuid",
        "secret_get_xml_desc",
        "secret_lookup_by_usage",
        "secret_lookup_by_uuid",
        "storage_pool_get_autostart",
        "storage_pool_get_info",
        "storage_pool_get_xml_desc",
        "storage_pool_is_active",
        "storage_pool_is_persistent",
        "storage_pool_list_all_volumes",
        "storage_pool_lookup_by_name",
        "storage_pool_lookup_by_target_path",
        "storage_pool_lookup_by_uuid",
        "storage_pool_lookup_by_volume",
        "storage_vol_get_info",
        "storage_vol_get_info_flags",
        "storage_vol_get_path",
        "storage_vol_get_xml_desc",
        "storage_vol_lookup_by_key",
        "storage_vol_lookup_by_name",
        "storage_vol_lookup_by_path",
    )
)

# What is about the connection itself.
OWN = frozenset(
    (
        "abandon",
        "alive",
        "beside",
        "close",
        "connect_supports_feature",
        "events_fileno",
        "implements",
        "lost",
        "next_events",
        "set_keepalive",
        "supports_keepalive",
    )
)

# Calls that some of their flags make forbidden -> (the flags, libvirt's name of the call).
SECURE: "dict[str, tuple[int, str]]" = {
    "domain_get_xml_desc": (
        constants.DOMAIN_XML_SECURE | constants.DOMAIN_XML_MIGRATABLE,
        "virDomainGetXMLDesc",
    ),
    "domain_managed_save_get_xml_desc": (
        constants.DOMAIN_SAVE_IMAGE_XML_SECURE,
        "virDomainManagedSaveGetXMLDesc",
    ),
    "domain_snapshot_get_xml_desc": (constants.DOMAIN_SNAPSHOT_XML_SECURE, "virDomainSnapshotGetXMLDesc"),
    "domain_checkpoint_get_xml_desc": (
        constants.DOMAIN_CHECKPOINT_XML_SECURE,
        "virDomainCheckpointGetXMLDesc",
    ),
}


def refused(function: str) -> VirError:
    """Make the error for a call that a read-only connection may not make."""
    return VirError(OPERATION_DENIED, f"read only access prevents {function}")


class ReadOnly(Driver):
    """Another driver, with only the calls that change nothing."""

    def __init__(self, driver: Driver) -> None:
        self.inner = driver
        self.read_only = True
        self.uri = driver.uri
        self.lock = driver.lock
        self.immediate = driver.immediate
        self.warnings = driver.warnings

    def domain_get_vcpus_flags(self, dom: Any, flags: int = 0) -> int:
        if flags & constants.DOMAIN_VCPU_GUEST:
            raise refused("virDomainGetVcpusFlags")
        return self.inner.domain_get_vcpus_flags(dom, flags)

    def domain_interface_addresses(self, dom: Any, source: int, flags: int = 0) -> Any:
        if source == constants.DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT:
            raise refused("virDomainInterfaceAddresses")
        return self.inner.domain_interface_addresses(dom, source, flags)

    def domain_attach(self, pid_value: int, flags: int = 0) -> DomainRef:
        not_zero(pid_value, "pid_value", "virDomainQemuAttach")
        raise refused("virDomainQemuAttach")

    def domain_send_process_signal(self, dom: Any, pid_value: int, signum: int, flags: int = 0) -> None:
        not_zero(pid_value, "pid_value", "virDomainSendProcessSignal")
        raise refused("virDomainSendProcessSignal")

    def domain_del_throttle_group(self, dom: Any, group: "str | None", flags: int = 0) -> None:
        if not self.inner.implements("domain_del_throttle_group"):
            # libvirt asks whether the driver has it first.
            raise unsupported("virDomainDelThrottleGroup")
        raise refused("virDomainDelThrottleGroup")


def _passed(name: str) -> "Callable[..., Any]":
    def method(self: ReadOnly, *values: Any, **named: Any) -> Any:
        return getattr(self.inner, name)(*values, **named)

    return method


def _checked(name: str, bit: int, function: str) -> "Callable[..., Any]":
    def method(self: ReadOnly, ref: Any, flags: int = 0) -> Any:
        if flags & bit:
            raise VirError(OPERATION_DENIED, f"{function} with secure flag")
        return getattr(self.inner, name)(ref, flags)

    return method


def _denied(name: str) -> "Callable[..., Any]":
    def method(self: ReadOnly, *values: Any, **named: Any) -> Any:
        raise refused(DENIED.get(name, name))

    return method


for _name in [name for name in vars(Driver) if not name.startswith("_") and callable(vars(Driver)[name])]:
    if _name in vars(ReadOnly):
        continue
    if _name in SECURE:
        setattr(ReadOnly, _name, _checked(_name, *SECURE[_name]))
    elif _name in ALLOWED or _name in OWN:
        setattr(ReadOnly, _name, _passed(_name))
    else:
        setattr(ReadOnly, _name, _denied(_name))
