"""Every transcript again, through `serve`: by the virsh it was captured from, and by our own client."""

import subprocess

import pytest

import daemons
import transcripts
from conftest import PYVIRSH, needs_virsh

FILES = transcripts.find()
# Those captured from virsh, with its version.
CAPTURED = {
    path: head.split()[3]
    for path in FILES
    if (head := transcripts.read(path)[0][0]).startswith("# source: virsh ")
}


def names(paths):
    return [str(path.relative_to(transcripts.OUTPUTS)) for path in paths]


# Says how it is connected.
TELLS = ("virsh uri", "pyvirsh uri")


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    """Where a `pyvirsh serve` serves the test driver."""
    path = tmp_path_factory.mktemp("serve") / "s"
    process = subprocess.Popen([PYVIRSH, "serve", "--socket", str(path), "test:///default"])
    with daemons.running(process):
        daemons.wait_for(path, process)
        yield f"test+unix:///default?socket={path}"


def compare(steps, answers):
    for step, got in zip(steps, answers, strict=True):
        want = step.answer
        assert transcripts.matches(want.stdout, got.stdout) or step.line in TELLS, step.line
        assert transcripts.matches(want.stderr, got.stderr), step.line
        assert got.status in (want.status, None), step.line


@pytest.mark.parametrize(("path", "version"), CAPTURED.items(), ids=names(CAPTURED))
def test_virsh(path, version, uri, monkeypatch):
    needs_virsh(version)
    _, steps = transcripts.read(path)
    monkeypatch.setattr(transcripts, "URI", uri)
    with transcripts.Place():
        answers = transcripts.run_virsh(steps, statuses=False)
    for answer in answers:
        # Of lines in one virsh only the last one's is known.
        answer.status = None
    compare(steps, answers)


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_pyvirsh(path, uri):
    _, steps = transcripts.read(path)
    with transcripts.Place():
        ours = transcripts.Ours(uri)
        try:
            compare(steps, [ours.run(step.argv) for step in steps])
        finally:
            ours.close()
