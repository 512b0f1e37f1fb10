"""Volumes made, copied, resized and removed.

A new file has no name until it is whole, so whoever is killed meanwhile leaves nothing.
Source: libvirt API, virStorageVolCreateXML and its kin; texts as observed of its storage driver.
"""

import errno
import os
import stat

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import StoragePoolRef, StorageVolRef
from pyvirsh.backend.checks import allowed, resized
from pyvirsh.backend.conf import shape
from pyvirsh.backend.conf import storagevol as conf
from pyvirsh.backend.conf import xml as documents
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    INTERNAL_ERROR,
    INVALID_ARG,
    NO_SUPPORT,
    OPERATION_INVALID,
    STORAGE_VOL_EXIST,
    SYSTEM_ERROR,
    VirError,
)
from pyvirsh.backend.storage import headers, images
from pyvirsh.backend.storage.keeping import Storage
from pyvirsh.backend.storage.pools import apply
from pyvirsh.backend.storage.volumes import Directory, Volume, check_name, directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MADE_OUR_WAY = ("raw", "dir", "iso")
_SIZE_MAX = (1 << 63) - 1
_UNSHRUNK = "Can't shrink capacity below current capacity unless shrink flag explicitly specified"
# What a file system answers that has no files without names.
_NO_NAMELESS = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL)


# -- create --------------------------------------------------------------------------------------------


def storage_vol_create_xml(storage: Storage, pool: StoragePoolRef, xml: str, flags: int = 0) -> StorageVolRef:
    known = c.STORAGE_VOL_CREATE_PREALLOC_METADATA | c.STORAGE_VOL_CREATE_VALIDATE
    allowed(flags, known, "storageVolCreateXML")
    with Directory(storage.find(pool)) as place:
        model = _read(xml, flags)
        if _taken(place, model.name):
            raise VirError(STORAGE_VOL_EXIST, f"'{model.name}'")
        _complete(model)
        _make(place, model, preallocate=bool(flags & c.STORAGE_VOL_CREATE_PREALLOC_METADATA))
        return place.ref(model.name)


def _read(document: str, flags: int, *, needs_capacity: bool = True) -> conf.Volume:
    root = documents.parse(document, "(storage_volume_definition)")
    if flags & c.STORAGE_VOL_CREATE_VALIDATE:
        shape.check(root, conf.Volume, "storagevol", ("name", "target"))
    model = conf.parse_volume(root, "dir", needs_capacity=needs_capacity)
    check_name(model.name)
    if model.target.encryption is not None:
        raise VirError(CONFIG_UNSUPPORTED, f"volume '{model.name}': encryption is not supported")
    if max(model.capacity, model.allocation) > _SIZE_MAX:
        raise VirError(INVALID_ARG, f"volume '{model.name}' is too large")
    return model


