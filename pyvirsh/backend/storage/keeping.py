"""Which pools there are: definitions on disk, and a file per active pool that lasts until the next boot.

CONFIG/UUID/config.xml    the definition, as `store` keeps it; CONFIG/autostart/UUID a mark
RUNTIME/pools/UUID        what an active pool is
"""

import os

from pyvirsh.backend.api import StoragePoolRef
from pyvirsh.backend.conf import storagepool as conf
from pyvirsh.backend.conf import xml
from pyvirsh.backend.durable import make_directory, read_file, write_file
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    NO_STORAGE_POOL,
    OPERATION_FAILED,
    OPERATION_INVALID,
    VirError,
)
from pyvirsh.backend.locks import Lock
from pyvirsh.backend.store import Store, uuids_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

AUTOSTART = "autostart"
POOLS = "pools"
LOCKS = "pool-locks"
# Who reads it knows that the pools marked autostart were started after this boot.
BEGUN = "begun"


class PoolStore(Store):
    """Definitions of pools."""

    @staticmethod
    def taken(name: str, uuid: str) -> VirError:
        return VirError(OPERATION_FAILED, f"pool '{name}' already exists with uuid {uuid}")


class Found:
    """A pool as it was when looked at; `model` is the active one's if it is active."""

    def __init__(self, storage: "Storage", model: conf.Pool, *, active: bool) -> None:
        self.storage = storage
        self.model = model
        self.active = active

    @property
    def uuid(self) -> str:
        """Its UUID."""
        return self.model.uuid or ""

    @property
    def ref(self) -> StoragePoolRef:
        """A handle."""
        return StoragePoolRef(self.model.name, self.uuid)

    @property
    def path(self) -> str:
        """The directory of its volumes."""
        target = self.model.target
        return target.path or "" if target is not None else ""

    @property
    def persistent(self) -> bool:
        """Whether it has a definition."""
        return self.storage.store.exists(self.uuid)

    @property
    def autostart(self) -> bool:
        """Whether it is started after a boot."""
        return self.storage.store.is_marked(self.uuid, AUTOSTART)

    def must_run(self) -> None:
        """Check that it is active.  Errors: OPERATION_INVALID."""
        if not self.active:
            raise VirError(OPERATION_INVALID, f"storage pool '{self.model.name}' is not active")

    def must_rest(self, how: str = "still") -> None:
        """Check that it is not active.  Errors: OPERATION_INVALID."""
        if self.active:
            raise VirError(OPERATION_INVALID, f"storage pool '{self.model.name}' is {how} active")


