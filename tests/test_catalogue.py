"""The whole catalogue: every command and option does the same in virsh and in pyvirsh, on real daemons."""

import os
from pathlib import Path

import pytest

import differential
from conftest import needs, needs_virsh
from pyvirsh.commands import INDEX, load
from pyvirsh.spec import ALIAS

CASES = differential.cases()
EXEMPT = differential.exempt()
LXC = "libvirt/connection-driver/libvirt_driver_lxc.so"


@pytest.fixture(scope="module")
def judge():
    needs("libvirtd")
    needs_virsh()
    with differential.Judge() as found:
        yield found


# Whole lives of real guests beside virsh take minutes; `python tests/differential.py` runs them too.
SLOW = ("events", "guest", "migrate", "moments", "qemu")
QUICK = [
    case
    for case in CASES
    if not case.name.startswith(tuple(f"catalogue/{name}-" for name in SLOW))
    or "PYVIRSH_CATALOGUE" in os.environ
]


@pytest.mark.parametrize("case", QUICK, ids=[case.name for case in QUICK])
def test_same_as_virsh(judge, case):
    if case.world != "test" and os.geteuid():
        pytest.skip("needs root: a privileged libvirtd with a network of its own")
    if case.world == "lxc" and not [*Path("/usr").glob("lib*/" + LXC), *Path("/usr/lib").glob("*/" + LXC)]:
        pytest.skip("needs libvirt-daemon-driver-lxc")
    wrong = []
    for result in judge.run(case):
        if result.line.differs:
            assert not result.equal, f"no longer differs: {result.line.shown}"
        elif not result.equal and not result.hung:
            wrong.append(result.difference())
    assert not wrong, "\n\n".join(wrong)


def test_everything_is_in_some_line():
    lines = [line for case in CASES for line in case.lines]
    used = differential.used(lines)
    missing = set()
    for name in INDEX:
        command = load(name)
        if not any(name in line.shown for line in lines) or command.name not in used:
            missing.add((name, ""))
            continue
        options = [option.name for option in command.options if option.kind != ALIAS]
        missing |= {(name, option) for option in options if option not in used[command.name]}
    assert not missing - set(EXEMPT), sorted(missing - set(EXEMPT))
    assert not set(EXEMPT) - missing, "has a line by now"
    assert all(EXEMPT.values())