def _taken(place: Directory, name: str) -> bool:
    try:
        os.stat(name, dir_fd=place.fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _failed("create file", place.path(name), error) from error
    return True


def _complete(model: conf.Volume) -> None:
    """Check what an image stands on and take its size from it.  Errors: NO_SUPPORT and others."""
    backing = model.backing
    if backing is None:
        return
    if model.target.format in _MADE_OUR_WAY:
        detail = f"backing storage not supported for {model.target.format} volumes"
        raise VirError(NO_SUPPORT, detail)
    path = backing.path or ""
    if not path.startswith("/"):
        raise VirError(OPERATION_INVALID, f"path of the backing store must be absolute, not '{path}'")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise VirError(SYSTEM_ERROR, f"inaccessible backing store volume {path}: {error.strerror}") from error
    try:
        image, status = headers.read(fd), os.fstat(fd)
    finally:
        os.close(fd)
    raw = backing.format == "raw"
    if not raw and image.format != backing.format:
        detail = f"backing store '{path}' is not in the format {backing.format}"
        raise VirError(OPERATION_INVALID, detail)
    if not raw:
        images.check_chain(path, image)
    capacity = None if raw else image.capacity
    model.capacity = model.capacity or (status.st_size if capacity is None else capacity)


def _make(place: Directory, model: conf.Volume, *, preallocate: bool) -> None:
    format = model.target.format
    if format == "dir":
        _make_directory(place, model)
    elif format in _MADE_OUR_WAY:
        _new_file(place, model, lambda fd: _fill(place.path(model.name), fd, model))
    elif format in images.CREATABLE:
        _new_file(
            place,
            model,
            lambda fd: images.run(
                images.create_words(model, images.inherited(fd), preallocate=preallocate), (fd,)
            ),
        )
    else:
        raise VirError(INTERNAL_ERROR, f"creation of volumes of format '{format}' is not supported")


def _make_directory(place: Directory, model: conf.Volume) -> None:
    try:
        os.mkdir(model.name, 0o700, dir_fd=place.fd)
        wanted = model.target.permissions
        if wanted is not None:
            apply(wanted, place.open(model.name), close=True)
    except OSError as error:
        raise _failed("create directory", place.path(model.name), error) from error


def _fill(path: str, fd: int, model: conf.Volume) -> None:
    """Give a raw file its size and the room it is to have."""
    try:
        os.ftruncate(fd, model.capacity)
    except OSError as error:
        raise VirError(SYSTEM_ERROR, f"cannot extend file '{path}': {error.strerror}") from error
    _allocate(path, fd, model.allocation)


def _allocate(path: str, fd: int, size: int, start: int = 0) -> None:
    if size <= start:
        return
    try:
        os.posix_fallocate(fd, start, size - start)
    except OSError as error:
        detail = f"cannot allocate {size - start} bytes in file '{path}': {error.strerror}"
        raise VirError(SYSTEM_ERROR, detail) from error


def _new_file(place: Directory, model: conf.Volume, write: "Callable[[int], None]") -> None:
    """Make a file, have it written and give it its name."""
    path = place.path(model.name)
    nameless = True
    try:
        fd = os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600, dir_fd=place.fd)
    except OSError as error:
        if error.errno not in _NO_NAMELESS:
            raise _failed("create file", path, error) from error
        nameless, fd = False, _named_file(place, model.name)
    try:
        os.fchmod(fd, 0o600)
        write(fd)
        if model.target.permissions is not None:
            apply(model.target.permissions, fd)
        if nameless:
            os.link(images.inherited(fd), model.name, dst_dir_fd=place.fd, follow_symlinks=True)
    except FileExistsError as error:
        raise VirError(STORAGE_VOL_EXIST, f"'{model.name}'") from error
    except OSError as error:
        _drop(place, model.name, named=not nameless)
        raise _failed("create file", path, error) from error
    except BaseException:
        _drop(place, model.name, named=not nameless)
        raise
    finally:
        os.close(fd)


def _named_file(place: Directory, name: str) -> int:
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(name, flags, 0o600, dir_fd=place.fd)
    except FileExistsError as error:
        raise VirError(STORAGE_VOL_EXIST, f"'{name}'") from error
    except OSError as error:
        raise _failed("create file", place.path(name), error) from error


def _drop(place: Directory, name: str, *, named: bool) -> None:
    if named:
        os.unlink(name, dir_fd=place.fd)


def _failed(what: str, path: str, error: OSError) -> VirError:
    return VirError(SYSTEM_ERROR, f"Failed to {what} '{path}': {error.strerror}")


# -- copy ----------------------------------------------------------------------------------------------


def storage_vol_create_xml_from(
    storage: Storage, pool: StoragePoolRef, xml: str, vol: StorageVolRef, flags: int = 0
) -> StorageVolRef:
    prealloc = c.STORAGE_VOL_CREATE_PREALLOC_METADATA
    known = prealloc | c.STORAGE_VOL_CREATE_REFLINK | c.STORAGE_VOL_CREATE_VALIDATE
    allowed(flags, known, "storageVolCreateXMLFrom")
    with directory(storage, vol) as origin, Directory(storage.find(pool)) as place:
        source = origin.must_have(vol.name)
        model = _read(xml, flags, needs_capacity=False)
        if _taken(place, model.name):
            raise VirError(INTERNAL_ERROR, f"storage volume name '{model.name}' already in use.")
        _copyable(source, model)
        _complete(model)
        model.capacity = max(model.capacity, source.capacity)
        copy = _reflinked if flags & c.STORAGE_VOL_CREATE_REFLINK else _converted
        _new_file(
            place, model, lambda fd: copy(origin, source, model, fd, preallocate=bool(flags & prealloc))
        )
        return place.ref(model.name)


def _copyable(source: Volume, model: conf.Volume) -> None:
    formats = ("raw", "iso", *images.CREATABLE)
    if source.is_directory or source.image.format not in formats or model.target.format not in formats:
        detail = f"volume '{source.name}' of format '{source.image.format}' cannot be copied"
        raise VirError(CONFIG_UNSUPPORTED, f"{detail} to one of format '{model.target.format}'")
    images.check_chain(source.path, source.image)


