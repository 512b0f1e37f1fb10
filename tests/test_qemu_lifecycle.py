"""Real guests from definition to end: what works, what is refused, and in whose words."""

import os
import re
import shlex
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from embedded import await_gone, domain, end, linux, processes
from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import VirError

RUNNING, PAUSED, SHUTOFF = c.DOMAIN_RUNNING, c.DOMAIN_PAUSED, c.DOMAIN_SHUTOFF
VNC = "<graphics type='vnc' autoport='yes' listen='127.0.0.1'/>"
A, B = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"


def refused(call, *args):
    """Return the message of the error that a call must end in."""
    with pytest.raises(VirError) as error:
        call(*args)
    return error.value.text


def test_a_guest_from_definition_to_end(house):
    dom = house.define("g")
    assert house.state(dom) == (SHUTOFF, c.DOMAIN_SHUTOFF_UNKNOWN)
    started = house.driver.domain_create_with_flags(dom)
    assert started.id == 1
    assert house.state(dom) == (RUNNING, c.DOMAIN_RUNNING_BOOTED)
    assert [
        (ref.name, ref.id) for ref in house.driver.connect_list_all_domains(c.CONNECT_LIST_DOMAINS_ACTIVE)
    ] == [("g", 1)]
    assert house.driver.domain_lookup_by_id(1) == started
    house.driver.domain_destroy(dom)
    assert house.state(dom) == (SHUTOFF, c.DOMAIN_SHUTOFF_DESTROYED)
    await_gone(dom.uuid)
    assert not (house.runtime / dom.uuid).exists()
    house.driver.domain_undefine(dom)
    assert house.driver.connect_list_all_domains() == []
    assert refused(house.driver.domain_get_state, dom).startswith("Domain not found: ")


def test_ids_increase(house):
    dom = house.define("g")
    for number in (1, 2):
        assert house.driver.domain_create_with_flags(dom).id == number
        house.driver.domain_destroy(dom)


def test_suspend_and_resume(house):
    dom = house.start("g")
    house.driver.domain_suspend(dom)
    assert house.state(dom) == (PAUSED, c.DOMAIN_PAUSED_USER)
    house.driver.domain_suspend(dom)
    house.driver.domain_resume(dom)
    assert house.state(dom) == (RUNNING, c.DOMAIN_RUNNING_UNPAUSED)
    text = "Requested operation is not valid: domain is already running"
    assert refused(house.driver.domain_resume, dom) == text


def test_a_paused_start(house):
    dom = house.driver.domain_create_xml(domain("g"), c.DOMAIN_START_PAUSED)
    assert house.state(dom) == (PAUSED, c.DOMAIN_PAUSED_USER)


def test_a_transient_guest_is_gone_when_it_ends(house):
    dom = house.driver.domain_create_xml(domain("g"))
    assert not house.driver.domain_is_persistent(dom)
    invalid = "Requested operation is not valid: "
    assert refused(house.driver.domain_undefine, dom) == invalid + "cannot undefine transient domain"
    assert refused(house.driver.domain_set_autostart, dom, 1) == (
        invalid + "cannot set autostart for transient domain"
    )
    house.driver.domain_destroy(dom)
    assert house.driver.connect_list_all_domains() == []
    assert os.listdir(house.root / "etc/qemu/names") == []


def test_a_running_guest_outlives_its_definition_and_gets_another(house):
    dom = house.start("g", uuid=A)
    house.driver.domain_undefine(dom)
    assert house.state(dom)[0] == RUNNING and not house.driver.domain_is_persistent(dom)
    house.define("g", uuid=A, memory=48)
    assert house.driver.domain_is_persistent(dom)
    assert house.driver.domain_get_max_memory(dom) == 32 * 1024
    house.driver.domain_destroy(dom)
    assert house.driver.domain_get_max_memory(dom) == 48 * 1024


def test_a_running_guests_document_can_be_defined_again(house):
    channel = "<channel type='unix'><target type='virtio' name='a.b'/></channel>"
    dom = house.start("g", devices=channel + "<serial type='pty'/>" + VNC)
    stored = house.driver.domain_get_xml_desc(dom, c.DOMAIN_XML_INACTIVE)
    live = house.driver.domain_get_xml_desc(dom)
    assert str(house.runtime) in live and str(house.runtime) not in stored
    house.driver.domain_define_xml(live)
    again = house.driver.domain_get_xml_desc(dom, c.DOMAIN_XML_INACTIVE)
    cpus = [re.search(r" *<cpu .*?</cpu>\n", one, re.DOTALL).group() for one in (stored, again, live)]
    assert again.replace(cpus[1], "") == stored.replace(cpus[0], "") and cpus[1] == cpus[2]
    assert house.driver.domain_get_xml_desc(dom, c.DOMAIN_XML_MIGRATABLE) == stored


