"""What `qemu-monitor-command` sends and how it shows the answer; names of keys and signals."""

import pytest

from pyvirsh.commands import keycodes, qemu
from pyvirsh.errors import CommandFailed


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (['{"execute":"stop"}'], '{"execute":"stop"}'),
        ([' {"execute":', '"stop"}'], ' {"execute": "stop"}'),
        (["stop"], '{"execute":"stop","arguments":{}}'),
        (["x", '{"a":1}'], '{"execute":"x","arguments":{"a":1}}'),
        (["x", '{"a":', "1}"], '{"execute":"x","arguments":{"a": 1}}'),
        (["x", '"a":1', '"b":[2]'], '{"execute":"x","arguments":{"a":1,"b":[2]}}'),
        (['a"b'], '{"execute":"a\\"b","arguments":{}}'),
        (["x", ""], '{"execute":"x","arguments":{}}'),
    ],
)
def test_commands(given, sent):
    assert qemu.wrapped(given) == sent


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["x", "a=b"], "quoted object property name expected"),
        (["x", "[1]"], "quoted object property name expected"),
        (["x", '"a":', "1"], "unexpected character"),
        (["x", '"a":1 "b":2'], "object value separator ',' expected"),
    ],
)
def test_arguments_that_are_none(given, reason):
    with pytest.raises(CommandFailed) as failed:
        qemu.wrapped(given)
    assert failed.value.texts == (
        f"failed to wrap arguments '{' '.join(given[1:])}' into a QMP command wrapper",
        f"internal error: failed to parse JSON: {reason}",
    )


def test_layout():
    value = {"return": {}, "list": [], "deep": [{"a": "é/", "b": [1, None, True]}]}
    assert qemu.pretty(value).splitlines() == [
        "{",
        '  "return": {',
        "  },",
        '  "list": [',
        "  ],",
        '  "deep": [',
        "    {",
        '      "a": "é/",',
        '      "b": [',
        "        1,",
        "        null,",
        "        true",
        "      ]",
        "    }",
        "  ]",
        "}",
    ]


@pytest.mark.parametrize(
    ("codeset", "name", "code"),
    [
        ("linux", "KEY_RESERVED", 0),
        ("linux", "KEY_A", 30),
        ("linux", "KEY_MICMUTE", None),
        ("linux", "BTN_LEFT", 272),
        ("linux", "KEY_RFKILL", 524),
        ("win32", "VK_F1", 112),
        ("os_x", "ANSI_A", 0),
        ("os_x", "F20", 90),
        ("usb", "KEY_A", None),
        ("rfb", "KEY_A", None),
    ],
)
def test_keys(codeset, name, code):
    number = keycodes.codeset(codeset)
    assert number is not None
    assert keycodes.names(number).get(name) == code


def test_sets_of_codes_are_libvirts():
    assert [keycodes.codeset(name) for name in keycodes.CODESETS] == list(range(10))
    assert keycodes.codeset("rfb") == 9
    assert keycodes.codeset("morse") is None
