"""A test driver that also answers to what the test driver does not have, for what commands show as data."""

from pyvirsh.backend import api
from pyvirsh.backend.api import PARAM_LLONG, PARAM_STRING, PARAM_UINT, PARAM_ULLONG, Driver, Event
from pyvirsh.backend.test.driver import DefaultDriver, TestDriver
from pyvirsh.commands import devicestats, throttle

DOM = "6695eb01-f6a4-8304-79aa-97f2502e193f"
SECRET = "0a1b2c3d-0000-4000-8000-000000000003"
PORT = "0a1b2c3d-0000-4000-8000-000000000002"
JOB = (
    ("operation", PARAM_UINT, 5),
    *(
        (name, PARAM_ULLONG, 1)
        for name in (
            *("time_elapsed", "time_elapsed_net", "time_remaining", "downtime", "downtime_net", "setup_time"),
            *("data_processed", "data_remaining", "data_total", "memory_processed", "memory_remaining"),
            *("memory_total", "disk_processed", "disk_remaining", "disk_total"),
            *("memory_constant", "memory_normal", "memory_normal_bytes", "memory_bps", "memory_dirty_rate"),
            *("memory_page_size", "memory_iteration", "memory_postcopy_requests", "disk_bps"),
            *("compression_cache", "compression_bytes", "compression_pages", "compression_cache_misses"),
            *("compression_overflow", "auto_converge_throttle", "disk_temp_used", "disk_temp_total"),
        )
    ),
    ("errmsg", PARAM_STRING, "broken"),
)
# What comes with a domain's events, where anything does.
EVENTS = {
    "lifecycle": (2, 0),
    "rtc-change": (5,),
    "watchdog": (1,),
    "io-error": ("/d", "virtio-disk0", 1),
    "graphics": (1, (0, "::1", "5900"), (0, "::1", "40000"), "none", [("x509", "me")]),
    "io-error-reason": ("/d", "virtio-disk0", 1, "enospc"),
    "block-job": ("/d", 1, 0),
    "disk-change": ("/old", None, "ide0", 1),
    "tray-change": ("ide0", 0),
    "balloon-change": (1024,),
    "device-removed": ("net0",),
    "block-job-2": ("vda", 1, 0),
    "tunable": ([("cputune.vcpupin0", PARAM_STRING, "0")],),
    "agent-lifecycle": (1, 2),
    "device-added": ("net0",),
    "migration-iteration": (1,),
    "job-completed": ([("operation", PARAM_UINT, 5)],),
    "device-removal-failed": ("net0",),
    "metadata-change": (2, "http://x/"),
    "block-threshold": ("vda", "/d", 5, 6),
    "memory-failure": (1, 1, 3),
    "memory-device-size-change": ("mem0", 1 << 30),
    "nic-mac-change": ("net0", "52:54:00:00:00:01", "52:54:00:00:00:02"),
    "vcpu-removed": (1,),
    "channel-lifecycle": ("org.qemu.guest_agent.0", 1, 2),
}
# The same where something is not there.
EMPTY = {
    "disk-change": (None, "/new", "ide0", 1),
    "metadata-change": (0, None),
    "block-threshold": ("vda", None, 5, 6),
}
# Domains that are nothing but an XML.
DOMAIN = "<domain type='test'>{}<devices>{}</devices></domain>"
DIMM = (
    "<memory model='virtio-mem'><target><size unit='KiB'>2097152</size><node>0</node>"
    "<requested unit='KiB'>0</requested></target></memory>"
)
GROUP = "<group_name>limits</group_name>" + "".join(f"<{name}>1</{name}>" for name in throttle.SHOWN)
GROUPS = f"<throttlegroups><throttlegroup>{GROUP}</throttlegroup></throttlegroups>"
XMLS = {
    "tty": DOMAIN.format("", "<console tty='/dev/pts/7'/>"),
    "dimms": DOMAIN.format("", DIMM),
    "throttled": DOMAIN.format(GROUPS, ""),
    "secure": DOMAIN.format("", ""),
    "gone": DOMAIN.format("", ""),
    "busy": DOMAIN.format("", ""),
}


