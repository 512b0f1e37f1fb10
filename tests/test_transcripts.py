"""Every transcript under outputs/, through pyvirsh; those captured from virsh also through virsh."""

import pytest

import transcripts
from conftest import needs_virsh

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
