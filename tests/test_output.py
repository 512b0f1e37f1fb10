"""What leaves: layouts to the byte, notes, errors, and what a terminal gets instead."""

import re

import pytest

from pyvirsh.shell import colour, pretty
from pyvirsh.shell.output import Output, Shown, display_width, escape_cell, format_table


@pytest.fixture
def out():
    return Output()


def written(out, capfd):
    out.flush()
    return capfd.readouterr()


# -- tables ------------------------------------------------------------------------------------------


def test_table():
    rows = [["1", "test", "running"], ["-", "b", "shut off"]]
    text = " Id   Name   State\n-----------------------\n 1    test   running\n -    b      shut off\n"
    assert format_table(["Id", "Name", "State"], rows) == text


def test_table_without_rows_or_header():
    assert format_table(["Id", "Name"], []) == " Id   Name\n------------\n"
    assert format_table(["Id", "Name"], [], header=False) == ""
    assert format_table(["Id", "Name"], [["1", "a"]], header=False) == " 1   a\n"


def test_an_empty_last_cell_leaves_blanks():
    assert format_table(["A", "B"], [["x", ""]], header=False) == " x   \n"


@pytest.mark.parametrize(
    ("text", "ascii", "utf8"),
    [
        ("a b", "a b", "a b"),
        ("a\tb\x7f", "a\\x09b\\x7f", "a\\x09b\\x7f"),
        ("a\\xb", "a\\x5cxb", "a\\x5cxb"),
        ("a\\y", "a\\y", "a\\y"),
        ("é1", "\\xff\\xff1", "é1"),
        ("\x85", "\\xff\\xff", "\\xff\\xff"),
        ("\udcff", "\\xff", "\\xff"),
        ("\u200b\xa0", "\\xff" * 5, "\u200b\xa0"),
    ],
)
def test_escapes(monkeypatch, text, ascii, utf8):
    monkeypatch.setattr("pyvirsh.shell.output._shows_unicode", lambda: False)
    assert escape_cell(text) == ascii
    monkeypatch.setattr("pyvirsh.shell.output._shows_unicode", lambda: True)
    assert escape_cell(text) == utf8


@pytest.mark.parametrize(
    ("text", "width"), [("ab", 2), ("é", 1), ("名", 2), ("😀", 2), ("\u200b", 0), ("e\u0301", 1)]
)
def test_widths(text, width):
    assert display_width(text) == width


# -- what handlers call --------------------------------------------------------------------------------

ROWS = [{"id": None, "name": "b", "size": Shown(1024, "1.00 KiB"), "on": True}]


def test_records(out, capfd):
    out.records([("Id", "id"), ("Size", "size"), ("On", "on")], ROWS)
    assert written(out, capfd).out == " Id   Size       On\n----------------------\n -    1.00 KiB   yes\n"


def test_records_as_data(out, capfd):
    out.format = "json"
    out.records([("Id", "id")], ROWS)
    assert written(out, capfd).out == (
        '[\n  {\n    "id": null,\n    "name": "b",\n    "size": 1024,\n    "on": true\n  }\n]\n'
    )


def test_names_fields_and_values(out, capfd):
    out.names(["size", "name"], ROWS)
    out.fields([("Name:", "name", "b"), ("", "uuid", "u"), ("Note:", "", "n")])
    out.fields([("limit", "limit", 3)], colon=": ")
    out.value("count", 5)
    assert (
        written(out, capfd).out == "1.00 KiB b\nName:           b\nNote:           n\nlimit          : 3\n5\n"
    )


def test_fields_as_data(out, capfd):
    out.format = "csv"
    out.fields([("Name:", "name", "b"), ("", "uuid", "u"), ("Note:", "", "n")])
    assert written(out, capfd).out == "name,uuid\nb,u\n"


def test_notes(out, capfd):
    out.note("done")
    out.raw_note("done too")
    assert written(out, capfd).out == "done\ndone too"
    for out.quiet, out.format in ((True, "table"), (False, "json")):
        out.note("done")
        out.raw_note("done too")
        assert written(out, capfd).out == ""


