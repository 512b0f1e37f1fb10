"""Every transcript under outputs/, through pyvirsh; those captured from virsh also through virsh."""

from collections import defaultdict

import pytest

import transcripts
from conftest import needs_virsh
from pyvirsh import program
from pyvirsh.commands import GROUPS, load
from pyvirsh.errors import UsageError
from pyvirsh.spec import ALIAS

FILES = transcripts.find()
NAMES = [str(path.relative_to(transcripts.OUTPUTS)) for path in FILES]


def test_there_are_transcripts():
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_pyvirsh(path):
    _, steps = transcripts.read(path)
    assert steps
    with transcripts.Place():
        ours = transcripts.Ours()
        try:
            for step in steps:
                _compare(step, ours.run(step.argv))
        finally:
            ours.close()


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_recapture(path):
    """What a transcript says of virsh is still what that virsh answers."""
    head, steps = transcripts.read(path)
    source = head[0].removeprefix("# source: ")
    if not source.startswith("virsh "):
        return
    needs_virsh(source.split()[1])
    with transcripts.Place():
        for step, answer in zip(steps, transcripts.run_virsh(steps, statuses=False), strict=True):
            answer.status = step.answer.status
            _compare(step, answer)


def _compare(step, got):
    want = step.answer
    if not transcripts.matches(want.stdout, got.stdout):
        assert got.stdout == want.stdout, step.line
    if not transcripts.matches(want.stderr, got.stderr):
        assert got.stderr == want.stderr, step.line
    assert got.status == want.status, step.line


# -- completeness -----------------------------------------------------------------------------------

_PROGRESS = "how far a job is depends on the moment; test_progress"
# command, or command --option: why no transcript shows it
EXEMPT = {
    "serve": "ours; tested with real clients",
    "install-helper": "ours; tested on a real host",
    "managedsave --verbose": _PROGRESS,
    "self-test --completers-missing": "tells of the declarations, which are virsh 12's",
    "self-test --dump-help": "the help sentences are our own",
}


class _Shown:
    """What transcripts have of a command."""

    def __init__(self):
        self.groups = set()
        self.options = set()
        self.refused = False


def _shown():
    found = defaultdict(_Shown)
    for path in FILES:
        for step in transcripts.read(path)[1]:
            options = program.Options("virsh")
            program.read(options, step.argv)
            try:
                commands = transcripts.commands(options.words)
            except UsageError:
                found[" ".join(options.words).split()[0]].refused = True
                continue
            for bound in commands:
                of_command = found[bound.command.name]
                of_command.groups.add(path.parent.name)
                of_command.options |= set(bound.args.values)
                of_command.refused |= step.answer.status != 0
    return found


def test_every_command_is_shown():
    """Each command is in a transcript of its group, with each of its options, and is refused in one."""
    shown = _shown()
    missing = set()
    for (group, _), names in GROUPS.items():
        for name in names:
            command, of_command = load(name), shown[load(name).name]
            if group not in of_command.groups or not of_command.refused:
                missing.add(name)
            options = {option.name for option in command.options if option.kind != ALIAS}
            missing |= {f"{name} --{option}" for option in options - of_command.options}
    exempt = {line for line in missing if line in EXEMPT or line.partition(" ")[0] in EXEMPT}
    assert not missing - exempt, sorted(missing - exempt)
    assert all(any(line.startswith(name) for line in exempt) for name in EXEMPT)