def _converted(origin: Directory, source: Volume, model: conf.Volume, fd: int, *, preallocate: bool) -> None:
    with_format = "raw" if source.image.format == "iso" else source.image.format
    if model.target.format == "iso":
        model.target.format = "raw"
    original = origin.open(source.name)
    try:
        # What an image stands on may be named relative to it, which only its own path tells.
        path = source.path if source.image.base is not None else images.inherited(original)
        words = images.convert_words(
            (with_format, path), model, images.inherited(fd), preallocate=preallocate
        )
        images.run(words, (original, fd))
    finally:
        os.close(original)
    if model.capacity > source.capacity:
        _set_size(images.inherited(fd), (fd,), str(model.target.format), model.capacity)


def _reflinked(origin: Directory, source: Volume, model: conf.Volume, fd: int, *, preallocate: bool) -> None:
    """Share the data with the original, as some file systems can.  Errors: SYSTEM_ERROR."""
    import fcntl

    if model.target.format != source.image.format:
        raise VirError(CONFIG_UNSUPPORTED, "a clone that shares its data has the format of the original")
    ficlone = 0x40049409
    original = origin.open(source.name)
    try:
        fcntl.ioctl(fd, ficlone, original)
    except OSError as error:
        raise VirError(
            SYSTEM_ERROR, f"failed to clone files from '{source.path}': {error.strerror}"
        ) from error
    finally:
        os.close(original)


# -- resize --------------------------------------------------------------------------------------------


def storage_vol_resize(storage: Storage, vol: StorageVolRef, capacity: int, flags: int = 0) -> None:
    allocate, delta, shrink = (
        c.STORAGE_VOL_RESIZE_ALLOCATE,
        c.STORAGE_VOL_RESIZE_DELTA,
        c.STORAGE_VOL_RESIZE_SHRINK,
    )
    resized(capacity, flags)
    allowed(flags, allocate | delta | shrink, "storageVolResize")
    with directory(storage, vol) as place:
        volume = place.must_have(vol.name)
        size = capacity
        if flags & delta:
            size = (
                volume.capacity - min(capacity, volume.capacity)
                if flags & shrink
                else volume.capacity + capacity
            )
        if size < volume.allocation:
            raise VirError(INVALID_ARG, "can't shrink capacity below existing allocation")
        if size < volume.capacity and not flags & shrink:
            raise VirError(INVALID_ARG, _UNSHRUNK)
        if volume.is_directory:
            raise VirError(CONFIG_UNSUPPORTED, f"volume '{vol.name}' is a directory and has no size")
        _resize(place, volume, size, allocate=bool(flags & allocate))


def _resize(place: Directory, volume: Volume, size: int, *, allocate: bool) -> None:
    fd = _open_to_write(place, volume)
    try:
        if volume.image.format in ("raw", "iso"):
            if allocate:
                _allocate(volume.path, fd, size, volume.capacity)
            try:
                os.ftruncate(fd, size)
            except OSError as error:
                detail = f"Failed to truncate file '{volume.path}': {error.strerror}"
                raise VirError(SYSTEM_ERROR, detail) from error
            return
        images.check_chain(volume.path, volume.image)
        path = volume.path if volume.image.base is not None else images.inherited(fd)
        shrink = size < volume.capacity
        _set_size(path, (fd,), volume.image.format, size, shrink=shrink, allocate=allocate)
    finally:
        os.close(fd)


def _set_size(
    path: str, fds: "tuple[int, ...]", format: str, size: int, *, shrink: bool = False, allocate: bool = False
) -> None:
    images.run(images.resize_words(format, path, size, shrink=shrink, preallocate=allocate), fds)


def _open_to_write(place: Directory, volume: Volume) -> int:
    try:
        return place.open(volume.name, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        detail = f"Failed to open storage volume with path '{volume.path}': {error.strerror}"
        raise VirError(SYSTEM_ERROR, detail) from error


# -- delete --------------------------------------------------------------------------------------------


def storage_vol_delete(storage: Storage, vol: StorageVolRef, flags: int = 0) -> None:
    allowed(flags, 0, "virStorageBackendVolDeleteLocal")
    with directory(storage, vol) as place:
        volume = place.must_have(vol.name)
        is_directory = stat.S_ISDIR(volume.status.st_mode)
        try:
            (os.rmdir if is_directory else os.unlink)(vol.name, dir_fd=place.fd)
        except FileNotFoundError:
            return
        except OSError as error:
            what = "remove directory" if is_directory else "unlink file"
            raise VirError(SYSTEM_ERROR, f"cannot {what} '{volume.path}': {error.strerror}") from error
