"""Storage pools: directories of this host.

Source: libvirt API, virStoragePoolDefineXML and its kin; texts as observed of its storage driver.
"""

import os

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import StoragePoolRef, StorageVolRef
from pyvirsh.backend.checks import allowed, exclusive
from pyvirsh.backend.conf import shape, storageconflict
from pyvirsh.backend.conf import storagepool as conf
from pyvirsh.backend.conf import xml as documents
from pyvirsh.backend.conf.storagecommon import Permissions, clean_path
from pyvirsh.backend.errors import (
    INTERNAL_ERROR,
    NO_STORAGE_POOL,
    NO_SUPPORT,
    OPERATION_INVALID,
    SYSTEM_ERROR,
    VirError,
)
from pyvirsh.backend.storage.keeping import AUTOSTART, Found, Storage, check_type, encoded

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
_OVERWRITE = (c.STORAGE_POOL_BUILD_OVERWRITE, "STORAGE_POOL_BUILD_OVERWRITE")
_NO_OVERWRITE = (c.STORAGE_POOL_BUILD_NO_OVERWRITE, "STORAGE_POOL_BUILD_NO_OVERWRITE")
_CREATE_OVERWRITE = (c.STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE, "STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE")
_CREATE_NO_OVERWRITE = (
    c.STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE,
    "STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE",
)
_CREATE_FLAGS = c.STORAGE_POOL_CREATE_WITH_BUILD | _CREATE_OVERWRITE[0] | _CREATE_NO_OVERWRITE[0]


# -- finding -------------------------------------------------------------------------------------------


def storage_pool_lookup_by_name(storage: Storage, name: str) -> StoragePoolRef:
    return storage.named(name).ref


def storage_pool_lookup_by_uuid(storage: Storage, uuid: str) -> StoragePoolRef:
    found = storage.by_uuid(uuid)
    if found is None:
        raise VirError(NO_STORAGE_POOL, f"no storage pool with matching uuid '{uuid}'")
    return found.ref


def storage_pool_lookup_by_volume(storage: Storage, vol: StorageVolRef) -> StoragePoolRef:
    return storage.named(vol.pool).ref


def storage_pool_lookup_by_target_path(storage: Storage, path: str) -> StoragePoolRef:
    for pool in storage.all():
        if pool.active and pool.path == clean_path(path):
            return pool.ref
    raise VirError(NO_STORAGE_POOL, f"no storage pool with matching target path '{path}'")


def connect_list_all_storage_pools(storage: Storage, flags: int = 0) -> "list[StoragePoolRef]":
    allowed(flags, _LIST_FLAGS, "storageConnectListAllStoragePools")
    return [pool.ref for pool in storage.all() if _passes(pool, flags)]


def _passes(pool: Found, flags: int) -> bool:
    for yes, no, name in _FILTERS:
        if flags & (yes | no) and not flags & (yes if getattr(pool, name) else no):
            return False
    return not flags & _ALL_TYPES or bool(flags & _TYPES[pool.model.type])


def connect_find_storage_pool_sources(
    storage: Storage, type: str, src_spec: "str | None", flags: int = 0
) -> str:
    allowed(flags, 0, "storageConnectFindStoragePoolSources")
    if type not in conf.KINDS:
        raise VirError(INTERNAL_ERROR, f"unknown storage pool type {type}")
    raise VirError(NO_SUPPORT, f"pool type '{type}' does not support source discovery")


# -- reading -------------------------------------------------------------------------------------------


def storage_pool_is_active(storage: Storage, pool: StoragePoolRef) -> bool:
    return storage.find(pool).active


def storage_pool_is_persistent(storage: Storage, pool: StoragePoolRef) -> bool:
    return storage.find(pool).persistent


def storage_pool_get_info(storage: Storage, pool: StoragePoolRef) -> "tuple[int, int, int, int]":
    found = storage.find(pool)
    if not found.active:
        return c.STORAGE_POOL_INACTIVE, 0, 0, 0
    try:
        return (c.STORAGE_POOL_RUNNING, *_room(found.path))
    except OSError:
        return c.STORAGE_POOL_INACCESSIBLE, 0, 0, 0


def _room(path: str) -> "tuple[int, int, int]":
    """Return the capacity of a file system, what is used and what is free, as libvirt counts them."""
    status = os.statvfs(path)
    capacity = status.f_blocks * status.f_frsize
    available = status.f_bfree * status.f_frsize
    return capacity, capacity - available, available