class Canned(DefaultDriver):
    """The test driver, and answers to what it does not have."""

    __test__ = False  # not a case for pytest

    def __init__(self):
        super().__init__()
        self.coming = []
        self.looks = 0

    def domain_lookup_by_name(self, name):
        if name in XMLS:
            return api.DomainRef(name, DOM[:-1] + "0", 2)
        return super().domain_lookup_by_name(name)

    def domain_get_xml_desc(self, dom, flags=0):
        if dom.name in XMLS:
            return XMLS[dom.name]
        return super().domain_get_xml_desc(dom, flags)

    def connect_get_domain_capabilities(self, emulator, arch, machine, virttype, flags=0):
        if emulator != "/canned":
            return super().connect_get_domain_capabilities(emulator, arch, machine, virttype, flags)
        return "<domainCapabilities><cpu><model usable='yes'>486</model></cpu></domainCapabilities>"

    def domain_get_block_job_info(self, dom, path, flags=0):
        return (0, 0, 0, 0, 0) if dom.name == "gone" else (1, 1, 1 << 20, 5, 10)

    def domain_get_launch_security_info(self, dom, flags=0):
        if dom.name != "secure":
            return super().domain_get_launch_security_info(dom, flags)
        names = ("sev-api-major", "sev-api-minor", "sev-build-id", "sev-policy")
        return [("sev-measurement", PARAM_STRING, "AAAA"), *((name, PARAM_UINT, 1) for name in names)]

    def domain_get_messages(self, dom, flags=0):
        return ["tainted: custom-argv"] if dom.name == "guest" else super().domain_get_messages(dom, flags)

    def domain_get_vcpus_flags(self, dom, flags=0):
        return 2 if dom.name == "busy" else super().domain_get_vcpus_flags(dom, flags)

    def domain_block_stats_flags(self, dom, path, flags=0):
        if dom.name != "busy":
            return super().domain_block_stats_flags(dom, path, flags)
        return [(name, PARAM_LLONG, 1) for name in devicestats.BLOCK_STATS]

    def domain_get_scheduler_parameters(self, dom):
        if dom.name != "busy":
            return super().domain_get_scheduler_parameters(dom)
        parts = ("global", "vcpu", "emulator", "iothread")
        limits = [(f"{part}_{what}", PARAM_LLONG, 1) for part in parts for what in ("period", "quota")]
        return [("cpu_shares", PARAM_ULLONG, 1024), *limits]

    def node_get_cpu_stats(self, cpu, flags=0):
        self.looks += 1
        if cpu == 0:
            return [("utilization", 50)]
        return [(name, value + self.looks) for name, value in super().node_get_cpu_stats(cpu, flags)]

    def storage_vol_get_info_flags(self, vol, flags):
        return 0, 1 << 20, 4096

    # -- events ------------------------------------------------------------------------------------

    def next_events(self, timeout):
        if not self.coming:
            raise KeyboardInterrupt
        coming, self.coming = self.coming, []
        return coming

    def _register(self, kind, number, ref, *values):
        self.coming.append(Event(kind, number, number, ref, values))
        return number

    def connect_domain_event_callback_register_any(self, event_id, dom):
        from pyvirsh.commands.events import DOMAIN_EVENTS

        ref, name = api.DomainRef("test", DOM, 1), DOMAIN_EVENTS.types[event_id].name
        if name in EMPTY:
            self._register("domain", event_id, ref, *EMPTY[name])
        return self._register("domain", event_id, ref, *EVENTS.get(name, ()))

    def connect_network_event_register_any(self, event_id, net):
        ref = api.NetworkRef("default", DOM)
        return self._register("network", event_id, ref, *((2, 0) if event_id == 0 else (2, "http://x/")))

    def connect_storage_pool_event_register_any(self, event_id, pool):
        ref = api.StoragePoolRef("p", DOM)
        return self._register("storage_pool", event_id, ref, *((2, 0)[: 2 - 2 * event_id]))

    def connect_node_device_event_register_any(self, event_id, dev):
        ref = api.NodeDeviceRef("computer")
        return self._register("node_device", event_id, ref, *((0, 0)[: 2 - 2 * event_id]))

    def connect_secret_event_register_any(self, event_id, secret):
        ref = api.SecretRef(SECRET, 1, "/d")
        return self._register("secret", event_id, ref, *((0, 0)[: 2 - 2 * event_id]))

    def connect_domain_monitor_event_register(self, dom, event, flags=0):
        values = ("RESUME", 1700000000, 5, '{"a": 1}')
        return self._register("qemu", 0, api.DomainRef("test", DOM, 1), *values)

    def _forget(self, callback_id):
        pass


