"""Definitions and hosts that mean no good: each ends in one clear error, in bounded time."""

import socket
import subprocess
import time

import pytest

from embedded import await_gone, domain, processes
from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import VirError

DISK = (
    "<disk type='file' device='{device}'><driver name='qemu' type='{format}'/>"
    "<source file='{path}'/>{rest}</disk>"
)


def disk(path, format="raw", device="disk", target="<target dev='vda' bus='virtio'/>"):
    return DISK.format(path=path, format=format, device=device, rest=target)


def refused(call, *args):
    with pytest.raises(VirError) as error:
        call(*args)
    return error.value.text


def fails_to_start(house, **values):
    """Return why a guest does not start; check that nothing of it is left."""
    dom = house.define("g", **values)
    text = refused(house.driver.domain_create_with_flags, dom)
    assert house.state(dom) == (c.DOMAIN_SHUTOFF, c.DOMAIN_SHUTOFF_FAILED)
    await_gone(dom.uuid)
    assert not (house.runtime / dom.uuid).exists()
    return text


def test_a_missing_image(house, tmp_path):
    text = fails_to_start(house, devices=disk(tmp_path / "nope"))
    assert text == f"Cannot access storage file '{tmp_path}/nope': No such file or directory"


def test_a_missing_kernel(house, tmp_path):
    assert f"'{tmp_path}/k': No such file" in fails_to_start(house, os=f"<kernel>{tmp_path}/k</kernel>")


def test_a_missing_medium_that_may_be_missing(house, tmp_path):
    source = f"<source file='{tmp_path}/nope' startupPolicy='optional'/>"
    cdrom = f"<disk type='file' device='cdrom'>{source}<target dev='sda' bus='sata'/></disk>"
    dom = house.start("g", machine="q35", devices=cdrom)
    assert "nope" not in house.driver.domain_get_xml_desc(dom)
    assert "nope" in house.driver.domain_get_xml_desc(dom, c.DOMAIN_XML_INACTIVE)


def test_an_image_in_use(house, tmp_path):
    image = tmp_path / "i"
    image.write_bytes(bytes(2**20))
    house.start("first", devices=disk(image))
    text = fails_to_start(house, devices=disk(image))
    assert text.startswith("internal error: QEMU unexpectedly closed the monitor (vm='g'): ")
    assert 'Failed to get "write" lock' in text and str(image) in text


def test_an_image_of_another_format(house, tmp_path):
    image = tmp_path / "i"
    image.write_bytes(bytes(2**20))
    assert "Image is not in qcow2 format" in fails_to_start(house, devices=disk(image, "qcow2"))


def test_a_port_in_use(house):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(1)
        port = sock.getsockname()[1]
        text = fails_to_start(house, devices=f"<graphics type='vnc' port='{port}'/>")
    assert "Address already in use" in text and str(port - 5900) in text


def test_ports_that_are_chosen_are_free_ones(house):
    graphics = "<graphics type='vnc' autoport='yes'/>"
    ports = set()
    for name in "abc":
        xml = house.driver.domain_get_xml_desc(house.start(name, devices=graphics))
        ports.add(xml.partition("type='vnc' port='")[2].partition("'")[0])
    assert len(ports) == 3 and "-1" not in ports


def test_an_option_qemu_does_not_know(house):
    namespace = "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"
    extra = "<qemu:commandline><qemu:arg value='-bogus'/></qemu:commandline></domain>"
    xml = domain("g").replace("<domain ", f"<domain {namespace} ").replace("</domain>", extra)
    text = refused(house.driver.domain_create_xml, xml)
    assert text.endswith("(vm='g'): qemu-system-x86_64: -bogus: invalid option")
    assert house.driver.connect_list_all_domains() == []


def test_a_socket_path_that_is_too_long(house):
    serial = f"<serial type='unix'><source mode='bind' path='/tmp/{'x' * 120}'/></serial>"
    with pytest.raises(VirError) as error:
        house.define("g", devices=serial)
    assert "too long" in error.value.text and "serial" in error.value.text


