"""Which guests run: read from the runtime directory and the processes, without a lock or QMP.

    RUNTIME/UUID/pid      QEMU's process, written by itself before it becomes QEMU
    RUNTIME/UUID/status   written by the guest's supervisor: processes, id, name, state, reason
    RUNTIME/UUID/live.xml the definition of the running guest
    RUNTIME/UUID/facts    what only QEMU knew: terminals, open channels, the balloon's size
    RUNTIME/last/UUID     how the guest ended last

The truth is the process: a pid counts only together with the time it started.
"""

import os

from pyvirsh.backend.durable import read_file
from pyvirsh.backend.store import uuids_in

STATUS = "status"
LIVE_XML = "live.xml"
FACTS = "facts"
SPEC = "spec"
PID = "pid"
# Sockets: two of QEMU's, for the supervisor and for commands, and the supervisor's own.
MONITOR, COMMANDS, CONTROL = "monitor", "commands", "control"


class Process:
    """A process that cannot be taken for another: its pid and the time it started."""

    __slots__ = ("pid", "start")

    def __init__(self, pid: int, start: int) -> None:
        self.pid = pid
        self.start = start

    def state(self) -> str:
        """Return the kernel's letter for its state; "" if it has ended."""
        state, start = stat_of(self.pid)
        return state if start == self.start and state not in ("Z", "X") else ""

    def alive(self) -> bool:
        """Say whether it still runs."""
        return bool(self.state())

    def open(self) -> int:
        """Return a descriptor that stands for this very process; -1 if it has ended."""
        try:
            fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return -1
        if self.alive():
            return fd
        os.close(fd)
        return -1

    def __str__(self) -> str:
        return f"{self.pid} {self.start}"


def stat_of(pid: int) -> "tuple[str, int]":
    """Return a process's state letter and start time; ("", 0) if there is none."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return "", 0
    try:
        fields = os.read(fd, 4096).rpartition(b")")[2].split()
    except OSError:
        return "", 0
    finally:
        os.close(fd)
    return (fields[0].decode(), int(fields[19])) if len(fields) > 19 else ("", 0)


def process_of(pid: int) -> Process:
    """Return a running process by its pid, fixed from now on."""
    return Process(pid, stat_of(pid)[1])


class Guest:
    """What the supervisor last wrote about a guest whose files are in `path`."""

    __slots__ = ("path", "uuid", "name", "id", "qemu", "supervisor", "state", "reason", "since")

    def __init__(self, path: str, uuid: str) -> None:
        self.path = path
        self.uuid = uuid
        self.name = ""
        self.id = -1
        self.qemu = Process(0, 0)
        self.supervisor = Process(0, 0)
        self.state = 0
        self.reason = 0
        # When it came into this state, seconds since the epoch.
        self.since = 0.0

    def file(self, name: str) -> str:
        """Return the path of one of the guest's files."""
        return f"{self.path}/{name}"

    def facts(self) -> "list[list[str]]":
        """Return what the supervisor learnt from QEMU: lines of words."""
        data = read_file(self.file(FACTS)) or b""
        return [line.split(" ") for line in data.decode("utf-8", "surrogateescape").split("\n") if line]


def format_status(guest: Guest) -> bytes:
    """Return a guest's status as it stands in its file."""
    text = (
        f"pid {guest.qemu}\nsupervisor {guest.supervisor}\nid {guest.id}\n"
        f"state {guest.state} {guest.reason}\nsince {guest.since}\nname {guest.name}\n"
    )
    return text.encode("utf-8", "surrogateescape")


def read(runtime: str, uuid: str) -> "Guest | None":
    """Return what is written about a guest; its processes may have ended since.  None: it does not run."""
    path = f"{runtime}/{uuid}"
    data = read_file(f"{path}/{STATUS}") if runtime else None
    if not data:
        return None
    guest = Guest(path, uuid)
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        key, _, value = line.partition(" ")
        if key == "name":
            guest.name = value
        elif key == "id":
            guest.id = int(value)
        elif key == "since":
            guest.since = float(value)
        elif key in ("pid", "supervisor", "state"):
            first, _, second = value.partition(" ")
            if key == "state":
                guest.state, guest.reason = int(first), int(second)
            else:
                process = Process(int(first), int(second))
                setattr(guest, "qemu" if key == "pid" else key, process)
    return guest


def read_all(runtime: str) -> "list[Guest]":
    """Return what is written about all guests."""
    guests = [read(runtime, uuid) for uuid in uuids_in(runtime)] if runtime else []
    return [guest for guest in guests if guest is not None]


def read_pid(runtime: str, uuid: str) -> "Process | None":
    """Return the process that QEMU wrote down itself, alive or not; for guests without a status."""
    data = read_file(f"{runtime}/{uuid}/{PID}")
    if not data:
        return None
    pid, _, start = data.decode().strip().partition(" ")
    return Process(int(pid), int(start or 0))


def read_last(runtime: str, uuid: str) -> "tuple[int, int]":
    """Return the state and reason a guest ended with; (5, 0), shut off, if nothing is known."""
    data = read_file(f"{runtime}/last/{uuid}") if runtime else None
    if not data:
        return 5, 0
    state, reason = data.decode().split()[:2]
    return int(state), int(reason)
