"""The terminal at a descriptor: raw mode and single keys.  Left as it was found, however a block ends."""

import os
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def raw(fd: int) -> "Iterator[None]":
    """Pass every key on as it is typed, unechoed and without a meaning of its own."""
    before = termios.tcgetattr(fd)
    try:
        tty.setraw(fd)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def read_key(fd: int) -> str:
    """Return the key that is typed next, "" when the terminal has gone."""
    return os.read(fd, 1).decode("latin-1")


def read_hidden() -> bytes:
    """Return a line typed at the controlling terminal, unechoed and without its end.

    Without a terminal it is read from standard input.
    """
    try:
        fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return _line(0)
    try:
        before = termios.tcgetattr(fd)
        silent = termios.tcgetattr(fd)
        silent[3] &= ~termios.ECHO
        try:
            termios.tcsetattr(fd, termios.TCSAFLUSH, silent)
            return _line(fd)
        finally:
            termios.tcsetattr(fd, termios.TCSAFLUSH, before)
            os.write(fd, b"\n")
    finally:
        os.close(fd)


def _line(fd: int) -> bytes:
    """Read one line and nothing behind it."""
    line = bytearray()
    while (char := os.read(fd, 1)) not in (b"", b"\n"):
        line += char
    return bytes(line)
