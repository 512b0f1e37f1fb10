"""A house of embedded QEMU guests for tests: below its own directory, and empty when it is left.

PYVIRSH_TEST_EMULATOR names another QEMU to try them on, such as the oldest that must work.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyvirsh import backend
from pyvirsh.backend.qemu import live
from pyvirsh.backend.qemu.supervisor import cgroups

EMULATOR = os.environ.get("PYVIRSH_TEST_EMULATOR")
PYVIRSH = str(Path(sys.executable).parent / "pyvirsh")

DOMAIN = """
<domain type='qemu'>
  <name>{name}</name>{uuid}
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='{machine}'>hvm</type>{os}</os>
  <features><acpi/></features>
  {lifecycle}
  <devices>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    {devices}
  </devices>
</domain>
"""


def domain(name="g", *, uuid="", memory=32, machine="pc", os="", lifecycle="", devices=""):
    """Return a definition; without more it is a machine that finds nothing to boot."""
    if EMULATOR and "<emulator>" not in devices:
        devices = f"<emulator>{EMULATOR}</emulator>{devices}"
    values = {"machine": machine, "os": os, "lifecycle": lifecycle, "devices": devices}
    uuid = f"<uuid>{uuid}</uuid>" if uuid else ""
    return DOMAIN.format(name=name, uuid=uuid, memory=memory, **values)


def linux(directory, words="", **values):
    """Return a definition that boots the tiny guest in `directory`."""
    os = (
        f"<kernel>{directory}/vmlinuz</kernel><initrd>{directory}/initrd</initrd>"
        f"<cmdline>console=ttyS0 quiet {words}</cmdline>"
    )
    devices = "<serial type='pty'/>" + values.pop("devices", "")
    return domain(os=os, memory=128, devices=devices, **values)


class House:
    """A connection to qemu:///embed?root=DIR."""

    def __init__(self, root):
        self.root = Path(root)
        self.uri = f"qemu:///embed?root={root}"
        self.driver = backend.open(self.uri)

    def define(self, *args, **values):
        """Define a guest."""
        return self.driver.domain_define_xml(domain(*args, **values))

    def start(self, *args, **values):
        """Define and start a guest."""
        return self.driver.domain_create_with_flags(self.define(*args, **values))

    def guest(self, dom):
        """Return what is known of a running guest."""
        return self.driver.running(dom.uuid)

    def state(self, dom):
        """Return a guest's state and the reason for it."""
        return self.driver.domain_get_state(dom)

    def run(self, *words, status=0, stdin=None):
        """Run the program on this house and return what it wrote, stdout and stderr together."""
        done = subprocess.run(
            [PYVIRSH, "-q", "-c", self.uri, *words],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    @property
    def runtime(self):
        """This boot's runtime directory."""
        return Path(self.driver.roots.runtime())

    def await_state(self, dom, state, seconds=90.0):
        """Wait until a guest is in a state; return the reason."""
        with self.listening() as events:
            deadline = time.monotonic() + seconds
            while True:
                now, reason = self.state(dom)
                if now == state:
                    return reason
                left = deadline - time.monotonic()
                assert left > 0, f"the guest is in state {now}, reason {reason}"
                events.next_events(min(left, 0.5))

    def listening(self, event_id=0):
        """Return another connection that hears of a kind of event; for `with`."""
        return Listening(self.uri, event_id)

    def empty(self):
        """Kill what runs, and remove the directory of the sockets, which may lie elsewhere."""
        runtime = self.driver.roots.runtime()
        if runtime:
            for uuid in [entry for entry in os.listdir(runtime) if len(entry) == 36]:
                for process in processes(uuid):
                    end(process)
                cgroups.remove(f"{runtime}/{uuid}")
            place = Path(runtime).parent
            if not place.is_relative_to(self.root):
                shutil.rmtree(place, ignore_errors=True)
        self.driver.close()


class Listening:
    """A connection that events come to."""

    def __init__(self, uri, event_id):
        self.driver = backend.open(uri)
        self.driver.connect_domain_event_callback_register_any(event_id, None)

    def __enter__(self):
        return self.driver

    def __exit__(self, *_):
        self.driver.close()


def read_until(stream, wanted, seconds=90):
    """Return what a stream says until something wanted is in it."""
    said = b""
    while wanted not in said:
        poll = select.poll()
        poll.register(stream.fileno(), select.POLLIN)
        assert poll.poll(seconds * 1000), said
        data = stream.recv(4096)
        assert data, said
        said += data
    return said


def processes(uuid):
    """Return the QEMUs and supervisors of a guest, of all processes there are."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                words = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if uuid.encode() in words:
                process = live.process_of(int(entry))
                if process.alive():
                    found.append(process)
    return found


def await_gone(uuid, seconds=60.0):
    """Wait until no QEMU and no supervisor of a guest is left."""
    for process in processes(uuid):
        fd = process.open()
        if fd >= 0:
            try:
                poll = select.poll()
                poll.register(fd, select.POLLIN)
                assert poll.poll(seconds * 1000), f"process {process.pid} does not end"
            finally:
                os.close(fd)
    assert processes(uuid) == []


def end(process, number=signal.SIGKILL):
    """Kill a process and wait until it is gone."""
    fd = process.open()
    if fd < 0:
        return
    try:
        signal.pidfd_send_signal(fd, number)
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        assert poll.poll(60_000), f"process {process.pid} does not end"
    finally:
        os.close(fd)


def who_mention(path):
    """Return the processes, but this one, that have something to do with a directory: pid -> command line."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                words = file.read()
            with open(f"/proc/{entry}/environ", "rb") as file:
                words += file.read()
            fds = [os.readlink(f"/proc/{entry}/fd/{fd}") for fd in os.listdir(f"/proc/{entry}/fd")]
        except OSError:
            continue
        if os.fsencode(path) in words or any(fd.startswith(path) for fd in fds):
            found[int(entry)] = words.replace(b"\0", b" ")[:200].decode("utf-8", "replace")
    return found


def await_nobody(path, seconds=60.0):
    """Wait until no process has anything to do with a directory."""
    deadline = time.monotonic() + seconds
    while left := who_mention(path):
        for pid in left:
            process = live.process_of(pid)
            fd = process.open()
            if fd >= 0:
                poll = select.poll()
                poll.register(fd, select.POLLIN)
                ended = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
                os.close(fd)
                assert ended, f"somebody is left: {left}"


@pytest.fixture
def house(tmp_path):
    """A house that is empty before and after, and has left no process behind."""
    made = House(tmp_path / "h")
    yield made
    made.empty()
    await_nobody(str(made.root))
