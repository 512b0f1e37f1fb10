"""What can be seen of guests: lists, counters, disks, the monitor, the agent, events, consoles."""

import json
import os
import re
import socket
import subprocess
import threading

import pytest

from embedded import EMULATOR, domain, end, linux, read_until
from pyvirsh import backend
from pyvirsh.backend import constants as c
from pyvirsh.backend.api import PARAM_BOOLEAN, PARAM_ULLONG
from pyvirsh.backend.errors import VirError
from pyvirsh.backend.qemu import kvmstats
from pyvirsh.backend.qemu.qmp import QmpError

DISK = (
    "<disk type='file' device='disk'><driver name='qemu' type='{format}'/><source file='{path}'/>"
    "<target dev='vda' bus='virtio'/></disk>"
)
AGENT = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"


@pytest.fixture
def image(tmp_path):
    """A qcow2 image of 10 MiB."""
    path = tmp_path / "disk.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "10M"], check=True)
    return path


def refused(call, *args):
    with pytest.raises(VirError) as error:
        call(*args)
    return error.value.text


# -- documents ------------------------------------------------------------------------------------------


def cpu_of(house, dom, flags=0):
    """Return the CPU in a guest's document, line by line."""
    xml = house.driver.domain_get_xml_desc(dom, flags)
    return [line.strip() for line in re.search(r"<cpu .*?</cpu>", xml, re.DOTALL).group().split("\n")]


@pytest.mark.parametrize(
    ("cpu", "shown"),
    [
        ("<model>qemu64</model>", ["require hypervisor", "require lahf_lm"]),
        ("<model>Nehalem</model>", ["require hypervisor"]),
        (
            "<model>Nehalem</model><feature policy='optional' name='pcid'/>"
            "<feature policy='disable' name='sse4.2'/><feature policy='force' name='aes'/>",
            ["disable pcid", "disable sse4.2", "require aes", "require hypervisor"],
        ),
    ],
    ids=["qemu64", "plain", "asked"],
)
def test_a_running_guest_s_document_says_what_its_cpu_has(house, cpu, shown):
    """As libvirt shows it for a guest that is emulated."""
    xml = domain("g").replace("<features>", f"<cpu mode='custom' match='exact'>{cpu}</cpu><features>")
    dom = house.driver.domain_define_xml(xml)
    house.driver.domain_create(dom)
    head, model, *features, _ = cpu_of(house, dom)
    assert head == "<cpu mode='custom' match='exact' check='full'>" and "fallback='forbid'" in model
    found = [" ".join(re.findall(r"'(.*?)'", feature)) for feature in features]
    assert found == shown
    stored = cpu_of(house, dom, c.DOMAIN_XML_INACTIVE)
    assert stored[0] == "<cpu mode='custom' match='exact' check='none'>"
    assert cpu_of(house, dom, c.DOMAIN_XML_MIGRATABLE) == stored
    end(house.guest(dom).supervisor)
    assert cpu_of(house, dom)[0] == head


def test_a_guest_begins_with_all_its_memory_and_empty_drives(house):
    """What it has to give back it has not given back yet."""
    drive = "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>"
    xml = domain("g", memory=64, devices=drive)
    xml = xml.replace("<vcpu>", "<currentMemory unit='MiB'>48</currentMemory><vcpu>")
    xml = xml.replace("<memballoon model='none'/>", "<memballoon model='virtio'/>")
    dom = house.driver.domain_define_xml(xml)
    house.driver.domain_create(dom)
    live, stored = (house.driver.domain_get_xml_desc(dom, flags) for flags in (0, c.DOMAIN_XML_INACTIVE))
    assert "<currentMemory unit='KiB'>65536<" in live and "<currentMemory unit='KiB'>49152<" in stored
    assert "<driver name='qemu'/>" in live and "<driver name='qemu' type='raw'/>" in stored
    assert house.driver.domain_get_info(dom)[1:3] == (65536, 65536)


