"""Programs that must run before QEMU: networks in user space, TPMs, file systems.

Each is started so that its being ready can be awaited, not looked for: by leaving its parent when
it listens, or by being given a socket that listens already.
"""

import os
import select
import signal

from pyvirsh.backend.durable import read_file
from pyvirsh.backend.errors import OPERATION_FAILED, OPERATION_TIMEOUT, VirError
from pyvirsh.backend.qemu import live

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.backend.qemu.argv import Helper

READY_SECONDS = 20.0


def start(helper: "Helper", run: str, execute: "Callable[[list[str], list[int]], None]") -> live.Process:
    """Start a program and wait until it is ready; return its process.

    execute: becomes a program in a child, with descriptors it inherits.  Errors: OPERATION_FAILED,
    OPERATION_TIMEOUT; what the program said is in the guest's log.
    """
    if helper.role == "virtiofsd":
        return _with_socket(helper, execute)
    pid_file = f"{run}/{helper.alias}-{helper.role}.pid"
    pid = _spawn([*helper.words, *_daemon_words(helper.role, pid_file)], [], execute)
    _await_exit(helper, pid)
    data = read_file(pid_file)
    if not data or not data.strip().isdigit():
        raise VirError(OPERATION_FAILED, f"{helper.role} for {helper.alias} left no pid in '{pid_file}'")
    return live.process_of(int(data))


def _daemon_words(role: str, pid_file: str) -> "list[str]":
    if role == "swtpm":
        return ["--daemon", "--pid", f"file={pid_file}"]
    words = ["--pid", pid_file]
    # Started by root, passt would become nobody, who may not reach the guest's directory.
    return [*words, "--runas", "0:0"] if os.geteuid() == 0 else words


def _with_socket(helper: "Helper", execute: "Callable[[list[str], list[int]], None]") -> live.Process:
    from pyvirsh.backend.qemu.process import listen

    sock = listen(helper.socket)
    words = list(helper.words)
    at = words.index("--socket-path")
    words[at : at + 2] = [f"--fd={sock.fileno()}"]
    pid = _spawn(words, [sock.fileno()], execute)
    sock.close()
    return live.process_of(pid)


def _spawn(words: "list[str]", fds: "list[int]", execute: "Callable[[list[str], list[int]], None]") -> int:
    pid = os.fork()
    if pid == 0:
        try:
            execute(words, fds)
        finally:
            os._exit(127)
    return pid


def _await_exit(helper: "Helper", pid: int) -> None:
    """Wait until a program's first process has left its child behind."""
    fd = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        if not poll.poll(READY_SECONDS * 1000):
            signal.pidfd_send_signal(fd, signal.SIGKILL)
            os.waitpid(pid, 0)
            who = f"{helper.role} for {helper.alias}"
            raise VirError(OPERATION_TIMEOUT, f"{who} did not get ready in {READY_SECONDS:.0f} seconds")
    finally:
        os.close(fd)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        raise VirError(OPERATION_FAILED, f"{helper.role} for {helper.alias} failed with status {status}")
