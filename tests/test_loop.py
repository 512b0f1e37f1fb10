"""The shell on a pipe, and the history it keeps.  Texts are what virsh 11.3.0 writes."""

import os

import pytest

from pyvirsh.backend.api import Driver
from pyvirsh.backend.errors import VirError
from pyvirsh.errors import CommandFailed
from pyvirsh.shell import history, loop
from pyvirsh.shell.history import History
from pyvirsh.shell.output import Output
from pyvirsh.shell.session import Session


@pytest.fixture
def shell(capfd, tmp_path, monkeypatch):
    """A function that feeds bytes to a shell and returns standard output and error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(data, *, quiet=True, format="table", uri="test:///default"):
        out = Output(quiet=quiet)
        out.format = format
        session = Session(out, uri=uri, program="virsh")
        (tmp_path / "input").write_bytes(data)
        stdin = os.dup(0)
        fd = os.open(tmp_path / "input", os.O_RDONLY)
        os.dup2(fd, 0)
        try:
            assert loop.run(session) == 0
        finally:
            os.dup2(stdin, 0)
            os.close(stdin)
            os.close(fd)
            session.disconnect()
        return capfd.readouterr()

    return run


def test_banner(shell):
    banner = (
        "Welcome to virsh, the virtualization interactive terminal.\n\n"
        "Type:  'help' for help with commands\n       'quit' to quit\n\n"
    )
    assert shell(b"echo a", quiet=False).out == banner + "virsh # echo a\na\nvirsh # \n"


@pytest.mark.parametrize(
    ("data", "out"),
    [
        (b"", "virsh # \n"),
        (b"echo a\necho b", "virsh # echo a\navirsh # echo b\nbvirsh # \n"),
        (b"echo a\recho b\r\n", "virsh # echo a\navirsh # echo b\nbvirsh # \nvirsh # \n"),
        (b"\n  \n# c\n", "virsh # \nvirsh #   \nvirsh # # c\nvirsh # \n"),
        (b"echo a; quit; echo b\necho c\n", "virsh # echo a; quit; echo b\na\n"),
        (b"connect --readonly\nquit\n", "virsh # connect --readonly\nvirsh > quit\n\n"),
    ],
)
def test_lines(shell, data, out):
    assert shell(data).out == out


def test_faults_do_not_end_it(shell):
    out, err = shell(b'echo "a\ncd /nonexistent\necho b\n')
    assert out == 'virsh # echo "a\nvirsh # cd /nonexistent\nvirsh # echo b\nbvirsh # \n'
    assert err == 'error: missing "\nerror: cd: No such file or directory: /nonexistent\n'


def test_a_bug_in_a_command_does_not_end_it(shell, monkeypatch):
    monkeypatch.setattr("pyvirsh.commands.virsh.shell_quoted", lambda text: 1 / 0)
    out, err = shell(b"echo --shell a\necho b\n")
    assert out.endswith("virsh # echo b\nbvirsh # \n")
    assert err.endswith("ZeroDivisionError: division by zero\n")


def test_long_input(shell):
    count = 20_000
    out = shell(b"# %s\n" % (b"x" * 70) * count).out
    assert out.count("virsh # ") == count + 1


def test_structured_output_is_not_mixed_with_prompts(shell):
    assert shell(b"echo a\npwd --output name\n", format="name").out.startswith("a\n/")


def test_lines_in_pieces():
    reader, writer = os.pipe()
    lines = loop.read_lines(reader)
    for piece in (b"ab", b"c\nd\n", b"e"):
        os.write(writer, piece)
        if b"\n" in piece:
            assert [next(lines), next(lines)] == ["abc", "d"]
    os.close(writer)
    assert list(lines) == ["e"]
    os.close(reader)


# -- a connection that ends -------------------------------------------------------------------------


class Lost(Driver):
    """A driver whose peer goes away."""

    uri = "test+unix:///default"
    standing = True

    def next_events(self, timeout):
        if not self.standing:
            raise VirError(1, "gone")
        return []

    def alive(self):
        return self.standing

    def lost(self):
        return "end of file"

    def supports_keepalive(self):
        return True

    def set_keepalive(self, interval, count):
        self.keepalive = (interval, count)

    def close(self):
        raise VirError(1, "gone")


def test_reconnecting(capfd, monkeypatch):
    drivers = []

    def open(uri, **_):
        if len(drivers) == 2:
            drivers.append(None)
            raise VirError(38, text="refused")
        drivers.append(Lost())
        return drivers[-1]

    monkeypatch.setattr("pyvirsh.backend.open", open)
    session = Session(Output(), uri="test+unix:///default")
    session.keepalive_count = 3
    session.ensure_connected()
    assert drivers[0].keepalive == (5, 3)
    session.ensure_connected()
    assert capfd.readouterr().err == ""
    gone = "error: Disconnected from test+unix:///default due to end of file\n"

    drivers[0].standing = False
    session.ensure_connected()
    assert capfd.readouterr().err == gone + "error: Reconnected to the hypervisor\n"

    drivers[1].standing = False
    with pytest.raises(CommandFailed) as error:
        session.ensure_connected()
    assert error.value.texts == ("Failed to reconnect to the hypervisor", "refused")
    session.ensure_connected()
    assert capfd.readouterr().err == gone


# -- history ----------------------------------------------------------------------------------------


def test_history_is_kept(shell, tmp_path):
    shell(b"echo a\n\n  \n# c\nbogus\nbogus\n")
    path = tmp_path / "cache/libvirt/virsh/history"
    assert path.read_text() == "echo a\n  \n# c\nbogus\nbogus\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o755
    shell(b"echo b\n")
    assert path.read_text().endswith("bogus\nbogus\necho b\n")


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("x", "Bad $VIRSH_HISTSIZE value."),
        ("", "Bad $VIRSH_HISTSIZE value."),
        ("-1", "$VIRSH_HISTSIZE value should be between 0 and 500000"),
        ("500001", "$VIRSH_HISTSIZE value should be between 0 and 500000"),
    ],
)
def test_a_bad_size_keeps_the_file_as_it_is(shell, tmp_path, monkeypatch, value, fault):
    monkeypatch.setenv("VIRSH_HISTSIZE", value)
    assert shell(b"echo a\n").err == f"error: {fault}\n"
    assert not (tmp_path / "cache").exists()


def test_size(tmp_path):
    kept, fault = history.from_environment({"HOME": str(tmp_path), "VIRSH_HISTSIZE": "2"})
    assert fault == ""
    for line in ("a", "b", "c"):
        kept.add(line)
    kept.save()
    again = History(kept.path, 1)
    again.load()
    assert again.lines == ["c"]
    assert (tmp_path / ".cache/libvirt/virsh/history").read_text() == "b\nc\n"


def test_a_directory_that_cannot_be_made():
    with pytest.raises(CommandFailed, match="Failed to create '/dev/null/x': Not a directory"):
        History("/dev/null/x/history").save()
