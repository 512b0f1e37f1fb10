"""Storage volumes: contents in and out, with and without holes; copies' XML; sizes."""

import os

import pytest

from oneline import run
from pyvirsh.backend import constants as c
from pyvirsh.backend.api import Driver, StoragePoolRef, StorageVolRef
from pyvirsh.backend.errors import INTERNAL_ERROR, NO_STORAGE_VOL, NO_SUPPORT, VirError
from pyvirsh.backend.remote.client import Client
from pyvirsh.backend.remote.stream import RemoteStream
from pyvirsh.commands import voltransfer
from pyvirsh.commands.volcreate import renamed
from pyvirsh.errors import CommandFailed
from pyvirsh.rpc import protocol
from pyvirsh.rpc.framing import Decoder, Packet

MIB = 2**20


class Pipe:
    """A stream in memory: `parts` are bytes or lengths of holes."""

    def __init__(self, *parts, error=None):
        self.parts = list(parts)
        self.error = error
        self.ended = ""

    def fileno(self):
        raise AssertionError("not asked for")

    def recv(self, size):
        if not self.parts:
            if self.error:
                raise self.error
            return b""
        part = self.parts.pop(0)
        if part[size:]:
            self.parts.insert(0, part[size:])
        return part[:size]

    def recv_hole(self):
        return self.parts.pop(0) if self.parts and isinstance(self.parts[0], int) else 0

    def send(self, data):
        if self.error:
            raise self.error
        # Takes less than it is given.
        taken = data[: max(1, len(data) // 2)]
        self.parts.append(taken)
        return len(taken)

    def send_hole(self, length):
        self.parts.append(length)

    def finish(self):
        self.ended = "finished"

    def abort(self):
        self.ended = "aborted"

    @property
    def content(self):
        return b"".join(bytes(part) for part in self.parts)


class Shelf(Driver):
    """A pool with the volume `v`, whose contents go through `pipe`."""

    def __init__(self, pipe=None):
        self.pipe = pipe
        self.asked = ()

    def storage_vol_lookup_by_key(self, key):
        if key != "v":
            raise VirError(NO_STORAGE_VOL, "no such key")
        return StorageVolRef("p", "v", key)

    def storage_vol_lookup_by_path(self, path):
        raise VirError(NO_STORAGE_VOL, "no such path")

    def storage_pool_lookup_by_volume(self, vol):
        return StoragePoolRef("p", "u")

    def storage_vol_upload(self, vol, offset, length, flags=0):
        self.asked = (offset, length, flags)
        return self.pipe

    storage_vol_download = storage_vol_upload

    def storage_vol_resize(self, vol, capacity, flags=0):
        self.asked = (capacity, flags)

    def storage_vol_wipe(self, vol, flags=0):
        self.asked = ("wipe",)

    def storage_vol_wipe_pattern(self, vol, algorithm, flags=0):
        if algorithm == 0:
            raise VirError(NO_SUPPORT, "pattern")
        self.asked = ("pattern", algorithm)


@pytest.fixture
def sparse(tmp_path):
    """A file with data at its start, at 1 MiB and at 3 MiB, 4 MiB long."""
    path = tmp_path / "sparse"
    with open(path, "wb") as file:
        for at, data in ((0, b"A" * 4096), (MIB, b"B" * 4096), (3 * MIB, b"C" * 4096)):
            file.seek(at)
            file.write(data)
        file.truncate(4 * MIB)
    return path


# -- up ---------------------------------------------------------------------------------------------------


def test_upload(tmp_path):
    path = tmp_path / "file"
    content = os.urandom(600_000)
    path.write_bytes(content)
    driver = Shelf(Pipe())
    assert run(f"vol-upload v {path} --offset 7", driver) == (0, "", "")
    assert driver.asked == (7, 0, 0)
    assert (driver.pipe.content, driver.pipe.ended) == (content, "finished")


def test_upload_leaves_holes_out(sparse):
    driver = Shelf(Pipe())
    assert run(f"vol-upload v {sparse} --sparse", driver) == (0, "", "")
    assert driver.asked[2] == c.STORAGE_VOL_UPLOAD_SPARSE_STREAM
    assert driver.pipe.content == sparse.read_bytes()
    holes = [part for part in driver.pipe.parts if isinstance(part, int)]
    assert holes == [MIB - 4096, 2 * MIB - 4096, MIB - 4096]


def test_upload_sends_no_more_than_was_said(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    driver = Shelf(Pipe())
    assert run(f"vol-upload v {path} --length 10", driver)[0] == 0
    driver = Shelf(Pipe())
    assert run(f"vol-upload v {path} --length 4", driver) == (
        1,
        "",
        "error: cannot send data to volume v\nerror: cannot write to stream: No space left on device\n",
    )
    assert (driver.pipe.content, driver.pipe.ended) == (b"0123", "aborted")


def test_upload_that_the_peer_gives_up(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x")
    driver = Shelf(Pipe(error=VirError(INTERNAL_ERROR, "full")))
    assert run(f"vol-upload v {path}", driver) == (
        1,
        "",
        "error: cannot send data to volume v\nerror: internal error: full\n",
    )
    assert driver.pipe.ended == "aborted"


def test_upload_of_what_cannot_be_read(tmp_path):
    assert run("vol-upload v /nosuch", Shelf(Pipe())) == (1, "", "error: cannot read /nosuch\n")
    assert run(f"vol-upload v {tmp_path}", Shelf(Pipe())) == (
        1,
        "",
        "error: cannot send data to volume v\nerror: send handler failed: Is a directory\n",
    )


def test_a_file_without_holes_is_data(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    with open(path, "rb") as file:
        assert list(voltransfer.pieces(file.fileno())) == [b"abc"]


def test_a_pipe_can_be_uploaded():
    read, write = os.pipe()
    os.write(write, b"abc")
    os.close(write)
    with open(read, "rb") as file:
        assert list(voltransfer.pieces(file.fileno())) == [b"abc"]


# -- down -------------------------------------------------------------------------------------------------


def test_download(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"something longer than what comes")
    driver = Shelf(Pipe(b"abc", b"def"))
    assert run(f"vol-download v {path} --offset 3 --length -1", driver) == (0, "", "")
    assert driver.asked == (3, 2**64 - 1, 0)
    assert (path.read_bytes(), driver.pipe.ended) == (b"abcdef", "finished")


def test_download_with_holes(tmp_path):
    path = tmp_path / "file"
    driver = Shelf(Pipe(b"abc", MIB, b"d", 2 * MIB))
    assert run(f"vol-download v {path} --sparse", driver) == (0, "", "")
    assert driver.asked[2] == c.STORAGE_VOL_DOWNLOAD_SPARSE_STREAM
    assert path.read_bytes() == b"abc" + bytes(MIB) + b"d" + bytes(2 * MIB)
    assert path.stat().st_blocks * 512 < MIB


def test_a_hole_is_zeros_where_there_can_be_none():
    read, write = os.pipe()
    voltransfer.receive_file(Pipe(b"a", 3, b"b"), write, sparse=True)
    os.close(write)
    with open(read, "rb") as file:
        assert file.read() == b"a\0\0\0b"


def test_a_failed_download_leaves_no_new_file(tmp_path):
    error = VirError(INTERNAL_ERROR, "gone")
    path = tmp_path / "new"
    assert run(f"vol-download v {path}", Shelf(Pipe(b"abc", error=error))) == (
        1,
        "",
        "error: cannot receive data from volume v\nerror: internal error: gone\n",
    )
    assert not path.exists()
    path.write_bytes(b"")
    assert run(f"vol-download v {path}", Shelf(Pipe(b"abc", error=error)))[0] == 1
    assert path.exists()


def test_download_to_what_cannot_be_written():
    assert run("vol-download v /nosuch/file", Shelf(Pipe())) == (1, "", "error: cannot create /nosuch/file\n")
    assert run("vol-download v /dev/full", Shelf(Pipe(b"abc"))) == (
        1,
        "",
        "error: cannot receive data from volume v\nerror: recv handler failed: No space left on device\n",
    )


# -- streams over RPC ----------------------------------------------------------------------------------


class Wire:
    """A transport that keeps what is sent and gives nothing."""

    def __init__(self):
        self.sent = b""
        self._read, self._write = os.pipe()

    def fileno(self):
        return self._read

    def pending(self):
        return False

    def send(self, data, fds):
        self.sent += data

    def close(self):
        os.close(self._read)
        os.close(self._write)


@pytest.fixture
def remote():
    """A stream, and the wire it sends over."""
    wire = Wire()
    yield RemoteStream(Client(wire), protocol.REMOTE_PROGRAM, 208, 1), wire
    wire.close()


def packet(payload, kind=protocol.STREAM, status=protocol.STATUS_CONTINUE):
    return Packet(protocol.REMOTE_PROGRAM, 208, kind, 1, status, payload)


def hole(length):
    return packet(length.to_bytes(8, "big") + bytes(4), protocol.STREAM_HOLE)


def test_holes_come_between_data(remote):
    stream, _ = remote
    for item in (packet(b"abc"), hole(5), hole(0), packet(b"d"), packet(b"")):
        stream.take(item)
    assert stream.recv_hole() == 0
    assert (stream.recv(2), stream.recv(9)) == (b"ab", b"c")
    assert (stream.recv_hole(), stream.recv_hole()) == (5, 0)
    assert (stream.recv(9), stream.recv(9), stream.recv_hole()) == (b"d", b"", 0)


def test_holes_are_zeros_for_who_does_not_ask(remote):
    stream, _ = remote
    for item in (packet(b"a"), hole(5), packet(b"b"), packet(b"")):
        stream.take(item)
    got = []
    while data := stream.recv(3):
        got.append(data)
    assert got == [b"a", bytes(3), bytes(2), b"b"]


def test_a_broken_hole_ends_the_stream(remote):
    stream, _ = remote
    stream.take(packet(b"ab", protocol.STREAM_HOLE))
    with pytest.raises(VirError, match="a hole without length"):
        stream.recv(1)


def test_a_hole_is_a_message_of_its_own(remote):
    stream, wire = remote
    stream.send_hole(2**40)
    (sent,) = Decoder().feed(wire.sent)
    assert (sent.type, sent.status, sent.payload) == (
        protocol.STREAM_HOLE,
        protocol.STATUS_CONTINUE,
        (2**40).to_bytes(8, "big") + bytes(4),
    )


# -- the rest -----------------------------------------------------------------------------------------


def test_a_copy_has_another_name_only():
    xml = "<volume type='file'>\n  <name>a</name>\n  <target/>\n</volume>\n"
    assert renamed(xml, "<b&") == ('<volume type="file">\n  <name>&lt;b&amp;</name>\n  <target/>\n</volume>')
    with pytest.raises(CommandFailed):
        renamed("<volume/>", "b")


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ("20M", (20 * MIB, 0)),
        ("1k --delta --allocate", (1024, 1 | 2)),
        ("--shrink 1KB", (1000, 4)),
        ("--shrink --capacity -1M", (MIB, 2 | 4)),
    ],
)
def test_resize(options, asked):
    driver = Shelf()
    assert run(f"vol-resize v {options}", driver)[0] == 0
    assert driver.asked == asked


def test_wiping_with_zeros_by_old_drivers():
    driver = Shelf()
    assert run("vol-wipe v", driver) == (0, "", "")
    assert driver.asked == ("wipe",)
    assert run("vol-wipe v --algorithm trim", driver)[0] == 0
    assert driver.asked == ("pattern", c.STORAGE_VOL_WIPE_ALG_TRIM)