def storage_pool_get_xml_desc(storage: Storage, pool: StoragePoolRef, flags: int = 0) -> str:
    allowed(flags, c.STORAGE_XML_INACTIVE, "storagePoolGetXMLDesc")
    found = storage.find(pool)
    stored = storage.stored(pool.uuid) if flags & c.STORAGE_XML_INACTIVE else None
    model = stored or found.model
    model.capacity = model.allocation = model.available = 0
    if found.active and stored is None:
        _observe(found)
    return conf.format_pool(model)


def _observe(pool: Found) -> None:
    """Fill in what the file system says."""
    model = pool.model
    try:
        status = os.stat(pool.path)
        model.capacity, model.allocation, model.available = _room(pool.path)
    except OSError:
        return
    assert model.target is not None
    model.target.permissions = permissions(status)


def permissions(status: os.stat_result) -> Permissions:
    """Return who may use a file."""
    mode = f"0{status.st_mode & 0o777:o}"
    return Permissions(mode=mode, owner=str(status.st_uid), group=str(status.st_gid))


def storage_pool_get_autostart(storage: Storage, pool: StoragePoolRef) -> bool:
    return storage.find(pool).autostart


def storage_pool_set_autostart(storage: Storage, pool: StoragePoolRef, autostart: int) -> None:
    with storage.hold(pool.uuid, "autostart"):
        found = storage.find(pool)
        if not found.persistent:
            raise VirError(INTERNAL_ERROR, "pool has no config file")
        if autostart:
            storage.mark_begun()
        storage.store.set_mark(pool.uuid, AUTOSTART, on=bool(autostart))


# -- definitions ---------------------------------------------------------------------------------------


def _read(storage: Storage, document: str, *, validate: bool) -> conf.Pool:
    root = documents.parse(document, "(storage_pool_definition)")
    if validate:
        shape.check(root, conf.Pool, "storagepool", ("name", "target"))
    model = conf.parse_pool(root, new_uuid=storage.new_uuid)
    check_type(model)
    return model


def _check_new(storage: Storage, model: conf.Pool) -> None:
    storage.check_identity(model)
    storageconflict.check([pool.model for pool in storage.all()], model)


def storage_pool_define_xml(storage: Storage, xml: str, flags: int = 0) -> StoragePoolRef:
    allowed(flags, c.STORAGE_POOL_DEFINE_VALIDATE, "storagePoolDefineXML")
    model = _read(storage, xml, validate=bool(flags))
    uuid = model.uuid or ""
    ref = StoragePoolRef(model.name, uuid)
    with storage.hold(uuid, "define"):
        _check_new(storage, model)
        if storage.store.exists(uuid):
            storage.store.write(uuid, encoded(model))
        else:
            storage.store.create(uuid, model.name, encoded(model))
    _tell(storage, ref, c.STORAGE_POOL_EVENT_DEFINED)
    return ref


def storage_pool_undefine(storage: Storage, pool: StoragePoolRef) -> None:
    with storage.hold(pool.uuid, "undefine"):
        found = storage.find(pool)
        found.must_rest()
        storage.store.set_mark(pool.uuid, AUTOSTART, on=False)
        storage.store.remove(pool.uuid, found.model.name)
    _tell(storage, pool, c.STORAGE_POOL_EVENT_UNDEFINED)


# -- life ----------------------------------------------------------------------------------------------


def storage_pool_create_xml(storage: Storage, xml: str, flags: int = 0) -> StoragePoolRef:
    _check_create(flags, "storagePoolCreateXML")
    model = _read(storage, xml, validate=False)
    uuid = model.uuid or ""
    with storage.hold(uuid, "create"):
        if storage.is_active(uuid):
            raise VirError(OPERATION_INVALID, f"pool is already active as '{model.name}'")
        _check_new(storage, model)
        _start(storage, Found(storage, model, active=False), build=bool(flags))
    ref = StoragePoolRef(model.name, uuid)
    _tell(storage, ref, c.STORAGE_POOL_EVENT_STARTED)
    return ref


