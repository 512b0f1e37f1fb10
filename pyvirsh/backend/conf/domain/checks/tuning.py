"""Threads, huge pages and what is between NUMA nodes."""

from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.domain.cpu import Cell, Cpu
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.tuning import HugePage
from pyvirsh.backend.conf.model import repeats
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, XML_DETAIL, XML_ERROR, VirError


def check(domain: Domain) -> None:
    """Check I/O threads, huge pages, and caches and links of NUMA nodes."""
    _pools(domain)
    pages = domain.memory_backing.pages if domain.memory_backing is not None else []
    for at, page in enumerate(pages):
        for other in pages[:at]:
            _check_pages(page, other)
    if domain.cpu is not None:
        for cell in domain.cpu.cells:
            _check_caches(cell)
        _check_links(domain.cpu)


def _pools(domain: Domain) -> None:
    """Check how many threads each I/O thread may have for its work."""
    pools = [(thread.thread_pool_min, thread.thread_pool_max) for thread in domain.iothread_ids]
    for least, most in [*pools, (domain.default_iothread_pool_min, domain.default_iothread_pool_max)]:
        if most is not None and most <= 0:
            raise VirError(CONFIG_UNSUPPORTED, "thread_pool_max must be a positive integer")
        if least is not None and (most is None or least > most):
            detail = "thread_pool_min must be smaller or equal to thread_pool_max"
            raise VirError(CONFIG_UNSUPPORTED, detail)


def _check_pages(page: HugePage, other: HugePage) -> None:
    if page.nodeset is None and other.nodeset is None:
        raise VirError(XML_DETAIL, f"two master hugepages detected: {page.size} and {other.size}")
    if page.nodeset and other.nodeset and bitmap.parse(page.nodeset) & bitmap.parse(other.nodeset):
        detail = f"nodeset attribute of hugepages of sizes {page.size} and {other.size} intersect"
        raise VirError(XML_DETAIL, detail)


def _check_caches(cell: Cell) -> None:
    for level in repeats(cache.level for cache in cell.caches):
        raise VirError(XML_ERROR, f"Cache level '{level}' already defined")


def _check_links(cpu: Cpu) -> None:
    seen: set[tuple[str, int | None, int | None, int | None, str | None]] = set()
    for kind, links in (("latencies", cpu.latencies), ("bandwidths", cpu.bandwidths)):
        for link in links:
            _check_link(cpu.cells, link.initiator or 0, link.target or 0, link.cache)
            key = (kind, link.initiator, link.target, link.cache, link.type)
            if key in seen:
                raise VirError(XML_ERROR, "Duplicate info for NUMA latencies")
            seen.add(key)


def _check_link(cells: "list[Cell]", initiator: int, target: int, cache: "int | None") -> None:
    for name, number in (("initiator", initiator), ("target", target)):
        if number >= len(cells):
            raise VirError(XML_ERROR, f"'{name}' refers to a non-existent NUMA node")
    if not cells[initiator].cpus:
        raise VirError(XML_ERROR, "NUMA nodes without CPUs can't be initiator")
    if cache and all(one.level != cache for one in cells[target].caches):
        raise VirError(XML_ERROR, "'cache' refers to a non-existent NUMA node cache")
