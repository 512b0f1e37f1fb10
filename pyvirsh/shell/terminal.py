"""The terminal at a descriptor: raw mode and single keys.  Left as it was found, however a block ends."""

import os
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

STDIN = 0


def is_terminal(fd: int = STDIN) -> bool:
    """Say whether the descriptor is open and a terminal."""
    try:
        return os.isatty(fd)
    except OSError:
        return False


@contextmanager
def raw(fd: int = STDIN) -> "Iterator[None]":
    """Pass every key on as it is typed, unechoed and without a meaning of its own."""
    with _restored(fd):
        tty.setraw(fd)
        yield


@contextmanager
def interrupt_as_key(fd: int = STDIN) -> "Iterator[str]":
    """Let the key that interrupts (^C) be read like any other; gives that key."""
    with _restored(fd) as before:
        keys = list(before[CC])
        keys[termios.VINTR] = b"\0"
        changed = [*before[:LFLAG], before[LFLAG] & ~termios.ICANON, *before[LFLAG + 1 : CC], keys]
        termios.tcsetattr(fd, termios.TCSANOW, changed)
        yield before[CC][termios.VINTR].decode("latin-1")


# Where `termios` keeps the local flags and the special keys.
LFLAG, CC = 3, 6


@contextmanager
def _restored(fd: int) -> "Iterator[list[Any]]":
    before = termios.tcgetattr(fd)
    try:
        yield before
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def read_key(fd: int = STDIN) -> str:
    """Return the key that is typed next, "" when the terminal has gone."""
    return os.read(fd, 1).decode("latin-1")
