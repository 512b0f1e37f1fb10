"""The test driver put together, and the worlds its connections share.

A theme of the API is a class in a module of its own, imported when one of its calls is first made, so
that `list` does not pay for what it does not use; the state stands in `world.World`.
"""

from importlib import import_module

from pyvirsh.backend.errors import AUTH_FAILED, VirError
from pyvirsh.backend.test.builtin import default_world
from pyvirsh.backend.test.lookup import Lookup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyvirsh.backend.test.world import World

    # asks the user: prompt, whether what is typed is shown -> answer, None for none
    Ask = Callable[[str, bool], "str | None"]

# module -> the class in it, and the calls it answers.  A test holds this against the classes.
THEMES: "dict[str, tuple[str, str]]" = {
    "volumes": (
        "VolumeCalls",
        """
            storage_vol_lookup_by_name storage_vol_lookup_by_key storage_vol_lookup_by_path
            storage_pool_lookup_by_volume storage_pool_list_all_volumes storage_vol_get_info
            storage_vol_get_xml_desc storage_vol_get_path storage_vol_create_xml
            storage_vol_create_xml_from storage_vol_delete storage_vol_resize
        """,
    ),
    "nodedev": (
        "NodeDeviceCalls",
        """
            connect_list_all_node_devices node_device_lookup_by_name node_device_get_xml_desc
            node_device_get_parent node_device_list_caps node_device_is_persistent
            node_device_is_active node_device_create_xml node_device_destroy
            connect_node_device_event_register_any connect_node_device_event_deregister_any
        """,
    ),
    "storage": (
        "PoolCalls",
        """
            storage_pool_lookup_by_name storage_pool_lookup_by_uuid connect_list_all_storage_pools
            connect_find_storage_pool_sources storage_pool_is_active storage_pool_is_persistent
            storage_pool_get_info storage_pool_get_xml_desc storage_pool_get_autostart
            storage_pool_set_autostart storage_pool_define_xml storage_pool_create_xml
            storage_pool_create storage_pool_build storage_pool_destroy storage_pool_delete
            storage_pool_undefine storage_pool_refresh connect_storage_pool_event_register_any
            connect_storage_pool_event_deregister_any
        """,
    ),
    "interface": (
        "InterfaceCalls",
        """
            connect_list_all_interfaces interface_lookup_by_name interface_lookup_by_mac_string
            interface_is_active interface_get_xml_desc interface_define_xml interface_undefine
            interface_create interface_destroy interface_change_begin interface_change_commit
            interface_change_rollback
        """,
    ),
    "network": (
        "NetworkCalls",
        """
            network_lookup_by_name network_lookup_by_uuid connect_list_all_networks
            network_is_active network_is_persistent network_get_bridge_name
            network_get_xml_desc network_get_autostart network_set_autostart
            network_define_xml network_define_xml_flags network_create_xml
            network_create_xml_flags network_create network_destroy network_undefine
            network_update network_set_metadata network_get_metadata
            connect_network_event_register_any connect_network_event_deregister_any
        """,
    ),
    "lifecycle": (
        "Lifecycle",
        """
            domain_create domain_create_with_flags domain_create_with_files domain_create_xml
            domain_create_xml_with_files domain_destroy domain_destroy_flags domain_suspend domain_resume
            domain_shutdown domain_shutdown_flags domain_reboot domain_reset domain_set_lifecycle_action
            domain_attach
        """,
    ),
    "definitions": (
        "Definitions",
        """
            domain_define_xml domain_define_xml_flags domain_undefine domain_undefine_flags
            domain_get_xml_desc domain_rename
        """,
    ),
    "node": (
        "Node",
        """
            connect_get_type connect_get_version connect_get_lib_version connect_get_hostname
            connect_get_uri connect_get_max_vcpus connect_get_sysinfo connect_get_capabilities
            connect_get_domain_capabilities connect_get_cpu_model_names connect_baseline_cpu node_get_info
            node_get_security_model node_get_cpu_map node_get_cpu_stats node_get_free_memory
            node_get_cells_free_memory node_get_free_pages
        """,
    ),
    "vcpus": (
        "Vcpus",
        """
            domain_get_max_vcpus domain_get_vcpus_flags domain_set_vcpus domain_set_vcpus_flags
            domain_get_vcpus domain_get_vcpu_pin_info domain_pin_vcpu domain_pin_vcpu_flags
            domain_get_emulator_pin_info domain_pin_emulator
        """,
    ),
    "memory": (
        "Memory",
        """
            domain_set_memory domain_set_max_memory domain_set_memory_flags domain_memory_stats
            domain_set_memory_stats_period
        """,
    ),
    "limits": (
        "Limits",
        """
            domain_get_scheduler_type domain_get_scheduler_parameters domain_get_scheduler_parameters_flags
            domain_set_scheduler_parameters domain_set_scheduler_parameters_flags
            domain_get_memory_parameters domain_set_memory_parameters domain_get_blkio_parameters
            domain_set_blkio_parameters domain_get_numa_parameters domain_set_numa_parameters
            domain_get_perf_events domain_set_perf_events domain_get_launch_security_info
        """,
    ),
    "disktune": (
        "DiskTuning",
        """
            domain_get_block_io_tune domain_set_block_io_tune domain_get_interface_parameters
            domain_set_interface_parameters
        """,
    ),
    "iothreads": (
        "IoThreads",
        """
            domain_get_iothread_info domain_add_iothread domain_del_iothread domain_pin_iothread
            domain_set_iothread_params
        """,
    ),
    "saving": (
        "Saving",
        """
            domain_save domain_save_flags domain_save_params domain_restore domain_restore_flags
            domain_restore_params domain_save_image_get_xml_desc
            domain_save_image_define_xml domain_managed_save domain_has_managed_save_image
            domain_managed_save_remove domain_core_dump domain_core_dump_with_format
        """,
    ),
    "guestagent": (
        "GuestAgent",
        """
            domain_get_hostname domain_get_time domain_set_time domain_get_fsinfo domain_fsfreeze
            domain_fsthaw domain_fstrim domain_set_user_password domain_send_key domain_inject_nmi
            domain_send_process_signal
        """,
    ),
    "metadata": (
        "Metadata",
        """
            domain_get_metadata domain_set_metadata
        """,
    ),
    "snapshots": (
        "Snapshots",
        """
            domain_snapshot_lookup_by_name domain_snapshot_get_xml_desc domain_list_all_snapshots
            domain_snapshot_num domain_snapshot_list_all_children domain_snapshot_num_children
            domain_snapshot_get_parent domain_has_current_snapshot domain_snapshot_current
            domain_snapshot_is_current domain_snapshot_has_metadata domain_snapshot_create_xml
            domain_revert_to_snapshot domain_snapshot_delete
        """,
    ),
    "checkpoints": (
        "Checkpoints",
        """
            domain_checkpoint_lookup_by_name domain_checkpoint_get_xml_desc domain_list_all_checkpoints
            domain_checkpoint_list_all_children domain_checkpoint_get_parent domain_checkpoint_create_xml
            domain_checkpoint_delete
        """,
    ),
    "devices": (
        "DeviceChanges",
        """
            domain_attach_device domain_attach_device_flags domain_detach_device_alias
            domain_update_device_flags
        """,
    ),
    "statistics": (
        "Statistics",
        """
            domain_block_stats domain_interface_stats domain_get_block_info domain_get_disk_errors
            domain_get_cpu_stats domain_interface_addresses connect_get_all_domain_stats
        """,
    ),
    "screen": (
        "Screen",
        """
            domain_screenshot
        """,
    ),
}