def test_how_far_a_job_is_as_data(out, capfd):
    for out.format in ("json", "csv"):
        out.share("Migration", 42.5)
        assert written(out, capfd) == ('{"job": "migration", "percent": 42.5}\n', "")


def test_an_event_leaves_at_once(out, capfd):
    out.event({"event": "reboot", "n": 1}, "event 'reboot'\n")
    assert capfd.readouterr().out == "event 'reboot'\n"
    out.format = "yaml"
    out.event({"event": "reboot", "n": 1}, "event 'reboot'\n")
    assert capfd.readouterr().out == '{"event": "reboot", "n": 1}\n'


def test_errors(out, capfd):
    out.where = "f:3: "
    out.error("two\nlines")
    out.debug(0, "not shown")
    out.share("Copy", 42.5)
    assert written(out, capfd).err == "f:3: error: two\nlines\n\rCopy: [42.50 %]"


def test_bytes_that_are_no_text_leave_as_they_came(out, capfdbinary):
    out.line("a\udcff")
    out.flush()
    assert capfdbinary.readouterr().out == b"a\xff\n"


# -- on a terminal -------------------------------------------------------------------------------------


def plain(text):
    return re.sub("\x1b\\[[0-9;]*[mK]", "", text)


HEADERS = ["Id", "Name", "State"]
TABLE = [["1", "test", "running"], ["-", "crashing", "crashed"]]


def test_colours_change_nothing_else():
    painted = colour.table(HEADERS, TABLE, width=80)
    assert plain(painted) == format_table(HEADERS, TABLE)
    assert "\x1b[32mrunning\x1b[0m" in painted and "\x1b[31mcrashed\x1b[0m" in painted
    document = "<a x='1' y=\"<\">\n  <!-- <b> -->\n  <ns:b/>text = 'x'\n</a>\n"
    assert plain(colour.xml(document)) == document
    assert "\x1b[36mx\x1b[0m=\x1b[32m'1'\x1b[0m" in colour.xml(document)


def test_a_wide_table_is_folded():
    text = plain(colour.table(HEADERS, [["1", "n" * 50, "running"]], width=40))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 40
    assert lines[0].split() == HEADERS and set(lines[1]) == {"-"}
    assert "".join(line[6:].split("   ")[0].strip() for line in lines[2:]) == "n" * 50


def test_pretty_output(out, capfd):
    out.pretty = out.pretty_errors = True
    out.records([("Name", "name"), ("State", "state")], [{"name": "a", "state": "paused"}])
    out.fields([("State:", "state", "running")])
    out.xml("<a/>\n")
    out.error("x")
    out.share("Copy", 50)
    got = written(out, capfd)
    assert got.out.count("\x1b[") > 6
    assert (
        plain(got.out) == " Name   State\n----------------\n a      paused\nState:          running\n<a/>\n"
    )
    assert plain(got.err).startswith("error: x\n\rCopy ") and plain(got.err).endswith("  50.00 %")


def test_quiet_tables_stay_as_scripts_know_them(out, capfd):
    out.pretty = out.quiet = True
    out.records([("Name", "name"), ("State", "state")], [{"name": "a", "state": "paused"}])
    assert written(out, capfd).out == " a   paused\n"


@pytest.mark.parametrize(
    ("environ", "terminal", "wanted"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({}, True, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "xterm", "CLICOLOR": "0"}, True, False),
    ],
)
def test_who_gets_colour(monkeypatch, environ, terminal, wanted):
    monkeypatch.setattr("os.isatty", lambda fd: terminal)
    assert colour.wanted(environ, 1) is wanted


def test_bars_fill():
    empty, half, full = (plain(pretty.bar("Job", percent)) for percent in (0, 50, 100))
    assert empty.endswith("   0.00 %") and full.endswith(" 100.00 %")
    assert len(empty) == len(half) == len(full)
