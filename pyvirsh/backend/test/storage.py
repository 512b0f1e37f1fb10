"""Storage pools of the test host: they start and stop, no storage is touched."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import StoragePoolRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.conf import storageconflict, xml
from pyvirsh.backend.conf import storagepool as conf
from pyvirsh.backend.conf.storagepool import Pool
from pyvirsh.backend.conf.storagevol import Volume
from pyvirsh.backend.errors import (
    INTERNAL_ERROR,
    INVALID_ARG,
    NO_STORAGE_POOL,
    NO_SUPPORT,
    OPERATION_FAILED,
    OPERATION_INVALID,
    VirError,
)
from pyvirsh.backend.test import nodedev
from pyvirsh.backend.test.base import TestBase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.test.world import World

CAPACITY = 100 * 1024**3
# Sizes are counted as C's unsigned long long: what is taken from nothing wraps.
SIZE_MASK = (1 << 64) - 1
DEFAULT = """\
<pool type='dir'>
  <name>default-pool</name>
  <uuid>dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566</uuid>
  <target>
    <path>/default-pool</path>
  </target>
</pool>
"""
_FILTERS = (
    (c.CONNECT_LIST_STORAGE_POOLS_ACTIVE, c.CONNECT_LIST_STORAGE_POOLS_INACTIVE, "active"),
    (c.CONNECT_LIST_STORAGE_POOLS_PERSISTENT, c.CONNECT_LIST_STORAGE_POOLS_TRANSIENT, "persistent"),
    (c.CONNECT_LIST_STORAGE_POOLS_AUTOSTART, c.CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART, "autostart"),
)
_TYPES = {
    kind: getattr(c, "CONNECT_LIST_STORAGE_POOLS_" + kind.upper().replace("-", "_")) for kind in conf.KINDS
}
_ALL_TYPES = sum(_TYPES.values())
_LIST_FLAGS = _ALL_TYPES | sum(yes | no for yes, no, _ in _FILTERS)


class TestPool:
    """A pool and its volumes by name."""

    __test__ = False  # not a case for pytest

    def __init__(self, model: Pool) -> None:
        self.model = model
        self.active = False
        self.persistent = False
        self.autostart = False
        self.volumes: dict[str, Volume] = {}

    @property
    def ref(self) -> StoragePoolRef:
        """Return a handle."""
        return StoragePoolRef(self.model.name, self.model.uuid or "")

    def reset_sizes(self) -> None:
        """Say that it has the usual size and nothing is taken, whatever volumes it has."""
        self.model.capacity = self.model.available = CAPACITY
        self.model.allocation = 0

    def take(self, size: int) -> None:
        """Count `size` bytes as used, or as free again when below 0."""
        model = self.model
        assert model.capacity is not None and model.allocation is not None
        model.allocation = model.allocation + size & SIZE_MASK
        model.available = model.capacity - model.allocation & SIZE_MASK

    def must_run(self) -> None:
        """Check that it is active.  Errors: OPERATION_INVALID."""
        if not self.active:
            raise VirError(OPERATION_INVALID, f"storage pool '{self.model.name}' is not active")

    def must_rest(self) -> None:
        """Check that it is not active.  Errors: OPERATION_INVALID."""
        if self.active:
            raise VirError(OPERATION_INVALID, f"storage pool '{self.model.name}' is active")


class Pools:
    """All pools of a host, by UUID."""

    def __init__(self) -> None:
        self.by_uuid: dict[str, TestPool] = {}

    def find(self, ref: StoragePoolRef) -> TestPool:
        """Return the pool behind a handle.  Errors: NO_STORAGE_POOL."""
        pool = self.by_uuid.get(ref.uuid)
        if pool is None:
            detail = f"no storage pool with matching uuid '{ref.uuid}' ({ref.name})"
            raise VirError(NO_STORAGE_POOL, detail)
        return pool

    def named(self, name: str) -> TestPool:
        """Return the pool called `name`.  Errors: NO_STORAGE_POOL."""
        for pool in self.by_uuid.values():
            if pool.model.name == name:
                return pool
        raise VirError(NO_STORAGE_POOL, f"no storage pool with matching name '{name}'")

    def add(self, model: Pool, *, active: bool) -> TestPool:
        """Take a definition in; one of a pool that runs changes nothing of it.

        active: whether it is to be started.  Errors: OPERATION_FAILED, OPERATION_INVALID.
        """
        storageconflict.check((pool.model for pool in self.by_uuid.values()), model)
        same = self.by_uuid.get(model.uuid or "")
        if same is not None:
            name = same.model.name
            if name != model.name:
                detail = f"pool '{name}' is already defined with uuid {model.uuid}"
                raise VirError(OPERATION_FAILED, detail)
            if active and same.active:
                raise VirError(OPERATION_INVALID, f"pool is already active as '{name}'")
            if not same.active:
                same.model = model
        else:
            self._check_name(model.name)
            same = self.by_uuid[model.uuid or ""] = TestPool(model)
        same.reset_sizes()
        return same

    def _check_name(self, name: str) -> None:
        for pool in self.by_uuid.values():
            if pool.model.name == name:
                detail = f"pool '{name}' already exists with uuid {pool.model.uuid}"
                raise VirError(OPERATION_FAILED, detail)


def of(world: "World") -> Pools:
    """Return a host's pools."""
    if world.pools is None:
        world.pools = Pools()
        if world.built_in:
            model = conf.parse_pool(xml.parse(DEFAULT), new_uuid=world.new_uuid)
            pool = world.pools.add(model, active=True)
            pool.active = pool.persistent = True
    return world.pools


