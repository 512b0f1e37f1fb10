"""What a guest says on its terminals, kept in files of bounded size.

QEMU writes a copy of it into a pipe.  The file holds the latest part, another one what came before;
both are begun anew with each start.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.qemu.supervisor.loop import Loop

SIZE_MAX = 512 * 1024
CHUNK = 65536


class ConsoleLog:
    """The log of one terminal; `pipe` is where QEMU's copy comes from."""

    def __init__(self, loop: "Loop", path: str, pipe: int) -> None:
        self._loop = loop
        self._path = path
        self._pipe = pipe
        self._file = -1
        self._size = 0
        os.set_blocking(pipe, False)
        self._begin()
        loop.watch(pipe, self._ready)

    def _begin(self) -> None:
        """Begin a file; the one before is kept as the older part."""
        if self._file >= 0:
            os.close(self._file)
        try:
            os.replace(self._path, self._path + ".old")
        except FileNotFoundError:
            pass
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._file = os.open(self._path, flags, 0o600)
        except OSError:
            self._file = -1  # without a place for it the guest runs on unrecorded
        self._size = 0

    def _ready(self, events: int) -> None:
        try:
            data = os.read(self._pipe, CHUNK)
        except BlockingIOError:
            return
        if not data:
            self.close()
            return
        if self._size + len(data) > SIZE_MAX:
            self._begin()
        if self._file >= 0:
            try:
                self._size += os.write(self._file, data)
            except OSError:
                self._size = 0  # a full disk must not stop the guest

    def close(self) -> None:
        """End the log."""
        if self._pipe >= 0:
            self._loop.unwatch(self._pipe)
            os.close(self._pipe)
            self._pipe = -1
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
