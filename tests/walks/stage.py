"""Both programs with the same commands, and what each of them said."""

import difflib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from walks.documents import DOCUMENTS

if TYPE_CHECKING:
    from pyvirsh.shell.session import Session

# How long, in seconds, and how often virsh is waited for: it can miss the end of a save, and hang.
PATIENCE = 6
_ATTEMPTS = 3
BUILT_IN = "test:///default"
_MASKS = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", "UUID"),
    (r"52:54:00:(?!00:00:0)[0-9a-f]{2}(:[0-9a-f]{2}){2}", "MAC"),
    (r"51000[0-9a-f]{11}", "WWN"),
    (r"(CPU time: +)\d+\.\d+s", r"\1TIME"),
    (r"\d{4}-\d\d-\d\d[ -]\d\d:\d\d:\d\d( [+-]\d{4})?", "DATE"),
    (r"\b1[6-9]\d{8}\b", "SECONDS"),
    (r"\b1[6-9]\d{17}\b", "NANOSECONDS"),
    (r"((?:cpu_time|user|system|cpu[.]\w+|vcpu[.]\d+[.]time)\b[^0-9\n]*)\d[\d.]*", r"\1TIME"),
    (r"(number of [\w ]+: +)\d+", r"\1COUNT"),
    (r"(error count: +)\d+", r"\1COUNT"),
    (r"(net\.\d+\.[rt]x\.\w+=)\d+", r"\1COUNT"),
    (r"(Time: +)[\d.]+", r"\1TIME"),
    (r"(tx|rx|rd|wr)(_\w+ )\d+", r"\1\2COUNT"),
    (r"(\berrs )\d+", r"\1COUNT"),
    (r"(virsh)\w{6}\b", r"\1XXXXXX"),
    (r"libvirt \d+\.\d+\.\d+", "libvirt VERSION"),
    (r"TEST \d+\.\d+\.\d+", "TEST VERSION"),
    (r"(?m)^DATE[.]\d+\+0000: \d+: (info|warning) : .*\n", ""),
    # What virsh says of a change that was refused (README).
    (r"(?m)^Domain '\(null\)' XML configuration edited\.\n", ""),
    # Events that are newer than the virsh beside us.
    (r"(?m)^(vcpu-removed|channel-lifecycle)\n", ""),
]
# What exits with another status than virsh on purpose.
_OTHER_STATUS = re.compile(r"iface-destroy|net-port-(dumpxml|delete)|[a-z-]*edit\b|.*--edit\b")


class Answer:
    """What a program said to a sequence: output, errors, status; None for a status: it did not end."""

    def __init__(self, output: str, errors: str, status: "int | None") -> None:
        self.output = _masked(output)
        self.errors = _masked(errors)
        self.status = status

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Answer) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def without_old_errors(self) -> "Answer":
        """Return the answer without what virsh adds to errors of cd and help: older ones, passed over."""
        own = r"(error: (?:cd: |command or command group ).*\n)"
        return Answer(self.output, re.sub(rf"{own}error: .*\n", r"\1", self.errors), self.status)

    def without_reason(self) -> "Answer":
        """Return the answer without why a change in an editor failed, of which virsh says nothing."""
        errors = re.sub(r"(error: Failed\.\n)error: .*\n((?!error: ).*\n)*", r"\1", self.errors)
        return Answer(self.output, errors, self.status)

    def difference(self, other: "Answer") -> str:
        """Return how another answer differs."""
        lines = []
        for name in ("output", "errors"):
            mine, theirs = getattr(self, name).split("\n"), getattr(other, name).split("\n")
            lines += [f"  {line}" for line in difflib.unified_diff(mine, theirs, lineterm="", n=2)][2:]
        if self.status != other.status:
            lines.append(f"  status {self.status}, then {other.status}")
        return "\n".join(lines)


def _masked(text: str) -> str:
    for pattern, mask in _MASKS:
        text = re.sub(pattern, mask, text)
    return re.sub(r"(?:Domain: '.*\n(?:  .*\n)*\n?)+", _sorted, text)


def _sorted(found: "re.Match[str]") -> str:
    """Return the paragraphs of domstats in order; virsh has none."""
    gap = "\n" if found.group().endswith("\n\n") else ""
    paragraphs = re.findall(r"Domain: '.*\n(?:  .*\n)*", found.group())
    return gap.join(sorted(paragraphs)) + gap


