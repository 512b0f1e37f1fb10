"""Figures of a domain's disks, interfaces and CPUs: made up, but never without order."""

from pyvirsh.backend import api
from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef, TypedParam
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.conf.domain.filling.disks import path_of
from pyvirsh.backend.errors import ARGUMENT_UNSUPPORTED, INVALID_ARG, OPERATION_UNSUPPORTED, VirError
from pyvirsh.backend.test.base import TestBase
from pyvirsh.backend.test.disktune import find_disk, find_interface
from pyvirsh.backend.test.guest import Guest
from pyvirsh.backend.test.lookup import passes

# What every disk shows: its allocation, and by how much the capacity is less.
_SIZE = 1 << 40
_MISSING = 5177344
_CPU_TIME = 48772617035
_CPU_TIME_OF_VCPUS = 1234567890
_TOTALS: "list[TypedParam]" = [
    ("cpu_time", api.PARAM_ULLONG, _CPU_TIME),
    ("user_time", api.PARAM_ULLONG, 5540000000),
    ("system_time", api.PARAM_ULLONG, 6460000000),
]
_STATS_FLAGS = 0xE00000FF
_KNOWN_STATS = c.DOMAIN_STATS_STATE | c.DOMAIN_STATS_IOTHREAD


class Statistics(TestBase):
    """Figures of disks, interfaces, CPUs and whole domains."""

    def domain_block_stats(self, dom: DomainRef, path: str) -> "tuple[int, int, int, int, int]":
        if not path:
            raise VirError(OPERATION_UNSUPPORTED, "summary statistics are not supported yet")
        if find_disk(self.running(dom).live.model, path) is None:
            raise VirError(INVALID_ARG, f"invalid path: {path}")
        micros, seconds = self._clock()
        return micros // 10, micros // 20, micros // 30, micros // 40, seconds // 2

    def domain_interface_stats(
        self, dom: DomainRef, device: str
    ) -> "tuple[int, int, int, int, int, int, int, int]":
        if find_interface(self.running(dom).live.model, device) is None:
            raise VirError(INVALID_ARG, f"'{device}' is not a known interface")
        micros, seconds = self._clock()
        received = (micros // 10, micros // 100, seconds, seconds // 2)
        return *received, micros // 20, micros // 110, seconds // 3, seconds // 4

    def _clock(self) -> "tuple[int, int]":
        """Return the time in us and in s."""
        now = self.world.clock()
        return now // 1000, now // 1_000_000_000

    def domain_get_block_info(self, dom: DomainRef, path: str, flags: int = 0) -> "tuple[int, int, int]":
        allowed(flags, 0, "testDomainGetBlockInfo")
        disk = find_disk(self.guest(dom).live.model, path)
        if disk is None:
            raise VirError(INVALID_ARG, f"invalid path {path} not assigned to domain")
        if path_of(disk) is None:
            raise VirError(INVALID_ARG, f"disk '{path}' does not currently have a source assigned")
        return _SIZE, _SIZE - _MISSING, _SIZE

    def domain_get_disk_errors(self, dom: DomainRef, flags: int = 0) -> "list[tuple[str, int]]":
        disks = self.running(dom).live.model.devices.disks
        return [(disk.target_dev or "", at % 2 + 1) for at, disk in enumerate(disks)]

    def domain_get_cpu_stats(
        self, dom: DomainRef, start_cpu: int, ncpus: int, flags: int = 0
    ) -> "list[TypedParam]":
        allowed(flags, 4, "testDomainGetCPUStats")
        self.running(dom)
        if start_cpu == -1:
            return list(_TOTALS)
        # The original counts the cores of one socket.
        total = self.world.node[6]
        if ncpus == 0:
            return [("cpu_time", api.PARAM_ULLONG, 0)] * total
        params: list[TypedParam] = []
        for cpu in range(start_cpu, min(start_cpu + ncpus, total)):
            time = _CPU_TIME // total + cpu
            params.append(("cpu_time", api.PARAM_ULLONG, time))
            params.append(("vcpu_time", api.PARAM_ULLONG, time - _CPU_TIME_OF_VCPUS))
        return params

    # -- addresses ---------------------------------------------------------------------------------

    def domain_interface_addresses(
        self, dom: DomainRef, source: int, flags: int = 0
    ) -> "list[tuple[str, str | None, list[tuple[int, str, int]]]]":
        from pyvirsh.backend.test.addresses import interface_address

        allowed(flags, 0, "testDomainInterfaceAddresses")
        guest = self.running(dom)
        if not 0 <= source <= c.DOMAIN_INTERFACE_ADDRESSES_SRC_ARP:
            raise VirError(ARGUMENT_UNSUPPORTED, f"Unknown IP address data source {source}")
        return [
            # What C writes for a name that is not there.
            (interface.target_dev or "(null)", interface.mac, [interface_address(guest, interface, at)])
            for at, interface in enumerate(guest.live.model.devices.interfaces)
        ]

    # -- whole domains -----------------------------------------------------------------------------

    def connect_get_all_domain_stats(
        self, doms: "list[DomainRef]", stats: int, flags: int = 0
    ) -> "list[tuple[DomainRef, list[TypedParam]]]":
        allowed(flags, _STATS_FLAGS, "testConnectGetAllDomainStats")
        stats &= (1 << 32) - 1
        unknown = stats & ~_KNOWN_STATS
        if unknown and flags & c.CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS:
            detail = f"Stats types bits 0x{unknown:x} are not supported by this daemon"
            raise VirError(ARGUMENT_UNSUPPORTED, detail)
        world = self.world
        guests = [found for dom in doms if (found := world.domains.get(dom.uuid))] if doms else None
        if guests is None:
            guests = list(world.domains.values())
        return [
            (guest.ref, _stats(guest, stats or _KNOWN_STATS))
            for guest in guests
            if passes(guest, flags & 0xFF)
        ]


def _stats(guest: Guest, stats: int) -> "list[TypedParam]":
    params: list[TypedParam] = []
    if stats & c.DOMAIN_STATS_STATE:
        params.append(("state.state", api.PARAM_INT, guest.state))
        params.append(("state.reason", api.PARAM_INT, guest.reason))
    if stats & c.DOMAIN_STATS_IOTHREAD and guest.active and guest.polling:
        params.append(("iothread.count", api.PARAM_UINT, len(guest.polling)))
        for number, most, grow, shrink in guest.polling:
            params.append((f"iothread.{number}.poll-max-ns", api.PARAM_ULLONG, most))
            params.append((f"iothread.{number}.poll-grow", api.PARAM_UINT, grow))
            params.append((f"iothread.{number}.poll-shrink", api.PARAM_UINT, shrink))
    return params