def storage_pool_create(storage: Storage, pool: StoragePoolRef, flags: int = 0) -> None:
    _check_create(flags, "storagePoolCreate")
    with storage.hold(pool.uuid, "start"):
        found = storage.find(pool)
        found.must_rest("already")
        _start(storage, found, build=bool(flags))
    _tell(storage, pool, c.STORAGE_POOL_EVENT_STARTED)


def _check_create(flags: int, function: str) -> None:
    allowed(flags, _CREATE_FLAGS, function)
    exclusive(flags, _CREATE_OVERWRITE, _CREATE_NO_OVERWRITE)


def _start(storage: Storage, pool: Found, *, build: bool) -> None:
    if build:
        _build(pool)
    check_directory(pool)
    storage.set_active(pool.model)


def start_marked(storage: Storage, pool: Found) -> None:
    """Start a pool after a boot."""
    with storage.hold(pool.uuid, "start"):
        _start(storage, pool, build=False)


def check_directory(pool: Found) -> None:
    """Check that a pool's directory can be read.  Errors: SYSTEM_ERROR."""
    try:
        os.close(os.open(pool.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except OSError as error:
        detail = f"cannot open directory '{pool.path}': {error.strerror}"
        raise VirError(SYSTEM_ERROR, detail) from error


def storage_pool_destroy(storage: Storage, pool: StoragePoolRef) -> None:
    with storage.hold(pool.uuid, "destroy"):
        found = storage.find(pool)
        found.must_run()
        storage.set_inactive(found)
    _tell(storage, pool, c.STORAGE_POOL_EVENT_STOPPED)


def storage_pool_refresh(storage: Storage, pool: StoragePoolRef, flags: int = 0) -> None:
    """Check that the pool is still there; one whose directory has gone is stopped.

    Its volumes are read when they are asked for: there is nothing else to renew.
    """
    allowed(flags, 0, "storagePoolRefresh")
    with storage.hold(pool.uuid, "refresh"):
        found = storage.find(pool)
        found.must_run()
        try:
            check_directory(found)
        except VirError:
            storage.set_inactive(found)
            _tell(storage, pool, c.STORAGE_POOL_EVENT_STOPPED)
            raise
    storage.announce(c.STORAGE_POOL_EVENT_ID_REFRESH, pool, ())


def storage_pool_build(storage: Storage, pool: StoragePoolRef, flags: int = 0) -> None:
    allowed(flags, _OVERWRITE[0] | _NO_OVERWRITE[0], "storagePoolBuild")
    exclusive(flags, _OVERWRITE, _NO_OVERWRITE)
    with storage.hold(pool.uuid, "build"):
        found = storage.find(pool)
        found.must_rest("already")
        _build(found)
    _tell(storage, pool, c.STORAGE_POOL_EVENT_CREATED)


def _build(pool: Found) -> None:
    """Make a pool's directory and those above it; what its definition says of it is set on the last."""
    path = pool.path
    target = pool.model.target
    wanted = target.permissions if target is not None else None
    try:
        if not os.path.isdir(path):
            os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
            os.mkdir(path, 0o700)
        if wanted is not None:
            apply(wanted, os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), close=True)
    except OSError as error:
        detail = f"failed to create directory '{path}': {error.strerror}"
        raise VirError(SYSTEM_ERROR, detail) from error


def apply(wanted: Permissions, fd: int, *, close: bool = False) -> None:
    """Give an open file the mode and the owner that are wanted.  Errors: OSError."""
    try:
        if wanted.owner is not None or wanted.group is not None:
            os.fchown(fd, int(wanted.owner or -1), int(wanted.group or -1))
        if wanted.mode is not None:
            os.fchmod(fd, int(wanted.mode, 8))
    finally:
        if close:
            os.close(fd)


def storage_pool_delete(storage: Storage, pool: StoragePoolRef, flags: int = 0) -> None:
    allowed(flags, 0, "virStorageBackendDeleteLocal")
    with storage.hold(pool.uuid, "delete"):
        found = storage.find(pool)
        found.must_rest()
        try:
            os.rmdir(found.path)
        except OSError as error:
            detail = f"failed to remove pool '{found.path}': {error.strerror}"
            raise VirError(SYSTEM_ERROR, detail) from error
    _tell(storage, pool, c.STORAGE_POOL_EVENT_DELETED)


def _tell(storage: Storage, pool: StoragePoolRef, event: int) -> None:
    storage.announce(c.STORAGE_POOL_EVENT_ID_LIFECYCLE, pool, (event, 0))
