"""The supervisor of one guest: QEMU's parent, keeper of its state, executor of its end.

It starts with QEMU already running and its own ends of sockets inherited, so nothing is polled
for; or, when its predecessor was killed, with nothing but the guest's files.
"""

import os
import signal
import time

from pyvirsh.backend import constants as c
from pyvirsh.backend.durable import write_file
from pyvirsh.backend.errors import SYSTEM_ERROR, VirError
from pyvirsh.backend.qemu import live
from pyvirsh.backend.qemu.qmp import QmpError
from pyvirsh.backend.qemu.supervisor import remains
from pyvirsh.backend.qemu.supervisor.publish import Publisher
from pyvirsh.backend.qemu.supervisor.translate import AGENT_CHANNEL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyvirsh.backend.qemu.supervisor.loop import Loop, Timer
    from pyvirsh.backend.qemu.supervisor.monitor import Command, Monitor, Script

# The agent's state and the reason for it when a guest has just been started.
AGENT_NOT_YET = (
    c.CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_DISCONNECTED,
    c.CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_DOMAIN_STARTED,
)
# What is asked of every QEMU that is taken in charge.
MACHINE: "list[Command]" = [("query-chardev", None), ("query-cpus-fast", None), ("query-iothreads", None)]
# What says which virtual CPU is which.
PLACE = ("socket-id", "die-id", "core-id", "thread-id")

# How long QEMU may take to end by itself, and how long the kernel to end it.
TERM_SECONDS = 5.0
GLANCE_SECONDS = 0.2
KILL_SECONDS = 10.0
# When to try again to write down what could not be.
AGAIN_SECONDS = 1.0


def cpuid_key(word: "dict[str, Any]") -> str:
    """Return the name of a register of CPUID: its leaf, sub-leaf and register."""
    return f"{word['cpuid-input-eax']:x}.{word.get('cpuid-input-ecx', 0):x}.{word['cpuid-register']}"


def plugging(numbers: "list[int]", slots: "list[dict[str, Any]]") -> "list[Command]":
    """Return the commands that plug virtual CPUs in; slots: what QEMU says of all there may be."""
    slots.sort(key=lambda slot: [int(slot["props"].get(name, 0)) for name in PLACE])
    return [
        ("device_add", {"driver": slots[at]["type"], "id": f"vcpu{at}", **slots[at]["props"]})
        for at in numbers
    ]


class Ending:
    """How a guest ends: what is kept as its last state, and the detail of the event."""

    def __init__(self, reason: int, detail: int) -> None:
        self.reason = reason
        self.detail = detail


DESTROYED = Ending(c.DOMAIN_SHUTOFF_DESTROYED, c.DOMAIN_EVENT_STOPPED_DESTROYED)
SHUT_DOWN = Ending(c.DOMAIN_SHUTOFF_SHUTDOWN, c.DOMAIN_EVENT_STOPPED_SHUTDOWN)
CRASHED = Ending(c.DOMAIN_SHUTOFF_CRASHED, c.DOMAIN_EVENT_STOPPED_CRASHED)
VANISHED = Ending(c.DOMAIN_SHUTOFF_CRASHED, c.DOMAIN_EVENT_STOPPED_FAILED)
FAILED = Ending(c.DOMAIN_SHUTOFF_FAILED, c.DOMAIN_EVENT_STOPPED_FAILED)