class Storage:
    """The pools of one connection.

    runtime: returns this boot's directory, "" if there is none yet; make_runtime makes it.
    announce: tells listeners: (event id, name, UUID, values).
    """

    def __init__(
        self,
        config: str,
        runtime: "Callable[[], str]",
        make_runtime: "Callable[[], str]",
        new_uuid: "Callable[[], str]",
        announce: "Callable[[int, StoragePoolRef, tuple[int, ...]], None]",
    ) -> None:
        self.store = PoolStore(config, self.is_active)
        self.new_uuid = new_uuid
        self.announce = announce
        self._runtime = runtime
        self._make_runtime = make_runtime
        self._begun = False

    # -- looking -------------------------------------------------------------------------------------

    def is_active(self, uuid: str) -> bool:
        """Say whether a pool is active."""
        runtime = self._runtime()
        return bool(runtime) and os.access(f"{runtime}/{POOLS}/{uuid}", os.F_OK)

    def by_uuid(self, uuid: str) -> "Found | None":
        """Return a pool; None if there is none."""
        data, active = self._live(uuid), True
        if data is None:
            data, active = self.store.read(uuid), False
        return Found(self, _parse(data), active=active) if data else None

    def _live(self, uuid: str) -> "bytes | None":
        runtime = self._runtime()
        return read_file(f"{runtime}/{POOLS}/{uuid}") if runtime else None

    def find(self, ref: StoragePoolRef) -> Found:
        """Return the pool behind a handle.  Errors: NO_STORAGE_POOL."""
        found = self.by_uuid(ref.uuid)
        if found is None:
            detail = f"no storage pool with matching uuid '{ref.uuid}' ({ref.name})"
            raise VirError(NO_STORAGE_POOL, detail)
        return found

    def named(self, name: str) -> Found:
        """Return the pool of a name.  Errors: NO_STORAGE_POOL."""
        uuid = self.store.uuid_of(name)
        found = self.by_uuid(uuid) if uuid else None
        if found is None or found.model.name != name:
            raise VirError(NO_STORAGE_POOL, f"no storage pool with matching name '{name}'")
        return found

    def active_uuids(self) -> "set[str]":
        """Return the UUIDs of the active pools."""
        runtime = self._runtime()
        return set(uuids_in(f"{runtime}/{POOLS}")) if runtime else set()

    def all(self) -> "list[Found]":
        """Return all pools, in no order that means something."""
        found = [self.by_uuid(uuid) for uuid in sorted(self.store.uuids() | self.active_uuids())]
        return [pool for pool in found if pool is not None]

    def stored(self, uuid: str) -> "conf.Pool | None":
        """Return the persistent definition; None if there is none."""
        data = self.store.read(uuid)
        return _parse(data) if data else None

    # -- changing ------------------------------------------------------------------------------------

    def hold(self, uuid: str, purpose: str) -> Lock:
        """Return the lock of a pool, to be held while it is changed."""
        directory = f"{self._make_runtime()}/{LOCKS}"
        return Lock(directory, uuid, purpose, exists=lambda: self.store.exists(uuid) or self.is_active(uuid))

    def check_identity(self, model: conf.Pool) -> None:
        """Refuse a name that another UUID has, or a UUID that another name has.  Errors: OPERATION_FAILED."""
        uuid = model.uuid or ""
        holder = self.store.uuid_of(model.name)
        if holder is not None and holder != uuid:
            raise self.store.taken(model.name, holder)
        known = self.by_uuid(uuid)
        if known is not None and known.model.name != model.name:
            detail = f"pool '{known.model.name}' is already defined with uuid {uuid}"
            raise VirError(OPERATION_FAILED, detail)

    def set_active(self, model: conf.Pool) -> None:
        """Have a pool be active, whose name is claimed; the caller holds its lock."""
        self.store.claim(model.name, model.uuid or "")
        directory = f"{self._make_runtime()}/{POOLS}"
        make_directory(directory)
        write_file(f"{directory}/{model.uuid}", encoded(model), sync=False)

    def set_inactive(self, pool: Found) -> None:
        """Have a pool not be active; without a definition it is gone; the caller holds its lock."""
        try:
            os.unlink(f"{self._make_runtime()}/{POOLS}/{pool.uuid}")
        except FileNotFoundError:
            return
        if not pool.persistent:
            self.store.release(pool.model.name, pool.uuid)

    # -- after a boot --------------------------------------------------------------------------------

    def begin(self, start: "Callable[[Storage, Found], None]") -> None:
        """Start the pools that are to be started after a boot, once."""
        if self._begun:
            return
        self._begun = True
        marked = self.store.marked(AUTOSTART)
        if not marked or self._has_begun():
            return
        with Lock(f"{self._make_runtime()}/{LOCKS}", BEGUN, "start pools"):
            if self._has_begun():
                return
            for uuid in sorted(marked):
                pool = self.by_uuid(uuid)
                if pool is not None and not pool.active:
                    try:
                        start(self, pool)
                    except VirError:
                        continue  # it stays inactive, which everybody sees; the others start
            self.mark_begun()

    def _has_begun(self) -> bool:
        runtime = self._runtime()
        return bool(runtime) and os.access(f"{runtime}/{POOLS}/{BEGUN}", os.F_OK)

    def mark_begun(self) -> None:
        """Note that what is marked from now on is for the next boot."""
        directory = f"{self._make_runtime()}/{POOLS}"
        make_directory(directory)
        write_file(f"{directory}/{BEGUN}", b"", sync=False)


def encoded(model: conf.Pool) -> bytes:
    """Return a pool as it is kept."""
    return conf.format_pool(model).encode("utf-8", "surrogateescape")


def _parse(data: bytes) -> conf.Pool:
    return conf.parse_pool(xml.parse(data.decode("utf-8", "surrogateescape"), "(storage_pool)"), new_uuid=str)


def check_type(model: conf.Pool) -> None:
    """Refuse what this driver has not.  Errors: CONFIG_UNSUPPORTED, naming it."""
    if model.type != "dir":
        detail = f"storage pools of type '{model.type}' are not supported by this driver, only of type 'dir'"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    path = model.target.path if model.target is not None else None
    if not path or not path.startswith("/") or ".." in path.split("/") or "\n" in path:
        detail = f"the target of storage pool '{model.name}' must be an absolute path, not '{path}'"
        raise VirError(CONFIG_UNSUPPORTED, detail)
