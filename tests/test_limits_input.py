"""Bad input: each gets one clear error in bounded time, and nothing is made, kept or opened because of it."""

import contextlib
import json
import os
import resource
import shutil
import socket
import subprocess
import sys

import pytest

from embedded import PYVIRSH, House, await_gone, await_nobody, domain, linux
from limits import refused, talk
from pyvirsh.backend import constants as c

DISK = (
    "<disk type='file' device='disk'><driver name='qemu' type='{format}'/><source file='{path}'/>"
    "<target dev='vda' bus='virtio'/></disk>"
)


def everything_in(directory):
    """Return the paths below a directory."""
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


# -- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "missing name information"),
        ("  ", "XML error: name must contain at least one non-whitespace character"),
        ("../x", "XML error: name ../x cannot contain '/'"),
        ("/etc/passwd", "XML error: name /etc/passwd cannot contain '/'"),
        ("..", "XML error: name .. is invalid"),
        (".", "XML error: name . is invalid"),
        ("a\nb", "invalid char in name: \n"),
        ("x" * 300, "XML error: name is longer than 255 bytes: choose a shorter one"),
        ("é" * 128, "XML error: name is longer than 255 bytes: choose a shorter one"),
        ("-rf", "invalid argument: name -rf cannot begin with '-', which commands take for an option"),
        ("a\x9b31mb", "XML error: name a\\x9b31mb cannot contain control characters"),
        ("a\tb", "XML error: name a\\tb cannot contain control characters"),
    ],
)
def test_names_that_are_refused(house, name, text):
    house.define("before")
    before = everything_in(house.root.parent)
    xml = domain(name.replace("\t", "&#9;"))
    assert refused(house.driver.domain_define_xml, xml) == text
    assert refused(house.driver.domain_create_xml, xml) == text
    assert everything_in(house.root.parent) == before


def test_a_name_with_an_escape_sequence_is_no_xml(house):
    text = refused(house.driver.domain_define_xml, domain("a&#x1b;[31mb"))
    assert text.startswith("at line 3: xmlParseCharRef: invalid xmlChar value 27\n")


def test_new_names_are_checked_as_names_are(house):
    dom = house.define("g")
    for name in ("../x", "-x", "a\nb", "", "x" * 300):
        refused(house.driver.domain_rename, dom, name)
    assert [ref.name for ref in house.driver.connect_list_all_domains()] == ["g"]


@pytest.mark.parametrize("name", [".hidden", "a,b=c \"q\" 's' $x `y`;z", "%2E%2F", "\u202eabc", "x" * 255])
def test_odd_names_live_a_whole_life_within_the_house(house, name):
    escaped = name.replace("&", "&amp;").replace('"', "&quot;")
    (house.root.parent / "x").write_text(domain(escaped))
    house.run("define", str(house.root.parent / "x"))
    house.run("start", name)
    assert house.run("domstate", name) == "running\n"
    assert house.run("list", "--name").rstrip("\n") == name
    shown = json.loads(house.run("qemu-monitor-command", name, '{"execute":"query-name"}'))
    assert shown["return"] == {"name": name}
    house.run("destroy", name)
    house.run("undefine", name)
    assert everything_in(house.root.parent / "h/etc") == ["qemu", "qemu/.workshop", "qemu/names"]
    assert {path.name for path in house.root.parent.iterdir()} == {"h", "x"}


def test_a_definition_that_is_another_name_s_on_disk_is_not_followed(house):
    """What somebody put into the store by hand leads nowhere."""
    dom = house.define("g")
    names = house.root / "etc/qemu/names"
    for link, target in (("a", "/etc"), ("b", "../../.."), ("c", "../" + dom.uuid + "/.."), ("d", "x")):
        (names / link).symlink_to(target)
    (names / "e").mkdir()
    assert [ref.name for ref in house.driver.connect_list_all_domains()] == ["g"]
    for name in "abcde":
        assert house.run("domstate", name, status=1) == f"error: failed to get domain '{name}'\n"


# -- paths --------------------------------------------------------------------------------------------