class Play:
    """What is to be performed: commands, how they are given, on which host, with what around them."""

    def __init__(self, commands: "list[str]") -> None:
        self.commands = commands
        self.uri = BUILT_IN
        self.options: list[str] = []
        # Whether the commands come as lines of the standard input.
        self.lines = False
        self.editor = "true"
        self.documents: dict[str, str] = {}

    def with_commands(self, commands: "list[str]") -> "Play":
        """Return the same with other commands."""
        other = Play(commands)
        vars(other).update({**vars(self), "commands": commands})
        return other

    def words(self) -> "list[str]":
        """Return the command line, without the program."""
        return ["-c", self.uri, *self.options, *([] if self.lines else ["; ".join(self.commands)])]

    def stdin(self) -> bytes:
        """Return what stands in the standard input."""
        return "".join(f"{command}\n" for command in self.commands).encode() if self.lines else b""

    def environment(self) -> "dict[str, str]":
        """Return the environment."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return kept | {"LC_ALL": "C.UTF-8", "TZ": "UTC", "EDITOR": self.editor}

    def __str__(self) -> str:
        how = " ".join([*self.options, *(["< lines"] if self.lines else [])])
        editor = f", EDITOR='{self.editor}'" if self.editor != "true" else ""
        text = f"on {self.uri} {how}{editor}: {'; '.join(self.commands)}"
        named = [f"\n  {name}: {xml}" for name, xml in self.documents.items() if name in text]
        return text + "".join(named)


class Stage:
    """A directory with the documents, in which both programs run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.results: list[tuple[str, bool]] = []

    @property
    def node(self) -> str:
        """The host that is described by one of the documents."""
        return f"test://{self.directory}/node.xml"

    def _clear(self, play: Play) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        for name, text in (DOCUMENTS | play.documents).items():
            (self.directory / name).write_text(text)

    def virsh(self, play: Play) -> Answer:
        """Perform with virsh."""
        self._clear(play)
        process = subprocess.Popen(
            ["virsh", *play.words()],
            stdin=subprocess.PIPE if play.lines else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.directory,
            env=play.environment(),
        )
        try:
            output, errors = process.communicate(play.stdin() or None, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return Answer("", "", None)
        return Answer(output.decode(errors="replace"), errors.decode(errors="replace"), process.returncode)

    def pyvirsh(self, play: Play) -> Answer:
        """Perform with pyvirsh, in a child that has everything imported already."""
        self._clear(play)
        with (
            tempfile.TemporaryFile() as stdin,
            tempfile.TemporaryFile() as output,
            tempfile.TemporaryFile() as errors,
            tempfile.TemporaryFile() as results,
        ):
            stdin.write(play.stdin())
            stdin.seek(0)
            child = os.fork()
            if child == 0:
                self._perform(play, [file.fileno() for file in (stdin, output, errors, results)])
            _, status = os.waitpid(child, 0)
            texts = []
            for file in (output, errors, results):
                file.seek(0)
                texts.append(file.read().decode(errors="replace"))
        self.results = [(line.split()[0], line.endswith("True")) for line in texts.pop().splitlines()]
        return Answer(*texts, os.waitstatus_to_exitcode(status) if not os.WIFSIGNALED(status) else None)

    def _perform(self, play: Play, files: "list[int]") -> None:
        """Become pyvirsh."""
        from pyvirsh.__main__ import run

        _record(files[3])
        if not play.lines:
            files[0] = os.open(os.devnull, os.O_RDONLY)
        for number, file in enumerate(files[:3]):
            os.dup2(file, number)
        os.chdir(self.directory)
        os.environ.clear()
        os.environ.update(play.environment())
        signal.alarm(4 * PATIENCE)
        status = 120
        try:
            status = run(play.words(), "virsh")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            if status == 120:
                import traceback

                traceback.print_exc(limit=-2)
                sys.stderr.flush()
            os._exit(status)

    def compare(self, play: Play) -> "str | None":
        """Return how the programs' answers differ; None if they do not, or virsh itself stumbled."""
        self.results = []
        asked = next((said for _ in range(_ATTEMPTS) if (said := self.virsh(play)).status is not None), None)
        if asked is None or asked.status < 0 or "-CRITICAL **" in asked.errors:
            return None
        answered = self.pyvirsh(play)
        if _OTHER_STATUS.match(play.commands[-1]):
            answered.status = asked.status
        if answered in (asked, asked.without_old_errors()) or answered.without_reason() == asked:
            return None
        return asked.difference(answered)


def _record(file: int) -> None:
    """Write down which commands run from now on in this process, and whether they go well."""
    from pyvirsh.shell import dispatch

    original = dispatch._attempt

    def attempt(session: "Session", bound: dispatch.Bound) -> bool:
        done = original(session, bound)
        os.write(file, f"{bound.command.name} {done}\n".encode())
        return done

    dispatch._attempt = attempt
