"""Storage volumes of the test host: names and sizes without data."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import StoragePoolRef, StorageVolRef
from pyvirsh.backend.checks import allowed, resized
from pyvirsh.backend.conf import shape, xml
from pyvirsh.backend.conf import storagevol as conf
from pyvirsh.backend.conf.storagevol import Volume
from pyvirsh.backend.errors import (
    INTERNAL_ERROR,
    NO_STORAGE_VOL,
    OPERATION_FAILED,
    OPERATION_INVALID,
    VirError,
    unsupported,
)
from pyvirsh.backend.test.base import TestBase
from pyvirsh.backend.test.storage import SIZE_MASK, TestPool, of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_NETWORKED = ("rbd", "sheepdog", "gluster", "iscsi-direct")
_FILES = ("dir", "fs", "netfs", "vstorage")


def load(pool: TestPool, element: xml.Element) -> None:
    """Take a volume of a node file in.  Errors: XML_ERROR and its kin."""
    volume = conf.parse_volume(element, pool.model.type)
    if volume.name in pool.volumes:
        raise VirError(INTERNAL_ERROR, text="An error occurred, but the cause is unknown")
    key, path = volume.key, volume.target.path
    place(pool, volume)
    volume.target.path = path or volume.target.path
    volume.key = key or volume.target.path
    pool.take(volume.allocation)
    pool.volumes[volume.name] = volume


def place(pool: TestPool, volume: Volume) -> None:
    """Decide a volume's path and key."""
    target = pool.model.target
    directory = target.path if target is not None else "(null)"
    volume.target.path = volume.key = f"{directory}/{volume.name}"
    volume.type = volume.type or "file"


def kind_of(pool: TestPool) -> int:
    """Return what volumes of a pool are, whatever their documents say."""
    if pool.model.type in _FILES:
        return c.STORAGE_VOL_FILE
    return c.STORAGE_VOL_NETWORK if pool.model.type in _NETWORKED else c.STORAGE_VOL_BLOCK


def ref_of(pool: TestPool, volume: Volume) -> StorageVolRef:
    """Return a handle."""
    return StorageVolRef(pool.model.name, volume.name, volume.key or "")


class VolumeCalls(TestBase):
    """Storage volumes."""

    def _running_pool(self, ref: StoragePoolRef) -> TestPool:
        pool = of(self.world).find(ref)
        pool.must_run()
        return pool

    def _volume(self, ref: StorageVolRef) -> "tuple[TestPool, Volume]":
        pool = of(self.world).named(ref.pool)
        pool.must_run()
        return pool, self._named(pool, ref.name)

    @staticmethod
    def _named(pool: TestPool, name: str) -> Volume:
        if name not in pool.volumes:
            raise VirError(NO_STORAGE_VOL, f"no storage vol with matching name '{name}'")
        return pool.volumes[name]

    def _all_volumes(self) -> "Iterator[tuple[TestPool, Volume]]":
        for pool in of(self.world).by_uuid.values():
            if pool.active:
                for volume in pool.volumes.values():
                    yield pool, volume

    # -- finding -----------------------------------------------------------------------------------

    def storage_vol_lookup_by_name(self, pool: StoragePoolRef, name: str) -> StorageVolRef:
        found = self._running_pool(pool)
        return ref_of(found, self._named(found, name))

    def storage_vol_lookup_by_key(self, key: str) -> StorageVolRef:
        for pool, volume in self._all_volumes():
            if volume.key == key:
                return ref_of(pool, volume)
        raise VirError(NO_STORAGE_VOL, f"no storage vol with matching key '{key}'")

    def storage_vol_lookup_by_path(self, path: str) -> StorageVolRef:
        for pool, volume in self._all_volumes():
            if volume.target.path == path:
                return ref_of(pool, volume)
        raise VirError(NO_STORAGE_VOL, f"no storage vol with matching path '{path}'")

    def storage_pool_lookup_by_volume(self, vol: StorageVolRef) -> StoragePoolRef:
        return of(self.world).named(vol.pool).ref

    def storage_pool_list_all_volumes(self, pool: StoragePoolRef, flags: int = 0) -> "list[StorageVolRef]":
        allowed(flags, 0, "testStoragePoolListAllVolumes")
        found = of(self.world).find(pool)
        if not found.active:
            raise VirError(OPERATION_INVALID, "storage pool is not active")
        return [ref_of(found, volume) for volume in found.volumes.values()]

    # -- reading -----------------------------------------------------------------------------------

    def storage_vol_get_info(self, vol: StorageVolRef) -> "tuple[int, int, int]":
        pool, volume = self._volume(vol)
        return kind_of(pool), volume.capacity, volume.allocation

    def storage_vol_get_xml_desc(self, vol: StorageVolRef, flags: int = 0) -> str:
        allowed(flags, 0, "testStorageVolGetXMLDesc")
        return conf.format_volume(self._volume(vol)[1])

    def storage_vol_get_path(self, vol: StorageVolRef) -> str:
        return self._volume(vol)[1].target.path or ""

    # -- making ------------------------------------------------------------------------------------

    def storage_vol_create_xml(self, pool: StoragePoolRef, xml: str, flags: int = 0) -> StorageVolRef:
        allowed(flags, c.STORAGE_VOL_CREATE_VALIDATE, "testStorageVolCreateXML")
        found = self._running_pool(pool)
        return _add(found, _new(found, xml, validate=bool(flags)))

    def storage_vol_create_xml_from(
        self, pool: StoragePoolRef, xml: str, vol: StorageVolRef, flags: int = 0
    ) -> StorageVolRef:
        allowed(flags, c.STORAGE_VOL_CREATE_VALIDATE, "testStorageVolCreateXMLFrom")
        found = self._running_pool(pool)
        volume = _new(found, xml, validate=bool(flags))
        self._named(found, vol.name)
        return _add(found, volume)

    def storage_vol_resize(self, vol: StorageVolRef, capacity: int, flags: int = 0) -> None:
        resized(capacity, flags)
        raise unsupported("virStorageVolResize")

    def storage_vol_delete(self, vol: StorageVolRef, flags: int = 0) -> None:
        allowed(flags, 0, "testStorageVolDelete")
        pool, volume = self._volume(vol)
        pool.take(-volume.allocation)
        del pool.volumes[volume.name]


def _new(pool: TestPool, document: str, *, validate: bool) -> Volume:
    root = xml.parse(document, "(storage_volume_definition)")
    if validate:
        shape.check(root, Volume, "storagevol", ("name", "target"))
    volume = conf.parse_volume(root, pool.model.type)
    if volume.name in pool.volumes:
        raise VirError(OPERATION_FAILED, "storage vol already exists")
    return volume


def _add(pool: TestPool, volume: Volume) -> StorageVolRef:
    """Take a volume in.  Errors: INTERNAL_ERROR when the pool is full."""
    model = pool.model
    assert model.capacity is not None and model.allocation is not None
    if model.allocation + volume.allocation & SIZE_MASK > model.capacity:
        detail = f"Not enough free space in pool for volume '{volume.name}'"
        raise VirError(INTERNAL_ERROR, detail)
    place(pool, volume)
    pool.take(volume.allocation)
    pool.volumes[volume.name] = volume
    return ref_of(pool, volume)