def test_what_is_refused_when_names_and_uuids_clash(house):
    house.define("g", uuid=A)
    failed = "operation failed: domain 'g' "
    assert refused(house.define, "g") == f"{failed}already exists with uuid {A}"
    with pytest.raises(VirError) as error:
        house.define("h", uuid=A)
    assert error.value.text == f"{failed}is already defined with uuid {A}"
    assert (
        refused(house.driver.domain_create_xml, domain("g", uuid=B))
        == f"{failed}already exists with uuid {A}"
    )
    assert [ref.name for ref in house.driver.connect_list_all_domains()] == ["g"]


def test_what_is_refused_of_guests_that_do_not_run(house):
    dom = house.define("g")
    driver = house.driver
    for call in (
        driver.domain_destroy,
        driver.domain_suspend,
        driver.domain_resume,
        driver.domain_shutdown,
        driver.domain_reboot,
        driver.domain_reset,
        driver.domain_memory_stats,
    ):
        assert refused(call, dom) == "Requested operation is not valid: domain is not running"


def test_what_is_refused_of_guests_that_run(house):
    dom = house.start("g", uuid=A)
    invalid = "Requested operation is not valid: "
    assert refused(house.driver.domain_create_with_flags, dom) == invalid + "domain is already running"
    assert (
        refused(house.driver.domain_create_xml, domain("g", uuid=A))
        == invalid + "domain 'g' is already active"
    )
    assert refused(house.driver.domain_rename, dom, "h") == invalid + "cannot rename active domain"


def test_rename(house):
    dom = house.define("g")
    house.define("taken")
    assert refused(house.driver.domain_rename, dom, "g").endswith("Can't rename domain to itself")
    assert "already exists" in refused(house.driver.domain_rename, dom, "taken")
    assert refused(house.driver.domain_rename, dom, "a/b") == "XML error: name a/b cannot contain '/'"
    house.driver.domain_rename(dom, "new")
    assert house.driver.domain_lookup_by_name("new").uuid == dom.uuid
    assert "<name>new</name>" in house.driver.domain_get_xml_desc(dom)


def test_undefine_keeps_what_it_was_not_told_to_lose(house, tmp_path):
    nvram = tmp_path / "vars.fd"
    nvram.write_bytes(b"v")
    loader = (
        f"<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader><nvram>{nvram}</nvram>"
    )
    dom = house.define("g", machine="q35", os=loader)
    assert refused(house.driver.domain_undefine, dom).endswith("cannot undefine domain with nvram")
    house.driver.domain_undefine_flags(dom, c.DOMAIN_UNDEFINE_NVRAM)
    assert not nvram.exists()


def test_an_autodestroyed_guest_ends_with_its_connection(house):
    from pyvirsh import backend

    owner = backend.open(house.uri)
    dom = owner.domain_create_xml(domain("g"), c.DOMAIN_START_AUTODESTROY)
    assert len(processes(dom.uuid)) == 2
    owner.close()
    await_gone(dom.uuid)


def test_logs_are_removed_with_the_guest_if_asked(house):
    house.define("g.serial0", devices="<serial type='pty'/>")
    dom = house.start("g", devices="<serial type='pty'/>")
    other = house.driver.domain_create_with_flags(house.driver.domain_lookup_by_name("g.serial0"))
    logs = house.root / "log/qemu"
    assert (logs / "g.log").exists() and (logs / "terminals/g.serial0.log").exists()
    house.driver.domain_destroy_flags(dom, c.DOMAIN_DESTROY_REMOVE_LOGS)
    assert sorted(path.name for path in logs.rglob("*.log")) == ["g.serial0.log", "g.serial0.serial0.log"]
    house.driver.domain_destroy(other)


def test_graceful_destruction(house):
    dom = house.start("g")
    house.driver.domain_destroy_flags(dom, c.DOMAIN_DESTROY_GRACEFUL)
    assert house.state(dom) == (SHUTOFF, c.DOMAIN_SHUTOFF_DESTROYED)


def test_metadata_title_and_description_live_and_stored(house):
    dom = house.start("g")
    driver = house.driver
    live, config = c.DOMAIN_AFFECT_LIVE, c.DOMAIN_AFFECT_CONFIG
    title, text, element = c.DOMAIN_METADATA_TITLE, c.DOMAIN_METADATA_DESCRIPTION, c.DOMAIN_METADATA_ELEMENT
    assert refused(driver.domain_get_metadata, dom, title, None) == (
        "metadata not found: Requested metadata element is not present"
    )
    driver.domain_set_metadata(dom, title, "T", None, None, live)
    driver.domain_set_metadata(dom, text, "D <&>", None, None, live | config)
    driver.domain_set_metadata(dom, element, "<a b='1'/>", "k", "http://u/", config)
    assert driver.domain_get_metadata(dom, title, None, live) == "T"
    with pytest.raises(VirError):
        driver.domain_get_metadata(dom, title, None, config)
    assert driver.domain_get_metadata(dom, text, None, config) == "D <&>"
    assert driver.domain_get_metadata(dom, element, "http://u/", config) == '<a b="1"/>'
    assert refused(driver.domain_set_metadata, dom, title, "a\nb", None, None) == (
        "metadata title can't contain newlines"
    )
    driver.domain_destroy(dom)
    assert driver.domain_get_metadata(dom, text, None) == "D <&>"


