"""Lists and maps of CPUs, rates of interfaces, addresses of disks, JSON laid out."""

import pytest

from pyvirsh.commands import cpulists, rates
from pyvirsh.commands.attach import _address_attributes
from pyvirsh.commands.prettyjson import pretty
from pyvirsh.errors import CommandFailed


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0", {0}),
        ("0-3", {0, 1, 2, 3}),
        ("0-3,^2", {0, 1, 3}),
        ("^0,0", {0}),
        ("0,", {0}),
        (" 0 - 3 , 7", {0, 1, 2, 3, 7}),
        ("00001", {1}),
        ("^1", set()),
        ("", None),
        (",0", None),
        ("0,,1", None),
        ("0-", None),
        ("3-1", None),
        ("0-3,^0-1", None),
        ("+1", None),
        ("0x1", None),
        ("1 2", None),
        ("1-2-3", None),
        ("99999999999", None),
        ("1023", {1023}),
        ("1024", None),
        ("2,^1024", None),
        ("٣", None),
    ],
)
def test_parse(text, numbers):
    assert cpulists.parse(text) == numbers


@pytest.mark.parametrize(
    ("text", "data"),
    [("0,2", b"\x05"), ("r", b"\xff\x01"), ("r1", b"\xff\x01"), ("8", b"\x00\x01"), ("0-8", b"\xff\x01")],
)
def test_parse_map(text, data):
    assert cpulists.parse_map(text, 9) == data.ljust(2, b"\0")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("x", ("Invalid cpulist 'x'", "invalid argument: Failed to parse bitmap 'x'")),
        ("0,^0", ("Invalid cpulist '0,^0'",)),
        ("0-9", ("CPU 9 in cpulist '0-9' exceed the maxcpu 9",)),
    ],
)
def test_parse_map_refuses(text, lines):
    with pytest.raises(CommandFailed) as failure:
        cpulists.parse_map(text, 9)
    assert failure.value.texts == lines


def test_a_map_and_its_numbers():
    for numbers in ([], [0], [7, 8], [0, 1, 2, 5], list(range(20))):
        assert cpulists.from_map(cpulists.to_map(set(numbers), 20)) == numbers


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([3], "3"), ([0, 1], "0-1"), ([0, 2, 3, 4, 9], "0,2-4,9")]
)
def test_ranges(numbers, text):
    assert cpulists.ranges(numbers) == text


def test_a_map_shows_only_cpus_that_are_there():
    shown = cpulists.shown(b"\xff", 3)
    assert (shown.value, shown.text) == ([0, 1, 2], "0-2")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1000", [1000, 0, 0, 0]),
        ("1,2,3,4", [1, 2, 3, 4]),
        (",,512", [0, 0, 512, 0]),
        (" 1, 2", [1, 2, 0, 0]),
        ("18446744073709551615", [18446744073709551615, 0, 0, 0]),
    ],
)
def test_rates(text, values):
    assert list(rates.parse(text).values()) == values


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x", "field 'average' is malformed"),
        ("1,-2", "field 'peak' is malformed"),
        ("1,2,3k", "field 'burst' is malformed"),
        ("18446744073709551616", "field 'average' is malformed"),
        ("1 ,2", "field 'average' is malformed"),
        ("1,2,3,4,5", "Rate string '1,2,3,4,5' has too many fields"),
    ],
)
def test_rates_refused(text, line):
    with pytest.raises(CommandFailed) as failure:
        rates.parse(text)
    assert failure.value.texts == (line,)


@pytest.mark.parametrize(
    ("scheme", "place", "values"),
    [
        ("pci", "0000.00.11.00", ["0x0000", "0x00", "0x11", "0x0"]),
        ("pci", "0x1:2:3.4 and more", ["0x0001", "0x02", "0x03", "0x4"]),
        ("pci", "11111.222.333.44", ["0x11111", "0x222", "0x333", "0x44"]),
        ("pci", "1.2.3", None),
        ("pci", "-1.2.3.4", None),
        ("pci", "100000000.2.3.4", None),
        ("ide", "0x1.2.3", ["0", "1", "2"]),
        ("ide", "010.2.3x", ["10", "2", "3"]),
        ("ide", "a.2.3", None),
        ("scsi", "0.0.18446744073709551615", ["0", "0", "18446744073709551615"]),
        ("scsi", "0.0.18446744073709551616", None),
        ("usb", "1.2.3", ["1", "2"]),
        ("ccw", "fe.0.1", ["0xfe", "0x0", "0x0001"]),
    ],
)
def test_addresses(scheme, place, values):
    found = _address_attributes(scheme, place)
    assert (None if found is None else list(found.values())) == values


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("not json", "not json"),
        ("5", "5"),
        ("null", "null"),
        ('"é"', '"é"\n'),
        ("{}", "{\n}\n"),
        (
            '{"a":[1.50,{}],"b":"\\u00e9\\n"}',
            '{\n  "a": [\n    1.50,\n    {\n    }\n  ],\n  "b": "é\\n"\n}\n',
        ),
    ],
)
def test_pretty_json(text, shown):
    assert pretty(text) == shown