def test_the_host_s_model_is_one_that_can_be_had(house):
    """It is the one of `domcapabilities`, and the guest has all that it promises."""
    xml = domain("g").replace("<features>", "<cpu mode='host-model'/><features>")
    dom = house.driver.domain_create_xml(xml)
    head, *shown, _ = cpu_of(house, dom)
    assert head == "<cpu mode='custom' match='exact' check='full'>"
    capabilities = house.driver.connect_get_domain_capabilities(EMULATOR, "x86_64", "pc", "qemu")
    mode = capabilities.partition("<mode name='host-model' supported='yes'>")[2].partition("</mode>")[0]
    assert shown == [line.strip() for line in mode.strip().split("\n")]


# -- lists ---------------------------------------------------------------------------------------------


def test_list_filters(house):
    running, off = house.start("run"), house.define("off")
    transient = house.driver.domain_create_xml(domain("tmp"), c.DOMAIN_START_PAUSED)
    house.driver.domain_set_autostart(off, 1)

    def names(flags):
        return sorted(ref.name for ref in house.driver.connect_list_all_domains(flags))

    assert names(0) == ["off", "run", "tmp"]
    assert names(c.CONNECT_LIST_DOMAINS_ACTIVE) == ["run", "tmp"]
    assert names(c.CONNECT_LIST_DOMAINS_INACTIVE) == ["off"]
    assert names(c.CONNECT_LIST_DOMAINS_TRANSIENT) == ["tmp"]
    assert names(c.CONNECT_LIST_DOMAINS_PERSISTENT) == ["off", "run"]
    assert names(c.CONNECT_LIST_DOMAINS_PAUSED) == ["tmp"]
    assert names(c.CONNECT_LIST_DOMAINS_SHUTOFF | c.CONNECT_LIST_DOMAINS_RUNNING) == ["off", "run"]
    assert names(c.CONNECT_LIST_DOMAINS_NO_AUTOSTART) == ["run", "tmp"]
    assert names(c.CONNECT_LIST_DOMAINS_MANAGEDSAVE) == []
    assert (running.id, transient.id) == (1, 2)


def test_list_of_the_program(house):
    house.start("b")
    house.define("a")
    lines = [line.split() for line in house.run("list", "--all").strip().split("\n")]
    assert lines == [["1", "b", "running"], ["-", "a", "shut", "off"]]


# -- information ---------------------------------------------------------------------------------------


def test_info_and_vcpus(house):
    dom = house.start("g")
    state, maximum, memory, vcpus, used = house.driver.domain_get_info(dom)
    assert (state, maximum, memory, vcpus) == (1, 32 * 1024, 32 * 1024, 1) and used > 0
    (vcpu,), cpumap = house.driver.domain_get_vcpus(dom)
    assert vcpu[:2] == (0, c.VCPU_RUNNING) and cpumap
    assert house.driver.domain_get_vcpus_flags(dom, c.DOMAIN_VCPU_MAXIMUM) == 1
    names = [name for name, _, _ in house.driver.domain_get_cpu_stats(dom, -1, 1)]
    assert names == ["cpu_time", "user_time", "system_time"]


def test_pinning_is_done(house):
    xml = domain("g").replace("<vcpu>", "<vcpu cpuset='0'>")
    dom = house.driver.domain_create_xml(xml)
    pid = house.guest(dom).qemu.pid
    assert os.sched_getaffinity(pid) == {0}
    (_,), cpumap = house.driver.domain_get_vcpus(dom)
    assert cpumap[0] == 1


def test_all_groups_of_stats(house, image):
    dom = house.start("g", devices=DISK.format(format="qcow2", path=image))
    ((found, params),) = house.driver.connect_get_all_domain_stats([dom], 0)
    values = {name: value for name, _, value in params}
    assert found == dom
    assert values["state.state"] == 1 and values["vcpu.current"] == 1 and values["net.count"] == 0
    assert values["block.count"] == 1 and values["block.0.name"] == "vda"
    assert values["block.0.path"] == str(image) and values["block.0.capacity"] == 10 * 2**20
    for name in ("cpu.time", "balloon.rss", "vcpu.0.delay", "block.0.rd.reqs", "dirtyrate.calc_mode"):
        assert name in values
    house.driver.domain_destroy(dom)
    values = {name for name, _, _ in house.driver.connect_get_all_domain_stats([dom], 0)[0][1]}
    assert "block.0.capacity" in values and "cpu.time" not in values


