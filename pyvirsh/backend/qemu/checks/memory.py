"""Checks of memory modules against what the machine leaves room for."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.errors import refuse
from pyvirsh.backend.qemu.facts import Facts

# Modules that belong to a node where the guest has nodes.
OF_NODES = ("dimm", "nvdimm", "virtio-mem")


def check(domain: Domain, facts: Facts) -> None:
    """Check what backs the memory, and that modules have a place to be plugged in.

    Errors: CONFIG_UNSUPPORTED.
    """
    backing = domain.memory_backing
    if backing is not None and backing.hugepages:
        if backing.allocation_mode == "ondemand":
            raise refuse("hugepages are not allowed with memory allocation ondemand")
        if backing.source_type == "anonymous":
            raise refuse("hugepages are not allowed with anonymous memory source")
    modules = domain.devices.memories
    if not modules:
        return
    if domain.max_memory is None:
        raise refuse("cannot use/hotplug a memory device when domain 'maxMemory' is not defined")
    cells = domain.cpu.cells if domain.cpu is not None else []
    for module in modules:
        node = module.target.node if module.target is not None else None
        if module.model in OF_NODES and cells and node is None:
            raise refuse("target NUMA node needs to be specified for memory device")
        if module.model == "sgx-epc" and "memory-backend-epc" not in facts.objects:
            raise refuse("sgx epc isn't supported by this QEMU binary")
