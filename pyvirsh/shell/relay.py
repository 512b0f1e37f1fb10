"""A console: keys, or what is piped in, to the guest; what the guest says to standard output.

Source: measured in `shell-semantics`, section 15; input that is no terminal is our own.
"""

import contextlib
import os
import select
import signal
import stat
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

from pyvirsh.shell import terminal

if TYPE_CHECKING:
    from pyvirsh.backend.api import Stream

STDIN, STDOUT = 0, 1

# Read from either side at once, as virsh does.
SIZE = 1024


def has_input() -> bool:
    """Say whether standard input is something to relay: a terminal, a pipe, a file or a socket.

    Closed, or a device as /dev/null, it is not.
    """
    if terminal.is_terminal():
        return True
    try:
        mode = os.fstat(STDIN).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def escape_byte(escape: str) -> bytes:
    """Return the byte that the escape setting stands for: ``^]`` or a character itself."""
    if len(escape) == 2:
        return bytes([ord(escape[1].upper()) & 0x1F])
    return escape.encode("utf-8", "surrogateescape")[:1]


def run(stream: "Stream", escape: bytes) -> None:
    """Relay until the guest's side ends or `escape` is typed or piped.  Errors: VirError.

    Typed, it counts as the first byte of what is read at once, so pasted text cannot end the
    session; piped, it counts anywhere.  Nothing is written any more once the reader has gone.
    """
    typed = terminal.is_terminal()
    with terminal.raw() if typed else contextlib.nullcontext(), _no_signals() if typed else _nothing():
        _relay(stream, escape, typed=typed)


def _relay(stream: "Stream", escape: bytes, *, typed: bool) -> None:
    poll = select.poll()
    poll.register(STDIN, select.POLLIN)
    poll.register(STDOUT, 0)
    if stream.fileno() >= 0:
        poll.register(stream.fileno(), select.POLLIN)
    while _from_guest(stream):
        for fd, _ in poll.poll():
            if fd == STDOUT:
                return
            if fd != STDIN:
                continue
            data = os.read(STDIN, SIZE)
            if not data and typed:
                return
            if not data:
                poll.unregister(STDIN)
                continue
            kept = _before_escape(data, escape, typed=typed)
            _to_guest(stream, kept)
            if len(kept) < len(data):
                return


def _before_escape(data: bytes, escape: bytes, *, typed: bool) -> bytes:
    """Return what of `data` is for the guest."""
    if typed:
        return b"" if data.startswith(escape) else data
    return data.partition(escape)[0]


def _to_guest(stream: "Stream", data: bytes) -> None:
    while data:
        taken = stream.send(data)
        if not taken:
            select.select([], [stream.fileno()], [])
        data = data[taken:]


def _from_guest(stream: "Stream") -> bool:
    """Write what the guest has said so far; False at its end, or when nobody reads it any more."""
    while _arrived(stream):
        data = stream.recv(SIZE)
        if not data:
            return False
        try:
            while data:
                data = data[os.write(STDOUT, data) :]
        except BrokenPipeError:
            return False
    return True


def _arrived(stream: "Stream") -> bool:
    """Say whether the stream has something without waiting."""
    poll = getattr(stream, "poll", None)
    if poll is not None:
        return bool(poll())
    return stream.fileno() < 0 or bool(select.select([stream.fileno()], [], [], 0)[0])


@contextlib.contextmanager
def _no_signals() -> "Iterator[None]":
    """Keep signals from leaving a terminal raw: those for the guest do nothing, others end the process."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGQUIT)}
    before |= {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _nothing() -> "Iterator[None]":
    yield


def _leave(number: int, frame: "FrameType | None") -> None:
    sys.exit(128 + number)
