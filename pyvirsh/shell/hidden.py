"""What is typed unseen: passphrases and the values of secrets."""

import os
import termios

LOCAL_FLAGS = 3


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
        silent = list(before)
        silent[LOCAL_FLAGS] &= ~termios.ECHO
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
