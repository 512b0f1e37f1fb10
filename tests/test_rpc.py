"""The protocol's codec and framing: every struct there and back, and damaged data refused."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyvirsh.backend import api
from pyvirsh.rpc import framing, protocol, shape, xdr
from pyvirsh.rpc.framing import Decoder, FramingError, Packet

UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"


class Maker:
    """Makes values of the protocol's types."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def make(self, kind):
        if kind in ("int", "short"):
            return self.random.randint(-(2**31), 2**31 - 1)
        if kind in ("uint", "ushort"):
            return self.random.randint(0, 2**32 - 1)
        if kind in ("char", "uchar"):
            return self.random.randint(0, 127)
        if kind == "hyper":
            return self.random.randint(-(2**63), 2**63 - 1)
        if kind == "uhyper":
            return self.random.randint(0, 2**64 - 1)
        if kind == "double":
            return float(self.random.randint(-1000, 1000)) / 8
        if kind.startswith("?"):
            return self.make(kind[1:]) if self.random.random() < 0.7 else None
        if kind == "remote_uuid":
            return UUID
        if kind == "remote_typed_param_value":
            number = self.random.choice(list(xdr._PARAM_TYPES))
            return (number, self.make(xdr._PARAM_TYPES[number]))
        return self._compound(kind)

    def _compound(self, kind):
        base, bracket, number = xdr._bound(kind)
        size = number if bracket == "[" else self.random.randint(0, min(number, 5))
        if base == "string":
            return "".join(self.random.choice("aé\udc80/<") for _ in range(min(size, number // 3)))
        if base == "opaque":
            return self.random.randbytes(size)
        if base == "char":
            if bracket == "<" and number == xdr._SASL_DATA:
                return self.random.randbytes(size)
            return "x" * min(size, number - 1)
        if base:
            return [self.make(base) for _ in range(size)]
        if kind in protocol.TYPEDEFS:
            return self.make(protocol.TYPEDEFS[kind])
        values = [self.make(member) for _, member in xdr.fields(kind)]
        if kind in xdr.REFS:
            return xdr.REFS[kind](*values)
        return (values[0], *values[1]) if kind == "remote_typed_param" else tuple(values)


@pytest.mark.parametrize("struct", sorted(protocol.STRUCTS))
def test_every_struct_round_trips(struct):
    for seed in range(3):
        value = Maker(seed).make(struct)
        assert xdr.unpack(struct, xdr.pack(struct, value)) == value


def test_damaged_data_is_refused_or_read_but_never_more():
    chance = random.Random(5)
    structs = sorted(protocol.STRUCTS)
    refused = 0
    for _ in range(10000):
        struct = chance.choice(structs)
        data = bytearray(xdr.pack(struct, Maker(chance.random()).make(struct)))
        for _ in range(chance.randint(1, 4)):
            if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
        del data[chance.randint(0, len(data)) :]
        try:
            xdr.unpack(struct, bytes(data))
        except xdr.XdrError:
            refused += 1
    assert refused > 3000


@pytest.mark.parametrize(
    "data",
    [
        bytes.fromhex("7fffffff") + b"x" * 8,  # a list longer than the packet
        bytes.fromhex("ffffffff"),  # a negative length
        bytes.fromhex("00000002") + b"\0" * 3,
        b"",
    ],
)
def test_lengths_are_bounded_before_anything_is_allocated(data):
    with pytest.raises(xdr.XdrError):
        xdr.unpack("remote_connect_list_all_domains_ret", data)


def test_what_does_not_fit_is_not_packed():
    for struct, value in (
        ("remote_domain_lookup_by_uuid_args", ("not a uuid",)),
        ("remote_connect_supports_feature_args", (2**40,)),
        ("remote_typed_param", ("x", 9, 0)),
        ("remote_connect_list_domains_ret", ([0] * 16385,)),
    ):
        with pytest.raises(xdr.XdrError):
            xdr.pack(struct, value)


@given(st.binary(max_size=200), st.integers(1, 7))
def test_packets_in_any_pieces(payload, size):
    sent = [Packet(protocol.REMOTE_PROGRAM, 9, 0, n, payload=payload) for n in range(3)]
    data = b"".join(packet.encode() for packet in sent)
    decoder = Decoder()
    got = []
    for at in range(0, len(data), size):
        got += decoder.feed(data[at : at + size])
    assert [(packet.serial, packet.payload) for packet in got] == [(n, payload) for n in range(3)]


@pytest.mark.parametrize("length", [0, 4, 27, framing.LENGTH_MAX + 1, 0xFFFFFFFF])
def test_lengths_of_packets_are_bounded(length):
    with pytest.raises(FramingError):
        Decoder().feed(length.to_bytes(4, "big") + b"\0" * 64)


def test_bytes_that_come_with_descriptors_are_passed_over():
    packet = Packet(protocol.REMOTE_PROGRAM, 9, protocol.CALL_WITH_FDS, 1, payload=b"abcd")
    packet.fds = 2
    after = Packet(protocol.REMOTE_PROGRAM, 10, protocol.CALL, 2)
    got = Decoder().feed(packet.encode() + b"\0\0" + after.encode())
    assert [(p.procedure, p.payload, p.fds) for p in got] == [(9, b"abcd", 2), (10, b"", 0)]


def test_too_many_descriptors_are_refused():
    packet = Packet(protocol.REMOTE_PROGRAM, 9, protocol.CALL_WITH_FDS, 1)
    packet.fds = protocol.MESSAGE_NUM_FDS_MAX + 1
    with pytest.raises(FramingError):
        Decoder().feed(packet.encode())


def test_answers_count_what_the_driver_leaves_out():
    gives = shape.fields("remote_connect_list_all_domains_ret")
    dom = api.DomainRef("a", UUID, 1)
    assert shape.answer(gives, {"need_results": 1}, [dom]) == ([dom], 1)
    assert shape.answer(gives, {"need_results": 0}, [dom]) == ([], 1)
    gives = shape.fields("remote_domain_get_memory_parameters_ret")
    params = [("hard_limit", 4, 1)]
    assert shape.answer(gives, {"nparams": 0}, params) == ([], 1)
    assert shape.answer(gives, {"nparams": 1}, params) == (params, 1)
    gives = shape.fields("remote_domain_is_active_ret")
    assert shape.answer(gives, {}, True) == (1,)
