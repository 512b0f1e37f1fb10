"""Starting QEMU and its supervisor, and nothing else: what to start has been decided before.

The command forks twice.  The grandchild starts QEMU at once and then becomes the supervisor, a
fresh small interpreter in the same process: it stays QEMU's parent, and both come up side by side.
Sockets are made here and inherited, so nobody waits for a file to appear.
"""

import fcntl
import json
import os
import select
import signal
import socket
import sys
import time

from pyvirsh.backend.durable import write_file
from pyvirsh.backend.errors import INTERNAL_ERROR, OPERATION_FAILED, OPERATION_TIMEOUT, SYSTEM_ERROR, VirError
from pyvirsh.backend.qemu import helpers, live
from pyvirsh.backend.qemu.supervisor import remains

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from pyvirsh.backend.locks import Lock
    from pyvirsh.backend.qemu.argv import Helper

# How long QEMU may take until the guest runs; preallocated memory takes its time.
START_SECONDS = 120.0
ADOPT_SECONDS = 2.0
BACKLOG = 16
# The numbers QEMU knows its monitors' sockets by.
MONITOR_FD, COMMANDS_FD = 20, 21
LOG_TAIL = 8192
LOG_MAX = 2 * 1024 * 1024
PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "supervisor", "__main__.py")


class Launch:
    """A guest about to be started.

    spec: what the supervisor must know, see `lifecycle.py`; listeners: QEMU's ends of the two
    monitor sockets, whose numbers the command line names.
    """

    def __init__(self, spec: "dict[str, Any]", log: str) -> None:
        self.spec = spec
        self.log = log
        self.words: list[str] = []
        self.environment: dict[str, str] = {}
        # The supervisor's ends of the pipes that terminals are logged through, by alias.
        self.logs: dict[str, int] = {}
        # QMP commands before the guest may run: (name, arguments); secrets go this way.
        self.setup: list[tuple[str, dict[str, Any] | None]] = []
        self.helpers: list[Helper] = []
        path = spec["dir"]
        self.monitor = listen(f"{path}/{live.MONITOR}")
        self.commands = listen(f"{path}/{live.COMMANDS}")
        self.control = listen(f"{path}/{live.CONTROL}")
        # Descriptors QEMU inherits, and the numbers it knows them by.
        self.fds = [
            (os.dup(self.monitor.fileno()), MONITOR_FD),
            (os.dup(self.commands.fileno()), COMMANDS_FD),
        ]
        self.supervised = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.supervised.connect(f"{path}/{live.MONITOR}")

    def close(self) -> None:
        """Close this process's copies of the sockets."""
        for sock in (self.monitor, self.commands, self.control, self.supervised):
            sock.close()
        for fd in [*(fd for fd, _ in self.fds), *self.logs.values()]:
            os.close(fd)
        self.fds, self.logs = [], {}


def listen(path: str) -> socket.socket:
    """Return a socket that listens at `path`, for this user alone.  Errors: SYSTEM_ERROR."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        if os.path.lexists(path):
            os.unlink(path)
        sock.bind(path)
        os.chmod(path, 0o600)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise VirError(SYSTEM_ERROR, f"Failed to listen on '{path}': {error.strerror}") from error
    return sock


# -- a start -----------------------------------------------------------------------------------------


def start(launch: Launch, lock: "Lock", owner: int = -1) -> None:
    """Start the guest and wait until it runs.  Errors: VirError with QEMU's own words.

    lock: the guest's, kept by the supervisor until the guest runs even if this process dies;
    owner: a descriptor that is readable when the guest is to be destroyed, -1 for none.
    """
    fd = open_log(launch.log)
    try:
        _write_header(fd, launch)
        said_before = os.fstat(fd).st_size
        mine, theirs = socket.socketpair()
        _fork(lambda: _become_parent(launch, fd, theirs, lock.fd, owner))
        theirs.close()
        launch.close()
        began = time.monotonic()
        outcome = wait(mine, START_SECONDS)
        if outcome is None and time.monotonic() - began >= START_SECONDS:
            raise _too_slow(launch.spec)
        if outcome != {}:
            raise _failure(launch.spec, outcome, _tail(launch.log, said_before))
    finally:
        os.close(fd)


def open_log(path: str) -> int:
    """Return a descriptor to write a guest's log with; a long one is put aside first.

    Errors: SYSTEM_ERROR.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        fd = os.open(path, flags, 0o600)
        if os.fstat(fd).st_size > LOG_MAX:
            os.close(fd)
            os.replace(path, path + ".old")
            fd = os.open(path, flags, 0o600)
        os.fchmod(fd, 0o600)
    except OSError as error:
        raise VirError(SYSTEM_ERROR, f"Failed to open '{path}': {error.strerror}") from error
    return fd