def test_paths_with_commas_quotes_and_blanks_reach_qemu_as_they_are(house, tmp_path, tiny_guest):
    odd = tmp_path / "a,b=c 'q' ,,x;$(y) %s"
    odd.mkdir()
    for name in ("vmlinuz", "initrd"):
        shutil.copy(tiny_guest / name, odd / name)
    image = odd / "disk,file.locking=off"
    image.write_bytes(b"0123456789" + bytes(2**20))
    quoted = str(odd).replace("'", "&apos;")
    devices = (
        DISK.format(format="raw", path=f"{quoted}/disk,file.locking=off")
        + f"<serial type='file'><source path='{quoted}/serial,x=y'/></serial>"
        + f"<channel type='unix'><source mode='bind' path='{quoted}/s,server=off'/>"
        + "<target type='virtio' name='a.b'/></channel>"
    )
    xml = linux(quoted, devices=devices, name="g,x=y").replace("<memory ", "<title>t,u=v</title><memory ", 1)
    dom = house.driver.domain_create_xml(xml)
    assert house.driver.domain_block_peek(dom, "vda", 0, 10) == b"0123456789"
    with talk(house, dom) as console:
        console.until("tiny guest is up")
    assert {path.name for path in odd.iterdir()} >= {"serial,x=y", "s,server=off"}
    house.driver.domain_destroy(dom)
    await_gone(dom.uuid)


# -- documents ------------------------------------------------------------------------------------------

DECLARED = "XML error: the document declares a document type, which is not allowed"
LEVELS = "".join(f"<!ENTITY {chr(98 + i)} '{f'&{chr(97 + i)};' * 10}'>" for i in range(10))
LAUGHS = f"<!DOCTYPE l [<!ENTITY a 'aaaaaaaaaa'>{LEVELS}]>"


def measured(house, xml):
    """Define a document in a process of its own; return what it writes, its seconds and peak MiB."""
    path = house.root.parent / "document"
    path.write_text(xml)
    measure = (
        "import os, resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=1, stderr=1, timeout=30)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)"
    )
    words = [sys.executable, "-c", measure, PYVIRSH, "-c", house.uri, "define", str(path)]
    said = subprocess.run(words, capture_output=True, text=True, timeout=40, check=True).stdout
    *lines, last = said.strip("\n").split("\n")
    status, seconds, mebibytes = last.split(" ")
    assert status in ("0", "1"), said
    return [line for line in lines if line][-1].removeprefix("error: "), float(seconds), int(mebibytes)


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        (LAUGHS + domain("&k;"), DECLARED),
        ("<!DOCTYPE d [<!ENTITY x SYSTEM 'FIFO'>]>" + domain("&x;"), DECLARED),
        ("<!DOCTYPE d [<!ENTITY % p SYSTEM 'FIFO'> %p;]>" + domain(), DECLARED),
        ("<!DOCTYPE d SYSTEM 'FIFO'>" + domain(), DECLARED),
        (domain(devices="<panic/>" * 50_000), "XML error: more than 4096 devices are not supported"),
        ("<domain>" + "<a/>" * 250_000, "XML error: the document has more than 100000 elements"),
        ("<domain>" + "<a>" * 100_000, "XML error: elements are nested more than 200 deep"),
        ("<domain a='" + "x" * 9_000_000 + "'", ""),
        (domain(os=f"<cmdline>{'x' * 9_000_000}</cmdline>"), ""),
    ],
    ids=["laughs", "external", "parameter", "dtd", "devices", "many", "deep", "attribute", "text"],
)
def test_documents_that_are_made_to_hurt(house, xml, text):
    """Refused or taken at once with little memory; a file they name is not opened: it would hang."""
    fifo = house.root.parent / "fifo"
    os.mkfifo(fifo)
    said, seconds, mebibytes = measured(house, xml.replace("FIFO", str(fifo)))
    assert said == text or not text
    assert seconds < 10 and mebibytes < 250
    defined = [dom.name for dom in house.driver.connect_list_all_domains()]
    assert defined == (["g"] if said.startswith("Domain 'g' defined") else [])


