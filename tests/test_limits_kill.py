"""Commands killed at any moment: the store stays whole, at most one QEMU runs, no domain is lost."""

import contextlib
import os
import signal
import subprocess
import time
import uuid

import pytest

from embedded import PYVIRSH, await_gone, await_nobody, domain, processes
from limits import refused
from pyvirsh import backend
from pyvirsh.backend import constants as c

# One that no other run of these tests has: processes are looked for by it.
UUID = str(uuid.uuid4())
MOMENTS = 8


def command(house, words):
    """Start the program in a process of its own."""
    null = subprocess.DEVNULL
    return subprocess.Popen([PYVIRSH, "-q", "-c", house.uri, *words], stdout=null, stderr=null)


def duration(house, words):
    """Run a command to its end; return how long it takes."""
    began = time.monotonic()
    assert command(house, words).wait(60) == 0
    return time.monotonic() - began


def killed_after(house, words, seconds):
    """Run a command and kill it after a while, if it has not ended before."""
    process = command(house, words)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    return process.wait(10)


def check(house):
    """Check that all is in order, as a command that comes afterwards sees it; return the domain's state."""
    with house.driver.hold(UUID, "wait until a supervisor at work has let go"):
        pass
    driver = backend.open(house.uri)
    refs = driver.connect_list_all_domains()
    assert [ref.name for ref in refs] in ([], ["g"])
    running = processes(UUID)
    if not refs:
        await_gone(UUID)
        assert refused(driver.domain_lookup_by_name, "g")
        return None
    assert driver.domain_lookup_by_name("g").uuid == UUID
    assert "<name>g</name>" in driver.domain_get_xml_desc(refs[0])
    state, _ = driver.domain_get_state(refs[0])
    if state == c.DOMAIN_SHUTOFF:
        await_gone(UUID)
    else:
        guest = driver.running(UUID)
        assert {one.pid for one in running} == {guest.qemu.pid, guest.supervisor.pid}
    driver.close()
    return state


def test_commands_killed_at_any_moment(house):
    path = house.root.parent / "g.xml"
    path.write_text(domain("g", uuid=UUID))
    define, start = ["define", str(path)], ["start", "g"]
    destroy, undefine = ["destroy", "g"], ["undefine", "g"]
    steps = (
        (define, None, (None, c.DOMAIN_SHUTOFF)),
        (start, c.DOMAIN_SHUTOFF, (c.DOMAIN_SHUTOFF, c.DOMAIN_RUNNING)),
        (destroy, c.DOMAIN_RUNNING, (c.DOMAIN_RUNNING, c.DOMAIN_SHUTOFF)),
        (undefine, c.DOMAIN_SHUTOFF, (c.DOMAIN_SHUTOFF, None)),
    )
    longest = {words[0]: duration(house, words) for words in (define, start, destroy, undefine)}
    killed = 0
    for words, state, ends in steps:
        for moment in range(MOMENTS):
            prepare(house, state)
            assert check(house) == state
            status = killed_after(house, words, longest[words[0]] * (moment + 0.5) / MOMENTS)
            killed += status == -signal.SIGKILL
            assert check(house) in ends, (words, moment)
    assert killed > MOMENTS
    prepare(house, None)
    house.run("define", str(path))
    house.run("undefine", "g")
    assert os.listdir(house.root / "etc/qemu/.workshop") == []
    assert os.listdir(house.root / "etc/qemu/names") == []


def prepare(house, state):
    """Bring the domain into a state; None for none."""
    now = check(house)
    if now == c.DOMAIN_RUNNING:
        house.driver.domain_destroy(house.driver.domain_lookup_by_name("g"))
    if now is not None:
        house.driver.domain_undefine(house.driver.domain_lookup_by_name("g"))
    if state is not None:
        dom = house.define("g", uuid=UUID)
        if state == c.DOMAIN_RUNNING:
            house.driver.domain_create(dom)


CALLS = ("fsync", "mkdir", "open", "rename", "rmdir", "symlink", "unlink", "write")