def load(world: "World", element: xml.Element) -> None:
    """Take a pool of a node file in, with its volumes; it runs and is persistent."""
    from pyvirsh.backend.test import volumes

    pool = of(world).add(conf.parse_pool(element, new_uuid=world.new_uuid), active=False)
    pool.active = pool.persistent = True
    for child in element.iterfind("volume"):
        volumes.load(pool, child)


class PoolCalls(TestBase):
    """Storage pools."""

    def _pool(self, ref: StoragePoolRef) -> TestPool:
        return of(self.world).find(ref)

    def _parse_pool(self, document: str, *, validate: bool = False) -> Pool:
        root = xml.parse(document, "(storage_pool_definition)")
        if validate:
            conf.check_shape(root)
        return conf.parse_pool(root, new_uuid=self.world.new_uuid)

    def _pool_event(self, ref: StoragePoolRef, event: int) -> None:
        self.world.emit("storage_pool", c.STORAGE_POOL_EVENT_ID_LIFECYCLE, ref, (event, 0))

    # -- finding -----------------------------------------------------------------------------------

    def storage_pool_lookup_by_name(self, name: str) -> StoragePoolRef:
        return of(self.world).named(name).ref

    def storage_pool_lookup_by_uuid(self, uuid: str) -> StoragePoolRef:
        pool = of(self.world).by_uuid.get(uuid)
        if pool is None:
            raise VirError(NO_STORAGE_POOL, f"no storage pool with matching uuid '{uuid}'")
        return pool.ref

    def connect_list_all_storage_pools(self, flags: int = 0) -> "list[StoragePoolRef]":
        allowed(flags, _LIST_FLAGS, "testConnectListAllStoragePools")
        return [pool.ref for pool in of(self.world).by_uuid.values() if _passes(pool, flags)]

    def connect_find_storage_pool_sources(self, type: str, src_spec: "str | None", flags: int = 0) -> str:
        allowed(flags, 0, "testConnectFindStoragePoolSources")
        return find_sources(type, src_spec)

    def storage_pool_is_active(self, pool: StoragePoolRef) -> bool:
        return self._pool(pool).active

    def storage_pool_is_persistent(self, pool: StoragePoolRef) -> bool:
        return self._pool(pool).persistent

    def storage_pool_get_info(self, pool: StoragePoolRef) -> "tuple[int, int, int, int]":
        found = self._pool(pool)
        model = found.model
        state = c.STORAGE_POOL_RUNNING if found.active else c.STORAGE_POOL_INACTIVE
        return state, model.capacity or 0, model.allocation or 0, model.available or 0

    def storage_pool_get_xml_desc(self, pool: StoragePoolRef, flags: int = 0) -> str:
        allowed(flags, 0, "testStoragePoolGetXMLDesc")
        return conf.format_pool(self._pool(pool).model)

    def storage_pool_get_autostart(self, pool: StoragePoolRef) -> bool:
        found = self._pool(pool)
        return found.persistent and found.autostart

    def storage_pool_set_autostart(self, pool: StoragePoolRef, autostart: int) -> None:
        found = self._pool(pool)
        if not found.persistent:
            raise VirError(INVALID_ARG, "pool has no config file")
        found.autostart = bool(autostart)

    # -- life --------------------------------------------------------------------------------------

    def storage_pool_define_xml(self, xml: str, flags: int = 0) -> StoragePoolRef:
        allowed(flags, c.STORAGE_POOL_DEFINE_VALIDATE, "testStoragePoolDefineXML")
        pool = of(self.world).add(self._parse_pool(xml, validate=bool(flags)), active=False)
        pool.persistent = True
        self._pool_event(pool.ref, c.STORAGE_POOL_EVENT_DEFINED)
        return pool.ref

    def storage_pool_create_xml(self, xml: str, flags: int = 0) -> StoragePoolRef:
        allowed(flags, 0, "testStoragePoolCreateXML")
        pools = of(self.world)
        pool = pools.add(self._parse_pool(xml), active=True)
        if (adapter := pool.model.source.virtual_adapter) is not None:
            try:
                nodedev.add_virtual_host(self.world, adapter)
            except VirError:
                del pools.by_uuid[pool.ref.uuid]
                raise
        pool.active, pool.persistent = True, False
        self._pool_event(pool.ref, c.STORAGE_POOL_EVENT_STARTED)
        return pool.ref

    def storage_pool_create(self, pool: StoragePoolRef, flags: int = 0) -> None:
        allowed(flags, 0, "testStoragePoolCreate")
        found = self._pool(pool)
        found.must_rest()
        found.active = True
        self._pool_event(pool, c.STORAGE_POOL_EVENT_STARTED)

    def storage_pool_build(self, pool: StoragePoolRef, flags: int = 0) -> None:
        allowed(flags, 0, "testStoragePoolBuild")
        self._pool(pool).must_rest()
        self._pool_event(pool, c.STORAGE_POOL_EVENT_CREATED)

    def storage_pool_destroy(self, pool: StoragePoolRef) -> None:
        found = self._pool(pool)
        found.must_run()
        found.active = False
        if found.model.source.virtual_adapter is not None:
            nodedev.drop_virtual_host(self.world)
        if not found.persistent:
            del of(self.world).by_uuid[pool.uuid]
        self._pool_event(pool, c.STORAGE_POOL_EVENT_STOPPED)

    def storage_pool_delete(self, pool: StoragePoolRef, flags: int = 0) -> None:
        allowed(flags, 0, "testStoragePoolDelete")
        self._pool(pool).must_rest()
        self._pool_event(pool, c.STORAGE_POOL_EVENT_DELETED)

    def storage_pool_undefine(self, pool: StoragePoolRef) -> None:
        self._pool(pool).must_rest()
        del of(self.world).by_uuid[pool.uuid]
        self._pool_event(pool, c.STORAGE_POOL_EVENT_UNDEFINED)

    def storage_pool_refresh(self, pool: StoragePoolRef, flags: int = 0) -> None:
        allowed(flags, 0, "testStoragePoolRefresh")
        self._pool(pool).must_run()
        self.world.emit("storage_pool", c.STORAGE_POOL_EVENT_ID_REFRESH, pool, ())

    # -- events ------------------------------------------------------------------------------------

    def connect_storage_pool_event_register_any(self, event_id: int, pool: "StoragePoolRef | None") -> int:
        if pool is not None:
            self._pool(pool)
        return self.mailbox.register("storage_pool", event_id, pool)

    def connect_storage_pool_event_deregister_any(self, callback_id: int) -> None:
        self.mailbox.deregister("storage_pool", callback_id)