class FakeMonitor:
    """A monitor of a guest that KVM runs, which not every machine has."""

    ANSWERS = {
        "query-cpus-fast": [{"qom-path": "/a", "cpu-index": 1}],
        "query-stats-schemas": [
            {"target": "vm", "stats": [{"name": "flushes", "type": "cumulative"}]},
            {
                "target": "vcpu",
                "stats": [
                    {"name": "exits", "type": "cumulative"},
                    {"name": "blocking", "type": "instant"},
                    {"name": "wait_ns", "type": "peak"},
                    {"name": "wait_hist", "type": "log2-histogram"},
                ],
            },
        ],
    }

    def __init__(self, stats):
        self.stats = stats

    def execute(self, name, arguments=None):
        return self.ANSWERS[name]

    def attempt(self, name, arguments):
        assert arguments["providers"] == [{"provider": "kvm"}]
        if self.stats is None:
            raise QmpError("CommandNotFound", "The command query-stats has not been found")
        return self.stats


def test_kvm_s_own_counters():
    stats = [
        {"name": "exits", "value": 5},
        {"name": "blocking", "value": True},
        {"name": "wait_ns", "value": 7},
        {"name": "wait_hist", "value": [1, 2]},
        {"name": "unheard-of", "value": 9},
    ]
    monitor = FakeMonitor([{"provider": "kvm", "qom-path": "/a", "stats": stats}])
    assert kvmstats.of_vcpus(monitor) == {
        1: [
            ("vcpu.1.exits.sum", PARAM_ULLONG, 5),
            ("vcpu.1.blocking.cur", PARAM_BOOLEAN, 1),
            ("vcpu.1.wait_ns.max", PARAM_ULLONG, 7),
        ]
    }
    monitor = FakeMonitor([{"provider": "kvm", "stats": [{"name": "flushes", "value": 3}]}])
    assert kvmstats.of_guest(monitor) == [("vm.flushes.sum", PARAM_ULLONG, 3)]
    assert kvmstats.of_guest(FakeMonitor(None)) == [] and kvmstats.of_vcpus(FakeMonitor(None)) == {}


def test_disk_sizes_and_counters(house, image):
    dom = house.define("g", devices=DISK.format(format="qcow2", path=image))
    allocation, capacity, physical = house.driver.domain_get_block_info(dom, "vda")
    assert capacity == 10 * 2**20 and physical == image.stat().st_size and allocation <= 2**20
    house.driver.domain_create_with_flags(dom)
    assert house.driver.domain_get_block_info(dom, str(image))[1] == 10 * 2**20
    names = {name for name, _, _ in house.driver.domain_block_stats_flags(dom, "vda")}
    assert {"rd_bytes", "wr_operations", "flush_total_times"} <= names
    assert house.driver.domain_get_disk_errors(dom) == []
    assert (
        refused(house.driver.domain_block_stats_flags, dom, "nope") == "invalid argument: invalid path: nope"
    )


def test_a_raw_image_that_looks_like_another_format_stays_raw(house, image):
    dom = house.start("g", devices=DISK.format(format="raw", path=image))
    assert house.driver.domain_get_block_info(dom, "vda")[1] == -(-image.stat().st_size // 512) * 512


def test_images_stand_on_what_they_state(house, tmp_path, image):
    top = tmp_path / "top.qcow2"
    create = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", "disk.qcow2", "-F", "qcow2", top]
    subprocess.run(create, check=True)
    dom = house.start("g", devices=DISK.format(format="qcow2", path=top))
    xml = house.driver.domain_get_xml_desc(dom)
    assert f"<source file='{image}'/>" in xml and "<backingStore type='file' index='2'>" in xml
    assert "backingStore type" not in house.driver.domain_get_xml_desc(dom, c.DOMAIN_XML_INACTIVE)


@pytest.mark.parametrize("base", ["json:{}", "nbd:localhost:1", "/etc/passwd"])
def test_a_base_that_is_not_stated_with_its_format_is_refused(house, tmp_path, base):
    top = tmp_path / "top.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", top, "1M"], check=True)
    subprocess.run(["qemu-img", "rebase", "-q", "-u", "-b", base, "-F", "", top], check=False)
    header = bytearray(top.read_bytes())
    header[8:20] = (4096).to_bytes(8, "big") + len(base).to_bytes(4, "big")
    header[4096 : 4096 + len(base)] = base.encode()
    top.write_bytes(header)
    dom = house.define("g", devices=DISK.format(format="qcow2", path=top))
    assert base in refused(house.driver.domain_create_with_flags, dom)
    assert house.state(dom) == (5, c.DOMAIN_SHUTOFF_FAILED)


