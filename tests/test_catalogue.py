"""The whole catalogue: every command and option does the same in virsh and in pyvirsh, on real daemons."""

import os

import pytest

import differential
from conftest import needs
from pyvirsh.commands import INDEX, load
from pyvirsh.spec import ALIAS

CASES = differential.cases()
EXEMPT = differential.exempt()


@pytest.fixture(scope="module")
def judge():
    needs("virsh", "libvirtd")
    with differential.Judge() as found:
        yield found


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_same_as_virsh(judge, case):
    if case.world == "qemu" and os.geteuid():
        pytest.skip("needs root: a privileged libvirtd with a network of its own")
    wrong = []
    for result in judge.run(case):
        if result.line.differs:
            assert not result.equal, f"no longer differs: {result.line.shown}"
        elif not result.equal and not result.hung:
            wrong.append(result.difference())
    assert not wrong, "\n\n".join(wrong)


def test_everything_is_in_some_line():
    used = differential.used([line for case in CASES for line in case.lines])
    missing = set()
    for name in INDEX:
        if name not in used:
            missing.add((name, ""))
            continue
        for option in load(name).options:
            if option.kind != ALIAS and option.name not in used[name]:
                missing.add((name, option.name))
    lacking = missing - set(EXEMPT)
    assert not lacking, sorted(lacking)
    assert not set(EXEMPT) - missing, "has a line by now"
    assert all(EXEMPT.values())