def _passes(pool: TestPool, flags: int) -> bool:
    for yes, no, name in _FILTERS:
        if flags & (yes | no) and not flags & (yes if getattr(pool, name) else no):
            return False
    return not flags & _ALL_TYPES or bool(flags & _TYPES[pool.model.type])


# -- what storage there is ---------------------------------------------------------------------------


def find_sources(kind: str, document: "str | None") -> str:
    """Return the made-up sources of a kind.  Errors: INTERNAL_ERROR, NO_SUPPORT, INVALID_ARG, XML_ERROR."""
    sources = xml.Node("sources")
    if kind == next(iter(conf.KINDS)):
        raise VirError(INTERNAL_ERROR, f"unknown storage pool type {kind}")
    spec = None
    if document:
        spec = conf.parse_source(xml.parse(document, "(storage_source_specification)"), kind)
    if kind == "logical":
        found = [_volume_group("testvg1", "/dev/sda20"), _volume_group("testvg2", "/dev/sda21")]
    elif kind == "netfs":
        if spec is None or not spec.hosts:
            raise VirError(INVALID_ARG, "hostname must be specified for netfs sources")
        host = spec.hosts[0].copy()
        host.port = None
        found = [conf.Source(hosts=[host], dir="/testshare", format="nfs")]
    else:
        raise VirError(NO_SUPPORT, f"pool type '{kind}' does not support source discovery")
    sources.kids.extend(source.to_node() for source in found)
    return xml.write(sources)


def _volume_group(name: str, device: str) -> conf.Source:
    return conf.Source(devices=[conf.Device(path=device)], name=name, format="lvm2")