def test_a_write_beyond_a_threshold_is_told(house, image):
    dom = house.start("g", devices=DISK.format(format="qcow2", path=image))
    assert refused(house.driver.domain_set_block_threshold, dom, "vdb", 1) == (
        "invalid argument: failed to find disk 'vdb'"
    )
    house.run("domblkthreshold", "g", "vda", "4096")
    write = 'qemu-io -d /machine/peripheral/virtio-disk0/virtio-backend "write 1M 64k"'
    with house.listening(c.DOMAIN_EVENT_ID_BLOCK_THRESHOLD) as events:
        house.run("qemu-monitor-command", "g", "--hmp", write)
        (event,) = events.next_events(90)
    assert event.values[:3] == ("vda", str(image), 4096) and event.values[3] > 0


def test_peeking(house, tmp_path):
    raw = tmp_path / "raw"
    raw.write_bytes(b"0123456789" + bytes(2**20))
    dom = house.start("g", devices=DISK.format(format="raw", path=raw))
    assert house.driver.domain_block_peek(dom, "vda", 2, 4) == b"2345"
    assert len(house.driver.domain_memory_peek(dom, 0, 64, c.MEMORY_PHYSICAL)) == 64


# -- the monitor, the agent ----------------------------------------------------------------------------


def test_monitor_commands(house):
    dom = house.start("g")
    answer = json.loads(house.driver.domain_monitor_command(dom, '{"execute":"query-status"}'))
    assert answer["return"]["status"] == "running" and answer["id"] == "libvirt-1"
    assert house.driver.domain_monitor_command(dom, "info status", 1) == "VM status: running\r\n"
    text = house.driver.domain_monitor_command(dom, '{"execute":"nope"}')
    assert json.loads(text)["error"]["class"] == "CommandNotFound"
    assert "append command 'id'" in refused(
        house.driver.domain_monitor_command, dom, '{"execute":"query-status","id":1}'
    )
    house.driver.domain_monitor_command(dom, '{"execute":"stop"}')
    assert house.driver.domain_get_messages(dom) == ["tainted: custom monitor control commands issued"]
    assert "Messages:       tainted: custom monitor control commands issued\n" in house.run("dominfo", "g")
    assert house.await_state(dom, c.DOMAIN_PAUSED) == c.DOMAIN_PAUSED_UNKNOWN


def test_screenshot(house):
    dom = house.start("g", devices="<video><model type='cirrus'/></video><graphics type='vnc'/>")
    mime, stream = house.driver.domain_screenshot(dom, 0)
    data = stream.recv(100)
    stream.finish()
    assert mime == "image/png" and data.startswith(b"\x89PNG")
    assert refused(house.driver.domain_screenshot, dom, 3).endswith("no such screen ID")
    assert not [name for name in os.listdir(house.runtime / dom.uuid) if name.startswith("screen")]


