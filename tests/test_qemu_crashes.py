"""Processes killed at every step, stopped processes, races: one clear end, nothing lost, nobody else hurt."""

import os
import signal
import subprocess
import time

import pytest

from embedded import PYVIRSH, await_gone, domain, end, linux, processes, read_until
from pyvirsh import backend
from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import OPERATION_TIMEOUT, VirError
from pyvirsh.backend.qemu import launching, live, plans, process, recovery, starting
from pyvirsh.backend.qemu.supervisor import remains

RUNNING, PAUSED, SHUTOFF = c.DOMAIN_RUNNING, c.DOMAIN_PAUSED, c.DOMAIN_SHUTOFF
A = "00000000-0000-0000-0000-00000000000a"


def test_qemu_killed(house):
    dom = house.start("g")
    end(house.guest(dom).qemu)
    assert house.state(dom) == (SHUTOFF, c.DOMAIN_SHUTOFF_CRASHED)
    await_gone(dom.uuid)
    assert house.driver.domain_create_with_flags(dom).id == 2


def test_supervisor_killed(house):
    dom = house.start("g")
    before = house.guest(dom)
    end(before.supervisor)
    assert house.state(dom) == (RUNNING, c.DOMAIN_RUNNING_BOOTED)
    after = house.guest(dom)
    assert after.qemu.pid == before.qemu.pid and after.supervisor.pid != before.supervisor.pid
    house.driver.domain_suspend(dom)
    end(house.guest(dom).supervisor)
    assert house.state(dom) == (PAUSED, c.DOMAIN_PAUSED_USER)
    house.driver.domain_destroy(dom)
    await_gone(dom.uuid)


def test_a_guest_talks_on_without_its_supervisor(house, tiny_guest):
    """What it says goes nowhere then; it must neither wait for a reader nor die of having none."""
    dom = house.driver.domain_create_xml(linux(tiny_guest))
    first = house.driver.domain_open_console(dom, None)
    read_until(first, b"tiny guest is up")
    end(house.guest(dom).supervisor)
    second = house.driver.domain_open_console(dom, None)
    second.send(b"seq 30000; echo $((6*7))x\n")
    read_until(second, b"42x")
    second.finish()
    log = house.root / "log/qemu/terminals/g.serial0.log"
    assert b"tiny guest" in log.read_bytes()


def test_what_happens_while_there_is_no_supervisor_is_learnt(house):
    dom = house.start("g")
    guest = house.guest(dom)
    end(guest.supervisor)
    from pyvirsh.backend.qemu.monitor import Monitor

    with Monitor(guest) as monitor:
        monitor.execute("stop")
    assert house.state(dom) == (PAUSED, c.DOMAIN_PAUSED_UNKNOWN)


def test_both_killed(house):
    dom = house.start("g")
    guest = house.guest(dom)
    end(guest.supervisor)
    end(guest.qemu)
    assert house.state(dom) == (SHUTOFF, c.DOMAIN_SHUTOFF_UNKNOWN)
    assert not (house.runtime / dom.uuid).exists()
    house.driver.domain_create_with_flags(dom)
    assert house.state(dom)[0] == RUNNING


def test_a_transient_guest_killed_with_its_supervisor_leaves_nothing(house):
    dom = house.driver.domain_create_xml(domain("g"))
    guest = house.guest(dom)
    end(guest.supervisor)
    end(guest.qemu)
    assert house.driver.connect_list_all_domains() == []
    house.define("g")


def test_a_reused_pid_is_nobody(house):
    """A stranger who has the pid of a guest that is gone is neither taken for it nor signalled."""
    dom = house.start("g")
    guest = house.guest(dom)
    end(guest.supervisor)
    end(guest.qemu)
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        guest.qemu = live.Process(stranger.pid, guest.qemu.start)
        guest.supervisor = live.Process(stranger.pid, guest.supervisor.start)
        (house.runtime / dom.uuid / "status").write_bytes(live.format_status(guest))
        (house.runtime / dom.uuid / "pid").write_text(f"{stranger.pid} {guest.qemu.start}\n")
        assert house.state(dom)[0] == SHUTOFF
        house.driver.domain_create_with_flags(dom)
        house.driver.domain_destroy(dom)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_files_of_an_earlier_boot_count_for_nothing(house):
    dom = house.start("g")
    guest = house.guest(dom)
    end(guest.supervisor)
    end(guest.qemu)
    old = house.runtime.with_name("00000000")
    house.runtime.rename(old)
    link = house.root / "lib/qemu/boot" / house.runtime.name
    link.unlink()
    (house.root / "lib/qemu/boot/00000000").symlink_to(old)
    driver = backend.open(house.uri)
    assert driver.domain_get_state(dom) == (SHUTOFF, c.DOMAIN_SHUTOFF_UNKNOWN)
    assert driver.domain_create_with_flags(dom).id == 1
    assert not old.exists() and not (house.root / "lib/qemu/boot/00000000").is_symlink()


