"""What a qcow2 image says of the image it stands on.

Source: QEMU's "Qcow2 image file format".
"""

import struct

from pyvirsh.backend.errors import OPERATION_INVALID, VirError

HEADER_MAX = 65536
_MAGIC = b"QFI\xfb"
_BACKING_FORMAT = 0xE2792ACA
_EXTERNAL_DATA = 1 << 2


def base_of(path: str) -> "tuple[str | None, str | None]":
    """Return the base of an image and its format, as the header has them; None for none.

    Errors: OPERATION_INVALID for an image whose data is in another file.
    """
    with open(path, "rb") as file:
        data = file.read(HEADER_MAX)
    if len(data) < 72 or data[:4] != _MAGIC:
        return None, None  # QEMU says best what is wrong with it
    version, offset, size = struct.unpack(">IQI", data[4:20])
    if version >= 3 and struct.unpack(">Q", data[72:80])[0] & _EXTERNAL_DATA:
        detail = f"image '{path}' keeps its data in another file, which is not supported"
        raise VirError(OPERATION_INVALID, detail)
    if not offset or not size:
        return None, None
    name = data[offset : offset + size].decode("utf-8", "surrogateescape")
    start = struct.unpack(">I", data[100:104])[0] if version >= 3 else 72
    return name, _extension(data, start, _BACKING_FORMAT)


def _extension(data: bytes, at: int, wanted: int) -> "str | None":
    while at + 8 <= len(data):
        kind, length = struct.unpack(">II", data[at : at + 8])
        if kind == 0:
            return None
        if kind == wanted:
            return data[at + 8 : at + 8 + length].decode("ascii", "replace")
        at += 8 + (length + 7) // 8 * 8
    return None
