"""Encode and decode XDR values by the types of `protocol`.

Every length is checked against the type's bound and against what is left of the packet before
anything is allocated.  Values: numbers as int or float, strings as str (bytes that are not UTF-8
as surrogates), opaque data as bytes, absent values as None, structs as tuples of their fields;
object handles as the `Ref` classes of `backend.api`, UUIDs as text, typed parameters as
(name, type, value).

Source: RFC 4506, with libvirt's ways: char and short take four bytes each.
"""

from __future__ import annotations

import struct

from pyvirsh.backend import api
from pyvirsh.rpc.protocol import STRUCTS, TYPEDEFS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Pack = Callable[[bytearray, Any], None]
    Unpack = Callable[["Cursor"], Any]

REFS: "dict[str, type[api.Ref]]" = {
    "remote_nonnull_domain": api.DomainRef,
    "remote_nonnull_network": api.NetworkRef,
    "remote_nonnull_network_port": api.NetworkPortRef,
    "remote_nonnull_storage_pool": api.StoragePoolRef,
    "remote_nonnull_storage_vol": api.StorageVolRef,
    "remote_nonnull_node_device": api.NodeDeviceRef,
    "remote_nonnull_interface": api.InterfaceRef,
    "remote_nonnull_secret": api.SecretRef,
    "remote_nonnull_nwfilter": api.NWFilterRef,
    "remote_nonnull_nwfilter_binding": api.NWFilterBindingRef,
    "remote_nonnull_domain_snapshot": api.SnapshotRef,
    "remote_nonnull_domain_checkpoint": api.CheckpointRef,
}

_INT = struct.Struct(">i")
_UINT = struct.Struct(">I")
_NUMBERS = {
    "int": _INT,
    "uint": _UINT,
    "short": _INT,
    "ushort": _UINT,
    "hyper": struct.Struct(">q"),
    "uhyper": struct.Struct(">Q"),
    "double": struct.Struct(">d"),
}

# type number of a typed parameter -> its XDR type
_PARAM_TYPES = {
    api.PARAM_INT: "int",
    api.PARAM_UINT: "uint",
    api.PARAM_LLONG: "hyper",
    api.PARAM_ULLONG: "uhyper",
    api.PARAM_DOUBLE: "double",
    api.PARAM_BOOLEAN: "int",
    api.PARAM_STRING: "remote_nonnull_string",
}


class XdrError(ValueError):
    """Data that does not fit its type: too long, cut short, or not of the type's kind."""


class Cursor:
    """A place in received data."""

    __slots__ = ("data", "at")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def take(self, size: int) -> bytes:
        """Return `size` bytes and pass them with their padding.  Errors: XdrError."""
        end = self.at + size
        padded = end + -size % 4
        if padded > len(self.data):
            raise XdrError(f"the packet ends {padded - len(self.data)} bytes too early")
        data = self.data[self.at : end]
        self.at = padded
        return data

    def number(self, form: struct.Struct) -> Any:
        """Return the number at this place and pass it.  Errors: XdrError."""
        if self.at + form.size > len(self.data):
            raise XdrError("the packet ends within a number")
        value = form.unpack_from(self.data, self.at)[0]
        self.at += form.size
        return value

    def length(self, maximum: int) -> int:
        """Return the length word at this place.  Errors: XdrError if it is over `maximum`."""
        length: int = self.number(_UINT)
        if length > maximum:
            raise XdrError(f"a length of {length} where at most {maximum} are allowed")
        return length


def pack(type_name: str, value: Any) -> bytes:
    """Encode `value` as `type_name`.  Errors: XdrError."""
    out = bytearray()
    packer(type_name)(out, value)
    return bytes(out)


def unpack(type_name: str, data: bytes) -> Any:
    """Decode all of `data` as `type_name`.  Errors: XdrError, also when data is left over."""
    cursor = Cursor(data)
    value = unpacker(type_name)(cursor)
    if cursor.at != len(data):
        raise XdrError(f"{len(data) - cursor.at} bytes are left behind a {type_name}")
    return value


_fields: "dict[str, list[tuple[str, str]]]" = {}


def fields(struct_name: str) -> "list[tuple[str, str]]":
    """Return a struct's fields as (name, type)."""
    found = _fields.get(struct_name)
    if found is None:
        pairs = (part.partition(":") for part in STRUCTS[struct_name].split())
        found = _fields[struct_name] = [(name, kind) for name, _, kind in pairs]
    return found


