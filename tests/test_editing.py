"""The edit flow: what the editor is given, what is done with its work, what is asked when that fails."""

import os
import stat

import pytest

from conftest import PYVIRSH
from pyvirsh.backend.errors import OPERATION_FAILED, VirError
from pyvirsh.errors import CommandFailed
from pyvirsh.shell import editing, terminal
from pyvirsh.shell.editing import Edit, edit_text, edit_xml
from pyvirsh.shell.output import Output
from pyvirsh.shell.session import Session
from terminals import Terminal


class Store:
    """Something with XML that can be edited; `refuse` says how often applying fails."""

    def __init__(self, document="<a/>", refuse=0):
        self.document = document
        self.refuse = refuse
        self.applied = []

    def fetch(self):
        return self.document

    def apply(self, document):
        if self.refuse:
            self.refuse -= 1
            raise VirError(OPERATION_FAILED, "no")
        self.applied.append(document)
        self.document = document
        return "x"

    def edit(self, **more):
        settings = {"unchanged": "unchanged.", "edited": "edited.", **more}
        return Edit(fetch=self.fetch, apply=self.apply, **settings)


@pytest.fixture
def ctx(tmp_path, monkeypatch):
    """A session that writes to files."""
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(terminal, "is_terminal", lambda fd=0: False)
    out, err = (os.open(tmp_path / name, os.O_RDWR | os.O_CREAT) for name in ("out", "err"))
    yield Session(Output(stdout=out, stderr=err), uri="test:///default")
    os.close(out)
    os.close(err)


@pytest.fixture
def said(ctx, tmp_path):
    """What was written so far to standard output and error."""

    def read():
        ctx.out.flush()
        return (tmp_path / "out").read_text(), (tmp_path / "err").read_text()

    return read


def test_unchanged(ctx, said, monkeypatch):
    monkeypatch.setenv("EDITOR", "true")
    store = Store()
    edit_xml(ctx, store.edit())
    assert store.applied == []
    assert said() == ("unchanged.\n", "")


def test_edited(ctx, said, monkeypatch):
    monkeypatch.setenv("EDITOR", "sed -i s/a/b/")
    store = Store()
    edit_xml(ctx, store.edit(edited=lambda name: f"{name} edited."))
    assert store.applied == ["<b/>"]
    assert said() == ("x edited.\n", "")


def test_notes_without_a_newline(ctx, said, monkeypatch):
    monkeypatch.setenv("EDITOR", "true")
    edit_xml(ctx, Store().edit(line_notes=False))
    assert said() == ("unchanged.", "")


def test_the_file_is_private_and_goes(ctx):
    with editing.temporary_file("text") as path:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert os.path.basename(path).startswith("virsh") and path.endswith(".xml")
    assert not os.path.exists(path)


def test_failing_fails(ctx, said, monkeypatch):
    """Nobody is there to ask; virsh says that it was edited."""
    monkeypatch.setenv("EDITOR", "sed -i s/a/b/")
    with pytest.raises(CommandFailed) as failed:
        edit_xml(ctx, Store(refuse=1).edit())
    assert failed.value.texts == ("Failed.", "operation failed: no")
    assert said() == ("", "")


def test_changed_meanwhile(ctx, monkeypatch):
    store = Store()

    def fetch():
        text, store.document = store.document, "<other/>"
        return text

    monkeypatch.setenv("EDITOR", "sed -i s/a/b/")
    edit = store.edit()
    edit.fetch = fetch
    with pytest.raises(CommandFailed) as failed:
        edit_xml(ctx, edit)
    assert failed.value.texts == (editing.CHANGED,)
    assert store.applied == []


@pytest.mark.parametrize(
    ("editor", "texts"),
    [
        ("", ["Cannot find '' in path: No such file or directory"]),
        ("no-such-editor", ["Cannot find 'no-such-editor' in path: No such file or directory"]),
        ("false", ["internal error: Child process (false {file}) unexpected exit status 1"]),
        ("exit 3;", ["internal error: Child process (sh -c 'exit 3; {file}') unexpected exit status 3"]),
        (
            "kill -9 $$;",
            ["internal error: Child process (sh -c 'kill -9 $$; {file}') unexpected fatal signal 9"],
        ),
        (
            "rm",
            [
                "{file}: failed to read temporary file: No such file or directory",
                "Failed to open file '{file}': No such file or directory",
            ],
        ),
        (
            "/etc/passwd",
            [
                "cannot execute binary /etc/passwd: Permission denied",
                "internal error: Child process (/etc/passwd {file}) unexpected exit status 126",
            ],
        ),
    ],
)
def test_editors_that_fail(ctx, monkeypatch, editor, texts):
    paths = []
    read_command = editing.editor_command

    def noted(path):
        paths.append(path)
        return read_command(path)

    monkeypatch.setattr(editing, "editor_command", noted)
    monkeypatch.setenv("EDITOR", editor)
    with pytest.raises(CommandFailed) as failed:
        edit_text(ctx, "text")
    assert list(failed.value.texts) == [text.format(file=paths[0]) for text in texts]
    assert not os.path.exists(paths[0])