class TestDriver(Lookup):
    """A connection to a test host."""

    __test__ = False  # not a case for pytest

    def close(self) -> None:
        self.leave()


def load(module: str) -> None:
    """Import a theme's module and put what its class has into the driver."""
    theme = getattr(import_module(f"pyvirsh.backend.test.{module}"), THEMES[module][0])
    for name, value in vars(theme).items():
        if not name.startswith("__"):
            setattr(TestDriver, name, value)


def _first(module: str, name: str) -> "Callable[..., Any]":
    """Make what stands for a call until its module is there."""

    def method(self: TestDriver, *values: "Any", **options: "Any") -> "Any":
        load(module)
        return getattr(self, name)(*values, **options)

    return method


for _module, (_, _calls) in THEMES.items():
    for _name in _calls.split():
        setattr(TestDriver, _name, _first(_module, _name))


class _Shared:
    """The built-in world while at least one connection to it is open."""

    world: "World | None" = None
    handles = 0


class DefaultDriver(TestDriver):
    """A connection to the built-in world, which lasts as long as one is open."""

    __test__ = False  # not a case for pytest

    def __init__(self) -> None:
        if _Shared.world is None:
            _Shared.world = default_world()
        _Shared.handles += 1
        super().__init__(_Shared.world)

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        if self.world is _Shared.world:
            _Shared.handles -= 1
            if not _Shared.handles:
                _Shared.world = None


def forget_built_in() -> None:
    """Let the next connection to the built-in world find it fresh, whoever still holds the present one."""
    _Shared.world, _Shared.handles = None, 0


def open_path(path: str, ask: "Ask | None" = None) -> TestDriver:
    """Open the built-in world, or the one that a node file describes.

    ask: what asks the user for a name and a password.  Errors: see `nodefile.load`; AUTH_FAILED.
    """
    if path == "/default":
        return DefaultDriver()
    from pyvirsh.backend.test.nodefile import load

    world = load(path)
    if world.users:
        user = ask("Enter username for localhost: ", True) if ask is not None else None
        given = ask(f"Enter {user}'s password for localhost: ", False) if ask is not None and user else None
        if user is None or given is None or world.users.get(user) != given:
            detail = "authentication failed, see test XML for the correct username/password"
            raise VirError(AUTH_FAILED, detail)
    return TestDriver(world)
