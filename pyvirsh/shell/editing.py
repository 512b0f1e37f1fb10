"""Let the user edit a text, and apply what was made of it: the flow all `edit` commands share.

Source: measured in `shell-semantics`, section 12.
"""

import contextlib
import errno
import os
import random
import shutil
import signal
import string
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyvirsh.backend.errors import VirError
from pyvirsh.errors import CommandFailed
from pyvirsh.shell import terminal
from pyvirsh.shell.words import shell_quoted

if TYPE_CHECKING:
    from pyvirsh.shell.session import Session

# An editor and a file of these characters only need no shell to be run.
SAFE = frozenset(string.ascii_letters + string.digits + "-/_.:@")

# What is read back at the most.
SIZE_MAX = 10 * 1024 * 1024

FAILED = "Failed."
CHANGED = "The XML configuration was changed by another user."

HELP = {
    "y": "yes, start editor again",
    "n": "no, throw away my changes",
    "i": "turn off validation and try to redefine again",
    "f": "force, try to redefine again",
    "?": "print this help",
}


@dataclass(kw_only=True)
class Edit:
    """What to edit and what then happens.

    fetch: returns the present XML; called again before applying, to see whether it changed.
    apply: takes the new XML; what it returns goes to `edited`.  apply_unvalidated: the same
    without validation, where there is such a choice.  unchanged, edited: what to say at the end
    ("" for nothing); without `unchanged`, what was not changed is applied, too.  line_notes: with
    a newline of their own, as nearly all are.
    """

    fetch: Callable[[], str]
    apply: Callable[[str], Any]
    unchanged: str | None
    edited: str | Callable[[Any], str]
    apply_unvalidated: Callable[[str], Any] | None = None
    line_notes: bool = True


def edit_xml(ctx: "Session", edit: Edit) -> None:
    """Edit until the result is applied, left unchanged or given up.  Errors: CommandFailed, VirError."""
    base = edit.fetch()
    with temporary_file(base) as path:
        while True:
            run_editor(ctx, path)
            text = read_back(path)
            if text == base and edit.unchanged is not None:
                _say(ctx, edit, edit.unchanged)
                return
            base, done = _apply(ctx, edit, base, text)
            if done:
                return


def edit_text(ctx: "Session", text: str) -> str:
    """Let the user edit `text`; return what was made of it.  Errors: CommandFailed."""
    with temporary_file(text) as path:
        run_editor(ctx, path)
        return read_back(path)


def _apply(ctx: "Session", edit: Edit, base: str, text: str) -> "tuple[str, bool]":
    """Apply `text`, asking what to do when that cannot be done.

    Returns what is defined now and whether it is over; if not, the editor runs again.
    """
    apply = edit.apply
    while True:
        present = edit.fetch()
        reason = problem = ""
        if present != base:
            base, problem = present, CHANGED
        else:
            try:
                result = apply(text)
            except VirError as error:
                problem, reason = FAILED, error.text
            else:
                _say(ctx, edit, edit.edited(result) if callable(edit.edited) else edit.edited)
                return base, True
        may_relax = edit.apply_unvalidated is not None and apply is edit.apply
        answer = ask(ctx, problem, reason, may_relax=may_relax)
        if answer == "y":
            return base, False
        if answer == "n":
            raise CommandFailed
        if answer == "i" and edit.apply_unvalidated is not None:
            apply = edit.apply_unvalidated


def _say(ctx: "Session", edit: Edit, text: str) -> None:
    if text and edit.line_notes:
        ctx.out.note(text)
    elif text:
        ctx.out.raw_note(text)


def ask(ctx: "Session", problem: str, reason: str = "", *, may_relax: bool = False) -> str:
    """Say what went wrong and return the key of what to do now: y, n, f, or i if `may_relax`.

    Errors: CommandFailed with the problem if nobody is at a terminal to answer.
    """
    if not terminal.is_terminal():
        raise CommandFailed(problem, *([reason] if reason else []))
    if reason:
        ctx.out.error(reason)
    keys = "yni" if may_relax else "yn"
    keys += "f?"
    answer = ""
    while answer not in tuple(keys[:-1]):
        with terminal.raw():
            ctx.out.raw(f"\r{problem} Try again? [{','.join(keys)}]: ")
            ctx.out.flush()
            answer = terminal.read_key().lower() or "n"
            if answer == "?":
                ctx.out.raw("\r\n" + "".join(f"{key} - {HELP[key]}\r\n" for key in keys))
    ctx.out.raw("\r\n")
    ctx.out.flush()
    return answer


# -- the file and the editor -----------------------------------------------------------------------


@contextlib.contextmanager
def temporary_file(text: str) -> "Iterator[str]":
    """Write `text` to a file of its own that is gone after the block; gives its path."""
    path = ""
    while not path:
        name = "".join(random.choices(string.ascii_uppercase + string.digits, k=6))
        path = os.path.join(os.environ.get("TMPDIR") or "/tmp", f"virsh{name}.xml")
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            path = ""
        except OSError as error:
            raise CommandFailed(
                f"g_mkstemp_full: failed to create temporary file: {error.strerror}"
            ) from error
    try:
        try:
            with open(fd, "wb") as file:
                file.write(text.encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise CommandFailed(
                f"write: {path}: failed to write to temporary file: {error.strerror}"
            ) from error
        yield path
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)


def read_back(path: str) -> str:
    """Return what the editor has left in the file.  Errors: CommandFailed."""
    failure = f"{path}: failed to read temporary file: "
    try:
        with open(path, "rb") as file:
            data = file.read(SIZE_MAX + 1)
    except OSError as error:
        reason = f"Failed to open file '{path}': {error.strerror}"
        raise CommandFailed(failure + str(error.strerror), reason) from error
    if len(data) > SIZE_MAX:
        text = "Value too large for defined data type"
        raise CommandFailed(failure + text, f"Failed to read file '{path}': {text}")
    return data.decode("utf-8", "surrogateescape")


def run_editor(ctx: "Session", path: str) -> None:
    """Run the user's editor on the file and wait for its end.  Errors: CommandFailed."""
    ctx.out.flush()
    words = editor_command(path)
    if "/" not in words[0] and not shutil.which(words[0]):
        raise CommandFailed(f"Cannot find '{words[0]}' in path: {os.strerror(errno.ENOENT)}")
    shown = " ".join(shell_quoted(word) for word in words)
    failure = f"internal error: Child process ({shown}) unexpected "
    # ^C is for the editor alone; a handler, unlike SIG_IGN, is not inherited by it.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        status = subprocess.call(words)
    except OSError as error:
        text = f"cannot execute binary {words[0]}: {error.strerror}"
        status = 127 if isinstance(error, FileNotFoundError) else 126
        raise CommandFailed(text, f"{failure}exit status {status}") from error
    finally:
        signal.signal(signal.SIGINT, before)
    if status < 0:
        raise CommandFailed(f"{failure}fatal signal {-status}")
    if status:
        raise CommandFailed(f"{failure}exit status {status}")


def editor_command(path: str) -> "list[str]":
    """Return the words that run the user's editor on `path`.  Errors: CommandFailed."""
    editor = os.environ.get("VISUAL", os.environ.get("EDITOR", "vi"))
    if SAFE.issuperset(editor):
        return [editor, path]
    if not SAFE.issuperset(path):
        raise CommandFailed(
            f"{path}: temporary filename contains shell meta or other unacceptable characters "
            "(is $TMPDIR wrong?)"
        )
    return ["sh", "-c", f"{editor} {path}"]
