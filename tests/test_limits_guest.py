"""Real guests by the program: what they do to themselves, what is done to them, who hears of it."""

import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from embedded import PYVIRSH, await_gone, domain, end, linux
from limits import refused, talk
from pyvirsh.backend import constants as c

UP = "tiny guest is up"
PROMPT = "# "
AGENT = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
PANIC = "<panic model='pvpanic'/>"


def boot(house, tiny_guest, words="", **values):
    """Define and start a Linux guest and wait until it is up."""
    dom = house.driver.domain_define_xml(linux(tiny_guest, words, **values))
    house.driver.domain_create(dom)
    with talk(house, dom) as console:
        console.until(UP)
        console.until(PROMPT)
    return dom


def state(house):
    """Return what `domstate --reason` says."""
    return house.run("domstate", "g", "--reason").strip()


# -- what the guest does ------------------------------------------------------------------------------------


def test_a_guest_that_ignores_the_power_button(house, tiny_guest):
    dom = boot(house, tiny_guest, "tiny.deaf")
    assert house.run("shutdown", "g", "--mode", "acpi") == ""
    assert house.run("reboot", "g", "--mode", "acpi") == ""
    assert state(house) == "running (booted)"
    house.run("destroy", "g", "--graceful")
    assert state(house) == "shut off (destroyed)"
    await_gone(dom.uuid)


def test_a_lifecycle_action_is_changed_under_a_running_guest(house, tiny_guest):
    dom = boot(house, tiny_guest)
    pid = house.guest(dom).qemu.pid
    house.run("set-lifecycle-action", "g", "poweroff", "restart", "--live")
    assert "<on_poweroff>restart</on_poweroff>" in house.run("dumpxml", "g")
    with talk(house, dom) as console:
        console.type("poweroff -f\n")
        console.until(UP)
        console.until(PROMPT)
    assert state(house) == "running (booted)" and house.guest(dom).qemu.pid == pid
    house.run("set-lifecycle-action", "g", "poweroff", "destroy", "--live")
    with talk(house, dom) as console:
        console.type("poweroff -f\n")
    house.await_state(dom, c.DOMAIN_SHUTOFF)
    assert state(house) == "shut off (shutdown)"


@pytest.mark.parametrize("action", ["restart", "coredump-restart"])
def test_a_panic_that_means_restart(house, tiny_guest, action):
    crash = f"<on_crash>{action}</on_crash>"
    dom = boot(house, tiny_guest, lifecycle=crash, devices=PANIC, machine="q35")
    pid = house.guest(dom).qemu.pid
    with talk(house, dom) as console:
        console.type("echo c > /proc/sysrq-trigger\n")
        console.until(UP)
    assert state(house) == "running (crashed)" and house.guest(dom).qemu.pid == pid
    dumps = list((house.root / "lib/qemu/dump").glob("*")) if action.startswith("core") else []
    assert bool(dumps) == action.startswith("core")
    for dump in dumps:
        assert dump.read_bytes()[:4] == b"\x7fELF"


def test_a_reboot_is_a_power_button_and_a_new_start(house, tiny_guest):
    dom = boot(house, tiny_guest)
    pid = house.guest(dom).qemu.pid
    with talk(house, dom) as console:
        house.run("reboot", "g")
        console.until(UP)
    assert house.guest(dom).qemu.pid == pid
    house.run("shutdown", "g")
    house.await_state(dom, c.DOMAIN_SHUTOFF)
    assert state(house) == "shut off (shutdown)"


@pytest.mark.parametrize("command", ["shutdown", "reboot"])
def test_by_the_agent(house, tiny_guest, command):
    with house.listening(c.DOMAIN_EVENT_ID_AGENT_LIFECYCLE) as events:
        dom = boot(house, tiny_guest, devices=AGENT)
        while "state='connected'" not in house.driver.domain_get_xml_desc(dom):
            assert events.next_events(90)
    with talk(house, dom) as console:
        house.run(command, "g", "--mode", "agent")
        if command == "reboot":
            console.until(UP)
    if command == "shutdown":
        assert house.await_state(dom, c.DOMAIN_SHUTOFF) == c.DOMAIN_SHUTOFF_SHUTDOWN


# -- what is done to it ------------------------------------------------------------------------------------


