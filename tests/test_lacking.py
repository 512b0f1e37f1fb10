"""Drivers that lack calls, or fail at one: what commands do without them, as measured on virsh 11.3."""

import os

import pytest

import transcripts
from pyvirsh.backend.errors import NO_SUPPORT, OPERATION_INVALID, VirError
from pyvirsh.shell import dispatch
from pyvirsh.shell.output import Output
from pyvirsh.shell.session import Session

LACKS = "error: this function is not supported by the connection driver: virLacking\n"
REFUSED = "error: Requested operation is not valid: not now\n"


@pytest.fixture
def run(tmp_path):
    """What runs a line on a test driver whose call `name` fails."""

    def with_failing(name, code, line):
        def fail(*_, **__):
            raise VirError(code, "virLacking" if code == NO_SUPPORT else "not now")

        with open(tmp_path / "out", "wb") as out, open(tmp_path / "err", "wb") as err:
            output = Output(stdout=out.fileno(), stderr=err.fileno())
            session = Session(output, uri=transcripts.URI, program="virsh")
            setattr(session.driver, name, fail)
            status = dispatch.run_text(session, line, connect=True)
            output.flush()
            session.disconnect()
        return (tmp_path / "out").read_text(), (tmp_path / "err").read_text(), status

    return with_failing


@pytest.mark.parametrize("name", ["domain_has_managed_save_image", "domain_snapshot_num"])
def test_undefine_on_a_driver_without_saved_states_or_snapshots(run, name):
    out, err, status = run(
        name, NO_SUPPORT, "destroy test; undefine test --managed-save --snapshots-metadata"
    )
    assert (out, err, status) == ("Domain 'test' destroyed\n\nDomain 'test' has been undefined\n\n", "", 0)
    out, err, status = run(name, OPERATION_INVALID, "destroy test; undefine test")
    assert (out, err, status) == ("Domain 'test' destroyed\n\n\n", REFUSED, 1)


@pytest.mark.parametrize(
    ("name", "code", "line", "err", "status"),
    [
        (
            "domain_get_xml_desc",
            NO_SUPPORT,
            "ttyconsole test",
            "error: Failed to get domain description xml\n" + LACKS,
            1,
        ),
        ("domain_get_info", OPERATION_INVALID, "dominfo test", "", 1),
        ("connect_get_version", NO_SUPPORT, "version --daemon", "", 0),
        (
            "connect_get_version",
            OPERATION_INVALID,
            "version",
            "error: failed to get the hypervisor version\n" + REFUSED,
            1,
        ),
        (
            "connect_get_lib_version",
            NO_SUPPORT,
            "version --daemon",
            "error: failed to get the daemon version\n",
            0,
        ),
        ("domain_is_active", OPERATION_INVALID, "vcpucount test", "", 0),
        ("node_get_cpu_map", OPERATION_INVALID, "vcpuinfo test", "", 0),
        ("domain_get_metadata", NO_SUPPORT, "list --title; desc test", "", 0),
        ("network_get_metadata", NO_SUPPORT, "net-list --title; net-desc default", "", 0),
        ("domain_list_all_snapshots", NO_SUPPORT, "snapshot-list test", LACKS, 1),
        (
            "storage_pool_is_active",
            OPERATION_INVALID,
            "vol-info x --pool default-pool",
            "error: pool 'default-pool' is not active\n" + REFUSED,
            1,
        ),
    ],
)
def test_a_call_that_fails(run, name, code, line, err, status):
    assert run(name, code, line)[1:] == (err, status)


def test_titles_are_read_from_the_xml(run):
    line = "desc test --title --live a title; desc test --live words; list --title; desc test"
    out, err, status = run("domain_get_metadata", NO_SUPPORT, line)
    assert (err, status) == ("", 0)
    assert " test   running   a title\n" in out and out.endswith("words\n")


def test_a_lost_connection_is_told_of_before_what_failed_for_it(tmp_path):
    with open(tmp_path / "err", "wb") as err:
        output = Output(stdout=os.open(os.devnull, os.O_WRONLY), stderr=err.fileno())
        session = Session(output, uri=transcripts.URI, program="virsh")
        driver = session.driver

        def fail(*_, **__):
            driver.alive = lambda: False
            driver.lost = lambda: "end of file"
            raise VirError(OPERATION_INVALID, "not now")

        driver.domain_get_state = fail
        status = dispatch.run_text(session, "domstate test", connect=True)
    lines = (tmp_path / "err").read_text().splitlines()
    assert status == 1
    assert lines == ["error: Disconnected from test:///default due to end of file", REFUSED.strip()]
