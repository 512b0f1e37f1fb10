"""A console's relay: typed and piped input, the escape character, whoever ends it first."""

import os
import signal
import subprocess
import sys
import time

import pytest

from pyvirsh.shell import relay
from terminals import Terminal

# A guest that answers in capitals and ends at "bye".
SCRIPT = """
import os, socket, sys, threading
from pyvirsh.shell import relay

class Guest:
    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        threading.Thread(target=self.live, daemon=True).start()
    def live(self):
        self.theirs.sendall(b"login: ")
        heard = b""
        while b"bye" not in heard and (data := self.theirs.recv(64)):
            self.theirs.sendall(data.upper())
            heard += data
        self.theirs.close()
    def fileno(self):
        return self.ours.fileno()
    def recv(self, size):
        return self.ours.recv(size)
    def send(self, data):
        return self.ours.send(data[:3])

if not relay.has_input():
    sys.exit("no input")
relay.run(Guest(), relay.escape_byte(sys.argv[1]))
os.write(2, b"<over>")
"""


def piped(text, escape="^]"):
    done = subprocess.run([sys.executable, "-c", SCRIPT, escape], input=text, capture_output=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, b"<over>")
    return done.stdout


@pytest.mark.parametrize(
    ("escape", "byte"), [("^]", b"\x1d"), ("^a", b"\x01"), ("^@", b"\x00"), ("x", b"x"), ("X", b"X")]
)
def test_escape_characters(escape, byte):
    assert relay.escape_byte(escape) == byte


def test_piped_until_the_guest_ends():
    assert piped(b"abc\nbye") == b"login: ABC\nBYE"


def test_piped_until_the_escape_character():
    """It counts anywhere; what stands before it is sent."""
    assert b"BYE" not in piped(b"abc\x1dnot this bye")
    assert b"BYE" not in piped(b"abcxbye", escape="x")


@pytest.mark.parametrize("stdin", ["</dev/null", "<&-"])
def test_what_is_no_input(stdin):
    command = f'exec {sys.executable} -c "$0" "^]" {stdin}'
    done = subprocess.run(["sh", "-c", command, SCRIPT], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("", "no input\n")


def test_the_reader_goes():
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "^]"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert os.read(process.stdout.fileno(), 7) == b"login: "
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == b"<over>"


@pytest.fixture
def console():
    opened = Terminal([sys.executable, "-c", SCRIPT, "^]"])
    yield opened
    opened.close()


def test_typed(console):
    before = console.settings()
    console.until("login: ")
    assert console.settings() != before
    console.type("abc")
    console.until("ABC")
    # In pasted text the escape character goes to the guest, and so does ^C.
    console.type("d\x1d\x03e")
    console.until("D\x1d\x03E")
    console.type("\x1d")
    assert console.rest() == "<over>"
    assert console.settings() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_signals_that_do_nothing(console, number):
    console.until("login: ")
    os.kill(console.pid, number)
    console.type("bye")
    console.until("BYE")
    assert console.rest() == "<over>"
    assert console.status == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_that_end_it_leave_the_terminal_as_it_was(console, number):
    before = console.settings()
    console.until("login: ")
    time.sleep(0.1)
    os.kill(console.pid, number)
    assert console.rest() == ""
    assert console.status == 128 + number
    assert console.settings() == before
