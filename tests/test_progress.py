"""Long jobs: how far they are, what ends the watch, what an interrupt does."""

import os
import signal
import sys
import threading

import pytest

from pyvirsh.backend.api import DomainRef, Driver
from pyvirsh.backend.errors import OPERATION_ABORTED, VirError
from pyvirsh.shell import progress, terminal
from pyvirsh.shell.output import Output
from pyvirsh.shell.progress import Job
from pyvirsh.shell.session import Session
from terminals import Terminal

DOM = DomainRef("demo", "0ddba115-0000-4000-8000-000000000001", 1)


class Working(Driver):
    """A driver whose job is over after `looks` looks at it; `beside` gives the connection to look with."""

    def __init__(self, looks=3):
        self.looks = looks
        self.seen = []
        self.over = threading.Event()
        self.other = self

    def beside(self):
        self.seen.append("beside")
        return self.other

    def close(self):
        self.seen.append("closed")

    def domain_get_job_info(self, dom):
        self.seen.append("look")
        self.looks -= 1
        if self.looks < 0:
            self.over.set()
        remaining = max(self.looks, 0) * 25
        return (1, 0, 0, 100, 100 - remaining, remaining, 0, 0, 0, 0, 0, 0)


@pytest.fixture
def session(tmp_path, monkeypatch):
    """Make a session on a driver; its standard error goes to a file."""
    monkeypatch.setattr(progress, "INTERVAL", 0.01)
    monkeypatch.setattr(terminal, "is_terminal", lambda fd=0: False)
    err = os.open(tmp_path / "err", os.O_RDWR | os.O_CREAT)

    def make(driver):
        made = Session(Output(stderr=err))
        monkeypatch.setattr(type(made), "driver", driver)
        return made

    yield make
    os.close(err)


@pytest.mark.parametrize(
    ("remaining", "total", "text"),
    [
        (100, 100, " 0.00"),
        (50, 100, "50.00"),
        (1, 3, "66.66"),
        (1, 1000000, "99.99"),
        (0, 100, "100.00"),
        (0, 0, "100.00"),
        (5, 0, " 0.00"),
    ],
)
def test_shares_are_cut_not_rounded(remaining, total, text):
    assert f"{progress.percent(remaining, total):5.2f}" == text


def test_verbose(session, tmp_path):
    driver = Working()
    ctx = session(driver)
    assert progress.run(ctx, DOM, Job("Save", verbose=True), lambda: driver.over.wait(10)) is True
    shown = (tmp_path / "err").read_bytes().decode()
    assert shown == "\rSave: [50.00 %]\rSave: [75.00 %]\rSave: [100.00 %]"
    assert driver.seen[0] == "beside" and "closed" not in driver.seen


def test_a_connection_of_its_own_is_closed(session):
    driver, other = Working(), Working()
    driver.other = other
    progress.run(session(driver), DOM, Job("Save", verbose=True), lambda: other.over.wait(10))
    assert driver.seen == ["beside"]
    assert other.seen[-1] == "closed"


def test_quiet_jobs_run_here(session, tmp_path):
    here = []
    progress.run(session(Working()), DOM, Job("Save"), lambda: here.append(threading.current_thread()))
    assert here == [threading.main_thread()]
    assert (tmp_path / "err").read_bytes().decode() == ""


def test_drivers_that_answer_at_once_are_not_watched(session, tmp_path):
    driver = Working()
    driver.immediate = True
    progress.run(session(driver), DOM, Job("Save", verbose=True), lambda: None)
    assert driver.seen == []
    assert (tmp_path / "err").read_bytes().decode() == "\rSave: [100.00 %]"


def test_failure_shows_no_hundred(session, tmp_path):
    def fail():
        raise VirError(OPERATION_ABORTED, "canceled by client")

    with pytest.raises(VirError, match="canceled by client"):
        progress.run(session(Working()), DOM, Job("Save", verbose=True), fail)
    assert "100" not in (tmp_path / "err").read_bytes().decode()


def test_timeout(session):
    driver = Working()
    asked = []
    job = Job("Migration", timeout=0.02, on_timeout=lambda given: (asked.append(given), driver.over.set()))
    progress.run(session(driver), DOM, job, lambda: driver.over.wait(10))
    assert asked == [driver]


def test_looks(session):
    driver = Working()
    asked = []

    def look(given):
        asked.append(given)
        if len(asked) == 3:
            driver.over.set()

    progress.run(session(driver), DOM, Job("Migration", on_look=look), lambda: driver.over.wait(10))
    assert asked[:3] == [driver] * 3


def test_interrupts_by_signal_are_ignored(session):
    def work():
        os.kill(os.getpid(), signal.SIGINT)
        return "done"

    before = signal.getsignal(signal.SIGINT)
    assert progress.run(session(Working()), DOM, Job("Save"), work) == "done"
    assert signal.getsignal(signal.SIGINT) is before


AT_TERMINAL = """
import threading
from pyvirsh.backend.api import DomainRef, Driver
from pyvirsh.shell import progress
from pyvirsh.shell.output import Output
from pyvirsh.shell.session import Session

over = threading.Event()

class Working(Driver):
    def beside(self):
        return self
    def domain_abort_job(self, dom):
        print("aborted", flush=True)
        over.set()

Session.driver = Working()
dom = DomainRef("demo", "0ddba115-0000-4000-8000-000000000001", 1)
def work():
    print("works", flush=True)
    return over.wait(20)
print(progress.run(Session(Output()), dom, progress.Job("Save"), work))
"""


def test_the_interrupt_key_aborts():
    opened = Terminal([sys.executable, "-c", AT_TERMINAL])
    try:
        before = opened.settings()
        opened.until("works")
        opened.type("x")
        opened.type("\x03")
        opened.until("aborted")
        assert opened.rest().strip() == "True"
        assert opened.status == 0
        assert opened.settings() == before
    finally:
        opened.close()
