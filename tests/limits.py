"""What the tests of limits share: consoles to talk to guests, and errors."""

import contextlib
import select
import time

import pytest

from pyvirsh.backend.errors import VirError

PATIENCE = 90.0


def refused(call, *args):
    """Return the message of the error that a call must end in."""
    with pytest.raises(VirError) as error:
        call(*args)
    return error.value.text


class Talk:
    """A conversation with whoever is on the other side of a guest's console."""

    def __init__(self, stream):
        self.stream = stream
        self.said = b""

    def until(self, wanted):
        """Wait until something is said; return what was said up to it, and forget it."""
        wanted = wanted.encode()
        deadline = time.monotonic() + PATIENCE
        while wanted not in self.said:
            poll = select.poll()
            poll.register(self.stream.fileno(), select.POLLIN)
            assert poll.poll(max(0.0, deadline - time.monotonic()) * 1000), self.said
            data = self.stream.recv(4096)
            assert data, self.said
            self.said += data
        before, _, self.said = self.said.partition(wanted)
        return (before + wanted).decode("utf-8", "replace")

    def type(self, text):
        """Type something."""
        self.stream.send(text.encode())

    def run(self, command, wanted):
        """Run a shell command in the guest, which must say something; return all it says."""
        self.type(f"{command}; echo do''ne\n")
        said = self.until("done")
        assert wanted in said, said
        return said


@contextlib.contextmanager
def talk(house, dom, device=None):
    """Attach to a guest's console."""
    stream = house.driver.domain_open_console(dom, device)
    try:
        yield Talk(stream)
    finally:
        stream.finish()
