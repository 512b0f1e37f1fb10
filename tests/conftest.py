"""What all tests share."""

import functools
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import daemons
import guest
from embedded import house  # noqa: F401  (a fixture)

ROOT = Path(__file__).parent.parent
PYVIRSH = str(Path(sys.executable).parent / "pyvirsh")


def needs(*programs):
    """Skip where a program is absent, naming it; in CI none is."""
    for program in programs:
        if not shutil.which(program) and not Path(f"/usr/sbin/{program}").exists():
            pytest.skip(f"needs {program}")


def needs_virsh(version="11.3.0"):
    """Skip where virsh is another than the one that we are compared with."""
    needs("virsh")
    if virsh_version() != version:
        pytest.skip(f"needs virsh {version} (PYVIRSH_BACKPORTS=1 on Debian 12), here is {virsh_version()}")


@functools.cache
def virsh_version():
    """The version of the installed virsh."""
    return subprocess.run(["virsh", "--version"], capture_output=True, text=True).stdout.strip()


def loaded_by(words):
    """Run the program; return what it writes, and the modules that are loaded at its end."""
    script = (
        f"import sys; sys.argv[1:] = {words!r}\n"
        "from pyvirsh.__main__ import main\n"
        "status = main()\n"
        "print(*sorted(sys.modules), file=sys.stderr)\n"
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", script], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, set(done.stderr.split())


@pytest.fixture(scope="session")
def tiny_guest():
    """The directory with the tiny guest's `vmlinuz` and `initrd`."""
    return guest.directory()


@pytest.fixture(scope="session")
def libvirtd_socket():
    """The socket of a private libvirtd."""
    needs("libvirtd", "virsh")
    with daemons.libvirtd() as base:
        yield base / "libvirt" / "libvirt-sock"


@pytest.fixture
def served(tmp_path):
    """The socket of a `pyvirsh serve` for test:///default."""
    path = tmp_path / "s"
    process = subprocess.Popen([PYVIRSH, "serve", "--socket", str(path), "test:///default"])
    with daemons.running(process):
        daemons.wait_for(path, process)
        yield path


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """A directory of certificates for server and client."""
    directory = tmp_path_factory.mktemp("pki")
    daemons.certificates(directory)
    return directory


@pytest.fixture(autouse=True)
def fresh_built_in_world():
    """No test finds the built-in world as another has left it, or still holds it."""
    from pyvirsh.backend.test import driver

    driver.forget_built_in()