# -- SIGKILL at each step of a start -----------------------------------------------------------------------

# Where a process is killed: before the call of a function, in whatever process calls it first.
STEPS = [
    (starting.images, "prepare"),
    (starting.ports, "assign"),
    (process, "listen"),
    (starting.argv, "build"),
    (launching, "next_id"),
    (launching, "_open_logs"),
    (process, "_fork"),
    (process, "_become_parent"),
    (process, "_plain_process"),
    (process, "_become_qemu"),
    (process, "_become_supervisor"),
    (process, "wait"),
    (remains, "record_last"),
    (plans, "keep"),
]


def kill_self(*_, **__):
    """Be killed, as by the kernel's memory guard."""
    os.kill(os.getpid(), signal.SIGKILL)


def start_in_child(house, dom, patch):
    """Start a guest in a child process that is patched before; return its wait status."""
    child = os.fork()
    if child == 0:
        try:
            patch()
            backend.open(house.uri).domain_create_with_flags(dom)
            os._exit(0)
        except VirError:
            os._exit(1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1]


@pytest.mark.parametrize("before", [False, True], ids=["first", "again"])
@pytest.mark.parametrize(("module", "name"), STEPS, ids=[name for _, name in STEPS])
def test_a_start_killed_at_a_step(house, module, name, before):
    dom = house.define("g")
    if before:  # there is a plan then
        house.driver.domain_create_with_flags(dom)
        house.driver.domain_destroy(dom)
    status = start_in_child(house, dom, lambda: setattr(module, name, kill_self))
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) in (0, 1)
    # Whoever was to clear up may be dead: the next command that looks does it.
    with house.driver.hold(dom.uuid, "wait until a supervisor that lives has let go"):
        pass
    house.driver.connect_list_all_domains()
    running = house.state(dom)[0] == RUNNING
    if not running:
        await_gone(dom.uuid)
        house.driver.domain_create_with_flags(dom)
    assert house.state(dom)[0] == RUNNING
    assert sorted(one.pid for one in processes(dom.uuid)) == sorted(
        [house.guest(dom).qemu.pid, house.guest(dom).supervisor.pid]
    )
    house.driver.domain_destroy(dom)
    await_gone(dom.uuid)


def test_command_and_supervisor_killed_with_qemu_started(house):
    dom = house.define("g")

    def both():
        parent = os.getpid()

        def kill_both(*_, **__):
            os.kill(parent, signal.SIGKILL)
            kill_self()

        process._become_supervisor = kill_both

    assert os.WIFSIGNALED(start_in_child(house, dom, both))
    with house.driver.hold(dom.uuid, "wait until both are dead"):
        pass
    assert house.driver.connect_list_all_domains(c.CONNECT_LIST_DOMAINS_ACTIVE) == []
    await_gone(dom.uuid)


def test_command_killed_while_the_guest_comes_up(house):
    """The supervisor goes on: the guest runs."""
    dom = house.define("g")
    assert os.WIFSIGNALED(start_in_child(house, dom, lambda: setattr(process, "wait", kill_self)))
    with house.driver.hold(dom.uuid, "wait until the supervisor has let go"):
        assert house.state(dom)[0] == RUNNING


# -- stopped processes --------------------------------------------------------------------------------


@pytest.fixture
def stopped(house):
    """A guest whose QEMU is stopped."""
    dom = house.start("g", devices="<disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk>")
    os.kill(house.guest(dom).qemu.pid, signal.SIGSTOP)
    return dom


def test_a_stopped_qemu_does_not_stop_who_looks(house, stopped):
    began = time.monotonic()
    assert house.state(stopped)[0] == RUNNING
    assert [ref.name for ref in house.driver.connect_list_all_domains()] == ["g"]
    assert house.driver.domain_get_info(stopped)[0] == RUNNING
    assert "<name>g</name>" in house.driver.domain_get_xml_desc(stopped)
    assert house.driver.domain_get_control_info(stopped)[0] == c.DOMAIN_CONTROL_ERROR
    assert time.monotonic() - began < 15


