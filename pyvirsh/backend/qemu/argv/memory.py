"""The guest's memory: its size, what backs it, its nodes and its modules."""

from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.domain.cpu import Cell
from pyvirsh.backend.conf.domain.devices import MemoryModule, MemorySource
from pyvirsh.backend.conf.domain.filling.cpu import LOCAL_DISTANCE, REMOTE_DISTANCE
from pyvirsh.backend.conf.domain.tuning import HugePage, MemoryBacking
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, VirError
from pyvirsh.backend.qemu.argv.machine import has_hmat
from pyvirsh.backend.qemu.argv.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Props = dict[str, Any]

# QEMU addresses no more than this by default where a maximum is needed but none is stated, in KiB.
_POLICIES = {"strict": "bind", "preferred": "preferred", "interleave": "interleave", "restrictive": "bind"}
_MAXIMUM = 1 << 30


class Backend:
    """What memory of one kind needs: a type of object and its properties.

    needed: whether plain memory without a back end would not do.
    """

    def __init__(self, kind: str, props: "Props", *, needed: bool) -> None:
        self.kind = kind
        self.props = props
        self.needed = needed


def add(plan: Plan) -> None:
    """State the size of the memory and, without guest nodes, what backs it."""
    domain = plan.domain
    plugged = sum(module.target.size or 0 for module in domain.devices.memories if module.target)
    initial = (domain.memory or 0) - plugged
    parts = [f"size={initial}k"]
    if domain.max_memory is not None or plugged:
        if domain.memory_slots:
            parts.append(f"slots={domain.memory_slots}")
        parts.append(f"maxmem={domain.max_memory or domain.memory}k")
    plan.add("m", ",".join(parts))
    if not (domain.cpu and domain.cpu.cells):
        _whole(plan, initial)
    locked = domain.memory_backing is not None and domain.memory_backing.locked
    plan.add("overcommit", "mem-lock=" + ("on" if locked else "off"))


def _whole(plan: Plan, size: int) -> None:
    kind = plan.facts.machine(plan.domain.os.machine or "")
    if kind is None or not kind.ram_id:
        return
    backend = _choose(plan, kind.ram_id, size, node=None, cell=None)
    if backend.kind != "memory-backend-ram":
        props = {"x-use-canonical-path-for-ramblock-id": False}
        keys = ("hugetlb", "hugetlbsize", "mem-path", "discard-data", "share")
        first = {key: backend.props.pop(key) for key in keys if key in backend.props}
        backend.props = {**first, **props, **backend.props}
    _emit(plan, kind.ram_id, backend)


def _emit(plan: Plan, name: str, backend: Backend) -> None:
    """Append a back end, with the threads that prepare its memory on the right nodes."""
    nodes = backend.props.get("host-nodes")
    if backend.props.get("prealloc") and nodes and "thread-context" in plan.facts.objects:
        plan.object("thread-context", f"tc-{name}", {"node-affinity": nodes})
        backend.props["prealloc-context"] = f"tc-{name}"
    plan.object(backend.kind, name, backend.props)


# -- back ends -----------------------------------------------------------------------------------------


def _access(plan: Plan, module: MemoryModule, cell: "Cell | None") -> "str | None":
    """Return who may use memory: as the module says, else its node, else the guest; None: nobody said."""
    backing = plan.domain.memory_backing
    return (
        module.access
        or (cell.mem_access if cell is not None else None)
        or (backing.access_mode if backing is not None else None)
    )


def _choose(
    plan: Plan,
    name: str,
    size: int,
    *,
    node: "int | None",
    cell: "Cell | None",
    page: "int | None" = None,
    module: "MemoryModule | None" = None,
) -> Backend:
    """Return the back end of a guest node's memory, of the whole memory or of a module with its own pages."""
    backing = plan.domain.memory_backing or MemoryBacking()
    own = module or MemoryModule()
    shared = _access(plan, own, cell)
    discard = cell.discard if cell is not None and cell.discard else "yes" if backing.discard else None
    discard = own.discard or discard
    page = _page(plan, backing, node) if page is None else page
    props: Props = {}
    if backing.source_type == "memfd":
        kind = "memory-backend-memfd"
        if page:
            props["hugetlb"] = True
            props["hugetlbsize"] = page * 1024
    elif page:
        kind = "memory-backend-file"
        props["mem-path"] = _hugepage_path(plan, page)
    elif backing.source_type == "file" or shared is not None:
        kind = "memory-backend-file"
        props["mem-path"] = f"{plan.paths.memory}/{name}"
        _directory(plan, plan.paths.memory)
    else:
        kind = "memory-backend-ram"
    if discard is not None and kind == "memory-backend-file":
        props["discard-data"] = discard == "yes"
    if shared is not None and kind != "memory-backend-ram":
        props["share"] = shared == "shared"
    if page or backing.allocation_mode == "immediate":
        props["prealloc"] = True
    props["prealloc-threads"] = backing.allocation_threads
    props["size"] = size * 1024
    placed = _placement(plan, props, node)
    return Backend(kind, props, needed=placed or kind != "memory-backend-ram")


