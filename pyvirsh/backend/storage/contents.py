"""The data of volumes: read, written, wiped.

Source: libvirt API, virStorageVolDownload and its kin; texts as observed of its storage driver.
"""

import errno
import os

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import StorageVolRef
from pyvirsh.backend.checks import allowed, invalid
from pyvirsh.backend.errors import (
    ARGUMENT_UNSUPPORTED,
    OPERATION_INVALID,
    SYSTEM_ERROR,
    VirError,
)
from pyvirsh.backend.storage.keeping import Storage
from pyvirsh.backend.storage.volumes import BLOCK, directory

PIECE = 1 << 20
_ALGORITHMS = "zero nnsa dod bsi gutmann schneier pfitzner7 pfitzner33 random trim".split()
_ENDLESS = 1 << 63


class VolumeStream:
    """The data of a volume from a place on, with its holes; at most `length` bytes unless that is 0."""

    def __init__(self, fd: int, offset: int, length: int, *, path: str, writes: bool) -> None:
        self._fd = fd
        self._at = offset
        self._end = offset + length if length else _ENDLESS
        self._path = path
        self._writes = writes
        # Never readable: from a stream that is written nothing comes.
        self._silent = os.eventfd(0, os.EFD_CLOEXEC) if writes else -1

    def fileno(self) -> int:
        """Return -1 if there is something to read: the data is simply there."""
        return self._silent

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes, b"" at the end; in a stream with holes, what lies before the next."""
        if self._writes:
            raise VirError(OPERATION_INVALID, "the stream can only be written")
        try:
            data = os.pread(self._fd, max(0, min(size, self._end - self._at)), self._at)
        except OSError as error:
            raise self._failed("read", error) from error
        self._at += len(data)
        return data

    def send(self, data: bytes) -> int:
        """Write some of `data`; return how much."""
        if not self._writes:
            raise VirError(OPERATION_INVALID, "the stream can only be read")
        self._check_room(len(data))
        try:
            written = os.pwrite(self._fd, data, self._at)
        except OSError as error:
            raise self._failed("write to", error) from error
        self._at += written
        return written

    def _check_room(self, size: int) -> None:
        if self._at + size > self._end:
            detail = f"cannot write to stream: {os.strerror(errno.ENOSPC)}"
            raise VirError(SYSTEM_ERROR, detail)

    def _failed(self, what: str, error: OSError) -> VirError:
        return VirError(SYSTEM_ERROR, f"cannot {what} volume '{self._path}': {error.strerror}")

    def finish(self) -> None:
        """Close it; what was written lasts."""
        if self._fd < 0:
            return
        try:
            if self._writes:
                os.fdatasync(self._fd)
        except OSError as error:
            raise self._failed("write to", error) from error
        finally:
            self.abort()

    def abort(self) -> None:
        """Close it."""
        for fd in (self._fd, self._silent):
            if fd >= 0:
                os.close(fd)
        self._fd = self._silent = -1


class SparseVolumeStream(VolumeStream):
    """The same with holes."""

    def recv(self, size: int) -> bytes:
        return super().recv(min(size, self._until(os.SEEK_HOLE)))

    def _until(self, whence: int) -> int:
        """Return how far it is to the next data or hole, or to the end."""
        end = min(os.fstat(self._fd).st_size, self._end)
        if self._at >= end:
            return 0
        try:
            return min(os.lseek(self._fd, self._at, whence), end) - self._at
        except OSError as error:
            if error.errno == errno.ENXIO:
                return end - self._at
            raise self._failed("read", error) from error

    def recv_hole(self) -> int:
        """Return the length of the hole that comes next; 0 when data comes, or the end."""
        length = self._until(os.SEEK_DATA)
        self._at += length
        return length

    def send_hole(self, length: int) -> None:
        """Have `length` bytes be zero and need no room."""
        self._check_room(length)
        end = self._at + length
        try:
            size = os.fstat(self._fd).st_size
            _clear(self._fd, self._at, min(end, size))
            if end > size:
                os.ftruncate(self._fd, end)
        except OSError as error:
            raise self._failed("write to", error) from error
        self._at = end


def _clear(fd: int, start: int, end: int) -> None:
    """Make a part of a file zero; what is zero already, as in a hole, is left."""
    while start < end:
        size = min(PIECE, end - start)
        if os.pread(fd, size, start).strip(b"\0"):
            os.pwrite(fd, bytes(size), start)
        start += size


def _open(storage: Storage, vol: StorageVolRef, flags: int) -> "tuple[int, str]":
    with directory(storage, vol) as place:
        volume = place.must_have(vol.name)
        try:
            if volume.is_directory:
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            return place.open(vol.name, flags | os.O_NONBLOCK), volume.path
        except OSError as error:
            detail = f"Failed to open storage volume with path '{volume.path}': {error.strerror}"
            raise VirError(SYSTEM_ERROR, detail) from error


def storage_vol_download(
    storage: Storage, vol: StorageVolRef, offset: int, length: int, flags: int = 0
) -> VolumeStream:
    sparse = c.STORAGE_VOL_DOWNLOAD_SPARSE_STREAM
    allowed(flags, sparse, "storageVolDownload")
    fd, path = _open(storage, vol, os.O_RDONLY)
    kind = SparseVolumeStream if flags & sparse else VolumeStream
    return kind(fd, offset, length, path=path, writes=False)


def storage_vol_upload(
    storage: Storage, vol: StorageVolRef, offset: int, length: int, flags: int = 0
) -> VolumeStream:
    sparse = c.STORAGE_VOL_UPLOAD_SPARSE_STREAM
    allowed(flags, sparse, "storageVolUpload")
    fd, path = _open(storage, vol, os.O_RDWR)
    kind = SparseVolumeStream if flags & sparse else VolumeStream
    return kind(fd, offset, length, path=path, writes=True)


# -- wipe ----------------------------------------------------------------------------------------------


def storage_vol_wipe(storage: Storage, vol: StorageVolRef, flags: int = 0) -> None:
    storage_vol_wipe_pattern(storage, vol, c.STORAGE_VOL_WIPE_ALG_ZERO, flags)


def storage_vol_wipe_pattern(storage: Storage, vol: StorageVolRef, algorithm: int, flags: int = 0) -> None:
    allowed(flags, 0, "storageVolWipePattern")
    if not 0 <= algorithm < len(_ALGORITHMS):
        raise invalid(f"wiping algorithm {algorithm} not supported")
    if algorithm not in (c.STORAGE_VOL_WIPE_ALG_ZERO, c.STORAGE_VOL_WIPE_ALG_RANDOM):
        raise VirError(ARGUMENT_UNSUPPORTED, f"'{_ALGORITHMS[algorithm]}' algorithm not supported")
    fd, path = _open(storage, vol, os.O_RDWR)
    try:
        _wipe(fd, random=algorithm == c.STORAGE_VOL_WIPE_ALG_RANDOM)
        os.fdatasync(fd)
    except OSError as error:
        raise VirError(SYSTEM_ERROR, f"Failed to wipe '{path}': {error.strerror}") from error
    finally:
        os.close(fd)


def _wipe(fd: int, *, random: bool) -> None:
    status = os.fstat(fd)
    size = status.st_size
    if not random and status.st_blocks < size // BLOCK:
        # As libvirt does it: a sparse file would grow if zeros were written.
        os.ftruncate(fd, 0)
        os.ftruncate(fd, size)
        return
    at = 0
    while at < size:
        piece = min(PIECE, size - at)
        at += os.pwrite(fd, os.urandom(piece) if random else bytes(piece), at)
