"""The contents of storage volumes: out of a file into one, and back."""

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import SYSTEM_ERROR, VirError
from pyvirsh.commands.volume import IN_POOL, VOL
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import ULONG_MAX
from pyvirsh.spec import Table, flag, number, word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyvirsh.backend.api import SparseStream, Stream
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Storage Volume", "volume")

# What fits into one of libvirt's messages.
CHUNK = 262120

OFFSET = number("offset", "where in the volume to begin, in bytes", fills=True)
SPARSE = flag("sparse", "leave out what is not allocated")


def _place(args: "Args") -> "tuple[int, int]":
    """Read ``--offset`` and ``--length``; no length is 0."""
    offset = args.unsigned("offset", high=ULONG_MAX)
    return offset, args.unsigned("length", high=ULONG_MAX, wrap=True)


@contextmanager
def _under_way(stream: "Stream", failure: str, handler: str) -> "Iterator[None]":
    """End the stream at once if the block fails, and word that; `handler` is who fails on our side."""
    try:
        yield
    except (OSError, VirError) as error:
        stream.abort()
        reason = error.text if isinstance(error, VirError) else f"{handler} handler failed: {error.strerror}"
        raise CommandFailed(failure, reason) from error


# -- out of a file -----------------------------------------------------------------------------------


@TABLE.command(
    "vol-upload",
    "write a file's contents into a volume",
    options=(
        VOL,
        word("file", "file to read", "file-path"),
        IN_POOL,
        OFFSET,
        number("length", "how many bytes to write at the most", fills=True),
        SPARSE,
    ),
)
def vol_upload(ctx: "Session", args: "Args") -> None:
    offset, length = _place(args)
    vol = ctx.volume(args)
    path = args.file
    flags = c.STORAGE_VOL_UPLOAD_SPARSE_STREAM if args.sparse else 0
    with _source(path) as fd:
        with ctx.failing(f"cannot upload to volume {args.vol}"):
            stream = ctx.driver.storage_vol_upload(vol, offset, length, flags)
        with _under_way(stream, f"cannot send data to volume {args.vol}", "send"):
            send_file(fd, stream, length or None, sparse=args.sparse)
    with ctx.failing(f"cannot close volume {vol.name}"):
        stream.finish()


@contextmanager
def _source(path: str) -> "Iterator[int]":
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise CommandFailed(f"cannot read {path}") from error
    try:
        yield fd
    finally:
        os.close(fd)


def send_file(fd: int, stream: "Stream", limit: "int | None", *, sparse: bool) -> None:
    """Send a file's contents, at most `limit` bytes.  Errors: OSError, VirError if there is more.

    sparse: what is not allocated is sent as holes.
    """
    left = ULONG_MAX if limit is None else limit
    for piece in pieces(fd) if sparse else data_of(fd):
        size = piece if isinstance(piece, int) else len(piece)
        if isinstance(piece, int):
            cast("SparseStream", stream).send_hole(min(size, left))
        else:
            data = piece[:left]
            while data:
                data = data[stream.send(data) :]
        if size > left:
            # libvirt's daemon hangs when it is sent more than it was told; it means to say this.
            raise VirError(SYSTEM_ERROR, "cannot write to stream: No space left on device")
        left -= size


def data_of(fd: int) -> "Iterator[bytes]":
    """Yield what can be read from a descriptor."""
    while data := os.read(fd, CHUNK):
        yield data


def pieces(fd: int) -> "Iterator[bytes | int]":
    """Yield a file's contents in order: data as bytes, holes as their lengths."""
    kind = os.fstat(fd).st_mode
    if stat.S_ISREG(kind):
        yield from _pieces_of_file(fd)
    elif stat.S_ISBLK(kind):
        # A device does not know of holes; what is zero may become one.
        for data in data_of(fd):
            yield data if data.strip(b"\0") else len(data)
    else:
        yield from data_of(fd)


def _pieces_of_file(fd: int) -> "Iterator[bytes | int]":
    at, end = 0, os.lseek(fd, 0, os.SEEK_END)
    while at < end:
        start = _next_data(fd, at, end)
        if start > at:
            yield start - at
        at = start
        stop = os.lseek(fd, at, os.SEEK_HOLE) if at < end else end
        os.lseek(fd, at, os.SEEK_SET)
        while at < stop and (data := os.read(fd, min(CHUNK, stop - at))):
            yield data
            at += len(data)


def _next_data(fd: int, at: int, end: int) -> int:
    try:
        return os.lseek(fd, at, os.SEEK_DATA)
    except OSError:
        # There is none: a hole up to the end.
        return end


# -- into a file ---------------------------------------------------------------------------------------


@TABLE.command(
    "vol-download",
    "write a volume's contents into a file",
    options=(
        VOL,
        word("file", "file to write", "file-path"),
        IN_POOL,
        OFFSET,
        number("length", "how many bytes to read at the most", fills=True),
        SPARSE,
    ),
)
def vol_download(ctx: "Session", args: "Args") -> None:
    offset, length = _place(args)
    vol = ctx.volume(args)
    path = args.file
    flags = c.STORAGE_VOL_DOWNLOAD_SPARSE_STREAM if args.sparse else 0
    with _target(path) as fd:
        with ctx.failing(f"cannot download from volume {args.vol}"):
            stream = ctx.driver.storage_vol_download(vol, offset, length, flags)
        with _under_way(stream, f"cannot receive data from volume {args.vol}", "recv"):
            receive_file(stream, fd, sparse=args.sparse)
        with ctx.failing(f"cannot close volume {vol.name}"):
            stream.finish()


@contextmanager
def _target(path: str) -> "Iterator[int]":
    """Open the file to write to; one that was not there before is gone again if the block fails."""
    created = False
    try:
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            created = True
        except FileExistsError:
            fd = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
    except OSError as error:
        raise CommandFailed(f"cannot create {path}") from error
    done = False
    try:
        yield fd
        done = True
    finally:
        os.close(fd)
        if created and not done:
            os.unlink(path)


def receive_file(stream: "Stream", fd: int, *, sparse: bool) -> None:
    """Write what comes into a file.  Errors: OSError, VirError.

    sparse: holes come as such, and stay holes where the file can have them.
    """
    can_skip = stat.S_ISREG(os.fstat(fd).st_mode)
    while True:
        hole = cast("SparseStream", stream).recv_hole() if sparse else 0
        if hole and can_skip:
            os.ftruncate(fd, os.lseek(fd, hole, os.SEEK_CUR))
        elif hole:
            _write_zeros(fd, hole)
        elif data := stream.recv(CHUNK):
            _write(fd, data)
        else:
            return


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _write_zeros(fd: int, size: int) -> None:
    while size:
        step = min(size, CHUNK)
        _write(fd, bytes(step))
        size -= step