def _directory(plan: Plan, path: str) -> None:
    if path not in plan.command.directories:
        plan.command.directories.append(path)


def _page(plan: Plan, backing: MemoryBacking, node: "int | None") -> int:
    """Return the size of huge pages that memory is to be on, in KiB; 0 for normal pages."""
    if not backing.hugepages:
        return 0
    page = _stated_page(backing.pages, node)
    if page is None:
        return 0 if backing.pages else plan.host.default_hugepage
    return _huge(page.size)


def _huge(size: "int | None") -> int:
    """Return the size of huge pages; 0 for one that is that of normal pages."""
    return size if size is not None and size > 4 else 0


def _stated_page(pages: "list[HugePage]", node: "int | None") -> "HugePage | None":
    for page in pages:
        if page.nodeset and node is not None and node in sorted(bitmap.parse(page.nodeset)):
            return page
    return next((page for page in pages if not page.nodeset), None)


def _hugepage_path(plan: Plan, size: int) -> str:
    mount = plan.host.hugepages.get(size)
    if mount is None:
        detail = (
            f"memoryBacking/hugepages: no hugetlbfs with pages of {size} KiB is mounted: "
            f"mount -t hugetlbfs -o pagesize={size}K none /dev/hugepages"
        )
        raise VirError(CONFIG_UNSUPPORTED, detail)
    path = f"{mount}/{plan.paths.hugepages}"
    _directory(plan, path)
    return path


def _placement(plan: Plan, props: "Props", node: "int | None") -> bool:
    """Bind memory to nodes of the host; return whether it is bound."""
    tune = plan.domain.numatune
    if tune is None:
        return False
    mode, nodeset = tune.mode, tune.nodeset
    for memnode in tune.memnodes:
        if memnode.cellid == node and node is not None:
            mode, nodeset = memnode.mode or mode, memnode.nodeset
    if not nodeset or mode == "restrictive":
        return False
    props["host-nodes"] = sorted(bitmap.parse(nodeset))
    props["policy"] = _POLICIES[mode or "strict"]
    return True


# -- guest nodes ---------------------------------------------------------------------------------------


def nodes(plan: Plan) -> None:
    """Make the guest's NUMA nodes with their memory, distances, latencies and caches."""
    cpu = plan.domain.cpu
    if cpu is None or not cpu.cells:
        return
    kind = plan.facts.machine(plan.domain.os.machine or "")
    backends = [
        _choose(plan, f"ram-node{one.id}", one.memory or 0, node=one.id, cell=one) for one in cpu.cells
    ]
    bare = kind is not None and kind.numa_mem and not any(one.needed for one in backends)
    hmat = has_hmat(plan)
    backing = plan.domain.memory_backing
    if bare and backing is not None and backing.allocation_mode == "immediate":
        plan.add("mem-prealloc")
    for cell, backend in zip(cpu.cells, backends, strict=True):
        parts = [f"node,nodeid={cell.id}", *(f"cpus={part}" for part in _ranges(cell.cpus))]
        if hmat:
            parts.append(f"initiator={_initiator(cell, cpu.cells)}")
        if not bare:
            _emit(plan, f"ram-node{cell.id}", backend)
            parts.append(f"memdev=ram-node{cell.id}")
        else:
            parts.append(f"mem={(cell.memory or 0) // 1024}")
        plan.add("numa", ",".join(parts))
    _distances(plan, cpu.cells)
    if hmat:
        _heterogeneous(plan)


def _distances(plan: Plan, cells: "list[Cell]") -> None:
    """State how far all nodes are from each other, if one is farther or nearer than usual."""
    stated = {(cell.id, one.id): one.value for cell in cells for one in cell.siblings}
    usual = {
        (cell.id, other.id): LOCAL_DISTANCE if cell is other else REMOTE_DISTANCE
        for cell in cells
        for other in cells
    }
    # A node that states some distances but not all has none of the usual ones.
    told = {cell.id for cell in cells if cell.siblings}
    if any(value != stated.get(pair) for pair, value in usual.items() if pair[0] in told):
        for (here, there), value in (usual | stated).items():
            plan.add("numa", f"dist,src={here},dst={there},val={value}")


def _ranges(text: "str | None") -> "list[str]":
    """Return a set of CPUs as ranges: "0-3,^2" is "0-1" and "3"."""
    found: list[list[int]] = []
    for number in sorted(bitmap.parse(text)) if text else []:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [str(first) if first == last else f"{first}-{last}" for first, last in found]


def _initiator(cell: Cell, cells: "list[Cell]") -> int:
    """Return the node whose CPUs are nearest to a node's memory: itself, or the first with CPUs."""
    if cell.cpus:
        return cell.id or 0
    return next((other.id or 0 for other in cells if other.cpus), 0)


_HIERARCHY = {None: "memory", 0: "memory", 1: "first-level", 2: "second-level", 3: "third-level"}


