"""--file: a batch is read whole, runs in order, and says where it went wrong."""

import io

import pytest

from pyvirsh import __main__ as main


@pytest.fixture
def batch(capfd, tmp_path, monkeypatch):
    """A function that runs a batch's text and returns status, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def run(text, *options):
        (tmp_path / "b").write_text(text)
        status = main.run([*options, "--file", "b"], "virsh")
        return (status, *capfd.readouterr())

    return run


def test_lines_comments_and_quotes(batch):
    text = "# setup\necho a; echo b\n\necho 'two\nlines' \\\n more\n"
    assert batch(text) == (0, "a\nb\ntwo\nlines more\n", "")


def test_nothing_runs_when_a_line_cannot_be_read(batch):
    assert batch("echo a\n\necho 'x\ny'; bogus\n") == (1, "", "b:4: error: unknown command: 'bogus'\n")


def test_it_stops_at_the_first_failure(batch):
    fault = "b:2: error: cd: No such file or directory: /nonexistent\n"
    assert batch("echo a\ncd /nonexistent\necho b\n") == (1, "a\n\n", fault)


def test_keep_going_runs_on_and_fails_at_the_end(batch):
    status, out, err = batch("cd /nonexistent\necho b\n", "--keep-going")
    assert (status, out) == (1, "\nb\n")
    assert err == "b:1: error: cd: No such file or directory: /nonexistent\n"


def test_quit_ends_it_with_success(batch):
    assert batch("echo a\nquit\necho b\n") == (0, "a\n", "")


def test_it_shares_one_connection(batch):
    status, out, _ = batch("suspend test\ndomstate test\n", "-q", "-c", "test:///default")
    assert (status, out) == (0, "paused\n")


def test_a_command_beside_it_is_refused(capfd, tmp_path):
    assert main.run(["--file", "b", "echo"], "virsh") == 1
    assert capfd.readouterr().err == "error: --file takes no command, but there is 'echo'\n"


def test_a_file_that_is_not_there(batch, capfd):
    assert main.run(["--file", "nofile"], "virsh") == 1
    assert capfd.readouterr().err == "error: cannot read the batch file nofile: No such file or directory\n"


def test_standard_input(capfd, monkeypatch):
    class Input:
        buffer = io.BytesIO(b"echo a\nbogus\n")

    monkeypatch.setattr("sys.stdin", Input)
    assert main.run(["--file=-"], "virsh") == 1
    assert capfd.readouterr().err == "<stdin>:2: error: unknown command: 'bogus'\n"