@pytest.mark.parametrize("name", ["../x", "a/b", ".", "..", "x" * 300, "a&#10;b"])
def test_hostile_names(house, name):
    assert refused(house.define, name)
    assert not house.root.exists() or house.driver.connect_list_all_domains() == []
    assert not [path for path in house.root.parent.iterdir() if path != house.root]


@pytest.mark.parametrize(
    "name", ["a,b=c", "a'b", "a b", "x" * 100, "<&>", "\u202egnp", "%s%n", "$(id)", "a;b"]
)
def test_strange_names_do_no_harm(house, name):
    escaped = name.replace("&", "&amp;").replace("<", "&lt;")
    dom = house.start(escaped)
    assert dom.name == name and house.driver.domain_lookup_by_name(name) == dom
    assert house.state(dom)[0] == c.DOMAIN_RUNNING
    words = open(f"/proc/{house.guest(dom).qemu.pid}/cmdline").read().split("\0")
    assert f"guest={name.replace(',', ',,')},debug-threads=on" in words
    house.driver.domain_destroy(dom)


@pytest.mark.parametrize("name", ["a,b.img", "a=b,readonly=on", "a'b\"c", "fd:5", "json:{}", "nbd:x", "a b"])
def test_strange_paths_are_paths(house, tmp_path, name):
    image = tmp_path / name
    image.write_bytes(bytes(2**20))
    quoted = str(image).replace("'", "&apos;")
    dom = house.start("g", devices=disk(quoted))
    assert house.driver.domain_get_block_info(dom, "vda")[1] == 2**20


@pytest.mark.parametrize(
    "document",
    [
        "<domain>",
        "",
        "<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain><name>&x;</name></domain>",
        "<!DOCTYPE d [<!ENTITY a 'aaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><domain><name>&b;</name></domain>",
        "<domain type='qemu'>" + "<x>" * 10_000 + "</x>" * 10_000 + "</domain>",
        "<domain type='qemu'><devices>" + "<disk/>" * 200_000 + "</devices></domain>",
        "<domain type='qemu' x='" + "y" * 20_000_000 + "'/>",
        "<network/>",
    ],
    ids=["cut", "empty", "entity", "laughs", "deep", "many", "large", "other"],
)
def test_hostile_documents(house, document):
    began = time.monotonic()
    assert refused(house.driver.domain_define_xml, document)
    assert time.monotonic() - began < 15
    assert not house.root.exists()


def test_unknown_elements_are_dropped_as_libvirt_drops_them(house):
    dom = house.define("g", lifecycle="<nonsense a='b'><c/></nonsense>")
    assert "nonsense" not in house.driver.domain_get_xml_desc(dom)


def test_descriptors_and_environment_do_not_leak(house, tmp_path):
    """What the caller has open or set does not reach QEMU or its supervisor."""
    secret = tmp_path / "secret"
    secret.write_text("s")
    (tmp_path / "g.xml").write_text(domain("g"))
    command = f'exec 7<{secret}; SECRET=hush "$0" -c "$1" create {tmp_path}/g.xml'
    from embedded import PYVIRSH

    subprocess.run(["sh", "-c", command, PYVIRSH, house.uri], check=True, capture_output=True)
    (dom,) = house.driver.connect_list_all_domains()
    found = processes(dom.uuid)
    assert len(found) == 2
    for process in found:
        links = subprocess.run(["ls", "-l", f"/proc/{process.pid}/fd"], capture_output=True, text=True).stdout
        assert str(secret) not in links
        with open(f"/proc/{process.pid}/environ") as file:
            assert "hush" not in file.read()


def test_a_program_that_is_no_qemu_is_run_only_for_its_owner(house, tmp_path):
    """The emulator of a definition is asked what it can do: an error says which program was asked."""
    program = tmp_path / "qemu-system-x86_64"
    program.write_text("#!/bin/sh\necho not a qemu >&2\nexit 1\n")
    program.chmod(0o755)
    xml = domain("g").replace("<devices>", f"<devices><emulator>{program}</emulator>")
    text = refused(house.driver.domain_define_xml, xml)
    assert "not a qemu" in text