def killed_before_call(action, number):
    """Do something in a child that is killed before its n-th call of the kernel; say whether it was."""
    child = os.fork()
    if child == 0:
        left = number

        def counted(call):
            def made(*args, **options):
                nonlocal left
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*args, **options)

            return made

        try:
            for name in CALLS:
                setattr(os, name, counted(getattr(os, name)))
            action()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_definitions_killed_at_every_step(house):
    """What is stored is the old or the new at any instant, under one name, and can be worked with on."""
    driver = house.driver
    old, new = domain("g", uuid=UUID, memory=32), domain("g", uuid=UUID, memory=48)
    dom = driver.domain_define_xml(old)
    operations = {
        "define": (None, lambda: driver.domain_define_xml(old), {None, ("g", 32)}),
        "redefine": (old, lambda: driver.domain_define_xml(new), {("g", 32), ("g", 48)}),
        "rename": (old, lambda: driver.domain_rename(dom, "h"), {("g", 32), ("h", 32)}),
        "autostart": (old, lambda: driver.domain_set_autostart(dom, 1), {("g", 32)}),
        "undefine": (old, lambda: driver.domain_undefine(dom), {("g", 32), None}),
    }
    for name, (before, action, ends) in operations.items():
        number, seen = 1, set()
        while True:
            for ref in driver.connect_list_all_domains():
                driver.domain_undefine(ref)
            if before:
                driver.domain_define_xml(before)
            was_killed = killed_before_call(action, number)
            seen.add(stored(backend.open(house.uri)))
            assert seen <= ends, (name, number)
            if not was_killed:
                break
            number += 1
        assert number > 5 and seen == ends, (name, number)


def stored(driver):
    """Return the name and MiB of the one domain there is, looked up in all ways; None for none."""
    refs = driver.connect_list_all_domains()
    if not refs:
        assert not driver.store.exists(UUID)
        return None
    (ref,) = refs
    assert ref.uuid == UUID and driver.domain_lookup_by_uuid(UUID).name == ref.name
    assert driver.domain_lookup_by_name(ref.name) == ref
    assert f"<name>{ref.name}</name>" in driver.domain_get_xml_desc(ref)
    return ref.name, driver.domain_get_max_memory(ref) // 1024


def await_running(house, process):
    """Wait until a command has a guest running."""
    deadline = time.monotonic() + 20
    while not house.driver.connect_list_all_domains(c.CONNECT_LIST_DOMAINS_ACTIVE):
        assert time.monotonic() < deadline and process.poll() is None
        with house.listening() as events:
            events.next_events(0.2)


def test_a_batch_killed_in_the_middle(house):
    """What its commands have done stands, what they have not is not done."""
    path = house.root.parent / "g.xml"
    path.write_text(domain("g", uuid=UUID))
    batch = house.root.parent / "batch"
    batch.write_text(f"define {path}\nstart g\nqemu-monitor-event --timeout 60\ndestroy g\n")
    process = command(house, ["--file", str(batch)])
    try:
        await_running(house, process)
    finally:
        process.kill()
    assert process.wait(10) == -signal.SIGKILL
    assert check(house) == c.DOMAIN_RUNNING


@pytest.mark.parametrize("flags", [0, c.DOMAIN_START_PAUSED])
def test_an_autodestroyed_guest_ends_with_a_command_that_is_killed(house, flags):
    path = house.root.parent / "g.xml"
    path.write_text(domain("g", uuid=UUID))
    batch = house.root.parent / "batch"
    paused = "--paused" if flags else ""
    batch.write_text(f"create {path} --autodestroy {paused}\nevent --timeout 60 --event reboot\n")
    process = command(house, ["--file", str(batch)])
    try:
        await_running(house, process)
    finally:
        process.kill()
    process.wait(10)
    await_gone(UUID)
    assert house.driver.connect_list_all_domains() == []
    await_nobody(str(house.root))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_to_a_start(house, number):
    """A start that is interrupted is done or undone, not half of it."""
    house.define("g", uuid=UUID)
    whole = duration(house, ["start", "g"])
    house.run("destroy", "g")
    for part in (0.3, 0.5, 0.7):
        process = command(house, ["start", "g"])
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(whole * part)
        process.send_signal(number)
        process.wait(10)
        if check(house) == c.DOMAIN_RUNNING:
            house.run("destroy", "g")