def _write_header(fd: int, launch: Launch) -> None:
    try:
        os.write(fd, _log_header(launch))
    except OSError as error:
        raise VirError(SYSTEM_ERROR, f"Failed to write '{launch.log}': {error.strerror}") from error


def _log_header(launch: Launch) -> bytes:
    now = time.time()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}+0000"
    lines = [f"{stamp}: starting up '{launch.spec['name']}'"]
    lines += [f"{name}={value} \\" for name, value in launch.environment.items()]
    words = launch.words
    index = 0
    while index < len(words):
        pair = words[index : index + 2] if words[index].startswith("-") else words[index : index + 1]
        if len(pair) == 2 and pair[1].startswith("-"):
            pair = pair[:1]
        index += len(pair)
        shown = " ".join(word if word.isalnum() or word.startswith("-") else _quoted(word) for word in pair)
        lines.append(shown + (" \\" if index < len(words) else ""))
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'" if any(c in word for c in " '\"{}$`\\*?&|;<>()#~") else word


def _too_slow(spec: "dict[str, Any]") -> VirError:
    """Make the error for a guest that did not come up in time."""
    pid = live.read_pid(spec["runtime"], spec["uuid"])
    who = f"QEMU of domain '{spec['name']}'" + (f" (process {pid.pid})" if pid is not None else "")
    return VirError(OPERATION_TIMEOUT, f"{who} did not get ready in {START_SECONDS:.0f} seconds")


def _failure(spec: "dict[str, Any]", outcome: "dict[str, Any] | None", log: str) -> VirError:
    name = spec["name"]
    if outcome is None:
        return VirError(INTERNAL_ERROR, f"the supervisor of domain '{name}' ended while it started the guest")
    if "exited" in outcome:
        text = f"QEMU unexpectedly closed the monitor (vm='{name}')"
        return VirError(INTERNAL_ERROR, f"{text}: {log}" if log else text)
    if "trouble" in outcome:
        return VirError(OPERATION_FAILED, f"{outcome['trouble']}: {log}" if log else outcome["trouble"])
    return VirError(OPERATION_FAILED, f"QEMU refused to run domain '{name}': {outcome['failed']}")


def _tail(path: str, start: int) -> str:
    """Return what was written to the log behind `start`, without what QEMU says in good times."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(start, size - LOG_TAIL))
        lines = file.read(LOG_TAIL).decode("utf-8", "replace").split("\n")
    kept = [line for line in lines if not line.startswith("char device redirected to ")]
    return "\n".join(kept).rstrip("\n")


def wait(sock: socket.socket, seconds: float) -> "dict[str, Any] | None":
    """Return what the supervisor reports; None if it ends or takes longer than `seconds`."""
    data = b""
    deadline = time.monotonic() + seconds
    with sock:
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        while not data.endswith(b"\n"):
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                return None
            piece = sock.recv(65536)
            if not piece:
                return None
            data += piece
    outcome: dict[str, Any] = json.loads(data)
    return outcome


# -- in the child --------------------------------------------------------------------------------------


def _fork(body: "Callable[[], None]") -> None:
    """Run `body` in a process that is nobody's child; it must not return."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            body()
    finally:
        os._exit(127)


