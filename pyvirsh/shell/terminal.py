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