def test_a_document_that_is_too_large(house):
    said, seconds, mebibytes = measured(house, domain(os=f"<cmdline>{'x' * 20_000_000}</cmdline>"))
    assert "Value too large for defined data type" in said
    assert seconds < 5 and mebibytes < 100


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ("", "at line 1: Document is empty\n(null)\n^"),
        ("hello", "at line 1: Start tag expected, '<' not found\nhello\n^"),
        ("<network/>", "XML error: expecting root element of 'domain', not 'network'"),
        ("<domain type='qemu'/>", "missing name information"),
        (
            "<domain>\n <name>x</nam>\n</domain>",
            "at line 2: Opening and ending tag mismatch: name line 2 and nam\n"
            " <name>x</nam>\n--------------^",
        ),
        (
            "<domain>\t<name>x</name><é>é</ee>",
            "at line 1: Opening and ending tag mismatch: é line 1 and ee\n"
            "<domain>\t<name>x</name><é>é</ee>\n--------\t-------------------------^",
        ),
        (
            "<domain><name>a&nbsp;b</name></domain>",
            "at line 1: Entity 'nbsp' not defined\n"
            "<domain><name>a&nbsp;b</name></domain>\n---------------------^",
        ),
    ],
)
def test_broken_documents(house, xml, text):
    """The words of libvirt 11.3.0 for the same documents."""
    assert refused(house.driver.domain_define_xml, xml) == text


# -- what is missing or taken -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("emulator", "text"),
    [
        (
            "/nowhere/qemu-system-aarch64",
            "Cannot check QEMU binary /nowhere/qemu-system-aarch64: No such file or directory: "
            "install the package qemu-system-arm",
        ),
        (
            "/nowhere/qemu",
            "Cannot check QEMU binary /nowhere/qemu: No such file or directory: correct the element emulator",
        ),
        (
            "/etc/passwd",
            "QEMU binary /etc/passwd is not executable: Permission denied: correct the element emulator",
        ),
        ("/bin/true", "internal error: Failed to probe QEMU binary with QMP: exit status 0"),
    ],
)
def test_a_qemu_that_is_not_there(house, emulator, text):
    xml = domain(devices=f"<emulator>{emulator}</emulator>")
    assert refused(house.driver.domain_define_xml, xml) == text