def _become_parent(launch: Launch, log: int, ready: socket.socket, lock: int, owner: int) -> None:
    """Start the helpers and QEMU, then become their supervisor."""
    _plain_process(log)
    spec = launch.spec
    spec["helpers"] = []
    try:
        for helper in launch.helpers:
            process = helpers.start(
                helper, spec["dir"], lambda words, fds: _become_helper(launch, words, fds)
            )
            spec["helpers"].append([process.pid, process.start])
        write_file(f"{spec['dir']}/{live.SPEC}", json.dumps(spec).encode(), sync=False)
    except VirError as error:
        for pid, start in spec["helpers"]:
            remains.stop_helper(live.Process(pid, start))
        ready.sendall(json.dumps({"trouble": error.detail}).encode() + b"\n")
        os._exit(1)
    qemu = os.fork()
    if qemu == 0:
        _become_qemu(launch)
    process = live.process_of(qemu)
    spec["qemu"] = [process.pid, process.start]
    spec["setup"] = launch.setup
    fds = {
        "monitor": launch.supervised.fileno(),
        "control": launch.control.fileno(),
        "ready": ready.fileno(),
        "lock": lock,
        "owner": owner,
    }
    _become_supervisor(spec, fds, launch.logs)


def _plain_process(log: int) -> None:
    """Take on what every process here has: no terminal, own output, default signals, strict umask."""
    os.chdir("/")
    os.umask(0o077)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _become_helper(launch: Launch, words: "list[str]", fds: "list[int]") -> None:
    _keep_only(fds)
    _execute(words[0], words, launch.environment)


def _become_qemu(launch: Launch) -> None:
    """Write down who we are, then become QEMU: there is no QEMU that nobody knows of."""
    os.setsid()
    try:
        emulator = launch.spec["pins"].get("emulator")
        if emulator:
            os.sched_setaffinity(0, emulator)
        process = live.process_of(os.getpid())
        write_file(f"{launch.spec['dir']}/{live.PID}", f"{process}\n".encode(), sync=False)
    except (OSError, VirError) as error:
        os.write(2, f"cannot prepare to run QEMU: {error}\n".encode("utf-8", "surrogateescape"))
        os._exit(127)
    _keep_only(_renumbered(launch.fds))
    _execute(launch.words[0], launch.words, launch.environment)


def _renumbered(fds: "list[tuple[int, int]]") -> "list[int]":
    """Give descriptors the numbers the command line names; return those."""
    above = max(number for _, number in fds) + 1
    moved = [(fcntl.fcntl(fd, fcntl.F_DUPFD, above), number) for fd, number in fds]
    for fd, number in moved:
        os.dup2(fd, number)
    return [number for _, number in fds]


def _execute(program: str, words: "list[str]", environment: "dict[str, str]") -> None:
    try:
        os.execve(program, words, environment)
    except OSError as error:
        os.write(2, f"cannot run {program}: {error.strerror}\n".encode("utf-8", "surrogateescape"))
    os._exit(127)


def _become_supervisor(spec: "dict[str, Any]", fds: "dict[str, int]", logs: "dict[str, int]") -> None:
    memory = os.memfd_create("spec", 0)
    os.write(memory, json.dumps({**spec, "fds": {**fds, "logs": logs}}).encode())
    os.lseek(memory, 0, os.SEEK_SET)
    _keep_only([memory, *(fd for fd in fds.values() if fd >= 0), *logs.values()])
    words = [sys.executable, "-I", "-S", PROGRAM, spec["name"], spec["uuid"], str(memory)]
    _execute(sys.executable, words, {"LC_ALL": "C.UTF-8", "PATH": os.defpath})


def _keep_only(fds: "Sequence[int]") -> None:
    """Close every descriptor but the standard ones and these, which the next program inherits."""
    kept = {0, 1, 2, *fds}
    for fd in [int(name) for name in os.listdir("/proc/self/fd")]:
        if fd not in kept:
            try:
                os.close(fd)
            except OSError:
                continue  # the listing's own
    for fd in kept:
        os.set_inheritable(fd, True)


# -- adoption ------------------------------------------------------------------------------------------


def adopt(spec: "dict[str, Any]", log: str, lock: "Lock", seconds: float) -> "dict[str, Any] | None":
    """Give a running guest a new supervisor; return what it reports, None if that takes too long."""
    control = listen(f"{spec['dir']}/{live.CONTROL}")
    fd = open_log(log)
    mine, theirs = socket.socketpair()
    fds = {"monitor": -1, "control": control.fileno(), "ready": theirs.fileno(), "lock": lock.fd, "owner": -1}

    def body() -> None:
        _plain_process(fd)
        _become_supervisor({**spec, "adopt": True}, fds, {})

    _fork(body)
    for end in (theirs, control):
        end.close()
    os.close(fd)
    return wait(mine, seconds)
