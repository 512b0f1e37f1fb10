"""Files and directories for the owner alone, changed in one step so that a crash leaves old or new."""

import fcntl
import os

from pyvirsh.backend.errors import SYSTEM_ERROR, VirError


def make_directory(path: str) -> None:
    """Make a directory and those above it that are missing, for the owner alone under any umask."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        make_directory(os.path.dirname(path))
        make_directory(path)
        return
    except OSError as error:
        raise failed("create the directory", path, error) from error
    os.chmod(path, 0o700)


def write_file(path: str, data: bytes, *, sync: bool = True) -> None:
    """Put `data` at `path` in one step; mode 0600.  Errors: SYSTEM_ERROR; the old file is then kept."""
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name[:200]}.{os.getpid()}")
    try:
        _write_new(temporary, data, sync=sync)
        os.rename(temporary, path)
        if sync:
            synchronise(directory)
    except OSError as error:
        unlink(temporary)
        raise failed("write", path, error) from error


def _write_new(path: str, data: bytes, *, sync: bool) -> None:
    unlink(path)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(fd, 0o600)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
        if sync:
            os.fsync(fd)
    finally:
        os.close(fd)


def read_file(path: str, size: int = 0) -> "bytes | None":
    """Return a file's content, or its first `size` bytes; None if there is no such file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise failed("read", path, error) from error
    try:
        wanted = size or os.fstat(fd).st_size + 1
        data = os.read(fd, wanted)
        while len(data) < wanted and (more := os.read(fd, wanted - len(data))):
            data += more
        return data
    finally:
        os.close(fd)


def synchronise(directory: str) -> None:
    """Make what was done to a directory's entries last over a crash of the machine."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def remove_tree(path: str) -> None:
    """Remove a directory with the files and directories in it; what is gone already is no error."""
    try:
        entries = list(os.scandir(path))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            remove_tree(entry.path)
        else:
            unlink(entry.path)
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return


def unlink(path: str) -> None:
    """Remove a file; what is gone already is no error."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def failed(what: str, path: str, error: OSError) -> VirError:
    """Make the error for something that could not be done to a file."""
    return VirError(SYSTEM_ERROR, f"Failed to {what} '{path}': {error.strerror}")


class Workshop:
    """A directory for what is half made or half removed; for `with`, which gives its path.

    Whoever comes when nobody is in it clears what those left who were killed there.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1

    def __enter__(self) -> str:
        make_directory(self._path)
        self._fd = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for entry in os.listdir(self._path):
                remove_tree(f"{self._path}/{entry}")
        except BlockingIOError:
            pass
        fcntl.flock(self._fd, fcntl.LOCK_SH)
        return self._path

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)
