"""Calls of old clients, and of those that still make them, in terms of the calls drivers have.

Each takes the driver and the fields of its message and returns the fields of its answer.
"""

from collections.abc import Callable
from typing import Any

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef, Driver, SnapshotRef, StoragePoolRef
from pyvirsh.backend.errors import INVALID_ARG, VirError

Handler = Callable[..., "tuple[Any, ...]"]
HANDLERS: "dict[str, Handler]" = {}

_ACTIVE, _INACTIVE = c.CONNECT_LIST_DOMAINS_ACTIVE, c.CONNECT_LIST_DOMAINS_INACTIVE


def _listing(number: str, names: str, method: str, flags: int, value: str = "name") -> None:
    """Add the pair of calls that count the objects and list them."""

    def found(driver: Driver) -> "list[Any]":
        return [getattr(ref, value) for ref in getattr(driver, method)(flags)]

    HANDLERS[number] = lambda driver: (len(found(driver)),)
    HANDLERS[names] = lambda driver, limit: (found(driver)[: max(limit, 0)],)


_PAIRS = (
    ("domains", "domains", _ACTIVE, "id"),
    ("defined_domains", "domains", _INACTIVE, "name"),
    ("networks", "networks", c.CONNECT_LIST_NETWORKS_ACTIVE, "name"),
    ("defined_networks", "networks", c.CONNECT_LIST_NETWORKS_INACTIVE, "name"),
    ("storage_pools", "storage_pools", c.CONNECT_LIST_STORAGE_POOLS_ACTIVE, "name"),
    ("defined_storage_pools", "storage_pools", c.CONNECT_LIST_STORAGE_POOLS_INACTIVE, "name"),
    ("interfaces", "interfaces", c.CONNECT_LIST_INTERFACES_ACTIVE, "name"),
    ("defined_interfaces", "interfaces", c.CONNECT_LIST_INTERFACES_INACTIVE, "name"),
    ("nwfilters", "nwfilters", 0, "name"),
    ("secrets", "secrets", 0, "uuid"),
)
for _kind, _objects, _flags, _value in _PAIRS:
    _listing(
        f"connect_num_of_{_kind}", f"connect_list_{_kind}", f"connect_list_all_{_objects}", _flags, _value
    )


def _handler(function: Handler) -> Handler:
    HANDLERS[function.__name__] = function
    return function


@_handler
def storage_pool_num_of_volumes(driver: Driver, pool: StoragePoolRef) -> "tuple[Any, ...]":
    return (len(driver.storage_pool_list_all_volumes(pool)),)


@_handler
def storage_pool_list_volumes(driver: Driver, pool: StoragePoolRef, limit: int) -> "tuple[Any, ...]":
    return ([vol.name for vol in driver.storage_pool_list_all_volumes(pool)][:limit],)


def _devices(driver: Driver, cap: "str | None") -> "list[str]":
    refs = driver.connect_list_all_node_devices(0)
    return [ref.name for ref in refs if cap is None or cap in driver.node_device_list_caps(ref.name)]


@_handler
def node_num_of_devices(driver: Driver, cap: "str | None", flags: int) -> "tuple[Any, ...]":
    return (len(_devices(driver, cap)),)


@_handler
def node_list_devices(driver: Driver, cap: "str | None", limit: int, flags: int) -> "tuple[Any, ...]":
    return (_devices(driver, cap)[:limit],)


@_handler
def node_device_num_of_caps(driver: Driver, name: str) -> "tuple[Any, ...]":
    return (len(driver.node_device_list_caps(name)),)


@_handler
def domain_create(driver: Driver, dom: DomainRef) -> "tuple[Any, ...]":
    driver.domain_create_with_flags(dom, 0)
    return ()


@_handler
def domain_snapshot_list_names(driver: Driver, dom: DomainRef, limit: int, flags: int) -> "tuple[Any, ...]":
    return ([ref.name for ref in driver.domain_list_all_snapshots(dom, flags)][:limit],)


@_handler
def domain_snapshot_list_children_names(
    driver: Driver, snap: SnapshotRef, limit: int, flags: int
) -> "tuple[Any, ...]":
    return ([ref.name for ref in driver.domain_snapshot_list_all_children(snap, flags)][:limit],)


@_handler
def connect_is_secure(driver: Driver) -> "tuple[Any, ...]":
    return (1,)


# Libvirt knows this many before it looks at the interface.
_INTERFACE_PARAMETERS = 6


@_handler
def domain_get_interface_parameters(
    driver: Driver, dom: DomainRef, device: str, nparams: int, flags: int
) -> "tuple[Any, ...]":
    try:
        params = driver.domain_get_interface_parameters(dom, device, flags)
    except VirError as error:
        if nparams or error.code != INVALID_ARG:
            raise
        return [], _INTERFACE_PARAMETERS
    return (params if nparams else []), len(params)


@_handler
def domain_get_cpu_stats(
    driver: Driver, dom: DomainRef, nparams: int, start_cpu: int, ncpus: int, flags: int
) -> "tuple[Any, ...]":
    """Answer with how many CPUs there are, how many values each has, or the values, by what is asked."""
    params = driver.domain_get_cpu_stats(dom, start_cpu, ncpus, flags)
    if not ncpus:
        return [], len(params)
    each = next((at for at in range(1, len(params)) if params[at][0] == params[0][0]), len(params))
    if not nparams:
        return [], each
    kept = min(each, nparams)
    return [param for at, param in enumerate(params) if at % each < kept], kept
