"""Transcripts: command lines with what they write, run against the program and captured from virsh.

A file under ``outputs/`` whose first line is ``# source: ...`` is a transcript::

    # source: virsh 11.3.0 on test:///default
    $ virsh domstate test
    running

    $ virsh domstate nope
    2> error: failed to get domain 'nope'

    [1]

All lines of a file share one connection, to test:///default unless a line says ``-c``.  A line ``2> ``
is standard error, ``[N]`` the status where it is not 0, ``<*>`` stands for anything within a line,
``| `` quotes a line that would mean something here, ``\\`` alone ends output that lacks its newline.
``xml/`` is outputs/xml.

    python tests/transcripts.py [--capture] FILE...

writes the files anew from what pyvirsh (--capture: virsh) answers; review the difference by hand.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from pyvirsh import __main__ as program_main
from pyvirsh import program
from pyvirsh.errors import UsageError
from pyvirsh.shell import dispatch
from pyvirsh.shell.binding import Bound
from pyvirsh.shell.output import Output
from pyvirsh.shell.session import Session

OUTPUTS = Path(__file__).parent / "outputs"
URI = "test:///default"
ENVIRON = {"LANG": "C", "LC_ALL": "C", "TZ": "UTC", "EDITOR": "true"}
UNSET = ("VISUAL", "VIRSH_DEBUG", "VIRSH_LOG_FILE", "VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI")


class Answer:
    """What a command wrote, and its status."""

    def __init__(self, stdout: str, stderr: str, status: int) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.status = status


class Step:
    """A command line of a transcript with the answer it must bring."""

    def __init__(self, line: str, answer: Answer) -> None:
        self.line = line
        self.answer = answer

    @property
    def argv(self) -> list[str]:
        """The words behind the program's name."""
        return shlex.split(self.line)[1:]


def find() -> list[Path]:
    """Return all transcripts."""
    files = sorted(OUTPUTS.rglob("*.txt"))
    return [path for path in files if _is_transcript(path.read_text("utf-8"))]


def _is_transcript(text: str) -> bool:
    return text.startswith("# source:") and "\n$ " in text


def read(path: Path) -> tuple[list[str], list[Step]]:
    """Return a transcript's head lines and its steps."""
    head: list[str] = []
    steps: list[Step] = []
    lines: list[str] = []
    for text in [*path.read_text("utf-8", "surrogateescape").splitlines(), "$ end"]:
        if not text.startswith("$ "):
            lines.append(text)
            continue
        if steps:
            steps[-1].answer = _answer(lines)
        else:
            head = lines
        lines = []
        steps.append(Step(text[2:], Answer("", "", 0)))
    return head, steps[:-1]


def _answer(lines: list[str]) -> Answer:
    status = 0
    if lines and (found := re.fullmatch(r"\[(\d+)\]", lines[-1])):
        status = int(found[1])
        lines = lines[:-1]
    stderr = "".join(line[3:] + "\n" for line in lines if line.startswith("2> "))
    out = [line for line in lines if not line.startswith("2> ")]
    cut = bool(out) and out[-1] == "\\"
    text = "".join(
        (line[2:] if line.startswith("| ") else line) + "\n" for line in out[: -1 if cut else None]
    )
    return Answer(text[:-1] if cut else text, stderr, status)


def write(path: Path, head: list[str], steps: list[Step]) -> None:
    """Write a transcript."""
    lines = list(head)
    for step in steps:
        lines.append("$ " + step.line)
        lines += ["2> " + text for text in step.answer.stderr.splitlines()]
        for text in step.answer.stdout.split("\n")[:-1] if step.answer.stdout else []:
            lines.append("| " + text if re.match(r"\$ |2> |\| |\[\d+\]$|\\$", text) else text)
        if step.answer.stdout and not step.answer.stdout.endswith("\n"):
            lines += [step.answer.stdout.rsplit("\n", 1)[-1], "\\"]
        if step.answer.status:
            lines.append(f"[{step.answer.status}]")
    path.write_text("\n".join(lines) + "\n", "utf-8", "surrogateescape")


def matches(expected: str, got: str) -> bool:
    """Compare, with ``<*>`` for anything within a line."""
    if "<*>" not in expected:
        return expected == got
    return bool(re.fullmatch("[^\n]*".join(map(re.escape, expected.split("<*>"))), got))


class Place:
    """A fresh working directory, home and environment for a transcript; a context manager."""

    def __enter__(self) -> "Place":
        self._scratch = tempfile.TemporaryDirectory()
        self._before = (os.getcwd(), dict(os.environ))
        os.environ.update(ENVIRON, HOME=self._scratch.name, TMPDIR=self._scratch.name)
        for name in UNSET:
            os.environ.pop(name, None)
        os.chdir(self._scratch.name)
        os.symlink(OUTPUTS / "xml", "xml")
        return self

    def __exit__(self, *_: object) -> None:
        os.chdir(self._before[0])
        os.environ.clear()
        os.environ.update(self._before[1])
        self._scratch.cleanup()