def _heterogeneous(plan: Plan) -> None:
    """State latencies and bandwidths between nodes, and caches in front of their memory."""
    cpu = plan.domain.cpu
    if cpu is None:
        return
    for one in cpu.latencies:
        head = f"hmat-lb,initiator={one.initiator},target={one.target},hierarchy={_HIERARCHY[one.cache]}"
        plan.add("numa", f"{head},data-type={one.type}-latency,latency={one.value}")
    for band in cpu.bandwidths:
        head = f"hmat-lb,initiator={band.initiator},target={band.target},hierarchy={_HIERARCHY[band.cache]}"
        plan.add("numa", f"{head},data-type={band.type}-bandwidth,bandwidth={band.value}K")
    for cell in cpu.cells:
        for cache in cell.caches:
            associativity = {"full": "complex", "direct": "direct"}.get(cache.associativity or "", "none")
            policy = {"writeback": "write-back", "writethrough": "write-through"}.get(
                cache.policy or "", "none"
            )
            plan.add(
                "numa",
                f"hmat-cache,node-id={cell.id},size={cache.size}K,level={cache.level},"
                f"associativity={associativity},policy={policy},line={cache.line}",
            )


# -- modules -------------------------------------------------------------------------------------------

_DEVICES = {
    "dimm": "pc-dimm",
    "nvdimm": "nvdimm",
    "virtio-mem": "virtio-mem-pci",
    "virtio-pmem": "virtio-pmem-pci",
}


def modules(plan: Plan) -> None:
    """Plug in the memory modules."""
    for module in plan.domain.devices.memories:
        if module.model not in _DEVICES or module.target is None:
            raise VirError(CONFIG_UNSUPPORTED, f"memory model '{module.model}' is not supported")
        name = f"mem{module.info.alias}"
        backend = _module_backend(plan, module, module.info.alias or "")
        _emit(plan, name, backend)
        plan.device(_module(plan, module, name))


def _module_backend(plan: Plan, module: MemoryModule, name: str) -> Backend:
    target, source = module.target, module.source
    node = target.node if target is not None else None
    size = target.size or 0 if target is not None else 0
    cells = plan.domain.cpu.cells if plan.domain.cpu else []
    cell = next((one for one in cells if one.id == node), None)
    page = _huge(source.pagesize) if source is not None and source.pagesize else None
    if source is not None and source.path:
        backend = _file_backend(plan, module, cell, size)
    else:
        backend = _choose(plan, name, size, node=node, cell=cell, page=page, module=module)
    if module.model == "virtio-mem":
        size_props = backend.props.pop("size")
        for key in ("prealloc", "prealloc-threads"):
            backend.props.pop(key, None)
        backend.props = {
            **_first(backend.props),
            "reserve": False,
            "size": size_props,
            **_rest(backend.props),
        }
    if source is not None and source.nodemask:
        backend.props["host-nodes"] = sorted(bitmap.parse(source.nodemask))
        backend.props["policy"] = "bind"
    return backend


def _file_backend(plan: Plan, module: MemoryModule, cell: "Cell | None", size: int) -> Backend:
    """Return the back end of a module whose content is a file of its own."""
    source = module.source or MemorySource()
    backing = plan.domain.memory_backing or MemoryBacking()
    access = _access(plan, module, cell)
    props: Props = {"mem-path": source.path}
    if access is not None or module.model == "virtio-pmem":
        props["share"] = access != "private"
    if module.model == "nvdimm" and not source.pmem or backing.allocation_mode == "immediate":
        props["prealloc"] = True
    props["prealloc-threads"] = backing.allocation_threads
    props["size"] = size * 1024
    props["align"] = source.alignsize * 1024 if source.alignsize else None
    props["pmem"] = True if source.pmem else None
    return Backend("memory-backend-file", props, needed=True)


def _first(props: "Props") -> "Props":
    return {key: value for key, value in props.items() if key in ("mem-path", "share", "discard-data")}


def _rest(props: "Props") -> "Props":
    return {key: value for key, value in props.items() if key not in ("mem-path", "share", "discard-data")}


def _module(plan: Plan, module: MemoryModule, name: str) -> "Props":
    target = module.target
    if target is None:
        return {}
    backing = plan.domain.memory_backing
    pages = backing is not None and (backing.hugepages or backing.allocation_mode == "immediate")
    virtio_mem = module.model == "virtio-mem"
    prealloc = virtio_mem and (pages or (module.source is not None and _huge(module.source.pagesize)))
    return {
        "driver": _DEVICES[module.model],
        "node": target.node,
        "block-size": target.block * 1024 if target.block else None,
        "requested-size": target.requested * 1024 if target.requested else None,
        "label-size": target.label_size * 1024 if target.label_size else None,
        "uuid": module.uuid if module.model == "nvdimm" else None,
        "unarmed": True if target.readonly else None,
        "memdev": name,
        "prealloc": True if prealloc else None,
        "memaddr": target.address_base,
        "dynamic-memslots": True if target.dynamic_memslots == "yes" else None,
        "id": module.info.alias,
        **plan.address(module.info),
    }