def test_a_stopped_qemu_is_named_in_bounded_time(house, stopped):
    pid = house.guest(stopped).qemu.pid
    began = time.monotonic()
    for call in (house.driver.domain_memory_stats, house.driver.domain_suspend):
        with pytest.raises(VirError) as error:
            call(stopped)
        assert error.value.code == OPERATION_TIMEOUT
        assert f"process {pid} is stopped; continue it with 'kill -CONT {pid}'" in error.value.text
    assert time.monotonic() - began < 25


def test_a_stopped_qemu_can_be_destroyed(house, stopped):
    house.driver.domain_destroy(stopped)
    assert house.state(stopped) == (SHUTOFF, c.DOMAIN_SHUTOFF_DESTROYED)
    await_gone(stopped.uuid)


def test_a_stopped_qemu_without_a_supervisor(house, stopped):
    end(house.guest(stopped).supervisor)
    began = time.monotonic()
    assert house.state(stopped)[0] == RUNNING
    house.driver.domain_destroy(stopped)
    assert time.monotonic() - began < 15
    await_gone(stopped.uuid)


def test_a_stopped_supervisor_does_not_save_a_guest(house):
    dom = house.start("g")
    os.kill(house.guest(dom).supervisor.pid, signal.SIGSTOP)
    house.driver.domain_destroy(dom)
    assert house.state(dom) == (SHUTOFF, c.DOMAIN_SHUTOFF_DESTROYED)
    await_gone(dom.uuid)


# -- races ----------------------------------------------------------------------------------------------


def at_once(house, *commands):
    """Run commands at the same moment; return (status, output) of each."""
    running = [
        subprocess.Popen(
            [PYVIRSH, "-q", "-c", house.uri, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for words in commands
    ]
    return [(one.wait(60), out) for one in running for out in [one.communicate(timeout=60)[0]]]


def test_two_starts_at_once(house):
    dom = house.define("g")
    results = at_once(house, ["start", "g"], ["start", "g"], ["start", "g"])
    assert sorted(status for status, _ in results) == [0, 1, 1]
    said = "".join(out for _, out in results)
    assert said.count("already") == 2, said
    assert len(processes(dom.uuid)) == 2


def test_two_definitions_of_a_name_at_once(house, tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.xml").write_text(domain("g"))
    results = at_once(house, *(["define", str(tmp_path / f"{number}.xml")] for number in range(3)))
    assert sorted(status for status, _ in results) == [0, 1, 1]
    assert len(house.driver.connect_list_all_domains()) == 1


def test_start_beside_undefine(house):
    for _ in range(3):
        dom = house.define("g", uuid=A)
        (started, out), (undefined, said) = at_once(house, ["start", "g"], ["undefine", "g"])
        assert undefined == 0, said
        guest = house.guest(dom)
        assert (guest is not None) == (started == 0), out
        if guest is not None:
            assert not house.driver.domain_is_persistent(dom)
            house.driver.domain_destroy(dom)
        else:
            assert "failed to get domain 'g'" in out or "Domain not found" in out, out
        await_gone(dom.uuid)
        assert house.driver.connect_list_all_domains() == []


def test_a_lock_that_is_held_is_waited_for_a_while_and_named(house, monkeypatch):
    dom = house.define("g")
    monkeypatch.setattr("pyvirsh.backend.locks.TIMEOUT", 0.3)
    with house.driver.hold(dom.uuid, "a long job"):
        other = backend.open(house.uri)
        lock = other.hold(dom.uuid, "start")
        lock.timeout = 0.3
        with pytest.raises(VirError) as error:
            lock.acquire()
        assert house.state(dom)[0] == SHUTOFF  # who only looks does not wait
    assert error.value.text == (
        f"Timed out during operation: cannot acquire state change lock (held by pid={os.getpid()} a long job)"
    )


def test_two_commands_on_one_monitor_take_turns(house):
    dom = house.start("g")
    results = at_once(house, *(["qemu-monitor-command", "g", '{"execute":"query-status"}'] for _ in range(4)))
    assert [status for status, _ in results] == [0] * 4, results
    assert house.state(dom)[0] == RUNNING


def test_recovery_gives_up_in_time(house):
    """A supervisor that neither lives nor dies is not waited for for ever."""
    dom = house.start("g")
    guest = house.guest(dom)
    os.kill(guest.supervisor.pid, signal.SIGSTOP)
    end(guest.qemu)
    began = time.monotonic()
    assert house.state(dom)[0] == SHUTOFF
    assert time.monotonic() - began < recovery.SETTLE_SECONDS + 15
    house.driver.domain_create_with_flags(dom)
    assert house.state(dom)[0] == RUNNING
