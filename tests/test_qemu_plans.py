"""A start that was decided before: used while nothing has changed, and no longer."""

import os
import socket
import subprocess
import sys

import pytest

from embedded import linux
from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import VirError
from pyvirsh.backend.qemu import plans, starting

DISK = (
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{}'/>"
    "<target dev='vda' bus='virtio'/></disk>"
)
VNC = "<graphics type='vnc' autoport='yes'/>"


@pytest.fixture
def decided(monkeypatch):
    """The names of the guests that starts were decided for."""
    names = []
    decide = starting.decide

    def note(driver, domain, path):
        names.append(domain.name)
        return decide(driver, domain, path)

    monkeypatch.setattr(starting, "decide", note)
    return names


def again(house, dom):
    """Start a guest and end it; return its document in between, without its id."""
    house.driver.domain_create_with_flags(dom)
    xml = house.driver.domain_get_xml_desc(dom)
    house.driver.domain_destroy(dom)
    return xml.partition("\n")[2]


@pytest.fixture
def images(tmp_path):
    """An image on a base."""
    for name, more in (("base", []), ("top", ["-b", "base", "-F", "qcow2"])):
        create = ["qemu-img", "create", "-q", "-f", "qcow2", *more, tmp_path / name]
        subprocess.run([*create, "1M"], check=True)
    return tmp_path


def test_the_second_start_is_the_first_again(house, images, decided):
    dom = house.define("g", devices=DISK.format(images / "top") + VNC + "<serial type='pty'/>")
    first, second = again(house, dom), again(house, dom)
    assert decided == ["g"]
    strip = [line for line in first.split("\n") if "/dev/pts/" not in line]
    assert [line for line in second.split("\n") if "/dev/pts/" not in line] == strip
    assert house.state(dom) == (c.DOMAIN_SHUTOFF, c.DOMAIN_SHUTOFF_DESTROYED)


def test_it_loads_no_parser(house):
    dom = house.define("g")
    again(house, dom)
    program = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from pyvirsh import backend\n"
        f"driver = backend.open({house.uri!r})\n"
        "driver.domain_create_with_flags(driver.domain_lookup_by_name('g'))\n"
        "print(sorted(name for name in sys.modules if 'lxml' in name or 'backend.conf' in name))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_changed_definition_is_decided_anew(house, decided):
    dom = house.define("g")
    again(house, dom)
    house.define("g", uuid=dom.uuid, memory=48)
    assert "<memory unit='KiB'>49152</memory>" in again(house, dom)
    assert decided == ["g", "g"]


def test_an_image_on_another_base_is_decided_anew(house, images, decided):
    dom = house.define("g", devices=DISK.format(images / "top"))
    again(house, dom)
    os.rename(images / "base", images / "other")
    rebase = ["qemu-img", "rebase", "-q", "-u", "-f", "qcow2", "-b", "other", "-F", "qcow2", images / "top"]
    subprocess.run(rebase, check=True)
    assert "/other'" in again(house, dom)
    assert decided == ["g", "g"]


def test_a_missing_image_is_named_as_ever(house, images, decided):
    dom = house.define("g", devices=DISK.format(images / "top"))
    again(house, dom)
    os.unlink(images / "base")
    with pytest.raises(VirError) as error:
        house.driver.domain_create_with_flags(dom)
    assert error.value.text == f"Cannot access storage file '{images}/base': No such file or directory"


def test_a_port_that_is_taken_is_another_one(house, decided):
    dom = house.define("g", devices=VNC)
    first = again(house, dom).partition("port='")[2].partition("'")[0]
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", int(first)))
        sock.listen(1)
        assert f"port='{first}'" not in again(house, dom)
    assert decided == ["g", "g"]


def test_another_qemu_or_program_is_decided_anew(house, monkeypatch, decided):
    dom = house.define("g")
    again(house, dom)
    before = plans._circumstances(house.driver, dom.uuid, "/usr/bin/qemu-system-x86_64")
    monkeypatch.setattr(plans, "_circumstances", lambda *_: [0, *before[1:]])
    again(house, dom)
    assert decided == ["g", "g"]


def test_a_plan_that_cannot_be_read_is_none(house, decided):
    dom = house.define("g")
    again(house, dom)
    path = house.runtime / "plans" / dom.uuid
    for content in (b"", b"{", b"[]", b'{"plain": {}}'):
        path.write_bytes(content)
        again(house, dom)
    assert decided == ["g"] * 5


@pytest.mark.parametrize(
    "values",
    [
        {"devices": "<graphics type='vnc' autoport='yes' passwd='hush'/>"},
        {"lifecycle": "<clock offset='variable' adjustment='100'/>"},
        {"devices": "<interface type='user'><backend type='passt'/></interface>"},
    ],
)
def test_what_is_secret_or_of_the_moment_is_not_kept(house, decided, values):
    dom = house.define("g", **values)
    again(house, dom)
    again(house, dom)
    assert len(decided) >= 2  # more if a stranger was faster to a port
    assert not (house.runtime / "plans" / dom.uuid).exists()


def test_an_undefined_guest_leaves_no_plan(house):
    dom = house.define("g")
    again(house, dom)
    house.driver.domain_undefine(dom)
    assert not (house.runtime / "plans" / dom.uuid).exists()


def test_a_linux_guest_by_its_plan(house, tiny_guest):
    dom = house.driver.domain_define_xml(linux(tiny_guest, "tiny.then=poweroff,-f"))
    for _ in range(2):
        house.driver.domain_create_with_flags(dom)
        assert house.await_state(dom, c.DOMAIN_SHUTOFF) == c.DOMAIN_SHUTOFF_SHUTDOWN


def test_a_definition_decides_the_first_start(house, images, decided):
    dom = house.define("g", devices=DISK.format(images / "top"))
    assert decided == ["g"]
    again(house, dom)
    assert decided == ["g"]


def test_what_cannot_be_decided_yet_is_no_fault_of_a_definition(house, tmp_path, decided):
    dom = house.define("g", devices=DISK.format(tmp_path / "later"))
    assert decided == []
    with pytest.raises(VirError, match="later"):
        house.driver.domain_create_with_flags(dom)


def test_who_defines_many_guests_has_few_decided(house, monkeypatch, decided):
    monkeypatch.setattr("pyvirsh.backend.qemu.foreseen.MOST", 1)
    for name in ("a", "b"):
        house.define(name)
    assert decided == ["a"]
