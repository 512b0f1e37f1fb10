"""Lists of several hosts at once."""

import json
import socket

import pytest

from pyvirsh import __main__ as main
from pyvirsh.shell import hosts

ONE, TWO = "test:///default", "test:///default?b"


def run(capfd, *argv):
    return (main.run(list(argv), "virsh"), *capfd.readouterr())


def test_a_table_of_all(capfd):
    status, out, err = run(capfd, "--host", ONE, f"--host={TWO}", "list")
    assert (status, err) == (0, "")
    assert out == (
        " Host                Id   Name   State\n"
        "------------------------------------------\n"
        " test:///default     1    test   running\n"
        " test:///default?b   1    test   running\n\n"
    )


def test_names_and_data(capfd):
    assert run(capfd, "--host", ONE, "list --name")[1] == f"{ONE} test\n\n"
    rows = json.loads(run(capfd, "-o", "json", "--host", TWO, "--host", ONE, "list")[1])
    assert [(row["host"], row["name"]) for row in rows] == [(TWO, "test"), (ONE, "test")]


def test_a_host_that_is_not_there_holds_up_nobody(capfd):
    status, out, err = run(capfd, "-q", "--host", "bogus:///", "--host", ONE, "list")
    assert (status, out) == (1, f" {ONE}   1   test   running\n")
    reason = "no connection driver available for bogus:///"
    assert err == f"error: bogus:///: failed to connect to the hypervisor: {reason}\n"


def test_a_host_that_does_not_answer_is_given_up(capfd, tmp_path, monkeypatch):
    monkeypatch.setattr(hosts, "SECONDS", 0.3)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        silent = f"test+unix:///default?socket={tmp_path}/s"
        status, out, err = run(capfd, "-q", "--host", silent, "--host", ONE, "list")
    assert (status, out) == (1, f" {ONE}   1   test   running\n")
    assert err == f"error: {silent}: no answer within 0 seconds\n"


@pytest.mark.parametrize(
    ("argv", "fault"),
    [
        (["destroy", "test"], "only lists can be had from several hosts at once, not destroy"),
        (["list; destroy test"], "only lists can be had from several hosts at once, not destroy"),
        (["list --bogus"], "command 'list' doesn't support option --bogus"),
        ([], "several hosts want a command to run on them"),
        (["-c", TWO, "list"], None),
    ],
)
def test_refusals(capfd, argv, fault):
    fault = fault or "--host and --all-hosts go with neither --connect nor --file"
    assert run(capfd, "--host", ONE, *argv) == (1, "", f"error: {fault}\n")


def test_every_host_with_an_alias(capfd, tmp_path, monkeypatch):
    monkeypatch.setattr("pyvirsh.backend._client_config", lambda environ: str(tmp_path / "c"))
    (tmp_path / "c").write_text(f'uri_aliases = ["a={ONE}", "b={TWO}"]\n')
    assert run(capfd, "-q", "--all-hosts", "list")[1] == " a   1   test   running\n b   1   test   running\n"
    (tmp_path / "c").write_text("")
    fault = "error: no hosts: uri_aliases in libvirt.conf names none\n"
    assert run(capfd, "--all-hosts", "list") == (1, "", fault)
    (tmp_path / "c").write_text('uri_aliases = ["noequals"]\n')
    assert run(capfd, "--all-hosts", "list")[2].startswith("error: configuration file syntax error")
