"""Programs run inside a container that a real libvirtd runs, by virsh and by pyvirsh."""

import os
import re
import subprocess
from pathlib import Path

import pytest

import daemons
from conftest import PYVIRSH, needs

XML = """<domain type='lxc'>
  <name>box</name>
  <memory unit='MiB'>32</memory>
  <os>
    <type>exe</type>
    <init>/bin/sh</init><initarg>-c</initarg><initarg>trap exit TERM; sleep infinity &amp; wait</initarg>
  </os>
  <devices><console type='pty'/></devices>
</domain>
"""


def daemon_of(base):
    """Return the process id of the daemon that runs in `base`."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:1] == [b"libvirtd"] and f"{base}/conf".encode() in words:
            return path.parent.name
    raise LookupError(base)


@pytest.fixture(scope="module")
def inside(tmp_path_factory):
    """What runs a command of a program where the daemon's processes are seen."""
    needs("virsh", "libvirtd", "nsenter")
    if os.geteuid():
        pytest.skip("needs root: a privileged libvirtd with processes of its own")
    xml = tmp_path_factory.mktemp("box") / "box.xml"
    xml.write_text(XML)
    with daemons.system_libvirtd() as base:
        enter = ["nsenter", "--target", daemon_of(base), "--pid", "--mount", "--cgroup"]
        uri = f"lxc+unix:///system?socket={base}/libvirt/libvirt-sock"

        def run(program, *words):
            argv = [*enter, program, "-c", uri, *words]
            done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
            return done.returncode, done.stdout, re.sub(r"\(\d+\)", "(PID)", done.stderr)

        if "no connection driver" in run("virsh", "uri")[2]:
            pytest.skip("needs libvirt-daemon-driver-lxc")
        start(run, xml)
        yield run


def start(run, xml):
    """Start the container; the daemon can miss which process its first one is, and never learns it then."""
    for _ in range(20):
        created = run("virsh", "create", str(xml))
        assert created[0] == 0, created
        entered = run("virsh", "lxc-enter-namespace", "box", "/bin/true")
        if entered[0] == 0:
            return
        assert "Init pid is not yet available" in entered[2], entered
        run("virsh", "destroy", "box")
    raise AssertionError(entered)


@pytest.mark.parametrize(
    "words",
    [
        ["/bin/echo", "a  b"],
        [
            "--noseclabel",
            "--",
            "/bin/sh",
            "-c",
            "cat /proc/1/comm; pwd; ulimit -c; grep SigIgn /proc/self/status",
        ],
        ["--", "/bin/sh", "-c", "for fd in /proc/$$/fd/*; do echo ${fd##*/}; done"],
        ["true"],
        ["--", "/bin/sh", "-c", "exit 3"],
        *(
            ["--", "/bin/sh", "-c", f"kill -{name} $$; echo alive"]
            for name in ("KILL", "TERM", "PIPE", "SEGV")
        ),
    ],
)
def test_a_program_inside(inside, words):
    expected = inside("virsh", "lxc-enter-namespace", "box", *words)
    status, out, err = inside(PYVIRSH, "lxc-enter-namespace", "box", *words)
    # Ours says more where nothing can be run.
    err = re.sub(r"^error: cannot run .*\n", "", err)
    assert (status, out, err) == expected


def test_a_program_that_is_not_there(inside):
    """We say which; virsh only that a child failed."""
    expected = inside("virsh", "lxc-enter-namespace", "box", "/bin/none")
    status, out, err = inside(PYVIRSH, "lxc-enter-namespace", "box", "/bin/none")
    first, _, rest = err.partition("\n")
    assert (status, out, rest) == expected
    assert first == "error: cannot run /bin/none: No such file or directory"