def test_states_after_kills(house):
    dom = house.start("g")
    end(house.guest(dom).supervisor)
    assert state(house) == "running (booted)"
    house.run("suspend", "g")
    end(house.guest(dom).supervisor)
    assert state(house) == "paused (user)"
    house.run("resume", "g")
    assert state(house) == "running (unpaused)"
    end(house.guest(dom).qemu)
    assert state(house) == "shut off (crashed)"
    await_gone(dom.uuid)
    house.run("start", "g")
    house.run("destroy", "g")
    assert state(house) == "shut off (destroyed)"


STOPPED = [
    "dommemstat g",
    "domblkstat g",
    "domblkinfo g hda",
    "domstats g",
    "screenshot g FILE",
    "qemu-monitor-command g --hmp info status",
    "inject-nmi g",
    "send-key g KEY_A",
    "setmem g 16M",
    "suspend g",
    "reset g",
    "shutdown g",
    "reboot g",
    "destroy g --graceful",
]
LOOKING = [
    "list --all",
    "dominfo g",
    "domstate g --reason",
    "domblklist g",
    "domiflist g",
    "dumpxml g",
    "vcpuinfo g",
    "vcpucount g",
    "cpu-stats g --total",
    "domdisplay g",
    "vncdisplay g",
    "ttyconsole g",
    "desc g",
    "domid g",
]


def test_every_command_meets_a_stopped_qemu_in_bounded_time(house):
    image = house.root.parent / "i"
    image.write_bytes(bytes(2**20))
    disk = (
        f"<disk type='file'><driver name='qemu' type='raw'/><source file='{image}'/>"
        "<target dev='hda' bus='ide'/></disk>"
    )
    screen = "<graphics type='vnc'/><video><model type='vga'/></video><serial type='pty'/>"
    xml = domain("g", devices=disk + screen)
    xml = xml.replace("<memballoon model='none'/>", "<memballoon model='virtio'/>")
    dom = house.driver.domain_define_xml(xml)
    house.driver.domain_create(dom)
    pid = house.guest(dom).qemu.pid
    os.kill(pid, signal.SIGSTOP)
    for line in STOPPED:
        began = time.monotonic()
        said = house.run(*line.replace("FILE", str(house.root.parent / "f")).split(" "), status=1)
        assert f"'kill -CONT {pid}'" in said, (line, said)
        assert time.monotonic() - began < 25, line
    for line in LOOKING:
        began = time.monotonic()
        house.run(*line.split(" "))
        assert time.monotonic() - began < 15, line
    house.run("destroy", "g")
    await_gone(dom.uuid)


def test_a_stopped_qemu_goes_on_when_it_is_continued(house):
    dom = house.start("g")
    pid = house.guest(dom).qemu.pid
    os.kill(pid, signal.SIGSTOP)
    for _ in range(20):  # more than may wait at a socket
        refused(house.driver.domain_monitor_command, dom, '{"execute":"query-status"}')
    os.kill(pid, signal.SIGCONT)
    assert '"status":"running"' in house.run("qemu-monitor-command", "g", "query-status")


def test_cpus_that_the_host_does_not_have(house):
    """Nothing is left behind, and what is wrong is said."""
    count = os.cpu_count() or 1
    xml = domain("g").replace("<vcpu>", f"<vcpu cpuset='{count + 500}'>")
    text = refused(house.driver.domain_create_xml, xml)
    assert "Invalid argument" in text or "CPU" in text, text
    pin = f"<cputune><vcpupin vcpu='0' cpuset='{count + 500}'/></cputune>"
    text = refused(house.driver.domain_create_xml, domain("g").replace("<os>", pin + "<os>"))
    assert "cannot set CPU affinity on process" in text and f"[{count + 500}]" in text
    assert house.driver.connect_list_all_domains() == []


# -- in and out --------------------------------------------------------------------------------------------


def test_definitions_from_standard_input(house):
    house.run("create", "/dev/stdin", "--paused", stdin=domain("g"))
    assert state(house) == "paused (user)"
    house.run("resume", "g")
    house.run("define", "/dev/stdin", stdin=domain("other"))
    assert house.run("list", "--all", "--name") == "g\nother\n"