def test_visual_is_preferred(ctx, monkeypatch):
    monkeypatch.setenv("VISUAL", "true")
    monkeypatch.setenv("EDITOR", "false")
    assert edit_text(ctx, "text") == "text"


def test_odd_directories_need_an_editor_without_a_shell(ctx, monkeypatch, tmp_path):
    odd = tmp_path / "a b"
    odd.mkdir()
    monkeypatch.setenv("TMPDIR", str(odd))
    monkeypatch.setenv("EDITOR", "true")
    assert edit_text(ctx, "text") == "text"
    monkeypatch.setenv("EDITOR", "true -x")
    with pytest.raises(CommandFailed, match="unacceptable characters"):
        edit_text(ctx, "text")


def test_no_directory(ctx, monkeypatch):
    monkeypatch.setenv("TMPDIR", "/no/such/directory")
    with pytest.raises(CommandFailed, match="g_mkstemp_full: failed to create temporary file: No such"):
        edit_text(ctx, "text")


def test_bytes_that_are_no_utf8_stay(ctx, monkeypatch):
    monkeypatch.setenv("EDITOR", "true")
    assert edit_text(ctx, "\udcff") == "\udcff"


# -- at a terminal ---------------------------------------------------------------------------------


@pytest.fixture
def at_terminal(tmp_path):
    """Run pyvirsh at a terminal, with an editor that spoils a domain's XML."""
    terminals = []

    def start(*words, editor="sed -i s/domain/nonsense/"):
        argv = [PYVIRSH, "--plain", "-c", "test:///default", *words]
        opened = Terminal(argv, {"EDITOR": editor, "VISUAL": editor, "TMPDIR": str(tmp_path), "TERM": "dumb"})
        terminals.append(opened)
        return opened

    yield start
    for opened in terminals:
        opened.close()


def test_retry_keys(at_terminal):
    opened = at_terminal("edit", "test")
    before = opened.settings()
    shown = opened.until("\rFailed. Try again? [y,n,i,f,?]: ")
    assert shown.startswith("error: ")
    opened.type("x")
    opened.until("\rFailed. Try again? [y,n,i,f,?]: ")
    opened.type("?")
    help_text = opened.until("\rFailed. Try again? [y,n,i,f,?]: ")
    assert help_text == "\r\n" + "".join(f"{key} - {text}\r\n" for key, text in editing.HELP.items())
    opened.type("i")
    opened.until("\rFailed. Try again? [y,n,f,?]: ")
    opened.type("\x03")
    opened.until("\rFailed. Try again? [y,n,f,?]: ")
    opened.type("F")
    opened.until("\rFailed. Try again? [y,n,f,?]: ")
    opened.type("n")
    assert opened.rest() == "\r\r\n\r\n"
    assert opened.status == 1
    assert opened.settings() == before


def test_edit_again(at_terminal, tmp_path):
    editor = tmp_path / "editor"
    editor.write_text(
        "#!/bin/sh\n"
        f"if [ -e {tmp_path}/again ]; then sed -i s/nonsense/domain/ $1; exit; fi\n"
        f"touch {tmp_path}/again; sed -i 's/domain/nonsense/; s/KiB.>8388608/KiB\\x27>4194304/' $1\n"
    )
    editor.chmod(0o755)
    opened = at_terminal("edit test; dumpxml test --inactive --xpath //memory", editor=str(editor))
    opened.until("\rFailed. Try again? [y,n,i,f,?]: ")
    opened.type("y")
    shown = opened.rest()
    assert shown.startswith("\r\r\nDomain 'test' XML configuration edited.\r\n")
    assert ">4194304</memory>" in shown


def test_networks_have_no_choice_about_validation(at_terminal):
    opened = at_terminal("net-edit", "default", editor="sed -i s/network/nonsense/")
    opened.until("\rFailed. Try again? [y,n,f,?]: ")
    opened.type("n")
    opened.rest()
    assert opened.status == 1
