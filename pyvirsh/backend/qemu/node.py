"""The node guests run on, as the QEMU driver reports it.

Source: libvirt API, virNodeGetInfo and its kin.
"""

from pyvirsh import LIBVIRT_VERSION
from pyvirsh.backend.api import TypedParam
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.errors import INVALID_ARG, VirError
from pyvirsh.backend.host import cpus, memory, system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.qemu.driver import QemuDriver

# How many virtual CPUs a guest may have, whatever its machine.
MAX_VCPUS = 255


def connect_get_version(driver: "QemuDriver") -> int:
    major, minor, micro = (*driver.facts(default_emulator()).version, 0, 0)[:3]
    return major * 1_000_000 + minor * 1000 + micro


def default_emulator() -> str:
    """Return the QEMU program of the node's own architecture."""
    import os

    from pyvirsh.backend.qemu import probe

    return probe.emulator(os.uname().machine)


def connect_get_lib_version(driver: "QemuDriver") -> int:
    major, minor, micro = (int(part) for part in LIBVIRT_VERSION.split("."))
    return major * 1_000_000 + minor * 1000 + micro


def connect_get_hostname(driver: "QemuDriver") -> str:
    return system.hostname()


def connect_get_sysinfo(driver: "QemuDriver", flags: int = 0) -> str:
    allowed(flags, 0, "qemuConnectGetSysinfo")
    return system.sysinfo()


def connect_get_max_vcpus(driver: "QemuDriver", type: "str | None") -> int:
    if type is None or type.lower() in ("qemu", "kvm"):
        return MAX_VCPUS
    raise VirError(INVALID_ARG, f"unknown type '{type}'")


def connect_get_cpu_model_names(driver: "QemuDriver", arch: str, flags: int = 0) -> "list[str]":
    from pyvirsh.backend.conf import cpumodels

    allowed(flags, 0, "qemuConnectGetCPUModelNames")
    return cpumodels.names(arch)


def node_get_info(driver: "QemuDriver") -> "tuple[str, int, int, int, int, int, int, int]":
    return system.info()


def node_get_cpu_map(driver: "QemuDriver", flags: int = 0) -> "tuple[bytes, int, int]":
    allowed(flags, 0, "virHostCPUGetMap")
    return cpus.cpu_map()


def node_get_cpu_stats(driver: "QemuDriver", cpu_num: int, flags: int = 0) -> "list[tuple[str, int]]":
    allowed(flags, 0, "virHostCPUGetStats")
    return cpus.stats(cpu_num)


def node_get_memory_stats(driver: "QemuDriver", cell_num: int, flags: int = 0) -> "list[tuple[str, int]]":
    allowed(flags, 0, "virHostMemGetStats")
    return memory.stats(cell_num)


def node_get_free_memory(driver: "QemuDriver") -> int:
    return memory.free()


def node_get_cells_free_memory(driver: "QemuDriver", start_cell: int, maxcells: int) -> "list[int]":
    return memory.cells_free(start_cell, maxcells)


def node_get_free_pages(
    driver: "QemuDriver", pages: "list[int]", start_cell: int, cell_count: int, flags: int = 0
) -> "list[int]":
    allowed(flags, 0, "qemuNodeGetFreePages")
    return memory.free_pages(pages, start_cell, cell_count)


def node_alloc_pages(
    driver: "QemuDriver",
    page_sizes: "list[int]",
    page_counts: "list[int]",
    start_cell: int,
    cell_count: int,
    flags: int = 0,
) -> int:
    set_pages = 1
    allowed(flags, set_pages, "qemuNodeAllocPages")
    cells = memory.cells() if start_cell == -1 else range(start_cell, start_cell + cell_count)
    done = 0
    for cell in cells:
        for size, count in zip(page_sizes, page_counts, strict=True):
            memory.allocate(size, count, cell, add=not flags & set_pages)
            done += 1
    return done


def node_get_memory_parameters(driver: "QemuDriver", flags: int = 0) -> "list[TypedParam]":
    return memory.parameters()


def node_set_memory_parameters(driver: "QemuDriver", params: "list[TypedParam]", flags: int = 0) -> None:
    memory.set_parameters(params)


def node_suspend_for_duration(driver: "QemuDriver", target: int, duration: int, flags: int = 0) -> None:
    allowed(flags, 0, "virNodeSuspend")
    system.sleep(target, duration)


def connect_get_capabilities(driver: "QemuDriver") -> str:
    from pyvirsh.backend.qemu import capabilities

    return capabilities.document(driver)


def connect_get_domain_capabilities(
    driver: "QemuDriver",
    emulatorbin: "str | None",
    arch: "str | None",
    machine: "str | None",
    virttype: "str | None",
    flags: int = 0,
) -> str:
    from pyvirsh.backend.qemu import domaincaps

    allowed(flags, 2, "qemuConnectGetDomainCapabilities")
    return domaincaps.document(driver, emulatorbin, arch, machine, virttype)