def test_edit(house, monkeypatch):
    house.define("g", memory=32)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "sed -i s/32768/49152/")
    words = [PYVIRSH, "-c", house.uri, "edit", "g"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.stdout == "Domain 'g' XML configuration edited.\n\n", done.stderr
    assert "49152" in house.run("dumpxml", "g")
    monkeypatch.setenv("EDITOR", "true")
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.stdout == "Domain 'g' XML configuration not changed.\n\n"
    monkeypatch.setenv("EDITOR", "sed -i s/domain/nonsense/")
    done = subprocess.run(words, input="", capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "49152" in house.run("dumpxml", "g")
    monkeypatch.setenv("EDITOR", "false")
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1


def test_the_guest_s_disks_as_its_agent_knows_them(house, tiny_guest):
    image = house.root.parent / "i"
    image.write_bytes(bytes(2**20))
    disk = (
        f"<disk type='file'><driver name='qemu' type='raw'/><source file='{image}'/>"
        "<target dev='vda' bus='virtio'/></disk>"
    )
    with house.listening(c.DOMAIN_EVENT_ID_AGENT_LIFECYCLE) as events:
        dom = boot(house, tiny_guest, devices=AGENT + disk)
        while "state='connected'" not in house.driver.domain_get_xml_desc(dom):
            assert events.next_events(90)
    lines = [line.split() for line in house.run("guestinfo", "g", "--disk").strip().split("\n")]
    assert lines == [
        ["disk.count", ":", "1"],
        ["disk.0.name", ":", "/dev/vda"],
        ["disk.0.partition", ":", "no"],
        ["disk.0.alias", ":", "vda"],
        ["disk.0.guest_bus", ":", "virtio"],
    ]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_an_autostart_unit_is_one(house):
    house.define("g%h 'x' \\")
    house.run("autostart", "g%h 'x' \\")
    (unit,) = (house.root / "etc/systemd").glob("*.service")
    words = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert unit.name not in done.stderr, done.stderr


# -- who hears of it ----------------------------------------------------------------------------------------


def test_events_as_another_process_sees_them(house):
    house.define("g")
    house.driver.roots.make_runtime()
    words = [PYVIRSH, "-c", house.uri, "event", "--all", "--loop", "--timeout", "60"]
    raw = [PYVIRSH, "-c", house.uri, "qemu-monitor-event", "--loop", "--timeout", "60", "--event", "STOP"]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(words, stdout=pipe, stderr=subprocess.STDOUT, text=True) as heard,
        subprocess.Popen(raw, stdout=pipe, stderr=subprocess.STDOUT, text=True) as monitored,
    ):
        await_listeners(house, 2)
        for command in ("start", "suspend", "resume", "reset", "destroy", "undefine"):
            house.run(command, "g")
        lines = []
        while not lines or "Undefined" not in lines[-1]:
            line = heard.stdout.readline()
            assert line, lines
            # The firmware resets the machine once more by itself, if it has come so far.
            lines += [line] if line not in lines[-1:] else []
        stop = monitored.stdout.readline()
        for process in (heard, monitored):
            process.send_signal(signal.SIGINT)
        rest, more = heard.stdout.read(), monitored.stdout.read()
    assert lines == [
        "event 'lifecycle' for domain 'g': Resumed Unpaused\n",
        "event 'lifecycle' for domain 'g': Started Booted\n",
        "event 'lifecycle' for domain 'g': Suspended Paused\n",
        "event 'lifecycle' for domain 'g': Resumed Unpaused\n",
        "event 'reboot' for domain 'g'\n",
        "event 'lifecycle' for domain 'g': Shutdown Finished after host request\n",
        "event 'lifecycle' for domain 'g': Stopped Destroyed\n",
        "event 'lifecycle' for domain 'g': Undefined Removed\n",
    ]
    assert re.fullmatch(r"event loop interrupted\nevents received: ([89]|10)\n\n", rest)
    assert re.fullmatch(r"event STOP at \d+\.\d{6} for domain 'g': <null>\n", stop)
    assert more == "event loop interrupted\nevents received: 1\n\n"


def await_listeners(house, count):
    """Wait until processes listen for events."""
    listen = house.runtime / "listen"
    deadline = time.monotonic() + 20
    while not listen.exists() or len(list(listen.iterdir())) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
