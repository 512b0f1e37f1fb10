"""The node's memory, by NUMA cell and page size, and the merging of equal pages.

Source: Linux's sysfs and procfs documentation; figures as libvirt's QEMU driver reports them.
"""

import os

from pyvirsh.backend.api import PARAM_UINT, PARAM_ULLONG, TypedParam
from pyvirsh.backend.checks import invalid
from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.errors import (
    INTERNAL_ERROR,
    OPERATION_FAILED,
    OPERATION_INVALID,
    OPERATION_UNSUPPORTED,
    VirError,
)
from pyvirsh.backend.host.cpus import SYSFS, read, read_number

ALL_CELLS = -1
KSM = "/sys/kernel/mm/ksm"
HUGE = "/sys/kernel/mm/hugepages"

# parameter of the node -> (file, type)
_SHARED = {
    "shm_pages_to_scan": ("pages_to_scan", PARAM_UINT),
    "shm_sleep_millisecs": ("sleep_millisecs", PARAM_UINT),
    "shm_pages_shared": ("pages_shared", PARAM_ULLONG),
    "shm_pages_sharing": ("pages_sharing", PARAM_ULLONG),
    "shm_pages_unshared": ("pages_unshared", PARAM_ULLONG),
    "shm_pages_volatile": ("pages_volatile", PARAM_ULLONG),
    "shm_full_scans": ("full_scans", PARAM_ULLONG),
    "shm_merge_across_nodes": ("merge_across_nodes", PARAM_UINT),
}
_WRITABLE = ("shm_pages_to_scan", "shm_sleep_millisecs", "shm_merge_across_nodes")


def cells() -> "list[int]":
    """Return the numbers of the NUMA cells; a host without NUMA is cell 0."""
    text = read(f"{SYSFS}/node/online")
    return sorted(bitmap.parse(text)) if text else [0]


def _meminfo(cell: int = ALL_CELLS) -> "dict[str, int]":
    """Return /proc/meminfo's figures, or those of a cell, in KiB."""
    path = "/proc/meminfo" if cell == ALL_CELLS else f"{SYSFS}/node/node{cell}/meminfo"
    found = {}
    for line in (read(path) or read("/proc/meminfo") or "").split("\n"):
        name, _, value = line.partition(":")
        words = value.split()
        if words:
            found[name.split()[-1]] = int(words[0])
    return found


def total() -> int:
    """Return the memory of all cells, in KiB."""
    return sum(_meminfo(cell).get("MemTotal", 0) for cell in cells())


def cell_total(cell: int) -> int:
    """Return a cell's memory in KiB."""
    return _meminfo(cell).get("MemTotal", 0)


def free() -> int:
    """Return the free memory of all cells, in bytes."""
    return sum(_meminfo(cell).get("MemFree", 0) for cell in cells()) * 1024


def cells_free(start: int, count: int) -> "list[int]":
    """Return the free memory of some cells, in bytes.  Errors: INTERNAL_ERROR."""
    last = max(cells())
    if start > last:
        raise VirError(INTERNAL_ERROR, f"start cell {start} out of range (0-{last})")
    wanted = range(start, min(start + count, last + 1))
    return [_meminfo(cell).get("MemFree", 0) * 1024 for cell in wanted]


def stats(cell: int) -> "list[tuple[str, int]]":
    """Return the memory figures of a cell, or all (-1), in KiB.  Errors: INVALID_ARG."""
    last = max(cells())
    if cell != ALL_CELLS and cell > last:
        raise invalid(f"cellNum in virHostMemGetStats must be less than or equal to {last}")
    figures = _meminfo(cell)
    names = (("total", "MemTotal"), ("free", "MemFree"), ("buffers", "Buffers"), ("cached", "Cached"))
    kept = names if cell == ALL_CELLS else names[:2]
    return [(name, figures.get(key, 0)) for name, key in kept]


# -- pages -------------------------------------------------------------------------------------------


def page_sizes() -> "list[int]":
    """Return the sizes of pages, in KiB, the usual one first."""
    sizes = [os.sysconf("SC_PAGE_SIZE") // 1024]
    try:
        names = os.listdir(HUGE)
    except FileNotFoundError:
        names = []
    return sizes + sorted(int(name.removeprefix("hugepages-").removesuffix("kB")) for name in names)


def _huge_directory(cell: int, size: int) -> str:
    return f"{SYSFS}/node/node{cell}/hugepages/hugepages-{size}kB"


def pages(cell: int, size: int) -> int:
    """Return how many pages of a size a cell has."""
    usual = page_sizes()[0]
    if size == usual:
        return cell_total(cell) // usual
    return read_number(f"{_huge_directory(cell, size)}/nr_hugepages")


def free_pages(sizes: "list[int]", start: int, count: int) -> "list[int]":
    """Return how many pages of each size are free, cell by cell.  Errors: OPERATION_FAILED and others."""
    last = max(cells())
    if start > last:
        raise VirError(INTERNAL_ERROR, f"start cell {start} out of range (0-{last})")
    return [_free(cell, size) for cell in range(start, min(start + count, last + 1)) for size in sizes]


def _free(cell: int, size: int) -> int:
    known = page_sizes()
    if size == known[0]:
        return _meminfo(cell).get("MemFree", 0) // size
    if size not in known:
        raise VirError(OPERATION_FAILED, f"page size {size} is not available on node {cell}")
    return read_number(f"{_huge_directory(cell, size)}/free_hugepages")


def allocate(size: int, count: int, cell: int, *, add: bool) -> None:
    """Set how many huge pages of a size a cell has, or add some.  Errors: OPERATION_FAILED and others."""
    if size == page_sizes()[0]:
        raise VirError(OPERATION_INVALID, "system pages pool can't be modified")
    path = f"{_huge_directory(cell, size)}/nr_hugepages"
    if not os.path.exists(path):
        raise VirError(OPERATION_FAILED, f"page size {size} is not available on node {cell}")
    wanted = count + (read_number(path) if add else 0)
    _write(path, wanted)
    got = read_number(path)
    if got < wanted:
        raise VirError(OPERATION_FAILED, f"Unable to allocate {wanted} pages. Allocated only {got}")


def _write(path: str, value: int) -> None:
    try:
        with open(path, "w") as file:
            file.write(str(value))
    except OSError as error:
        raise VirError(OPERATION_FAILED, f"cannot write {value} to '{path}': {error.strerror}") from error


# -- merging of equal pages --------------------------------------------------------------------------


def parameters() -> "list[TypedParam]":
    """Return how equal pages are merged.  Errors: OPERATION_UNSUPPORTED if the kernel does not."""
    if not os.path.isdir(KSM):
        raise VirError(OPERATION_UNSUPPORTED, "the kernel does not merge equal pages")
    found: list[TypedParam] = []
    for name, (file, kind) in _SHARED.items():
        text = read(f"{KSM}/{file}")
        if text is not None:
            found.append((name, kind, int(text)))
    return found


def set_parameters(params: "list[TypedParam]") -> None:
    """Change how equal pages are merged.  Errors: INVALID_ARG, OPERATION_FAILED."""
    for name, _, _ in params:
        if name not in _WRITABLE:
            raise invalid(f"parameter '{name}' not supported")
    for name, _, value in params:
        _write(f"{KSM}/{_SHARED[name][0]}", int(value))