def test_a_screen_on_a_connection_of_the_caller_s(house):
    """The first words of a VNC server come; with and without its password."""
    screen = "<graphics type='vnc' passwd='x'/><video><model type='vga'/></video>"
    dom = house.start("g", devices=screen)
    for flags, kinds in ((0, b"\x02"), (c.DOMAIN_OPEN_GRAPHICS_SKIPAUTH, b"\x01")):
        with socket.socket(fileno=house.driver.domain_open_graphics_fd(dom, 0, flags)) as sock:
            assert words_of(sock, kinds)
    mine, theirs = socket.socketpair()
    with mine, theirs:
        house.driver.domain_open_graphics(dom, 0, [theirs.fileno()])
        assert words_of(mine, b"\x02")
    assert refused(house.driver.domain_open_graphics_fd, dom, 1).endswith("No graphics backend with index 1")


def words_of(sock, kinds):
    """Talk to a VNC server until it says how it wants to be asked; say whether that is one of these kinds."""
    sock.settimeout(10)
    with sock.makefile("rb") as file:
        assert file.read(12).startswith(b"RFB 003.")
        sock.sendall(b"RFB 003.008\n")
        return file.read(1 + len(kinds)) == bytes([len(kinds)]) + kinds


def test_keys_and_interrupts(house):
    dom = house.start("g")
    house.driver.domain_send_key(dom, c.KEYCODE_SET_LINUX, 10, [29, 56, 111])
    house.driver.domain_inject_nmi(dom)
    assert refused(house.driver.domain_send_key, dom, c.KEYCODE_SET_LINUX, 0, [300]) == (
        "internal error: cannot translate keycode 300 of linux codeset to qnum keycode"
    )


@pytest.mark.parametrize(
    ("codeset", "code", "qnum"),
    [
        (c.KEYCODE_SET_LINUX, 30, 30),
        (c.KEYCODE_SET_LINUX, 103, 0xC8),
        (c.KEYCODE_SET_WIN32, 65, 30),
        (c.KEYCODE_SET_USB, 4, 30),
        (c.KEYCODE_SET_OSX, 0, 30),
        (c.KEYCODE_SET_ATSET1, 0xE048, 0xC8),
        (c.KEYCODE_SET_ATSET2, 0xE075, 0xC8),
        (c.KEYCODE_SET_ATSET3, 0x63, 0xC8),
        (c.KEYCODE_SET_QNUM, 7, 7),
    ],
)
def test_keys_of_all_tables(codeset, code, qnum):
    from pyvirsh.backend.qemu import keycodes

    assert keycodes.to_qnum(codeset, code) == qnum


def test_the_agent(house, tiny_guest):
    dom = house.driver.domain_create_xml(linux(tiny_guest, devices=AGENT))
    assert refused(house.driver.domain_get_hostname, dom, c.DOMAIN_GET_HOSTNAME_AGENT) == (
        "Guest agent is not responding: QEMU guest agent is not connected"
    )
    with house.listening(c.DOMAIN_EVENT_ID_AGENT_LIFECYCLE) as events:
        while "state='connected'" not in house.driver.domain_get_xml_desc(dom):
            assert events.next_events(90)
    assert house.driver.domain_get_hostname(dom, c.DOMAIN_GET_HOSTNAME_AGENT) == "tiny"
    assert house.driver.domain_agent_command(dom, '{"execute":"guest-ping"}', -2) == '{"return":{}}'
    assert refused(house.driver.domain_agent_command, dom, '{"execute":"no"}', -2) == (
        "guest agent command failed: unable to execute QEMU agent command 'no': "
        "The command no has not been found"
    )
    assert house.driver.domain_get_time(dom)[0] > 1_700_000_000
    assert ("hostname", 7, "tiny") in house.driver.domain_get_guest_info(dom, 0)


def test_an_agent_that_never_answers_and_one_that_never_ends(house, monkeypatch):
    from pyvirsh.backend.qemu import agent

    dom = house.start("g")
    monkeypatch.setattr(agent, "SYNC_SECONDS", 0.5)
    path = str(house.runtime / dom.uuid / "fake")
    listener = backend_socket(path)
    talk = agent.Agent(house.guest(dom), path)
    assert "not responding" in refused(talk.__enter__)

    def babble():
        sock, _ = listener.accept()
        try:
            while True:
                sock.sendall(b"x" * 2**20)
        except OSError:
            sock.close()

    listener.accept()[0].close()
    thread = threading.Thread(target=babble, daemon=True)
    thread.start()
    monkeypatch.setattr(agent, "SYNC_SECONDS", 30)
    monkeypatch.setattr(agent, "SYNC_AGAIN_SECONDS", 30)
    assert "longer than" in refused(agent.Agent(house.guest(dom), path).__enter__)
    thread.join(10)
    assert not thread.is_alive()


