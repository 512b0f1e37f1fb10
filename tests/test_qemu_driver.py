"""The table of methods against the modules and the interface; where files are; what a list costs."""

import inspect
import os
import subprocess
import sys
import tempfile
from importlib import import_module

import pytest

from embedded import domain
from pyvirsh import backend
from pyvirsh.backend.api import Driver
from pyvirsh.backend.errors import VirError
from pyvirsh.backend.qemu import roots
from pyvirsh.backend.qemu.driver import QemuDriver
from pyvirsh.backend.qemu.methods import METHODS

CASES = [(module, name) for module, names in METHODS.items() for name in names]


@pytest.mark.parametrize(("module", "name"), CASES, ids=[name for _, name in CASES])
def test_methods_are_the_interfaces(module, name):
    function = getattr(import_module(f"pyvirsh.backend.qemu.{module}"), name)
    ours = list(inspect.signature(function).parameters.values())
    theirs = list(inspect.signature(getattr(Driver, name)).parameters.values())
    assert len(ours) == len(theirs)
    assert [one.default for one in ours[1:]] == [one.default for one in theirs[1:]]


def test_no_function_of_the_interface_is_left_out_of_the_table():
    listed = {name for names in METHODS.values() for name in names}
    for module in METHODS:
        for name in vars(import_module(f"pyvirsh.backend.qemu.{module}")):
            if hasattr(Driver, name) and name.startswith(
                ("domain_", "connect_", "node_", "next_", "events_")
            ):
                assert name in listed, name


def test_a_list_loads_little(house):
    house.define("g")
    program = (
        "import sys; sys.argv = ['pyvirsh', '-c', sys.argv[1], 'list', '--all']\n"
        "from pyvirsh.__main__ import main; main()\n"
        "slow = {'enum', 'dataclasses', 'typing', 're', 'logging', 'pathlib', 'click', 'json',\n"
        "        'subprocess', 'socket', 'lxml', 'hashlib'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    words = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"import sys; sys.path[:0] = {sys.path!r}\n{program}",
        house.uri,
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n"), done.stdout
    assert " g " in done.stdout


def test_looking_writes_nothing(house):
    assert house.driver.connect_list_all_domains() == []
    with pytest.raises(VirError):
        house.driver.domain_lookup_by_name("g")
    assert not house.root.exists()


# -- where files are ---------------------------------------------------------------------------------------


def of(text, **environ):
    return roots.of(backend.Uri(text), environ)


def test_session_roots():
    found = of("qemu:///session", HOME="/h", XDG_CONFIG_HOME="/c")
    assert found.config == "/c/pyvirsh/qemu" and found.state == "/h/.local/state/pyvirsh/qemu"
    assert found.units == "/c/systemd/user"


def test_embed_roots():
    found = of("qemu:///embed?root=/x/y")
    assert found.config == "/x/y/etc/qemu" and found.units == "/x/y/etc/systemd"


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("qemu:///embed", "qemu:///embed needs a directory"),
        ("qemu:///embed?root=x", "root path must be absolute, not 'x'"),
        ("qemu:///nope", "unexpected QEMU URI path '/nope', try qemu:///session"),
    ],
)
def test_roots_that_are_none(uri, text):
    with pytest.raises(VirError) as error:
        of(uri)
    assert text in error.value.text


def test_sockets_of_a_long_root_are_elsewhere_and_found_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "r"))
    (tmp_path / "r").mkdir(mode=0o700)
    root = tmp_path / ("long" * 40)
    driver = backend.open(f"qemu:///embed?root={root}")
    dom = driver.domain_create_xml(domain("g"))
    path = driver.roots.runtime()
    assert len(path) <= roots.RUNTIME_MAX and not path.startswith(str(root))
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    other = backend.open(f"qemu:///embed?root={root}")
    assert other.domain_get_state(dom)[0] == 1
    other.domain_destroy(dom)


def test_a_directory_of_another_is_not_used(tmp_path):
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        found = roots.Roots("", str(tmp_path / "s"), "", "", lambda: [short])
        os.mkdir(f"{short}/{found.boot}")
        os.chmod(f"{short}/{found.boot}", 0o777)
        with pytest.raises(VirError) as error:
            found.make_runtime()
    assert "belongs to another user" in error.value.text


def test_qemu_that_is_not_there_is_named_with_its_package(house):
    xml = domain("g").replace("<devices>", "<devices><emulator>/nope/qemu-system-x86_64</emulator>")
    with pytest.raises(VirError) as error:
        house.driver.domain_define_xml(xml)
    assert "/nope/qemu-system-x86_64" in error.value.text and "qemu-system-x86" in error.value.text


def test_the_class_takes_its_methods_from_the_table():
    for _, name in CASES:
        assert vars(QemuDriver)[name].__name__ == name