def test_autostart_is_a_unit_that_can_be_seen(house):
    dom = house.define("g%i $x")
    house.driver.domain_set_autostart(dom, 1)
    assert house.driver.domain_get_autostart(dom)
    (unit,) = (house.root / "etc/systemd").glob("*.service")
    text = unit.read_text()
    assert f'-c "{house.uri}" start {dom.uuid}\n' in text and "Description=Virtual machine g%%i $x\n" in text
    assert (house.root / "etc/systemd/default.target.wants" / unit.name).resolve() == unit
    flags = c.CONNECT_LIST_DOMAINS_AUTOSTART
    assert house.driver.connect_list_all_domains(flags) == [dom]
    house.driver.domain_set_autostart(dom, 0)
    assert not unit.exists() and house.driver.connect_list_all_domains(flags) == []


def test_autostart_for_one_time(house):
    dom = house.define("g")
    house.run("autostart", "g", "--once")
    assert house.driver.domain_get_autostart_once(dom) and not house.driver.domain_get_autostart(dom)
    (unit,) = (house.root / "etc/systemd").glob("*.service")
    done = re.search(r"ExecStartPost=(.*)\n", unit.read_text()).group(1)
    house.driver.domain_set_autostart(dom, 1)
    subprocess.run(shlex.split(done), check=True, timeout=60, stdout=subprocess.DEVNULL)
    assert "Autostart:      enable\nAutostart Once: disable\n" in house.run("dominfo", "g")
    assert "ExecStartPost" not in unit.read_text()
    house.driver.domain_set_autostart_once(dom, 1)
    house.driver.domain_undefine(dom)
    assert not unit.exists()
    dom = house.driver.domain_create_xml(domain("g"))
    assert refused(house.driver.domain_set_autostart_once, dom, 1).endswith("autostart for transient domain")


def test_there_are_no_jobs(house):
    dom = house.define("g")
    assert refused(house.driver.domain_get_job_stats, dom).endswith("domain is not running")
    assert house.driver.domain_get_job_stats(dom, c.DOMAIN_JOB_STATS_COMPLETED) == (0, [])
    house.driver.domain_create(dom)
    assert house.run("domjobinfo", "g").split() == ["Job", "type:", "None"]
    assert refused(house.driver.domain_abort_job, dom).endswith("no job is active on the domain")


def test_lifecycle_actions_that_are_refused(house):
    dom = house.define("g")
    call = house.driver.domain_set_lifecycle_action
    refuse = "unsupported configuration: "
    assert refused(call, dom, c.DOMAIN_LIFECYCLE_POWEROFF, c.DOMAIN_LIFECYCLE_ACTION_PRESERVE) == (
        refuse + "qemu driver doesn't support the 'preserve' action for 'on_reboot'/'on_poweroff'"
    )
    assert refused(call, dom, c.DOMAIN_LIFECYCLE_POWEROFF, c.DOMAIN_LIFECYCLE_ACTION_COREDUMP_DESTROY) == (
        refuse + "Lifecycle event 'poweroff' doesn't support 'coredump-destroy' action"
    )
    call(dom, c.DOMAIN_LIFECYCLE_CRASH, c.DOMAIN_LIFECYCLE_ACTION_PRESERVE)
    assert "<on_crash>preserve</on_crash>" in house.driver.domain_get_xml_desc(dom)


@pytest.mark.parametrize("umask", ["000", "022"])
def test_files_are_the_owners_alone(house, umask):
    (house.root.parent / "g.xml").write_text(
        domain(
            "g",
            devices="<serial type='pty'/><channel type='unix'><target type='virtio' name='a.b'/></channel>",
        )
    )
    before = os.umask(int(umask, 8))
    try:
        house.run("define", str(house.root.parent / "g.xml"))
        house.run("start", "g")
    finally:
        os.umask(before)
    seen = 0
    for path, directories, files in os.walk(house.root):
        for name in [*directories, *files]:
            mode = os.lstat(os.path.join(path, name)).st_mode
            if not stat.S_ISLNK(mode):
                assert stat.S_IMODE(mode) & 0o077 == 0, os.path.join(path, name)
                seen += 1
    assert seen > 10


