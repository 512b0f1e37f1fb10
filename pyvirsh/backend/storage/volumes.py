"""Storage volumes: the files and directories in a pool's directory, read when they are asked for.

Links are not followed and count for nothing; so do devices, sockets and names no volume can have.
Source: libvirt API, virStorageVolGetInfo and its kin; texts as observed of its storage driver.
"""

import os
import stat

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import StoragePoolRef, StorageVolRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.conf import storagevol as conf
from pyvirsh.backend.conf.storagecommon import clean_path
from pyvirsh.backend.errors import NO_STORAGE_VOL, OPERATION_INVALID, SYSTEM_ERROR, VirError
from pyvirsh.backend.storage import headers
from pyvirsh.backend.storage.keeping import Found, Storage
from pyvirsh.backend.storage.pools import permissions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

NAME_MAX = 255
BLOCK = 512
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def fault_of_name(name: str) -> str:
    """Say what is wrong with a volume's name; "" if nothing is."""
    if "/" in name:
        return f"volume name '{name}' cannot contain '/'"
    if not name or name[0] in ".-":
        return f"volume name '{name}' must not be empty or start with '.' or '-'"
    if any(char < " " or char == "\x7f" for char in name):
        return "volume name must not contain control characters"
    if len(os.fsencode(name)) > NAME_MAX:
        return f"volume name '{name}' is too long: at most {NAME_MAX} bytes are possible"
    return ""


def check_name(name: str) -> None:
    """Refuse a name no volume can have.  Errors: OPERATION_INVALID."""
    fault = fault_of_name(name)
    if fault:
        raise VirError(OPERATION_INVALID, fault)


