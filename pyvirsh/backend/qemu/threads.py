"""Times and places of a guest's processes and threads, from /proc."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.qemu.live import Guest

NANOSECONDS = 1_000_000_000


class Usage:
    """CPU time of a process or a thread, in ns, and the CPU it ran on last."""

    __slots__ = ("user", "system", "cpu")

    def __init__(self, user: int, system: int, cpu: int) -> None:
        self.user = user
        self.system = system
        self.cpu = cpu

    @property
    def total(self) -> int:
        """User and system time together."""
        return self.user + self.system


def usage(pid: int, thread: int = 0) -> Usage:
    """Return what a process, or one of its threads, has used; zeros if it has ended."""
    path = f"/proc/{pid}/task/{thread}/stat" if thread else f"/proc/{pid}/stat"
    fields = _read(path).rpartition(")")[2].split()
    if len(fields) < 37:
        return Usage(0, 0, 0)
    tick = NANOSECONDS // os.sysconf("SC_CLK_TCK")
    return Usage(int(fields[11]) * tick, int(fields[12]) * tick, int(fields[36]))


def waited(pid: int, thread: int) -> int:
    """Return how long a thread was ready to run but did not, in ns."""
    fields = _read(f"/proc/{pid}/task/{thread}/schedstat").split()
    return int(fields[1]) if len(fields) > 1 else 0


def halted(pid: int, thread: int) -> int:
    """Return how long a thread waited for input or output by the scheduler's account, in ns."""
    for line in _read(f"/proc/{pid}/task/{thread}/sched").split("\n"):
        name, _, value = line.partition(":")
        if name.strip() in ("se.statistics.wait_sum", "wait_sum"):
            return int(float(value) * 1_000_000)
    return 0


def resident(pid: int) -> int:
    """Return how much memory of a process is in memory, in KiB."""
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") // 1024 if len(fields) > 1 else 0


def affinity(thread: int) -> "set[int]":
    """Return the CPUs a thread may run on; none if it has ended."""
    try:
        return os.sched_getaffinity(thread)
    except OSError:
        return set()


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def vcpu_threads(guest: "Guest") -> "dict[int, int]":
    """Return the thread of each virtual CPU, by its number."""
    return {int(words[1]): int(words[2]) for words in guest.facts() if words[0] == "vcpu"}


def io_threads(guest: "Guest") -> "dict[int, int]":
    """Return the thread of each I/O thread, by its number."""
    return {int(words[1]): int(words[2]) for words in guest.facts() if words[0] == "iothread"}
