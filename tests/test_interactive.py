"""The shell on a terminal: keys in, lines run, and what completion and colour make of a line."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from pyvirsh.shell import interactive
from pyvirsh.shell.history import History
from pyvirsh.shell.output import Output
from pyvirsh.shell.session import Session


@pytest.fixture
def session():
    session = Session(Output(quiet=True), uri="test:///default", program="virsh")
    yield session
    session.disconnect()


def type_keys(session, keys, history=None):
    """Run the shell on keys, ^D at the end; return the history."""
    history = history or History("/dev/null/none", None)
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=DummyOutput()):
        keyboard.send_text(keys + "\x04")
        interactive.run(session, history, plain=True)
    return history


def test_lines_run(session, capfd):
    history = type_keys(session, "echo a\rbogus\recho b\r")
    out, err = capfd.readouterr()
    assert (out, err) == ("ab", "error: unknown command: 'bogus'\n")
    assert history.lines == ["echo a", "bogus", "echo b"]


def test_quit_leaves_with_a_newline(session, capfd):
    type_keys(session, "echo a\rquit\recho b\r")
    assert capfd.readouterr().out == "a\n"


def test_an_interrupt_clears_the_line(session, capfd):
    history = type_keys(session, "echo a\x03echo b\r")
    assert capfd.readouterr().out == "b"
    assert history.lines == ["echo b"]


def test_lines_of_the_past_are_at_hand(session, capfd):
    history = History("/dev/null/none", None)
    history.lines = ["echo old", "echo new"]
    type_keys(session, "\x10\x10er\r", history)
    assert capfd.readouterr().out == "older"


def test_the_tab_key_completes(session, capfd):
    type_keys(session, "domsta\te te\t\r")
    assert capfd.readouterr().out == "running\n"


def test_an_interrupt_ends_a_command_only(session, capfd, monkeypatch):
    def interrupt(text):
        raise KeyboardInterrupt

    monkeypatch.setattr("pyvirsh.commands.virsh.shell_quoted", interrupt)
    type_keys(session, "echo --shell a\recho b\r")
    assert capfd.readouterr() == ("\nb", "error: interrupted\n")


# -- completion ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("domst", [("domstate", -5), ("domstats", -5)]),
        ("domstate t", [("test ", -1)]),
        ("domstate --domain=t", [("--domain=test ", -10)]),
        ('domstate "t', [('"test" ', -2)]),
        ("domstate 't", [("'test' ", -2)]),
        ("echo a; domstate t", [("test ", -1)]),
        ("domstate test --r", [("--reason ", -3)]),
        ("reboot test --mode acpi,a", [("acpi,agent ", -6)]),
        ("define a", [("a\\ b.xml ", -1)]),
        ("define 'a", [("'a b.xml' ", -2)]),
        ("define d", [("dir/", -1)]),
        ("bogus x", []),
    ],
)
def test_completions(session, line, completions, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a b.xml").touch()
    (tmp_path / "dir").mkdir()
    found = interactive.LineCompleter(session).get_completions(Document(line), CompleteEvent())
    assert [(each.text, each.start_position) for each in found] == completions


def test_candidates_are_explained(session):
    found = interactive.LineCompleter(session).get_completions(Document("domstate --"), CompleteEvent())
    shown = [(each.display_text, each.display_meta_text) for each in found]
    assert shown[1][0] == "--reason" and shown[1][1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", ("", 0, "")),
        ("a ", ("", 2, "")),
        ("a b", ("b", 2, "")),
        ("a;", ("", 2, "")),
        ("a; b\\ c", ("b c", 3, "")),
        ("a 'b c", ("b c", 2, "'")),
        ("a # b", ("", 5, "")),
    ],
)
def test_the_word_before_the_cursor(line, expected):
    assert interactive.last_word(line) == expected


@pytest.mark.parametrize(
    ("text", "quote", "closed", "expected"),
    [
        ("a b;c", "", True, "a\\ b\\;c"),
        ('a"b', '"', True, '"a\\"b"'),
        ("a'b", "'", False, "'a'\\''b"),
        ("plain", "", False, "plain"),
    ],
)
def test_quoting(text, quote, closed, expected):
    assert interactive.quoted(text, quote, closed=closed) == expected


# -- colour ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "styled"),
    [
        ("list --all", [("class:command", "list"), ("class:option", "--all")]),
        ("bogus x", [("class:unknown", "bogus")]),
        (
            "echo 'a b'; quit",
            [("class:command", "echo"), ("class:quoted", "'a b'"), ("class:command", "quit")],
        ),
        ("echo a # note", [("class:command", "echo"), ("class:comment", " # note")]),
        ("  ", []),
    ],
)
def test_colours(line, styled):
    pieces = interactive.coloured(line)
    assert "".join(text for _, text in pieces) == line
    assert [piece for piece in pieces if piece[0]] == styled


# -- a real terminal ---------------------------------------------------------------------------------------


class Terminal:
    """pyvirsh on a terminal of its own."""

    def __init__(self, home, *argv, **environ):
        self.primary, secondary = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pyvirsh", *argv],
            stdin=secondary,
            stdout=secondary,
            stderr=secondary,
            cwd=Path(__file__).parent.parent,
            env={**os.environ, "HOME": str(home), "XDG_CACHE_HOME": "", "TERM": "xterm", **environ},
            start_new_session=True,
        )
        os.close(secondary)
        self.text = ""

    def expect(self, wanted):
        """Read until `wanted` has come."""
        deadline = time.monotonic() + 30
        while wanted not in self.text:
            assert time.monotonic() < deadline, f"{wanted!r} does not come: {self.text!r}"
            if select.select([self.primary], [], [], 0.5)[0]:
                self.text += os.read(self.primary, 65536).decode()
        before, _, self.text = self.text.partition(wanted)
        return before

    def send(self, keys):
        os.write(self.primary, keys.encode())

    def close(self):
        os.close(self.primary)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def terminal(tmp_path):
    opened = []

    def open(*argv, **environ):
        opened.append(Terminal(tmp_path, *argv, **environ))
        return opened[-1]

    yield open
    for each in opened:
        each.close()


@pytest.mark.parametrize("environ", [{}, {"NO_COLOR": "1"}])
def test_on_a_terminal(terminal, tmp_path, environ):
    shell = terminal("-c", "test:///default", **environ)
    shell.expect("Welcome to pyvirsh")
    shell.expect("virsh # ")
    shell.send("domstate test\r")
    shell.expect("running")
    shell.expect("virsh # ")
    shell.send("connect --readonly\r")
    shell.expect("virsh > ")
    shell.send("\x04")
    assert shell.process.wait(30) == 0
    history = tmp_path / ".cache/libvirt/virsh/history"
    assert history.read_text() == "domstate test\nconnect --readonly\n"


def test_on_a_dumb_terminal_nothing_is_drawn(terminal):
    shell = terminal("-q", "-c", "test:///default", TERM="dumb")
    shell.expect("virsh # ")
    shell.send("echo a\n")
    assert shell.expect("virsh # ") == "echo a\r\na"
    shell.send("\x04")
    shell.expect("\r\n")
    assert shell.process.wait(30) == 0


def test_a_terminal_that_goes_away_ends_it(terminal):
    shell = terminal("-q", "-c", "test:///default")
    shell.expect("virsh # ")
    os.killpg(shell.process.pid, signal.SIGHUP)
    assert shell.process.wait(30) == -signal.SIGHUP