# -- building codecs, each once ----------------------------------------------------------------------

_packers: "dict[str, Pack]" = {}
_unpackers: "dict[str, Unpack]" = {}


def packer(kind: str) -> Pack:
    """Return the function that appends a value of type `kind`."""
    made = _packers.get(kind)
    if made is None:
        made = _packers[kind] = _make_packer(kind)
    return made


def unpacker(kind: str) -> Unpack:
    """Return the function that reads a value of type `kind`."""
    made = _unpackers.get(kind)
    if made is None:
        made = _unpackers[kind] = _make_unpacker(kind)
    return made


def _bound(kind: str) -> "tuple[str, str, int]":
    """Split ``TYPE<max>`` and ``TYPE[size]`` into type, bracket and number; ("", "", 0) for others."""
    for bracket, closing in (("<", ">"), ("[", "]")):
        if kind.endswith(closing):
            base, _, number = kind[:-1].rpartition(bracket)
            return base, bracket, int(number)
    return "", "", 0


def _make_packer(kind: str) -> Pack:
    if kind in _NUMBERS:
        return _pack_number(_NUMBERS[kind])
    if kind in ("char", "uchar"):
        return _pack_number(_UINT)
    if kind.startswith("?"):
        return _pack_optional(packer(kind[1:]))
    if kind == "remote_uuid":
        return _pack_uuid
    if kind == "remote_typed_param_value":
        return _pack_param_value
    base, bracket, number = _bound(kind)
    if base == "string" or base == "opaque":
        return _pack_bytes(number, fixed=bracket == "[", text=base == "string")
    if base == "char" and bracket == "[":
        return _pack_chars(number)
    if base == "char":
        return _pack_char_list(number)
    if base:
        return _pack_items(packer(base), number, fixed=bracket == "[")
    if kind in TYPEDEFS:
        return packer(TYPEDEFS[kind])
    return _pack_struct(kind)


def _make_unpacker(kind: str) -> Unpack:
    if kind in _NUMBERS:
        form = _NUMBERS[kind]
        return lambda cursor: cursor.number(form)
    if kind in ("char", "uchar"):
        return lambda cursor: cursor.number(_UINT) & 0xFF
    if kind.startswith("?"):
        inner = unpacker(kind[1:])
        return lambda cursor: inner(cursor) if cursor.length(1) else None
    if kind == "remote_uuid":
        return _unpack_uuid
    if kind == "remote_typed_param_value":
        return _unpack_param_value
    base, bracket, number = _bound(kind)
    if base == "string" or base == "opaque":
        return _unpack_bytes(number, fixed=bracket == "[", text=base == "string")
    if base == "char" and bracket == "[":
        return _unpack_chars(number)
    if base == "char":
        return _unpack_char_list(number)
    if base:
        return _unpack_items(unpacker(base), number, fixed=bracket == "[")
    if kind in TYPEDEFS:
        return unpacker(TYPEDEFS[kind])
    return _unpack_struct(kind)


# -- packing -----------------------------------------------------------------------------------------


def _pack_number(form: struct.Struct) -> Pack:
    def pack_number(out: bytearray, value: Any) -> None:
        try:
            out += form.pack(value)
        except struct.error as error:
            raise XdrError(f"{value!r} does not fit: {error}") from error

    return pack_number


def _pack_optional(inner: Pack) -> Pack:
    def pack_optional(out: bytearray, value: Any) -> None:
        out += _UINT.pack(value is not None)
        if value is not None:
            inner(out, value)

    return pack_optional


def _pack_bytes(number: int, *, fixed: bool, text: bool) -> Pack:
    def pack_bytes(out: bytearray, value: Any) -> None:
        data = value.encode("utf-8", "surrogateescape") if text else bytes(value)
        if len(data) != number if fixed else len(data) > number:
            raise XdrError(f"{len(data)} bytes where {number} are allowed")
        if not fixed:
            out += _UINT.pack(len(data))
        out += data
        out += bytes(-len(data) % 4)

    return pack_bytes


def _pack_chars(number: int) -> Pack:
    """Pack text as C characters, four bytes each; exactly `number` of them, zeros at the end."""

    def pack_chars(out: bytearray, value: Any) -> None:
        data = value.encode("utf-8", "surrogateescape")
        if len(data) >= number:
            raise XdrError(f"{len(data)} characters where {number - 1} are allowed")
        for byte in data.ljust(number, b"\0"):
            out += _INT.pack(byte - 256 if byte > 127 else byte)

    return pack_chars


