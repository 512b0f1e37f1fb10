"""Waiting for block jobs: what ends the wait, what is said, what is asked of the driver."""

import os
import signal

import pytest

from pyvirsh.backend.api import DomainRef, Driver, Event
from pyvirsh.backend.errors import INTERNAL_ERROR, INVALID_ARG, NO_SUPPORT, VirError
from pyvirsh.shell import dispatch
from pyvirsh.shell.output import Output
from pyvirsh.shell.session import Session

DOM = DomainRef("demo", "0ddba115-0000-4000-8000-000000000001", 1)
COMPLETED, FAILED, CANCELED, READY = range(4)
GONE = (0, 0, 0, 0, 0)


def at(done, total=100):
    return (1, 2, 0, done, total)


def event(status, path="vda", callback_id=16):
    return Event("domain", callback_id, callback_id, DOM, (path, 2, status))


class Scripted(Driver):
    """A job that is at `infos`, one after the other, and brings `events`, a list for each wait."""

    def __init__(self, infos, events, *, deaf=False, abort=None):
        self.infos, self.events, self.deaf, self.abort = list(infos), list(events), deaf, abort
        self.calls = []

    def domain_lookup_by_name(self, name):
        return DOM

    def connect_domain_event_callback_register_any(self, event_id, dom):
        if self.deaf:
            raise VirError(NO_SUPPORT, "virConnectDomainEventRegisterAny")
        self.calls.append("listen")
        return event_id

    def connect_domain_event_callback_deregister_any(self, callback_id):
        self.calls.append("stop listening")

    def domain_block_commit(self, dom, disk, base, top, bandwidth, flags=0):
        self.calls.append(("commit", flags))

    def domain_block_rebase(self, dom, path, base, bandwidth, flags=0):
        self.calls.append(("rebase", flags))

    def domain_block_pull(self, dom, path, bandwidth, flags=0):
        self.calls.append(("pull", flags))

    def domain_get_block_job_info(self, dom, path, flags=0):
        info = self.infos.pop(0) if len(self.infos) > 1 else self.infos[0]
        if isinstance(info, VirError):
            raise info
        return info

    def domain_block_job_abort(self, dom, path, flags=0):
        self.calls.append(("abort", flags))
        if self.abort:
            raise self.abort

    def next_events(self, timeout):
        step = self.events.pop(0) if self.events else []
        if step == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
            return []
        return step


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a line on a scripted driver; gives status, standard output and standard error."""
    monkeypatch.setattr("pyvirsh.commands.blockwait.INTERVAL", 0.001)

    def run_line(driver, line):
        with open(tmp_path / "out", "w+b") as stdout, open(tmp_path / "err", "w+b") as stderr:
            out = Output(stdout=stdout.fileno(), stderr=stderr.fileno())
            session = Session(out, uri="test:///default")
            monkeypatch.setattr("pyvirsh.backend.open", lambda uri, **_: driver)
            status = dispatch.run_text(session, line)
        return status, (tmp_path / "out").read_text(), (tmp_path / "err").read_bytes().decode()

    return run_line


def test_a_pull_that_completes(run):
    driver = Scripted([at(0), at(0), at(50)], [[], [], [event(COMPLETED)]])
    assert run(driver, "blockpull demo vda --wait --verbose") == (
        0,
        "\nPull complete\n",
        "\rBlock Pull: [ 0.00 %]\rBlock Pull: [50.00 %]\rBlock Pull: [100.00 %]",
    )
    assert driver.calls == ["listen", "listen", ("pull", 0), "stop listening", "stop listening"]


def test_events_of_others_do_not_end_the_wait(run):
    others = [event(FAILED, path="vdb"), event(FAILED, callback_id=99)]
    assert (
        run(Scripted([at(0)], [others, [event(COMPLETED, callback_id=8)]]), "blockpull demo vda --wait")[0]
        == 0
    )


def test_a_job_that_fails(run):
    assert run(Scripted([at(0)], [[event(FAILED)]]), "blockpull demo vda --wait") == (
        1,
        "\nPull failed\n",
        "",
    )


@pytest.mark.parametrize(
    ("options", "said", "calls"),
    [
        ("--active --wait", "Now in synchronized phase", [("commit", 4)]),
        ("--pivot", "Successfully pivoted", [("commit", 4), ("abort", 2)]),
        ("--pivot --async", "Successfully pivoted", [("commit", 4), ("abort", 3)]),
        ("--keep-overlay", "Commit complete, overlay image kept", [("commit", 4), ("abort", 0)]),
        ("--wait", "Commit complete", [("commit", 0)]),
    ],
)
def test_how_a_commit_ends(run, options, said, calls):
    driver = Scripted([at(100)], [[event(READY)]])
    assert run(driver, f"blockcommit demo vda {options}") == (0, f"\n{said}\n", "")
    assert [call for call in driver.calls if isinstance(call, tuple)] == calls


def test_a_copy_that_is_interrupted(run):
    driver = Scripted([at(0)], ["interrupt", [], [event(CANCELED)]])
    assert run(driver, "blockcopy demo vda /x --wait") == (1, "\nCopy aborted\n", "")
    assert driver.calls[2:4] == [("rebase", 8), ("abort", 0)]


def test_a_copy_whose_time_is_over(run, monkeypatch):
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr("pyvirsh.commands.blockwait.time.monotonic", lambda: next(clock))
    driver = Scripted([at(0)], [[], [], [], [event(CANCELED)]])
    assert run(driver, "blockcopy demo vda /x --timeout 5 --async") == (1, "\nCopy aborted\n", "")
    assert [call for call in driver.calls if call[0] == "abort"] == [("abort", 1)]


def test_a_job_that_cannot_be_aborted(run):
    driver = Scripted([at(0)], ["interrupt"], abort=VirError(INTERNAL_ERROR, "stuck"))
    lines = "error: failed to abort job for disk 'vda'\nerror: internal error: stuck\n"
    assert run(driver, "blockcopy demo vda /x --wait") == (1, "\n", lines)
    assert driver.calls[-1] == "stop listening"


def test_without_events_the_job_says_when_it_is_done(run):
    assert run(Scripted([at(0), at(100)], [], deaf=True), "blockcopy demo vda /x --wait")[:2] == (
        0,
        "\nNow in mirroring phase\n",
    )
    assert run(Scripted([at(0), GONE], [], deaf=True), "blockpull demo vda --wait")[:2] == (
        0,
        "\nPull complete\n",
    )


def test_a_job_that_went_without_an_event(run):
    assert run(Scripted([at(0), GONE], []), "blockpull demo vda --wait")[:2] == (0, "\nPull complete\n")


def test_a_job_that_cannot_be_asked(run):
    driver = Scripted([VirError(INTERNAL_ERROR, "gone")], [])
    lines = "error: failed to query job for disk vda\nerror: internal error: gone\n"
    assert run(driver, "blockpull demo vda --wait") == (1, "\n", lines)


class Slow(Scripted):
    """A driver from before bandwidths in bytes."""

    def domain_get_block_job_info(self, dom, path, flags=0):
        if flags:
            raise VirError(INVALID_ARG, "unsupported flags")
        return (1, 2, 20, 5, 10)


def test_bandwidth_of_an_older_driver(run):
    shown = "    Bandwidth limit: 20971520 bytes/s (20.000 MiB/s)\n\n"
    assert run(Slow([], []), "blockjob demo vda") == (0, shown, "\rBlock Copy: [50.00 %]")
    assert run(Slow([], []), "blockjob demo vda --bytes")[0] == 1
