"""What a test domain's screen shows: the same picture at any time."""

import struct
import zlib
from typing import TYPE_CHECKING

from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.test.base import TestBase

if TYPE_CHECKING:
    from pyvirsh.backend.api import Stream

WIDTH, HEIGHT = 1120, 832


class MemoryStream:
    """A stream that gives out bytes that are there already, and takes none."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    def fileno(self) -> int:
        """There is nothing to wait for."""
        return -1

    def recv(self, size: int) -> bytes:
        """Return the next bytes; b"" at the end."""
        chunk, self._data = self._data[:size], self._data[size:]
        return bytes(chunk)

    def send(self, data: bytes) -> int:
        """Take nothing."""
        return 0

    def finish(self) -> None:
        """Close; nothing is under way."""

    def abort(self) -> None:
        """Close; nothing is under way."""


class Screen(TestBase):
    """The screen."""

    def domain_screenshot(self, dom: DomainRef, screen: int, flags: int = 0) -> "tuple[str, Stream]":
        allowed(flags, 0, "testDomainScreenshot")
        self.guest(dom)
        return "image/png", MemoryStream(picture())


def picture() -> bytes:
    """Return a grey PNG image: a checkered field that darkens downwards."""
    rows = bytearray()
    for y in range(HEIGHT):
        light, dark = 255 - y * 128 // HEIGHT, 192 - y * 128 // HEIGHT
        tiles = (light, dark) if y // 32 % 2 else (dark, light)
        rows += b"\0" + b"".join(bytes([tiles[x % 2]]) * 32 for x in range(WIDTH // 32))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