# The bound of authentication data, which is bytes; every other list of characters is C text, which
# travels with its NUL.
_SASL_DATA = 65536


def _pack_char_list(number: int) -> Pack:
    def pack_char_list(out: bytearray, value: Any) -> None:
        data = value if number == _SASL_DATA else value.encode("utf-8", "surrogateescape") + b"\0"
        if len(data) > number:
            raise XdrError(f"{len(data)} characters where {number} are allowed")
        out += _UINT.pack(len(data))
        for byte in data:
            out += _INT.pack(byte - 256 if byte > 127 else byte)

    return pack_char_list


def _pack_items(inner: Pack, number: int, *, fixed: bool) -> Pack:
    def pack_items(out: bytearray, value: Any) -> None:
        if len(value) != number if fixed else len(value) > number:
            raise XdrError(f"{len(value)} items where {number} are allowed")
        if not fixed:
            out += _UINT.pack(len(value))
        for item in value:
            inner(out, item)

    return pack_items


def _pack_uuid(out: bytearray, value: Any) -> None:
    try:
        data = bytes.fromhex(value.replace("-", ""))
    except ValueError as error:
        raise XdrError(f"{value!r} is no UUID") from error
    if len(data) != 16:
        raise XdrError(f"{value!r} is no UUID")
    out += data


def _pack_param_value(out: bytearray, value: Any) -> None:
    number, content = value
    kind = _PARAM_TYPES.get(number)
    if kind is None:
        raise XdrError(f"there is no typed parameter of type {number}")
    out += _INT.pack(number)
    packer(kind)(out, content)


def _pack_struct(name: str) -> Pack:
    members = [packer(kind) for _, kind in fields(name)]
    ref = name in REFS
    param = name == "remote_typed_param"

    def pack_struct(out: bytearray, value: Any) -> None:
        values = value.values() if ref else (value[0], value[1:]) if param else value
        for member, item in zip(members, values, strict=True):
            member(out, item)

    return pack_struct


# -- unpacking ---------------------------------------------------------------------------------------


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _unpack_bytes(number: int, *, fixed: bool, text: bool) -> Unpack:
    def unpack_bytes(cursor: Cursor) -> Any:
        data = cursor.take(number if fixed else cursor.length(number))
        return _text(data) if text else data

    return unpack_bytes


def _unpack_chars(number: int) -> Unpack:
    def unpack_chars(cursor: Cursor) -> str:
        data = bytes(cursor.number(_UINT) & 0xFF for _ in range(number))
        return _text(data.partition(b"\0")[0])

    return unpack_chars


def _unpack_char_list(number: int) -> Unpack:
    def unpack_char_list(cursor: Cursor) -> Any:
        count = cursor.length(number)
        data = bytes(byte & 0xFF for byte in struct.unpack(f">{count}I", cursor.take(4 * count)))
        return data if number == _SASL_DATA else _text(data.partition(b"\0")[0])

    return unpack_char_list


def _unpack_items(inner: Unpack, number: int, *, fixed: bool) -> Unpack:
    def unpack_items(cursor: Cursor) -> "list[Any]":
        count = number if fixed else cursor.length(number)
        # No item is shorter than four bytes: a count beyond the packet is refused at once.
        if count * 4 > len(cursor.data) - cursor.at:
            raise XdrError(f"{count} items do not fit into the rest of the packet")
        return [inner(cursor) for _ in range(count)]

    return unpack_items


def _unpack_uuid(cursor: Cursor) -> str:
    digits = cursor.take(16).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _unpack_param_value(cursor: Cursor) -> "tuple[int, Any]":
    number = cursor.number(_INT)
    kind = _PARAM_TYPES.get(number)
    if kind is None:
        raise XdrError(f"there is no typed parameter of type {number}")
    return number, unpacker(kind)(cursor)


def _unpack_struct(name: str) -> Unpack:
    members = [unpacker(kind) for _, kind in fields(name)]
    ref = REFS.get(name)
    if ref is not None:
        return lambda cursor: ref(*[member(cursor) for member in members])
    if name == "remote_typed_param":
        return lambda cursor: (members[0](cursor), *members[1](cursor))
    return lambda cursor: tuple(member(cursor) for member in members)
