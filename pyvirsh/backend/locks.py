"""A lock per object, held by a process and let go by the kernel when it dies.

    with Lock(directory, uuid, "start"): ...

The lock is a file; whoever holds it writes down who he is, for the message others get.
"""

import errno
import fcntl
import os
import time

from pyvirsh.backend.durable import make_directory
from pyvirsh.backend.errors import OPERATION_TIMEOUT, SYSTEM_ERROR, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 30.0
# The kernel tells nobody that a lock is free unless he blocks, and who blocks cannot give up: hence
# looking again, at first often.
PAUSE_FIRST, PAUSE_MAX = 0.002, 0.05


class Lock:
    """The right to change one object; for `with`, or `acquire` and `release`.

    exists: says whether the object is there; the file of one that is not goes when it is let go.
    """

    def __init__(
        self,
        directory: str,
        name: str,
        purpose: str,
        *,
        timeout: float = TIMEOUT,
        exists: "Callable[[], bool]" = lambda: True,
    ) -> None:
        self.path = f"{directory}/{name}"
        self.purpose = purpose
        self.timeout = timeout
        self.exists = exists
        self.fd = -1

    def acquire(self) -> "Lock":
        """Wait for the lock.  Errors: OPERATION_TIMEOUT naming who holds it."""
        deadline = time.monotonic() + self.timeout
        pause = PAUSE_FIRST
        while not self.attempt():
            if time.monotonic() >= deadline:
                raise VirError(
                    OPERATION_TIMEOUT, f"cannot acquire state change lock (held by {self.holder()})"
                )
            time.sleep(pause)
            pause = min(pause * 1.5, PAUSE_MAX)
        return self

    def attempt(self) -> bool:
        """Take the lock if it is free."""
        while True:
            fd = self._open()
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                return False
            if _is_file(fd, self.path):
                break
            os.close(fd)  # someone removed the file in between: this lock protects nothing
        self.fd = fd
        os.fchmod(fd, 0o600)
        self._sign()
        return True

    def _sign(self) -> None:
        """Write down who holds the lock; on a full disk it is held all the same."""
        try:
            os.truncate(self.fd, 0)
            os.pwrite(self.fd, f"pid={os.getpid()} {self.purpose}".encode("utf-8", "replace"), 0)
        except OSError:
            return

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            return os.open(self.path, flags, 0o600)
        except FileNotFoundError:
            make_directory(os.path.dirname(self.path))
            return os.open(self.path, flags, 0o600)
        except OSError as error:
            raise VirError(SYSTEM_ERROR, f"Failed to open '{self.path}': {error.strerror}") from error

    def holder(self) -> str:
        """Say who holds the lock, as he wrote it down."""
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                return file.read(200).replace("\n", " ") or "nobody"
        except OSError:
            return "nobody"

    def release(self, *, remove: bool = False) -> None:
        """Let go; remove: the object is gone for good, and its lock file with it."""
        if self.fd < 0:
            return
        if remove or not self.exists():
            try:
                os.unlink(self.path)
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise
        os.close(self.fd)
        self.fd = -1

    def __enter__(self) -> "Lock":
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def is_held(directory: str, name: str) -> bool:
    """Say whether someone holds an object's lock."""
    try:
        fd = os.open(f"{directory}/{name}", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _is_file(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False