def _answers(**values):
    """Let the canned driver give these answers; none may hide one that the test driver has."""
    for name, value in values.items():
        assert getattr(TestDriver, name, None) is getattr(Driver, name), f"the test driver has {name}"
        setattr(Canned, name, lambda self, *args, value=value: value)


for _name in (
    *("connect_domain_event_callback", "connect_network_event", "connect_storage_pool_event"),
    *("connect_node_device_event", "connect_secret_event"),
):
    setattr(Canned, f"{_name}_deregister_any", Canned._forget)
Canned.connect_domain_monitor_event_deregister = Canned._forget

_filter = api.NWFilterRef("no-mail", DOM)
_binding = api.NWFilterBindingRef("vnet0", "no-mail")
_secret = api.SecretRef(SECRET, 1, "/d")
_port = api.NetworkPortRef(api.NetworkRef("default", DOM), PORT)
_answers(
    domain_get_job_stats=(1, list(JOB)),
    connect_domain_xml_from_native=XMLS["tty"],
    connect_domain_xml_to_native="qemu-system-x86_64 -name test\n",
    domain_authorized_ssh_keys_get=["ssh-ed25519 AAAA me"],
    domain_managed_save_get_xml_desc=XMLS["tty"],
    domain_migrate_get_max_downtime=300,
    domain_migrate_get_compression_cache=64 << 20,
    domain_migrate_get_max_speed=8796093022207,
    domain_monitor_command='{"return": {"status": "running"}, "id": "libvirt-1"}',
    domain_agent_command='{"return": {"version": "8.0"}}',
    domain_get_guest_vcpus=[(name, PARAM_STRING, "0-1") for name in ("vcpus", "online", "offlinable")],
    domain_get_guest_info=[("os.id", PARAM_STRING, "debian"), ("fs.0.total-bytes", PARAM_ULLONG, 1)],
    node_get_memory_parameters=[
        (f"shm_{name}", PARAM_ULLONG, 1)
        for name in (
            *("pages_to_scan", "sleep_millisecs", "pages_shared", "pages_sharing", "pages_unshared"),
            *("pages_volatile", "full_scans", "merge_across_nodes"),
        )
    ],
    node_get_memory_stats=[("total", 4), ("free", 3), ("buffers", 2), ("cached", 1)],
    node_get_sev_info=[
        *((name, PARAM_STRING, "AAAA") for name in ("pdh", "cert-chain", "cpu0-id")),
        *((name, PARAM_UINT, 1) for name in ("cbitpos", "reduced-phys-bits", "max-guests", "max-es-guests")),
    ],
    node_device_get_autostart=1,
    domain_get_autostart_once=0,
    connect_list_all_nwfilters=[_filter],
    nwfilter_lookup_by_name=_filter,
    nwfilter_get_xml_desc="<filter name='no-mail'/>\n",
    connect_list_all_nwfilter_bindings=[_binding],
    nwfilter_binding_lookup_by_port_dev=_binding,
    nwfilter_binding_get_xml_desc="<filterbinding/>\n",
    network_get_dhcp_leases=[
        ("virbr0", 1700000300, 0, "52:54:00:00:00:0b", None, "192.168.122.9", 24, "desk", None),
        ("virbr0", 1700000000, 1, "52:54:00:00:00:0a", "17", "fe80::1", 64, None, "01:ff"),
    ],
    network_list_all_ports=[_port],
    network_port_lookup_by_uuid=_port,
    network_port_get_xml_desc="<networkport/>\n",
    connect_list_all_secrets=[_secret],
    secret_lookup_by_uuid=_secret,
    secret_get_xml_desc="<secret/>\n",
    secret_get_value=b"hidden",
    domain_backup_begin=None,
    domain_backup_get_xml_desc="<domainbackup/>\n",
    connect_get_storage_pool_capabilities="<storagepoolCapabilities/>\n",
    connect_compare_cpu=1,
    connect_baseline_hypervisor_cpu="<cpu/>\n",
    connect_compare_hypervisor_cpu=2,
)
