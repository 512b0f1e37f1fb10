"""How much memory a domain has, and how it says it uses it."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed, not_negative, not_zero
from pyvirsh.backend.errors import INTERNAL_ERROR, INVALID_ARG, OPERATION_INVALID, OVERFLOW, VirError
from pyvirsh.backend.test.base import AFFECT, TestBase

# When a test domain's balloon last told its figures, whatever the time is.
LAST_UPDATE = 627319920


class Memory(TestBase):
    """Memory in KiB."""

    def domain_set_memory(self, dom: DomainRef, memory: int) -> None:
        _usable(memory, "virDomainSetMemory")
        self._set_memory(dom, memory, c.DOMAIN_AFFECT_LIVE)

    def domain_set_max_memory(self, dom: DomainRef, memory: int) -> None:
        _usable(memory, "virDomainSetMaxMemory")
        self._set_memory(dom, memory, c.DOMAIN_MEM_MAXIMUM)

    def domain_set_memory_flags(self, dom: DomainRef, memory: int, flags: int = 0) -> None:
        _usable(memory, "virDomainSetMemoryFlags")
        self._set_memory(dom, memory, flags)

    def _set_memory(self, dom: DomainRef, memory: int, flags: int) -> None:
        allowed(flags, AFFECT | c.DOMAIN_MEM_MAXIMUM, "testDomainSetMemoryFlags")
        guest = self.guest(dom)
        definition = guest.one(flags)
        if flags & c.DOMAIN_MEM_MAXIMUM:
            if definition is guest.live and guest.active:
                detail = "cannot resize the maximum memory on an active domain"
                raise VirError(OPERATION_INVALID, detail)
            cpu = definition.model.cpu
            if cpu is not None and cpu.cells:
                detail = "initial memory size of a domain with NUMA nodes cannot be modified with this API"
                raise VirError(OPERATION_INVALID, detail)
            model = definition.change()
            model.memory = memory
            model.current_memory = min(model.current_memory or memory, memory)
            return
        if memory > definition.facts.max_memory:
            raise VirError(INVALID_ARG, "cannot set memory higher than max memory")
        definition.change().current_memory = memory

    def domain_memory_stats(self, dom: DomainRef, flags: int = 0) -> "list[tuple[int, int]]":
        allowed(flags, 0, "testDomainMemoryStats")
        live = self.running(dom).live
        balloon = live.model.devices.memballoon
        if balloon is None or balloon.model == "none":
            return []
        memory = live.facts.memory
        return [
            (c.DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, memory),
            (c.DOMAIN_MEMORY_STAT_SWAP_IN, 0),
            (c.DOMAIN_MEMORY_STAT_SWAP_OUT, 0),
            (c.DOMAIN_MEMORY_STAT_MAJOR_FAULT, 0),
            (c.DOMAIN_MEMORY_STAT_MINOR_FAULT, 0),
            (c.DOMAIN_MEMORY_STAT_UNUSED, memory // 2),
            (c.DOMAIN_MEMORY_STAT_AVAILABLE, memory),
            (c.DOMAIN_MEMORY_STAT_USABLE, memory // 2),
            (c.DOMAIN_MEMORY_STAT_LAST_UPDATE, LAST_UPDATE),
            (c.DOMAIN_MEMORY_STAT_DISK_CACHES, memory // 8),
            (c.DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC, 0),
            (c.DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL, 0),
            (c.DOMAIN_MEMORY_STAT_RSS, memory // 2),
        ]

    def domain_set_memory_stats_period(self, dom: DomainRef, period: int, flags: int = 0) -> None:
        not_negative(period, "period", "virDomainSetMemoryStatsPeriod")
        allowed(flags, AFFECT, "testDomainSetMemoryStatsPeriod")
        definition = self.guest(dom).one(flags)
        balloon = definition.model.devices.memballoon
        if balloon is None or balloon.model == "none":
            detail = "No memory balloon device configured, can not set the collection period"
            raise VirError(INTERNAL_ERROR, detail)
        changed = definition.change().devices.memballoon
        assert changed is not None
        changed.stats_period = period or None


def _usable(memory: int, function: str) -> None:
    """Refuse 0 and what is no number of bytes.  Errors: INVALID_ARG, OVERFLOW."""
    not_zero(memory, "memory", function)
    if memory * 1024 >= 1 << 63:
        raise VirError(OVERFLOW, f"input too large: {memory}")
