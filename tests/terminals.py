"""A program at a terminal of its own: a pseudo-terminal that a test types into and reads."""

import os
import pty
import select
import termios
import time


class Terminal:
    """Runs `argv` on a new terminal; `text` is what it has shown so far."""

    def __init__(self, argv, environ=None):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, {**os.environ, **(environ or {})})
        self.text = ""
        self.status = None

    def until(self, wanted, seconds=90.0):
        """Read until `wanted` has been shown; return what came before it and take both away."""
        end = time.monotonic() + seconds
        while wanted not in self.text:
            if time.monotonic() > end or not self._read(0.2) and self.status is not None:
                raise AssertionError(f"{wanted!r} was not shown, but {self.text!r}")
        before, _, self.text = self.text.partition(wanted)
        return before

    def look(self):
        """Read what is shown within a moment."""
        assert self._read(0.5), f"it has ended, after {self.text!r}"

    def type(self, keys):
        os.write(self.fd, keys.encode("latin-1"))

    def rest(self, seconds=90.0):
        """Read to the end; return what is left of what was shown."""
        end = time.monotonic() + seconds
        while self._read(0.2):
            if time.monotonic() > end:
                raise AssertionError(f"it goes on, after {self.text!r}")
        return self.text

    def settings(self):
        """Return how the terminal is set."""
        return termios.tcgetattr(self.fd)

    def _read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 4096)
        except OSError:
            data = b""
        self.text += data.decode("latin-1")
        if not data:
            self._wait(block=True)
        return bool(data)

    def _wait(self, *, block):
        if self.status is None:
            pid, status = os.waitpid(self.pid, 0 if block else os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)

    def close(self):
        if self.status is None:
            os.kill(self.pid, 9)
            self._wait(block=True)
        os.close(self.fd)
