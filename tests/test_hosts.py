"""Lists of several hosts at once."""

import json
import socket
import threading

from pyvirsh import __main__ as main
from pyvirsh.shell import hosts

ONE, TWO = "test:///default", "test:///default?b"


def run(capfd, *argv):
    return (main.run(list(argv), "virsh"), *capfd.readouterr())


def test_a_table_of_all(capfd):
    status, out, err = run(capfd, "-c", ONE, f"-c{TWO}", "list")
    assert (status, err) == (0, "")
    assert out == (
        " Host                Id   Name   State\n"
        "------------------------------------------\n"
        " test:///default     1    test   running\n"
        " test:///default?b   1    test   running\n\n"
    )


def test_names_and_data(capfd):
    assert run(capfd, "-c", ONE, "-c", TWO, "list --name")[1] == f"{ONE} test\n{TWO} test\n\n"
    rows = json.loads(run(capfd, "-o", "json", "-c", TWO, "-c", ONE, "list")[1])
    assert [(row["host"], row["name"]) for row in rows] == [(TWO, "test"), (ONE, "test")]


def test_a_host_that_is_not_there_holds_up_nobody(capfd):
    status, out, err = run(capfd, "-q", "-c", "bogus:///", "-c", ONE, "list")
    assert (status, out) == (1, f" {ONE}   1   test   running\n")
    reason = "no connection driver available for bogus:///"
    assert err == f"error: bogus:///: failed to connect to the hypervisor: {reason}\n"


def test_a_host_that_does_not_answer_is_given_up(capfd, tmp_path, monkeypatch):
    monkeypatch.setattr(hosts, "SECONDS", 0.3)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        silent = f"test+unix:///default?socket={tmp_path}/s"
        status, out, err = run(capfd, "-q", "-c", silent, "-c", ONE, "list")
    assert (status, out) == (1, f" {ONE}   1   test   running\n")
    assert err == f"error: {silent}: no answer within 0 seconds\n"


def test_the_others_are_shown_before_a_silent_one_is_given_up(capfd, tmp_path, monkeypatch):
    monkeypatch.setattr(hosts, "SECONDS", 30)
    monkeypatch.setattr(hosts, "PATIENCE", 0.1)
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        late = f"test+unix:///default?socket={path}"
        shown = []
        asked = threading.Thread(
            target=lambda: shown.append(main.run(["-c", late, "-c", ONE, "list"], "virsh"))
        )
        asked.start()
        connection, _ = listener.accept()
        early = ""
        while "running" not in early:
            early += capfd.readouterr().out
        head, rule, row = early.splitlines()
        assert row.split() == [ONE, "1", "test", "running"]
        assert not shown
        connection.close()
        asked.join()
    out, err = capfd.readouterr()
    assert (shown, out) == ([1], "\n")
    assert err.startswith(f"error: {late}: failed to connect")


def test_data_is_one_document_though_a_host_is_late(capfd, monkeypatch):
    monkeypatch.setattr(hosts, "PATIENCE", 0)
    slow = "test:///default?latency=150ms"
    _, out, _ = run(capfd, "-c", slow, "-c", ONE, "-o", "json", "list")
    assert [row["host"] for row in json.loads(out)] == [slow, ONE]
    # As text its row comes behind.
    status, out, _ = run(capfd, "-c", slow, "-c", ONE, "list")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines() if "running" in line] == [ONE, slow]
    assert out.count("Host") == 1


def test_what_is_no_list_goes_to_the_last_as_in_virsh(capfd):
    assert run(capfd, "-c", "bogus:///", "-c", ONE, "uri") == (0, f"{ONE}\n\n", "")
    status, _, err = run(capfd, "-c", ONE, "-c", TWO, "list --bogus")
    assert (status, err) == (1, "error: command 'list' doesn't support option --bogus\n")


def test_all_hosts_take_lists_only(capfd, tmp_path, monkeypatch):
    monkeypatch.setattr("pyvirsh.backend._client_config", lambda environ: str(tmp_path / "c"))
    (tmp_path / "c").write_text(f'uri_aliases = ["a={ONE}", "b={TWO}"]\n')
    # Whatever is no list must not run on some host by chance.
    status, out, _ = run(capfd, "--all-hosts", "destroy test")
    assert (status, out) == (1, "")
    assert run(capfd, "--all-hosts")[0] == 1


def test_every_host_with_an_alias(capfd, tmp_path, monkeypatch):
    monkeypatch.setattr("pyvirsh.backend._client_config", lambda environ: str(tmp_path / "c"))
    (tmp_path / "c").write_text(f'uri_aliases = ["a={ONE}", "b={TWO}"]\n')
    assert run(capfd, "-q", "--all-hosts", "list")[1] == " a   1   test   running\n b   1   test   running\n"
    (tmp_path / "c").write_text("")
    fault = "error: no hosts: uri_aliases in libvirt.conf names none\n"
    assert run(capfd, "--all-hosts", "list") == (1, "", fault)
    (tmp_path / "c").write_text('uri_aliases = ["noequals"]\n')
    assert run(capfd, "--all-hosts", "list")[2].startswith("error: configuration file syntax error")
