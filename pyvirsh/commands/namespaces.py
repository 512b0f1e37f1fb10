"""Run a program inside a container, by the namespaces its driver opens."""

import ctypes
import os
import resource
import signal

from pyvirsh.backend.errors import INTERNAL_ERROR, SYSTEM_ERROR, VirError

_NOT_FOUND, _NOT_RUNNABLE = 127, 126
# What Python ignores; a program expects what is usual.
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)


def run(fds: "list[int]", words: "list[str]", label: "tuple[str, str] | None") -> None:
    """Run `words` in the namespaces behind `fds`, which are closed, and wait for its end.

    label: the security model and the label to run it with.  Errors: VirError unless it ends with 0.
    """
    child = os.fork()
    if child == 0:
        _end(_inside(fds, words, label))
    for fd in fds:
        os.close(fd)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        what = f"exit status {status}" if status > 0 else f"fatal signal {-status}"
        raise VirError(INTERNAL_ERROR, f"Child process ({child}) unexpected {what}")


def _inside(fds: "list[int]", words: "list[str]", label: "tuple[str, str] | None") -> int:
    """Enter, then start the program: a process namespace holds only for children of who enters it.

    Returns how it ended: its exit status, or below 0 the signal.
    """
    try:
        _enter(fds)
        for fd in fds:
            os.close(fd)
        child = os.fork()
        if child == 0:
            os._exit(_become(words, label))
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except (VirError, OSError) as error:
        _say(str(error))
        return _NOT_RUNNABLE


def _end(status: int) -> None:
    """End this process as its child ended, by the same signal if by one, without a core dump of our own."""
    if status < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # SIGKILL and the like have no handler to take away.
        if -status not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(128 - status if status < 0 else status)


def _enter(fds: "list[int]") -> None:
    """Enter the namespaces that are not ours already: a user namespace refuses those who are in it."""
    libc = ctypes.CDLL(None, use_errno=True)
    own = {os.stat(f"/proc/self/ns/{name}").st_ino for name in os.listdir("/proc/self/ns")}
    for fd in fds:
        if os.fstat(fd).st_ino in own:
            continue
        if libc.setns(fd, 0) != 0:
            raise VirError(SYSTEM_ERROR, f"Failed to set namespace: {os.strerror(ctypes.get_errno())}")


def _become(words: "list[str]", label: "tuple[str, str] | None") -> int:
    try:
        if label:
            model, text = label
            with open("/proc/thread-self/attr/exec", "w", encoding="utf-8") as file:
                file.write(f"exec {text}" if model == "apparmor" else text)
        for name in _IGNORED:
            signal.signal(name, signal.SIG_DFL)
        os.execv(words[0], words)
    except FileNotFoundError as error:
        _say(f"cannot run {words[0]}: {error.strerror}")
        return _NOT_FOUND
    except OSError as error:
        _say(f"cannot run {words[0]}: {error.strerror}")
        return _NOT_RUNNABLE


def _say(text: str) -> None:
    os.write(2, f"error: {text}\n".encode("utf-8", "surrogateescape"))