class Directory:
    """An active pool's directory, open; for `with`."""

    def __init__(self, pool: Found) -> None:
        pool.must_run()
        self.pool = pool
        self.fd = -1

    def __enter__(self) -> "Self":
        try:
            self.fd = os.open(self.pool.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            detail = f"cannot open directory '{self.pool.path}': {error.strerror}"
            raise VirError(SYSTEM_ERROR, detail) from error
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    def path(self, name: str) -> str:
        """Return a volume's path."""
        return f"{self.pool.path}/{name}"

    def open(self, name: str, flags: int = _READ) -> int:
        """Open a file or directory of the pool, never through a link.  Errors: OSError."""
        fd = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.fd)
        os.set_blocking(fd, True)
        return fd

    def find(self, name: str) -> "Volume | None":
        """Return the volume of a name; None if there is none."""
        if fault_of_name(name):
            return None
        try:
            status = os.stat(name, dir_fd=self.fd, follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
                return None
            fd = self.open(name)
        except OSError:
            return None
        try:
            status = os.fstat(fd)
            if stat.S_ISREG(status.st_mode):
                return Volume(self.pool, name, status, headers.read(fd))
            return Volume(self.pool, name, status, headers.Image("dir", 0))
        finally:
            os.close(fd)

    def all(self) -> "list[Volume]":
        """Return the volumes, by name."""
        found = [self.find(name) for name in sorted(os.listdir(self.fd))]
        return [volume for volume in found if volume is not None]

    def ref(self, name: str) -> StorageVolRef:
        """Return a volume's handle."""
        return StorageVolRef(self.pool.model.name, name, self.path(name))

    def must_have(self, name: str) -> "Volume":
        """Return a volume.  Errors: NO_STORAGE_VOL."""
        volume = self.find(name)
        if volume is None:
            raise VirError(NO_STORAGE_VOL, f"no storage vol with matching name '{name}'")
        return volume


class Volume:
    """A volume as it was when looked at."""

    def __init__(self, pool: Found, name: str, status: os.stat_result, image: headers.Image) -> None:
        self.pool = pool
        self.name = name
        self.status = status
        self.image = image

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def path(self) -> str:
        """Its path, which is its key too."""
        return f"{self.pool.path}/{self.name}"

    @property
    def capacity(self) -> int:
        """How much a guest sees."""
        return self.status.st_size if self.image.capacity is None else self.image.capacity

    @property
    def allocation(self) -> int:
        """How much room it takes."""
        return 0 if self.is_directory else self.status.st_blocks * BLOCK

    @property
    def base_path(self) -> "str | None":
        """Where the image below it is, if that is a file."""
        name = self.image.base
        if name is None:
            return None
        name = name.removeprefix("file:")
        if ":" in name.split("/", 1)[0]:
            return name
        return os.path.normpath(os.path.join(self.pool.path, name))


def directory(storage: Storage, vol: StorageVolRef) -> Directory:
    """Return the directory a volume is in, to be opened.  Errors: NO_STORAGE_POOL, OPERATION_INVALID."""
    return Directory(storage.named(vol.pool))


# -- finding -------------------------------------------------------------------------------------------


def storage_pool_list_all_volumes(
    storage: Storage, pool: StoragePoolRef, flags: int = 0
) -> "list[StorageVolRef]":
    allowed(flags, 0, "storagePoolListAllVolumes")
    with Directory(storage.find(pool)) as place:
        return [place.ref(volume.name) for volume in place.all()]


def storage_vol_lookup_by_name(storage: Storage, pool: StoragePoolRef, name: str) -> StorageVolRef:
    with Directory(storage.find(pool)) as place:
        return place.ref(place.must_have(name).name)


def storage_vol_lookup_by_key(storage: Storage, key: str) -> StorageVolRef:
    return _by_path(storage, key, "key")


def storage_vol_lookup_by_path(storage: Storage, path: str) -> StorageVolRef:
    return _by_path(storage, path, "path")


def _by_path(storage: Storage, path: str, what: str) -> StorageVolRef:
    parent, name = os.path.split(clean_path(path) if what == "path" else path)
    for pool in storage.all():
        if pool.active and pool.path == parent:
            try:
                with Directory(pool) as place:
                    if place.find(name) is not None:
                        return place.ref(name)
            except VirError:
                continue  # its directory cannot be read: the volume is not there
    raise VirError(NO_STORAGE_VOL, f"no storage vol with matching {what} '{path}'")


# -- reading -------------------------------------------------------------------------------------------


def storage_vol_get_info(storage: Storage, vol: StorageVolRef) -> "tuple[int, int, int]":
    return storage_vol_get_info_flags(storage, vol)


def storage_vol_get_info_flags(
    storage: Storage, vol: StorageVolRef, flags: int = 0
) -> "tuple[int, int, int]":
    allowed(flags, c.STORAGE_VOL_GET_PHYSICAL, "storageVolGetInfoFlags")
    with directory(storage, vol) as place:
        volume = place.must_have(vol.name)
    if volume.is_directory:
        return c.STORAGE_VOL_DIR, 0, 0
    taken = volume.status.st_size if flags & c.STORAGE_VOL_GET_PHYSICAL else volume.allocation
    return c.STORAGE_VOL_FILE, volume.capacity, taken


def storage_vol_get_path(storage: Storage, vol: StorageVolRef) -> str:
    with directory(storage, vol) as place:
        return place.must_have(vol.name).path


def storage_vol_get_xml_desc(storage: Storage, vol: StorageVolRef, flags: int = 0) -> str:
    allowed(flags, 0, "storageVolGetXMLDesc")
    with directory(storage, vol) as place:
        return conf.format_volume(describe(place.must_have(vol.name)))


def describe(volume: Volume) -> conf.Volume:
    """Return the model of a volume."""
    image = volume.image
    target = conf.Target(
        path=volume.path,
        format=image.format,
        permissions=permissions(volume.status),
        timestamps=_times(volume.status),
        compat=image.compat,
        cluster_size=image.cluster_size,
    )
    if image.compat == "1.1":
        target.features = conf.Features(lazy_refcounts=image.lazy_refcounts, extended_l2=image.extended_l2)
    return conf.Volume(
        type="dir" if volume.is_directory else "file",
        name=volume.name,
        key=volume.path,
        capacity=volume.capacity,
        allocation=volume.allocation,
        physical=None if volume.is_directory else volume.status.st_size,
        target=target,
        backing=_backing(volume),
    )


def _backing(volume: Volume) -> "conf.BackingStore | None":
    path = volume.base_path
    if path is None:
        return None
    backing = conf.BackingStore(path=path, format=volume.image.base_format)
    try:
        status = os.stat(path, follow_symlinks=False)
    except (OSError, ValueError):
        return backing
    backing.permissions = permissions(status)
    backing.timestamps = _times(status)
    return backing


def _times(status: os.stat_result) -> conf.Timestamps:
    shown = [_time(value) for value in (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)]
    # When a file was made is not told by stat: libvirt says 0 too.
    return conf.Timestamps(atime=shown[0], mtime=shown[1], ctime=shown[2], btime="0")


def _time(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{seconds}.{rest:09d}" if rest else str(seconds)