def test_an_agent_that_is_slow(house, monkeypatch):
    """It answers when it has been asked again, and goes on answering that after it has been believed."""
    from pyvirsh.backend.qemu import agent

    dom = house.start("g")
    monkeypatch.setattr(agent, "SYNC_AGAIN_SECONDS", 0.2)
    path = str(house.runtime / dom.uuid / "fake")
    listener = backend_socket(path)

    def serve():
        sock, _ = listener.accept()
        with sock, sock.makefile("rb") as file:
            asked = [file.readline() for _ in range(3)]  # nothing is said until it has been asked three times
            sock.sendall(b'{"error":{"class":"GenericError","desc":"what?"}}\n')
            for line in asked:
                number = json.loads(line.lstrip(b"\xff"))["arguments"]["id"]
                sock.sendall(b'{"return":%d}\n' % number)
            while b"guest-ping" not in file.readline():
                pass
            sock.sendall(b'{"return":{}}\n')

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with agent.Agent(house.guest(dom), path) as talk:
        assert talk.execute("guest-ping") == {}
    thread.join(10)
    house.run("guest-agent-timeout", "g", "--timeout", "0")
    assert "not responding" in refused(agent.Agent(house.guest(dom), path).__enter__)
    assert "less than the minimum" in refused(house.driver.domain_agent_set_response_timeout, dom, -3)


def backend_socket(path):
    import socket

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(2)
    return listener


# -- events --------------------------------------------------------------------------------------------


def test_events_of_a_life(house):
    with house.listening() as events, house.listening(c.DOMAIN_EVENT_ID_REBOOT) as reboots:
        dom = house.define("g", uuid="00000000-0000-0000-0000-00000000000a")
        house.define("g", uuid=dom.uuid)
        house.driver.domain_create_with_flags(dom)
        house.driver.domain_suspend(dom)
        house.driver.domain_resume(dom)
        house.driver.domain_reset(dom)
        house.driver.domain_destroy(dom)
        house.driver.domain_undefine(dom)
        seen = []
        while (c.DOMAIN_EVENT_UNDEFINED, 0) not in seen:
            new = events.next_events(90)
            assert new, seen
            seen += [event.values for event in new]
            assert {event.ref.name for event in new} == {"g"}
        (reboot,) = reboots.next_events(90)
    assert reboot.event_id == c.DOMAIN_EVENT_ID_REBOOT and reboot.values == ()
    assert seen == [
        (c.DOMAIN_EVENT_DEFINED, c.DOMAIN_EVENT_DEFINED_ADDED),
        (c.DOMAIN_EVENT_DEFINED, c.DOMAIN_EVENT_DEFINED_UPDATED),
        (c.DOMAIN_EVENT_RESUMED, c.DOMAIN_EVENT_RESUMED_UNPAUSED),
        (c.DOMAIN_EVENT_STARTED, c.DOMAIN_EVENT_STARTED_BOOTED),
        (c.DOMAIN_EVENT_SUSPENDED, c.DOMAIN_EVENT_SUSPENDED_PAUSED),
        (c.DOMAIN_EVENT_RESUMED, c.DOMAIN_EVENT_RESUMED_UNPAUSED),
        (c.DOMAIN_EVENT_SHUTDOWN, c.DOMAIN_EVENT_SHUTDOWN_HOST),
        (c.DOMAIN_EVENT_STOPPED, c.DOMAIN_EVENT_STOPPED_DESTROYED),
        (c.DOMAIN_EVENT_UNDEFINED, c.DOMAIN_EVENT_UNDEFINED_REMOVED),
    ]


