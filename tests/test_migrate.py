"""Migration: the steps a client carries, what `migrate` asks of drivers, jobs as they are shown."""

import os

import pytest

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import PARAM_INT, PARAM_STRING, PARAM_ULLONG, DomainRef, Driver
from pyvirsh.backend.errors import OPERATION_FAILED, VirError
from pyvirsh.backend.migrate import managed, put
from pyvirsh.commands import jobinfo
from pyvirsh.shell import dispatch
from pyvirsh.shell.output import Output, cell
from pyvirsh.shell.session import Session

DOM = DomainRef("demo", "0ddba115-0000-4000-8000-000000000001", 1)
XML = ("destination_xml", PARAM_STRING, "<xml/>")
URI = ("migrate_uri", PARAM_STRING, "tcp:there:1")
NAME = ("destination_name", PARAM_STRING, "demo")
PROTECT = c.MIGRATE_CHANGE_PROTECTION


class Host(Driver):
    """Either end of a migration, noting in `calls`, which both share, what it is asked."""

    def __init__(self, calls, *, fails=(), state=1, uri="tcp:there:1"):
        self.calls, self.fails, self.state, self.uri_out = calls, fails, state, uri

    def _note(self, step, *values):
        self.calls.append((step, *values))
        if step in self.fails:
            raise VirError(OPERATION_FAILED, step)

    def domain_lookup_by_name(self, name):
        return DOM

    def domain_get_state(self, dom, flags=0):
        return self.state, 0

    def domain_migrate_begin3_params(self, dom, params, flags=0):
        self._note("begin", params, flags)
        return b"begun", "<xml/>"

    def domain_migrate_prepare3_params(self, params, cookie_in, flags=0):
        self._note("prepare", params, cookie_in, flags)
        return b"prepared", self.uri_out

    def domain_migrate_perform3_params(self, dom, dconnuri, params, cookie_in, flags=0):
        self._note("perform", dconnuri, params, cookie_in, flags)
        return b"performed"

    def domain_migrate_finish3_params(self, params, cookie_in, flags, cancelled):
        self._note("finish", params, cookie_in, flags, cancelled)
        return DomainRef("demo", DOM.uuid, 7), b"finished"

    def domain_migrate_confirm3_params(self, dom, params, cookie_in, flags, cancelled):
        self._note("confirm", params, cookie_in, flags, cancelled)


def migrated(*, params=(), flags=1, **more):
    calls = []
    source, destination = Host(calls, **more), Host(calls, **more)
    try:
        moved = managed(source, destination, DOM, list(params), flags)
    except VirError as error:
        return calls, error.detail
    return calls, moved


def test_steps():
    calls, moved = migrated()
    assert moved.id == 7
    assert calls == [
        ("begin", [], 1 | PROTECT),
        ("prepare", [XML], b"begun", 1),
        ("perform", None, [XML, URI], b"prepared", 1 | PROTECT),
        ("finish", [XML, URI, NAME], b"performed", 1, 0),
        ("confirm", [XML, URI, NAME], b"finished", 1 | PROTECT, 0),
    ]


def test_what_is_for_the_source_alone():
    calls, _ = migrated(flags=1 | c.MIGRATE_ABORT_ON_ERROR | c.MIGRATE_AUTO_CONVERGE | PROTECT)
    flags = {call[0]: call[-1] if call[0] in ("begin", "prepare", "perform") else call[-2] for call in calls}
    assert flags["prepare"] == flags["finish"] == 1
    assert flags["perform"] == flags["confirm"] == 1 | 4096 | 8192 | PROTECT


def test_a_paused_domain_stays_paused():
    calls, _ = migrated(state=c.DOMAIN_PAUSED)
    assert calls[1][-1] == 1 | c.MIGRATE_PAUSED
    assert calls[0][-1] == 1 | PROTECT


def test_a_definition_alone_is_not_performed():
    calls, _ = migrated(flags=c.MIGRATE_OFFLINE)
    assert [call[0] for call in calls] == ["begin", "prepare", "finish", "confirm"]
    assert calls[2][2] == b""


@pytest.mark.parametrize(
    ("step", "after"),
    [
        ("begin", []),
        ("prepare", [("confirm", b"", 1)]),
        ("perform", [("finish", b"", 1), ("confirm", b"finished", 1)]),
        ("finish", [("confirm", b"", 1)]),
        ("confirm", []),
    ],
)
def test_failures(step, after):
    """The first failure is told; both ends are told that it is over."""
    calls, failure = migrated(fails=(step,))
    assert failure == step
    place = [call[0] for call in calls].index(step)
    assert [(call[0], call[2], call[-1]) for call in calls[place + 1 :]] == after


def test_failures_on_the_way_out_are_not_told():
    calls, failure = migrated(fails=("perform", "finish", "confirm"))
    assert failure == "perform"
    assert [call[0] for call in calls] == ["begin", "prepare", "perform", "finish", "confirm"]


def test_the_name_and_the_uri_given():
    given = [("destination_name", PARAM_STRING, "new"), ("migrate_uri", PARAM_STRING, "tcp:here")]
    calls, _ = migrated(params=given, uri=None)
    assert calls[-1][1] == [*given, XML]


def test_no_uri_at_all():
    calls, failure = migrated(uri=None)
    assert failure == "domainMigratePrepare3 did not set uri"
    assert calls[-1][0] == "confirm"