class Supervisor:
    """One guest's supervisor.  `spec` is what the start command decided; see `process.py`."""

    def __init__(self, spec: "dict[str, Any]", loop: "Loop") -> None:
        self.spec = spec
        self.loop = loop
        self.guest = live.Guest(spec["dir"], spec["uuid"])
        self.guest.name = spec["name"]
        self.guest.id = spec["id"]
        self.guest.qemu = live.Process(*spec["qemu"])
        self.guest.supervisor = live.process_of(os.getpid())
        self.publisher = Publisher(spec["runtime"])
        self.monitor: Monitor | None = None
        self.ending: Ending | None = None
        self.started = False
        # Called when the guest is gone, or with a reason why it is not.
        self.at_end: list[Callable[[str], None]] = []
        # chardev id -> terminal; chardev id -> whether the guest has it open
        self.terminals: dict[str, str] = {}
        self.open_channels: dict[str, bool] = {}
        self.trays: dict[str, str] = {}
        # What each thread is for: ("vcpu", 0, thread)
        self.threads: list[tuple[str, int, int]] = []
        self.balloon = 0
        # What CPUID says in the guest: ("1.0.ECX", bits)
        self.cpuid: list[tuple[str, int]] = []
        # Told QEMU's exit status when it ends; what it does after the start is its own affair.
        self.on_exit: Callable[[int], None] = lambda status: None
        self._killer: Timer | None = None
        self._pidfd = os.pidfd_open(self.guest.qemu.pid)
        loop.watch(self._pidfd, self._died)

    # -- state -----------------------------------------------------------------------------------

    def set_state(self, state: int, reason: int) -> None:
        """Record what the guest is doing."""
        self.guest.state, self.guest.reason = state, reason
        self.guest.since = time.time()
        self.write_status()

    def write_status(self) -> None:
        """Write the status that every command reads."""
        self._keep(live.STATUS, live.format_status(self.guest), self.write_status)

    def _keep(self, name: str, data: bytes, again: "Callable[[], None]") -> None:
        """Write one of the guest's files.  Once the guest runs, a full disk only means trying again later."""
        try:
            write_file(self.guest.file(name), data, sync=False)
        except VirError as error:
            if not self.started:
                raise
            os.write(2, f"{error.text}\n".encode("utf-8", "surrogateescape"))
            self.loop.after(AGAIN_SECONDS, again)

    def write_facts(self) -> None:
        """Write down what only QEMU knew."""
        lines = [f"terminal {chardev} {path}" for chardev, path in self.terminals.items()]
        lines += [f"channel {chardev} {int(is_open)}" for chardev, is_open in self.open_channels.items()]
        lines += [f"tray {alias} {state}" for alias, state in self.trays.items()]
        lines += [f"{kind} {number} {thread}" for kind, number, thread in self.threads]
        lines += [f"cpuid {register} {bits:x}" for register, bits in self.cpuid]
        if self.balloon:
            lines.append(f"balloon {self.balloon}")
        data = "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")
        self._keep(live.FACTS, data, self.write_facts)

    def save_spec(self) -> None:
        """Keep the spec for a successor."""
        import json

        self._keep(live.SPEC, json.dumps(self.spec).encode(), self.save_spec)

    def lifecycle(self, event: int, detail: int) -> None:
        """Tell the listeners what has become of the guest."""
        self.publish(c.DOMAIN_EVENT_ID_LIFECYCLE, (event, detail))

    def publish(self, event_id: int, values: "tuple[object, ...]", kind: str = "domain") -> None:
        """Tell the listeners of something."""
        self.publisher.send(kind, event_id, (self.guest.name, self.guest.uuid, self.guest.id), values)

    # -- the start ---------------------------------------------------------------------------------

    def boot(self, ready: "Callable[[dict[str, Any]], None]") -> "Script":
        """Bring a guest whose QEMU has just been started to run; tell `ready` when it does."""
        try:
            self.set_state(c.DOMAIN_PAUSED, c.DOMAIN_PAUSED_STARTING_UP)
            setup = [(name, arguments) for name, arguments in self.spec.pop("setup", ())]
            if self.spec.get("plug"):
                yield plugging(self.spec["plug"], (yield [("query-hotpluggable-cpus", None)])[0])
            machine = yield [*MACHINE, *setup]
            yield from self.look_at_cpu(machine)
            self.note_machine(machine)
            self.place_threads()
            self.limit()
            if self.spec["paused"]:
                self.set_state(c.DOMAIN_PAUSED, c.DOMAIN_PAUSED_USER)
            else:
                yield [("cont", None)]
        except (QmpError, VirError) as error:
            ready({"failed" if isinstance(error, QmpError) else "trouble": error.text})
            self.end(FAILED)
            return
        if self.guest.state != c.DOMAIN_RUNNING and not self.spec["paused"]:
            self.set_state(c.DOMAIN_RUNNING, c.DOMAIN_RUNNING_BOOTED)
            self.lifecycle(c.DOMAIN_EVENT_RESUMED, c.DOMAIN_EVENT_RESUMED_UNPAUSED)
        self.started = True
        ready({})
        self._tell_of_agent()
        self.lifecycle(c.DOMAIN_EVENT_STARTED, c.DOMAIN_EVENT_STARTED_BOOTED)
        if self.spec["paused"]:
            self.lifecycle(c.DOMAIN_EVENT_SUSPENDED, c.DOMAIN_EVENT_SUSPENDED_PAUSED)

    def _tell_of_agent(self) -> None:
        """Tell the listeners that the guest's agent, if it may have one, is not there yet."""
        if any(device.get("name") == AGENT_CHANNEL for device in self.spec["devices"].values()):
            self.publish(c.DOMAIN_EVENT_ID_AGENT_LIFECYCLE, AGENT_NOT_YET)

    def note_machine(self, answers: "list[Any]") -> None:
        """Keep what QEMU answers to MACHINE."""
        self.note_chardevs(answers[0])
        self.note_threads(answers[1], answers[2])
        self.write_facts()

    def look_at_cpu(self, machine: "list[Any]") -> "Script":
        """Ask which features the guest's CPUs have; only x86 has words for them."""
        if not self.spec.get("cpuid"):
            return
        try:
            path = machine[1][0]["qom-path"]
            (words,) = yield [("qom-get", {"path": path, "property": "feature-words"})]
        except QmpError:
            return
        self.cpuid = [(cpuid_key(word), int(word["features"])) for word in words]

    def note_threads(self, cpus: "list[dict[str, Any]]", iothreads: "list[dict[str, Any]]") -> None:
        """Keep which threads are virtual CPUs and I/O threads."""
        self.threads = [("vcpu", int(cpu["cpu-index"]), int(cpu["thread-id"])) for cpu in cpus]
        for one in iothreads:
            number = str(one["id"]).removeprefix("iothread")
            if number.isdigit():
                self.threads.append(("iothread", int(number), int(one["thread-id"])))

    def place_threads(self) -> None:
        """Put QEMU's threads on the CPUs of the host that the definition gives them."""
        for kind, at, thread in self.threads:
            wanted = self.spec["pins"].get(kind, {}).get(str(at))
            if wanted:
                try:
                    os.sched_setaffinity(thread, wanted)
                except OSError as error:
                    detail = f"cannot set CPU affinity on process {thread}: {error.strerror}"
                    raise VirError(SYSTEM_ERROR, f"{detail}: it is to be on CPUs {wanted}") from error

        for kind, numbers, policy, priority in self.spec.get("schedulers", ()):
            for one, at, thread in [*self.threads, ("emulator", 0, self.guest.qemu.pid)]:
                if one == kind and at in numbers:
                    self._schedule(thread, policy, priority)

    def _schedule(self, thread: int, policy: str, priority: int) -> None:
        try:
            os.sched_setscheduler(thread, getattr(os, f"SCHED_{policy.upper()}"), os.sched_param(priority))
        except OSError as error:
            detail = f"Cannot set scheduler parameters for pid {thread}: {error.strerror}"
            raise VirError(SYSTEM_ERROR, f"{detail}: <cputune> asks for '{policy}'") from error

    def limit(self) -> None:
        """Put QEMU into the control groups that the definition asks for."""
        if self.spec.get("limits"):
            from pyvirsh.backend.qemu.supervisor import cgroups

            guest = self.guest
            cgroups.Groups(guest.uuid, guest.path, guest.qemu.pid, self.threads).apply(self.spec["limits"])

    def monitor_run(self, script: "Script") -> None:
        """Run a script of QMP commands, if QEMU still listens."""
        if self.monitor is not None:
            self.monitor.run(script)

    def note_chardevs(self, answer: "list[dict[str, Any]]") -> None:
        """Keep the terminals that QEMU made and which channels are open."""
        for chardev in answer:
            label, filename = str(chardev.get("label")), str(chardev.get("filename", ""))
            if filename.startswith("pty:"):
                self.terminals[label] = filename[4:]
            if label.startswith("charchannel"):
                self.open_channels[label] = bool(chardev.get("frontend-open"))

    # -- the end -----------------------------------------------------------------------------------

    def end(self, ending: Ending, *, graceful: bool = False) -> None:
        """Make QEMU end, by force if asking does not help; graceful: by asking alone."""
        if self.ending is None:
            self.ending = ending
        if self._killer is not None:
            self._killer.cancel()
        self._signal(signal.SIGTERM)
        if graceful:
            self._killer = self.loop.after(TERM_SECONDS, self._give_up)
        else:
            self._killer = self.loop.after(GLANCE_SECONDS, self._press)

    def _press(self) -> None:
        """Kill a QEMU that is stopped, and so cannot end by itself; give others their time."""
        if self.guest.qemu.state() in ("T", "t"):
            self._kill()
        else:
            self._killer = self.loop.after(TERM_SECONDS, self._kill)

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._killer = self.loop.after(KILL_SECONDS, self._give_up)

    def _give_up(self) -> None:
        """Tell who waits that QEMU does not end; the guest goes on as it is."""
        self.ending = None
        pid = self.guest.qemu.pid
        trouble = f"Failed to terminate process {pid} with SIGTERM: Device or resource busy"
        if self.guest.qemu.state() in ("T", "t"):
            trouble += (
                f": it is stopped; continue it with 'kill -CONT {pid}', or destroy it without --graceful"
            )
        for tell in self.at_end:
            tell(trouble)
        self.at_end.clear()

    def _signal(self, number: int) -> None:
        try:
            signal.pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:
            return

    def _died(self, events: int) -> None:
        self.loop.unwatch(self._pidfd)
        if self._killer is not None:
            self._killer.cancel()
        status = self._reap()
        if self.monitor is not None:
            self.monitor.drain()
        ending = self.ending or (VANISHED if self.started else FAILED)
        remains.clear(self.spec, self.guest, ending.reason, status)
        if self.started:
            self.lifecycle(c.DOMAIN_EVENT_STOPPED, ending.detail)
        self.on_exit(status)
        for tell in self.at_end:
            tell("")
        self.publisher.close()
        self.loop.stop()

    def _reap(self) -> int:
        try:
            return os.waitpid(self.guest.qemu.pid, 0)[1]
        except ChildProcessError:
            return -1  # adopted: its parent was another