# -- what the guest itself does ------------------------------------------------------------------------------


def test_power_off_by_the_guest(house, tiny_guest):
    dom = house.driver.domain_define_xml(linux(tiny_guest, "tiny.then=poweroff,-f"))
    house.driver.domain_create_with_flags(dom)
    assert house.await_state(dom, SHUTOFF) == c.DOMAIN_SHUTOFF_SHUTDOWN
    await_gone(dom.uuid)


def test_power_off_that_means_restart(house, tiny_guest):
    xml = linux(tiny_guest, "tiny.then=poweroff,-f", lifecycle="<on_poweroff>restart</on_poweroff>")
    with house.listening() as events:
        dom = house.driver.domain_create_xml(xml)
        seen = []
        while (c.DOMAIN_EVENT_SHUTDOWN, c.DOMAIN_EVENT_SHUTDOWN_GUEST) not in seen or seen[-1][0] != 4:
            new = events.next_events(90)
            assert new, seen
            seen += [event.values for event in new]
    assert house.state(dom)[0] == RUNNING
    assert house.guest(dom).id == dom.id


def test_reboot_that_means_the_end(house, tiny_guest):
    xml = linux(tiny_guest, "tiny.then=reboot,-f", lifecycle="<on_reboot>destroy</on_reboot>")
    dom = house.driver.domain_define_xml(xml)
    house.driver.domain_create_with_flags(dom)
    assert house.await_state(dom, SHUTOFF) == c.DOMAIN_SHUTOFF_SHUTDOWN


@pytest.mark.parametrize(
    ("action", "state", "reason"),
    [
        ("destroy", SHUTOFF, c.DOMAIN_SHUTOFF_CRASHED),
        ("preserve", c.DOMAIN_CRASHED, c.DOMAIN_CRASHED_PANICKED),
    ],
)
def test_panic(house, tiny_guest, action, state, reason):
    panic = "<panic model='pvpanic'/>"
    xml = linux(tiny_guest, lifecycle=f"<on_crash>{action}</on_crash>", devices=panic, machine="q35")
    dom = house.driver.domain_define_xml(xml)
    house.driver.domain_create_with_flags(dom)
    await_boot(house, dom, type_then=b"echo c > /proc/sysrq-trigger\n")
    assert house.await_state(dom, state) == reason


def test_the_power_button(house, tiny_guest):
    dom = house.driver.domain_define_xml(linux(tiny_guest))
    house.driver.domain_create_with_flags(dom)
    await_boot(house, dom)
    house.driver.domain_shutdown(dom)
    assert house.await_state(dom, SHUTOFF) == c.DOMAIN_SHUTOFF_SHUTDOWN


def test_a_guest_that_ignores_the_power_button(house, tiny_guest):
    dom = house.driver.domain_define_xml(linux(tiny_guest, "tiny.deaf"))
    house.driver.domain_create_with_flags(dom)
    await_boot(house, dom)
    house.driver.domain_shutdown_flags(dom, c.DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
    assert house.state(dom)[0] == RUNNING
    house.driver.domain_destroy(dom)
    assert house.state(dom) == (SHUTOFF, c.DOMAIN_SHUTOFF_DESTROYED)


def await_boot(house, dom, wanted=b"tiny guest is up", type_then=b""):
    """Wait until the guest says on its console that it is up, and type something."""
    import select

    stream = house.driver.domain_open_console(dom, None)
    said = b""
    try:
        while wanted not in said:
            poll = select.poll()
            poll.register(stream.fileno(), select.POLLIN)
            assert poll.poll(30_000), said
            data = stream.recv(4096)
            assert data, said
            said += data
        stream.send(type_then)
    finally:
        stream.finish()
    return said


def test_signals_to_qemu_from_outside(house):
    dom = house.start("g")
    with house.listening():
        end(house.guest(dom).qemu, signal.SIGTERM)
    assert house.state(dom) == (SHUTOFF, c.DOMAIN_SHUTOFF_SHUTDOWN)


def test_the_log_names_the_command_line_and_no_secret(house):
    dom = house.start("g", devices="<graphics type='vnc' autoport='yes' passwd='hush'/>")
    log = house.root / "log/qemu/g.log"
    assert "qemu-system-x86_64" in log.read_text() and "hush" not in log.read_text()
    for path in house.root.rglob("*"):
        if path.is_file() and path.name not in ("config.xml", "live.xml"):
            assert b"hush" not in path.read_bytes(), path
    for process in processes(dom.uuid):
        assert b"hush" not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert b"hush" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    assert "hush" not in house.driver.domain_get_xml_desc(dom)
    assert "passwd='hush'" in house.driver.domain_get_xml_desc(dom, c.DOMAIN_XML_SECURE)