def test_a_qemu_of_another_architecture_is_named_by_its_package(house, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    text = (
        "Cannot check QEMU binary /usr/bin/qemu-system-{}: No such file or directory: install the package {}"
    )
    for arch, program, package in (
        ("riscv64", "riscv64", "qemu-system-riscv"),
        ("ppc64le", "ppc64", "qemu-system-ppc"),
    ):
        if os.path.exists(f"/usr/bin/qemu-system-{program}"):
            continue
        xml = domain().replace("arch='x86_64' machine='pc'", f"arch='{arch}'")
        assert refused(house.driver.domain_define_xml, xml) == text.format(program, package)


def test_a_port_of_a_serial_line_in_use(house):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        serial = f"<serial type='tcp'><source mode='bind' host='127.0.0.1' service='{port}'/></serial>"
        text = refused(house.driver.domain_create_xml, domain(devices=serial))
        assert f"port={port}" in text and text.endswith("Address already in use")


def may_bind(sock, port):
    try:
        sock.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def test_ports_that_are_chosen_are_free(house):
    """A stranger's port is left alone, and so is another guest's."""
    vnc = "<graphics type='vnc' autoport='yes' listen='127.0.0.1'/>"
    with socket.socket() as taken:
        first = next(port for port in range(5900, 6000) if may_bind(taken, port))
        taken.listen()
        ports = [int(house.run("vncdisplay", house.start(name, devices=vnc).name)[10:]) for name in "ab"]
    assert len(set(ports)) == 2 and first - 5900 not in ports


def test_forwarded_ports_in_use(house):
    with socket.socket(socket.AF_INET6) as taken:
        taken.bind(("::", 0))
        taken.listen()
        port = taken.getsockname()[1]
        forward = f"<portForward proto='tcp'><range start='{port}' to='22'/></portForward>"
        text = refused(
            house.driver.domain_create_xml,
            domain(devices=f"<interface type='user'>{forward}</interface>"),
        )
        assert str(port) in text and "forward" in text.lower(), text


def test_a_bridge_that_is_not_there(house):
    nic = "<interface type='bridge'><source bridge='nobr0'/></interface>"
    text = refused(house.driver.domain_create_xml, domain(devices=nic))
    assert "nobr0" in text
    if os.geteuid() == 0:
        assert text == "Cannot get interface MTU on 'nobr0': No such device"


def test_more_memory_than_there_is(house):
    text = refused(house.driver.domain_create_xml, domain(memory=10**9))
    assert text.endswith("cannot set up guest memory 'pc.ram': Cannot allocate memory")


# -- full disks -------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path):
    """A house on a file system of 128 KiB, or where that needs root, files of at most 4 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = os.geteuid() == 0
    if mounted:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "lm-tests", place], check=True)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    made = House(place / "h")
    facts = House(tmp_path / "other").driver
    made.driver.facts = facts.facts  # the cache of what QEMU can do does not fit
    try:
        yield made, place if mounted else None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        made.empty()
        await_nobody(str(place))
        if mounted:
            subprocess.run(["umount", place], check=True)


def fill(place):
    """Take all that is free on a file system; where it cannot be, allow no file more than a little."""
    if place is None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        return
    with open(place / "filler", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_a_full_disk_keeps_what_is_defined(small):
    house, place = small
    dom = house.define("g", memory=32)
    before = house.driver.domain_get_xml_desc(dom)
    fill(place)
    padding = f"<!-- --><description>{'x' * 8192}</description>"
    bigger = domain("g", uuid=dom.uuid, memory=48, lifecycle=padding)
    text = refused(house.driver.domain_define_xml, bigger)
    assert text.startswith("Failed to write ") and text.endswith(
        ("No space left on device", "File too large")
    )
    text = refused(house.driver.domain_define_xml, domain("new", lifecycle=padding))
    assert "No space left on device" in text or "File too large" in text
    assert house.driver.domain_get_xml_desc(dom) == before
    assert [ref.name for ref in house.driver.connect_list_all_domains()] == ["g"]
    assert not [name for name in everything_in(house.root) if "workshop/" in name or name.endswith("/new")]


def test_a_full_disk_does_not_start_a_guest_by_halves(small):
    house, place = small
    if place is None:
        pytest.skip("needs root")
    dom = house.define("g")
    fill(place)
    text = refused(house.driver.domain_create_with_flags, dom)
    assert "No space left on device" in text
    await_gone(dom.uuid)
    os.unlink(place / "filler")
    assert house.state(dom)[0] == c.DOMAIN_SHUTOFF
    house.driver.domain_create_with_flags(dom)
    house.driver.domain_destroy(dom)


# -- long paths -------------------------------------------------------------------------------------------


def test_a_root_too_long_for_sockets(tmp_path):
    house = House(tmp_path / ("d" * 120) / ("e" * 120))
    try:
        devices = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
        dom = house.start("g" * 200, devices=devices)
        assert house.state(dom)[0] == c.DOMAIN_RUNNING
        assert len(str(house.runtime)) < 60
        house.driver.domain_suspend(dom)
        house.driver.domain_destroy(dom)
    finally:
        house.empty()


# -- KVM --------------------------------------------------------------------------------------------------


def test_a_kvm_that_cannot_run_a_cpu_is_refused_with_the_reason(house):
    xml = domain().replace("type='qemu'", "type='kvm'")
    dom = house.driver.domain_define_xml(xml)
    reason = house.driver.host().kvm_reason
    if not reason:
        house.driver.domain_create_with_flags(dom)
        assert house.state(dom)[0] == c.DOMAIN_RUNNING
        return
    text = refused(house.driver.domain_create_with_flags, dom)
    assert text == (
        f"unsupported configuration: domain type='kvm' cannot run here: {reason}; "
        "use type='qemu' for emulation"
    )
    assert "/dev/kvm" in reason