# -- through pyvirsh --------------------------------------------------------------------------------


class Ours:
    """Runs lines in this process, all on one connection."""

    def __init__(self, uri: str = URI) -> None:
        self._uri = uri
        self._session: Session | None = None

    def run(self, argv: list[str]) -> Answer:
        """Run one line."""
        options = program.Options("virsh")
        program.read(options, argv)
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            out = Output(stdout=stdout.fileno(), stderr=stderr.fileno())
            status = self._run(out, options)
            out.flush()
            return Answer(_text(stdout), _text(stderr), status)

    def _run(self, out: Output, options: program.Options) -> int:
        program_main._set_up(out, options)
        session = self._session
        if session is None or options.uri is not None or options.read_only:
            session = Session(out, uri=options.uri or self._uri, read_only=options.read_only, program="virsh")
            if options.uri is None and not options.read_only:
                self._session = session
        session.out = out
        try:
            if len(options.words) == 1:
                return dispatch.run_text(session, options.words[0], connect=True)
            return dispatch.run_argv(session, options.words, connect=True)
        finally:
            # The handles on test:///default in one process share its state.
            if session is not self._session:
                session.disconnect()

    def close(self) -> None:
        """Close the connection."""
        if self._session:
            self._session.disconnect()


def _text(file: "tempfile._TemporaryFileWrapper[bytes]") -> str:
    file.seek(0)
    return file.read().decode("utf-8", "surrogateescape")


# -- through virsh ------------------------------------------------------------------------------------


def run_virsh(steps: list[Step], *, statuses: bool) -> list[Answer]:
    """Run a transcript's lines in one virsh, told apart by markers on both streams.

    statuses: ask for each line's status too, with a run of everything up to it; else 0.
    """
    answers: list[Answer] = []
    texts: list[str] = []
    for step in steps:
        options = program.Options("virsh")
        program.read(options, step.argv)
        alone = options.uri is not None or _is_refused(options.words)
        if alone or len(step.argv) != len(options.words):
            answers.append(_virsh(step.argv if "-c" in step.argv else ["-c", URI, *step.argv]))
            continue
        line = options.words[0] if len(options.words) == 1 else shlex.join(options.words)
        texts.append(line)
        answers.append(Answer("", "", -1))
    together = iter(_split(texts, statuses=statuses))
    return [answer if answer.status != -1 else next(together) for answer in answers]


def _is_refused(words: list[str]) -> bool:
    try:
        commands(words)
    except UsageError:
        return True
    return False


def commands(words: list[str]) -> list[Bound]:
    """Return the commands that a line's words, behind the program's options, ask for.  Errors: UsageError."""
    with open(os.devnull, "wb") as silence:
        session = Session(Output(stdout=silence.fileno()), uri=URI)
        if len(words) == 1:
            return dispatch.parse_text(session, words[0])
        return dispatch.parse_argv(session, words)


def _split(texts: list[str], *, statuses: bool) -> list[Answer]:
    if not texts:
        return []
    marked = "; ".join(f"{text}; echo @@{i}@@; echo --err @@{i}@@" for i, text in enumerate(texts))
    whole = _virsh(["-c", URI, marked])
    outs = re.split(r"@@\d+@@\n\n", whole.stdout)
    errs = re.split(r"error: @@\d+@@\n", whole.stderr)
    answers = []
    for i in range(len(texts)):
        status = _virsh(["-c", URI, "; ".join(texts[: i + 1])]).status if statuses else 0
        answers.append(Answer(outs[i] if i < len(outs) else "", errs[i], status))
    return answers


def _virsh(argv: list[str]) -> Answer:
    done = subprocess.run(["virsh", *argv], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    decode = [data.decode("utf-8", "surrogateescape") for data in (done.stdout, done.stderr)]
    return Answer(decode[0], decode[1], done.returncode)


def main(argv: list[str]) -> int:
    """Write transcripts anew."""
    capture = "--capture" in argv
    for path in [Path(word).resolve() for word in argv if not word.startswith("--")]:
        head, steps = read(path)
        with Place():
            if capture:
                answers = run_virsh(steps, statuses=True)
            else:
                ours = Ours()
                answers = [ours.run(step.argv) for step in steps]
                ours.close()
        for step, answer in zip(steps, answers, strict=True):
            if not (
                matches(step.answer.stdout, answer.stdout)
                and matches(step.answer.stderr, answer.stderr)
                and step.answer.status == answer.status
            ):
                step.answer = answer
        write(path, head, steps)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