def test_parameters_keep_their_place():
    assert put([XML, URI], "destination_xml", "<new/>") == [(XML[0], PARAM_STRING, "<new/>"), URI]


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture
def migrate(monkeypatch, tmp_path):
    """Run `migrate demo` with options on a source; return what it was asked and what was written."""

    def run(options):
        calls = []
        err = os.open(tmp_path / "err", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        monkeypatch.setattr(Session, "ensure_connected", lambda self: None)
        monkeypatch.setattr(Session, "driver", Host(calls))
        monkeypatch.setattr("pyvirsh.backend.open", lambda uri: Host(calls))
        session = Session(Output(stderr=err, quiet=True))
        dispatch.run_text(session, f"migrate demo qemu://there/system {options}")
        os.close(err)
        return calls, (tmp_path / "err").read_text()

    return run


def test_peer_to_peer(migrate, tmp_path):
    document = tmp_path / "changed.xml"
    document.write_text("<changed/>")
    calls, err = migrate(
        "--p2p --live --copy-storage-all --migrate-disks vda,vdb --comp-methods mt,xbzrle --comp-mt-level 3"
        f" --bandwidth 9 --xml {document} --dname new --persistent --undefinesource --suspend --unsafe"
    )
    assert err == ""
    assert calls == [
        (
            "perform",
            "qemu://there/system",
            [
                ("destination_name", PARAM_STRING, "new"),
                ("migrate_disks", PARAM_STRING, "vda"),
                ("migrate_disks", PARAM_STRING, "vdb"),
                ("compression", PARAM_STRING, "mt"),
                ("compression", PARAM_STRING, "xbzrle"),
                ("compression.mt.level", PARAM_INT, 3),
                ("destination_xml", PARAM_STRING, "<changed/>"),
                ("bandwidth", PARAM_ULLONG, 9),
            ],
            b"",
            1 | 2 | 8 | 16 | 32 | 64 | 512,
        )
    ]


def test_through_the_client(migrate):
    calls, err = migrate("--live")
    assert err == ""
    assert [call[0] for call in calls] == ["begin", "prepare", "perform", "finish", "confirm"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("--tunnelled", "cannot perform tunnelled migration without using peer2peer flag"),
        (
            "--p2p --tunnelled --parallel",
            "Flags 'VIR_MIGRATE_TUNNELLED' and 'VIR_MIGRATE_PARALLEL' are mutually exclusive",
        ),
        (
            "--p2p --migrate-disks vda",
            "'--migrate-disks' requires one of '--copy-storage-all', '--copy-storage-inc'",
        ),
        (
            "--copy-storage-synchronous-writes",
            "'--copy-storage-synchronous-writes' requires one of '--copy-storage-all', '--copy-storage-inc'",
        ),
        ("--direct", "argument unsupported: direct migration is not supported by the source host"),
        ("--timeout 3", "migrate: Unexpected timeout for offline migration"),
        ("--live --timeout-suspend", "migrate: Unexpected --timeout-* option without --timeout"),
        ("--p2p --disks-port x", "Numeric value 'x' for <disks-port> option is malformed or out of range"),
    ],
)
def test_what_is_refused(migrate, options, text):
    assert migrate(options) == ([], f"error: {text}\n")


# -- jobs ------------------------------------------------------------------------------------------


def shown(type, *params, **choices):
    fields = jobinfo.fields(type, list(params), **{"completed": False, "any_stats": False, **choices})
    return [f"{label} {cell(value).strip()}" for label, _, value in fields]


def test_a_job_under_way():
    assert shown(
        c.DOMAIN_JOB_BOUNDED,
        ("operation", PARAM_INT, 5),
        ("time_elapsed", PARAM_ULLONG, 20),
        ("memory_total", PARAM_ULLONG, 2048),
        ("memory_bps", PARAM_ULLONG, 0),
        ("memory_dirty_rate", PARAM_ULLONG, 7),
        ("disk_bps", PARAM_ULLONG, 7),
        ("downtime", PARAM_ULLONG, 300),
        ("errmsg", PARAM_STRING, "it hurts"),
    ) == [
        "Job type: Bounded",
        "Operation: Outgoing migration",
        "Time elapsed: 20           ms",
        "Time remaining: 0            ms",
        "Memory processed: 0.000 B",
        "Memory remaining: 0.000 B",
        "Memory total: 2.000 KiB",
        "Dirty rate: 7            pages/s",
        "Expected downtime: 300          ms",
        "Error message: it hurts",
    ]


@pytest.mark.parametrize(
    ("type", "choices", "lines"),
    [
        (c.DOMAIN_JOB_NONE, {"any_stats": True}, 1),
        (c.DOMAIN_JOB_UNBOUNDED, {}, 4),
        (c.DOMAIN_JOB_COMPLETED, {}, 2),
        (c.DOMAIN_JOB_COMPLETED, {"completed": True}, 4),
        (c.DOMAIN_JOB_FAILED, {"completed": True}, 2),
        (c.DOMAIN_JOB_FAILED, {"any_stats": True}, 4),
        (c.DOMAIN_JOB_CANCELLED, {}, 2),
    ],
)
def test_jobs_that_are_over(type, choices, lines):
    assert len(shown(type, ("downtime", PARAM_ULLONG, 1), **choices)) == lines


def test_downtime_that_was():
    over = shown(c.DOMAIN_JOB_COMPLETED, ("downtime", PARAM_ULLONG, 1), completed=True)
    assert over[-1] == "Total downtime: 1            ms"


def test_words_that_came_later():
    assert shown(9, ("operation", PARAM_INT, 99))[:2] == ["Job type: unknown", "Operation: unknown"]
