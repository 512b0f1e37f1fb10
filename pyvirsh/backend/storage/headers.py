"""What the first bytes of an image say.  Nothing but these bytes is looked at.

Source: QEMU's descriptions of its image formats ("Qcow2 image file format" and others).
"""

import os
import struct

HEADER_MAX = 65536
_QCOW = b"QFI\xfb"
_BACKING_FORMAT = 0xE2792ACA
_EXTENDED_L2 = 1 << 4
_EXTERNAL_DATA = 1 << 2
_LAZY_REFCOUNTS = 1
_NAME_MAX = 1023
_SIZE_MAX = (1 << 63) - 1


class Image:
    """What a header states; capacity None: as large as the file.  base: the image below it, as named."""

    def __init__(self, format: str = "raw", capacity: "int | None" = None) -> None:
        self.format = format
        self.capacity = capacity
        self.base: str | None = None
        self.base_format: str | None = None
        self.compat: str | None = None
        self.cluster_size: int | None = None
        self.lazy_refcounts = False
        self.extended_l2 = False
        self.encrypted = False
        self.external_data = False


def read(fd: int) -> Image:
    """Return what the header of an open file states.  Errors: OSError."""
    return parse(os.pread(fd, HEADER_MAX, 0))


def parse(data: bytes) -> Image:
    """Return what a header states; what is no sound header of a known format is raw."""
    try:
        return _parse(data)
    except struct.error:
        return Image()


def _parse(data: bytes) -> Image:
    if data[:4] == _QCOW:
        return _qcow(data)
    if data[:4] == b"QED\0":
        return Image("qed", _sane(struct.unpack("<Q", data[48:56])[0]))
    if data[:4] == b"KDMV":
        return Image("vmdk", _sane(struct.unpack("<Q", data[12:20])[0] * 512))
    if data[0x40:0x44] == b"\x7f\x10\xda\xbe":
        return Image("vdi", _sane(struct.unpack("<Q", data[0x170:0x178])[0]))
    if data[:8] == b"conectix":
        return Image("vpc", _sane(struct.unpack(">Q", data[0x30:0x38])[0]))
    if data[0x8001:0x8006] == b"CD001":
        return Image("iso")
    return Image()


def _sane(size: int) -> "int | None":
    return size if size <= _SIZE_MAX else None


def _qcow(data: bytes) -> Image:
    version, offset, length, bits, size = struct.unpack(">IQIIQ", data[4:32])
    if version == 1:
        image = Image("qcow", _sane(size))
    elif version in (2, 3):
        image = Image("qcow2", _sane(size))
        image.compat = "1.1" if version == 3 else "0.10"
        image.cluster_size = 1 << bits if 9 <= bits <= 21 else None
        image.encrypted = struct.unpack(">I", data[32:36])[0] != 0
    else:
        return Image()
    start = 72
    if version == 3:
        incompatible, compatible = struct.unpack(">QQ", data[72:88])
        image.lazy_refcounts = bool(compatible & _LAZY_REFCOUNTS)
        image.extended_l2 = bool(incompatible & _EXTENDED_L2)
        image.external_data = bool(incompatible & _EXTERNAL_DATA)
        start = struct.unpack(">I", data[100:104])[0]
    if offset and 0 < length <= _NAME_MAX and offset + length <= len(data):
        image.base = data[offset : offset + length].decode("utf-8", "surrogateescape")
        image.base_format = _extension(data, start, _BACKING_FORMAT) if version > 1 else None
    return image


def _extension(data: bytes, at: int, wanted: int) -> "str | None":
    while at + 8 <= len(data):
        kind, length = struct.unpack(">II", data[at : at + 8])
        if kind == 0:
            return None
        if kind == wanted:
            return data[at + 8 : at + 8 + length].decode("ascii", "replace")
        at += 8 + (length + 7) // 8 * 8
    return None