def test_monitor_events_by_name_and_pattern(house):
    dom = house.start("g")
    other = backend.open(house.uri)
    other.connect_domain_monitor_event_register(None, "resu", 3)
    other.connect_domain_monitor_event_register(dom, "STOP", 0)
    house.driver.domain_suspend(dom)
    house.driver.domain_resume(dom)
    seen = []
    while len(seen) < 2:
        seen += other.next_events(90)
    assert [event.values[0] for event in seen] == ["STOP", "RESUME"] and seen[0].kind == "qemu"
    assert seen[0].values[1] > 1_700_000_000
    assert other.next_events(0) == []
    other.close()
    assert os.listdir(house.runtime / "listen") == []


def test_a_listener_that_died_does_not_matter(house):
    (house.root / "x").parent.mkdir(exist_ok=True)
    dom = house.start("g")
    stale = house.runtime / "listen"
    stale.mkdir(exist_ok=True)
    listener = backend_socket(str(stale / "1-1"))
    listener.close()
    house.driver.domain_suspend(dom)
    assert os.listdir(stale) == []


# -- consoles ------------------------------------------------------------------------------------------


def test_a_console_is_one_users_at_a_time(house, tiny_guest):
    dom = house.driver.domain_create_xml(linux(tiny_guest))
    first = house.driver.domain_open_console(dom, None)
    read_until(first, b"tiny guest is up")
    taken = "operation failed: Active console session exists for this domain"
    assert refused(house.driver.domain_open_console, dom, "serial0") == taken
    second = house.driver.domain_open_console(dom, "serial0", c.DOMAIN_CONSOLE_FORCE)
    while first.recv(4096):
        pass  # what was under way; then the end
    second.send(b"echo $((6*7))x\n")
    read_until(second, b"42x")
    second.finish()
    third = house.driver.domain_open_console(dom, None)
    house.driver.domain_destroy(dom)
    while third.recv(4096):
        pass
    third.finish()


def test_consoles_that_cannot_be_opened(house):
    dom = house.start("g", devices="<serial type='null'/>")
    assert refused(house.driver.domain_open_console, dom, "foo") == (
        "internal error: cannot find character device foo"
    )
    assert "is not using a PTY or UNIX socket" in refused(house.driver.domain_open_console, dom, None)


def test_a_channel_as_a_stream(house, tmp_path):
    path = tmp_path / "c"
    channel = f"<serial type='unix'><source mode='bind' path='{path}'/></serial>"
    dom = house.start("g", devices=channel)
    stream = house.driver.domain_open_console(dom, "serial0")
    assert "Active console" in refused(house.driver.domain_open_console, dom, "serial0")
    stream.finish()


# -- figures without a parser ----------------------------------------------------------------------------

FAKE = """<metadata><m:a xmlns:m='http://m/'>
  </m:a><!--
  </metadata>
  <memory unit='KiB'>1</memory>
  <vcpu current='7'>9</vcpu>
    <type>x</type>
--></metadata>"""


@pytest.mark.parametrize("extra", ["", FAKE])
@pytest.mark.parametrize("current", [None, 24])
@pytest.mark.parametrize("balloon", ["none", "virtio"])
def test_figures_at_a_glance_are_the_models(house, extra, current, balloon):
    from pyvirsh.backend.qemu import glance, info

    xml = domain("g").replace("<memballoon model='none'/>", f"<memballoon model='{balloon}'/>")
    xml = xml.replace("<vcpu>1", "<vcpu current='2'>3").replace("  <vcpu", f"  {extra}\n  <vcpu")
    if current:
        xml = xml.replace("  <vcpu", f"  <currentMemory unit='MiB'>{current}</currentMemory>\n  <vcpu", 1)
    dom = house.driver.domain_define_xml(xml)
    seen, _ = glance.at(house.driver, dom)
    model = house.driver.definition(dom)
    assert seen.memory == info.memory_of(model) == 32 * 1024
    assert seen.current_memory == info.current_memory(model)
    assert (seen.vcpus, seen.online, seen.os_type) == (3, 2, "hvm")
    house.driver.domain_create_with_flags(dom)
    assert house.driver.domain_get_info(dom)[1:4] == (32 * 1024, 32 * 1024, 2)
