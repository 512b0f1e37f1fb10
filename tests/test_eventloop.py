"""Waiting for events: lines, filters, ends, statuses; what each type of event looks like."""

import json

import pytest

from pyvirsh.backend.api import DomainRef, Driver, Event
from pyvirsh.backend.errors import INTERNAL_ERROR, NO_SUPPORT, VirError
from pyvirsh.commands import eventloop, events
from pyvirsh.commands.events import DOMAIN_EVENTS
from pyvirsh.shell import dispatch
from pyvirsh.shell.output import Output
from pyvirsh.shell.session import Session

DOM = DomainRef("demo", "0ddba115-0000-4000-8000-000000000001", 1)
STARTED = ("lifecycle", 2, 0)


def event(name, *values, callback_id=None, ref=DOM):
    number = next(n for n, row in enumerate(DOMAIN_EVENTS.types) if row.name == name)
    return Event("domain", number, number if callback_id is None else callback_id, ref, values)


class Scripted(Driver):
    """A driver whose waits bring what the script says: events, [] for time over, or an exception."""

    def __init__(self, *script, unknown=()):
        self.script = list(script)
        self.unknown = unknown
        self.registered = []
        self.filters = []
        self.standing = True

    def alive(self):
        return self.standing

    def lost(self):
        return "end of file"

    def domain_lookup_by_name(self, name):
        assert name == DOM.name
        return DOM

    def domain_is_active(self, dom):
        return self.active.pop(0)

    def connect_domain_event_callback_register_any(self, event_id, dom):
        if event_id in self.unknown:
            raise VirError(NO_SUPPORT, "virConnectDomainEventRegisterAny")
        self.registered.append(event_id)
        self.filters.append(dom)
        return event_id

    def connect_domain_event_callback_deregister_any(self, callback_id):
        self.registered.remove(callback_id)

    def next_events(self, timeout):
        if not self.script:
            # Nothing more will come: let the time be over.
            self.clock[0] += 3600
            return []
        item = self.script.pop(0)
        if isinstance(item, BaseException):
            raise item
        return item


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run a line on a scripted driver; gives status, standard output and standard error."""
    clock = [0.0]
    monkeypatch.setattr(eventloop.time, "monotonic", lambda: clock[0])

    def run(line, driver, **settings):
        driver.clock = clock
        with open(tmp_path / "out", "wb") as stdout, open(tmp_path / "err", "wb") as stderr:
            out = Output(stdout=stdout.fileno(), stderr=stderr.fileno(), quiet=True)
            for name, value in settings.items():
                setattr(out, name, value)
            session = Session(out)
            session._driver = driver
            status = dispatch.run_text(session, line)
            out.flush()
        return status, (tmp_path / "out").read_text(), (tmp_path / "err").read_text()

    return run


def test_the_first_event_ends_the_wait(run):
    driver = Scripted([event(*STARTED), event(*STARTED)])
    assert run("event --event lifecycle", driver) == (
        0,
        "event 'lifecycle' for domain 'demo': Started Booted\nevents received: 1\n",
        "",
    )
    assert driver.registered == []
    assert driver.filters == [None]


def test_loop_goes_on_until_the_time_is_over(run):
    driver = Scripted([event(*STARTED)], [event("lifecycle", 5, 1)])
    assert run("event --event lifecycle --loop --timeout 5", driver) == (
        0,
        "event 'lifecycle' for domain 'demo': Started Booted\n"
        "event 'lifecycle' for domain 'demo': Stopped Destroyed\n"
        "event loop timed out\nevents received: 2\n",
        "",
    )


def test_no_event_is_a_failure(run):
    assert run("event --event reboot --timeout 1", Scripted()) == (
        1,
        "event loop timed out\nevents received: 0\n",
        "",
    )


def test_interrupt_ends_the_wait_and_not_the_program(run):
    driver = Scripted([event("reboot")], KeyboardInterrupt())
    status, out, _ = run("event --event reboot --loop; echo on", driver)
    assert (status, out) == (
        0,
        "event 'reboot' for domain 'demo'\nevent loop interrupted\nevents received: 1\non",
    )


def test_a_lost_connection_ends_the_wait(run):
    driver = Scripted(VirError(INTERNAL_ERROR, "End of file"))
    driver.standing = False
    monitor = "event --event reboot"
    session_alive = driver.alive
    driver.alive = lambda: True if driver.script else session_alive()
    assert run(monitor, driver) == (
        1,
        "events received: 0\n",
        "error: Disconnected from  due to end of file\nerror: internal error: client socket is closed\n",
    )


def test_only_events_of_the_own_registration_are_shown(run):
    driver = Scripted([event("reboot", callback_id=99)], [event("reboot")])
    assert run("event demo --event reboot", driver)[1].endswith("events received: 1\n")
    assert driver.filters == [DOM]


def test_all_takes_what_the_driver_knows(run):
    driver = Scripted([event("reboot")], unknown=(27, 28, 29))
    status, _, _ = run("event --all", driver)
    assert status == 0
    assert len(driver.filters) == len(DOMAIN_EVENTS.types) - 3


def test_all_needs_the_first(run):
    status, out, err = run("event --all", Scripted(unknown=(0,)))
    assert (status, out) == (1, "")
    assert err.endswith("virConnectDomainEventRegisterAny\n")


def test_time_stamp(run, monkeypatch):
    monkeypatch.setattr(eventloop.time, "time", lambda: 1300000000.25)
    out = run("event --event reboot --timestamp", Scripted([event("reboot")]))[1]
    assert out.startswith("2011-03-13 07:06:40.250+0000: event 'reboot' for domain 'demo'\n")


def test_json(run):
    driver = Scripted([event(*STARTED), event("metadata-change", 2, None)])
    _, out, _ = run("event --all --loop --timeout 1", driver, format="json")
    assert [json.loads(line) for line in out.splitlines()] == [
        {"event": "lifecycle", "domain": "demo", "change": "Started", "detail": "Booted"},
        {"event": "metadata-change", "domain": "demo", "type": "element", "uri": None},
    ]


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("lifecycle", (3, 2), "'lifecycle' for domain 'demo': Suspended I/O Error"),
        ("lifecycle", (9, 0), "'lifecycle' for domain 'demo': unknown unknown"),
        ("lifecycle", (0, 9), "'lifecycle' for domain 'demo': Defined unknown"),
        ("rtc-change", (-5,), "'rtc-change' for domain 'demo': -5"),
        ("watchdog", (6,), "'watchdog' for domain 'demo': inject-nmi"),
        ("io-error", ("/p", "al", 1), "'io-error' for domain 'demo': /p (al) pause"),
        (
            "io-error-reason",
            ("/p", "al", 2, "full"),
            "'io-error' for domain 'demo': /p (al) report due to full",
        ),
        (
            "graphics",
            (1, (0, "n", "s"), (2, "m", "t"), "auth", [("x509", "me")]),
            "'graphics' for domain 'demo': initialize local[IPv4 n s] remote[unix m t] auth\n\tx509=me",
        ),
        ("block-job", ("/p", 2, 3), "'block-job' for domain 'demo': Block Copy for /p ready"),
        ("block-job-2", ("vda", 9, 9), "'block-job-2' for domain 'demo': Unknown job for vda unknown"),
        (
            "disk-change",
            (None, "/n", "al", 0),
            "'disk-change' for domain 'demo' disk al: <null> -> /n: changed",
        ),
        ("tray-change", ("al", 1), "'tray-change' for domain 'demo' disk al: closed"),
        ("balloon-change", (5,), "'balloon-change' for domain 'demo': 5KiB"),
        ("tunable", ([("a", 5, 1.5), ("b", 7, "x")],), "'tunable' for domain 'demo':\n\ta: 1.5\n\tb: x"),
        (
            "agent-lifecycle",
            (1, 2),
            "'agent-lifecycle' for domain 'demo': state: 'connected' reason: 'channel event'",
        ),
        (
            "agent-lifecycle",
            (0, 9),
            "'agent-lifecycle' for domain 'demo': state: 'unknown' reason: 'unsupported value'",
        ),
        ("migration-iteration", (3,), "'migration-iteration' for domain 'demo': iteration: '3'"),
        ("block-threshold", ("vda", None, 5, 6), "'block-threshold' for domain 'demo': dev: vda(<null>) 5 6"),
        (
            "memory-failure",
            (1, 3, 2),
            "'memory-failure' for domain 'demo':\nrecipient: guest\naction: reset\n"
            "flags:\n\taction required: 0\n\trecursive: 1",
        ),
        (
            "nic-mac-change",
            ("net0", "a", "b"),
            "'nic-mac-change' for domain 'demo':\nalias: net0\noldMAC: a\nnewMAC: b",
        ),
        ("device-added", ("al{0}",), "'device-added' for domain 'demo': al{0}"),
    ],
)
def test_lines(name, values, text):
    """What virsh 11.3.0 prints of these values."""
    assert DOMAIN_EVENTS.show(event(name, *values))[1] == f"event {text}\n"


def test_completion_offers_every_type():
    option = events.TABLE.commands["event"].option("event")
    assert option.completes == "enum:" + ",".join(row.name for row in DOMAIN_EVENTS.types)


def test_await_looks_again_after_each_event(run):
    driver = Scripted([event("lifecycle", 6, 0)], [event("lifecycle", 5, 0)])
    driver.active = [True, True, False]
    assert run("await demo --condition domain-inactive --timeout 9", driver) == (0, "", "")
    assert driver.filters == [DOM]
    assert driver.registered == []


def test_await_gives_up(run):
    driver = Scripted()
    driver.active = [True, True]
    assert run("await demo --condition domain-inactive --timeout 9", driver) == (
        1,
        "event loop timed out\n",
        "",
    )
