"""Every command in virsh and in pyvirsh, each side with a real libvirtd of its own.

What is run are the transcripts captured from virsh and the lines of ``catalogue/*.txt``::

    # a comment
    = qemu              the lines below run on QEMU, begun anew; "= lxc" on LXC, "= test" on the test driver
    define q/guest.xml; start guest
    @sort
    nodedev-list

Each line is one command string.  Lines with ``@`` say something about the next one:

- ``@sort``: its lines come in any order
- ``@mask REGEX``: do not compare what matches
- ``@until [TEXT]``: run it again and again until it succeeds, and says TEXT
- ``@env NAME=VALUE``: with this environment
- ``@options WORDS``: with these options of the program
- ``@meanwhile COMMANDS``: what another virsh does soon after it began
- ``@differs WHY``: it differs, on purpose; if it does no longer, that is a fault

``q/`` are the files of catalogue/xml with {guest} (the tiny guest), {dir} (the working directory), {uri} and
{peer} (this side's daemon, another one of this side) filled in, which lines may have too.

    python tests/differential.py [--all] [PART-OF-A-NAME...]

prints what differs (--all: everything) and a table: per group, how many commands were compared and how many
were equal.
"""

import contextlib
import difflib
import itertools
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import daemons
import guest
import transcripts
from pyvirsh import program
from pyvirsh.commands import GROUPS, load
from pyvirsh.errors import UsageError
from pyvirsh.shell import dispatch
from pyvirsh.shell.output import Output
from pyvirsh.shell.session import Session
from transcripts import Answer

CATALOGUE = Path(__file__).parent / "catalogue"
URIS = {
    "test": "test+unix:///default?socket={}",
    "qemu": "qemu+unix:///system?socket={}",
    "lxc": "lxc+unix:///system?socket={}",
}
SECONDS = 30
# A guest can be long on its way up where there is no KVM, and others are at work.
UNTIL_SECONDS = 150
# virsh loses the end of a job that is over before it waits for it, and then waits for ever.
CAN_HANG = ("save", "dump", "managedsave", "blockpull", "blockcommit", "blockcopy")
HANG_SECONDS = 15

MASKS = (
    # First: the test driver says the time of day.
    (r"(?i)(cpu.time:?\s+|\bcpu.time=|_time\s+|user\s+|system\s+)[\d.]+", r"\1<T>"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<UUID>"),
    (r"52:54:00(:[0-9a-f]{2}){3}", "<MAC>"),
    (r"\b1[6-9]\d{8}(\.\d+)?\b", "<TIME>"),
    (r"\d{4}-\d\d-\d\d[ -]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d{4})?", "<DATE>"),
    (r"\(Time: \d+\.\d+ ms\)", "(Time: <T> ms)"),
    # How often progress is shown depends on the moment.
    (r"(\r[A-Z][\w ]*: \[ *[\d.]+ %\])+", "<progress>"),
    (r"\b(virsh)\w{6}\.xml", "virsh<TMP>.xml"),
)


class Line:
    """A command line, with what is to be known about it."""

    def __init__(self, argv: list[str], shown: str) -> None:
        self.argv = argv
        self.shown = shown
        self.sort = False
        self.until: str | None = None
        self.masks: list[str] = []
        self.env: dict[str, str] = {}
        self.meanwhile = self.differs = ""


class Case:
    """Lines that run in one world, a key of URIS."""

    def __init__(self, name: str, world: str, lines: list[Line]) -> None:
        self.name = name
        self.world = world
        self.lines = lines


class Result:
    """What a line brought on both sides."""

    def __init__(self, line: Line, theirs: Answer, ours: Answer) -> None:
        self.line = line
        self.theirs = theirs
        self.ours = ours

    @property
    def hung(self) -> bool:
        """Say whether virsh never ended."""
        return self.theirs.status == -1

    @property
    def equal(self) -> bool:
        """Say whether both sides wrote the same and ended the same."""
        return self._seen(self.theirs) == self._seen(self.ours)

    def _seen(self, answer: Answer) -> "tuple[str, str, int]":
        out = "\n".join(sorted(answer.stdout.split("\n"))) if self.line.sort else answer.stdout
        return (out, answer.stderr, answer.status)

    def difference(self) -> str:
        """Return what differs, for a reader."""
        texts = []
        for answer in (self.theirs, self.ours):
            out, err, status = self._seen(answer)
            texts.append([*out.splitlines(), *(f"2> {text}" for text in err.splitlines()), f"[{status}]"])
        if self.equal:
            return "\n".join([self.line.shown, *texts[0]])
        return "\n".join([self.line.shown, *difflib.unified_diff(*texts, "virsh", "pyvirsh", lineterm="")])


# -- what is run -------------------------------------------------------------------------------------------


def cases() -> list[Case]:
    """Return the transcripts of virsh and the catalogue."""
    return [*_of_transcripts(), *(case for path in sorted(CATALOGUE.glob("*.txt")) for case in _read(path))]


def _of_transcripts() -> Iterator[Case]:
    for path in transcripts.find():
        head, steps = transcripts.read(path)
        if head[0].startswith("# source: virsh "):
            lines = [Line(_without_uri(step.argv), step.line) for step in steps]
            # Behind `connect` all is on another connection.
            lines = [*itertools.takewhile(lambda line: line.argv[:1] != ["connect"], lines)]
            lines = [line for line in lines if not _own_connection(line.argv)]
            if lines:
                yield Case(str(path.relative_to(transcripts.OUTPUTS).with_suffix("")), "test", lines)


def _without_uri(argv: list[str]) -> list[str]:
    """Leave out the connection that all lines of a transcript have."""
    return argv[2:] if argv[:2] == ["-c", transcripts.URI] else argv


def _own_connection(argv: list[str]) -> bool:
    options = program.Options("virsh")
    program.read(options, argv)
    return options.uri is not None


def _read(path: Path) -> list[Case]:
    found: list[Case] = []
    pending: list[tuple[str, str]] = []
    for text in path.read_text("utf-8").splitlines():
        if text.startswith("= "):
            found.append(Case(f"catalogue/{path.stem}-{len(found)}", text[2:].strip(), []))
        elif text.startswith("@"):
            word, _, value = text[1:].partition(" ")
            pending.append((word, value))
        elif text and not text.startswith("#"):
            found[-1].lines.append(_line(text, pending))
            pending = []
    return found


def _line(text: str, directives: list[tuple[str, str]]) -> Line:
    line = Line([text], text)
    for word, value in directives:
        if word == "sort":
            line.sort = True
        elif word == "mask":
            line.masks.append(value)
        elif word == "env":
            name, _, what = value.partition("=")
            line.env[name] = what
        elif word == "options":
            line.argv = [*value.split(), text]
            line.shown = f"{value} {text}"
        elif word in ("meanwhile", "differs", "until"):
            setattr(line, word, value)
        else:
            raise ValueError(f"@{word} is no directive")
    return line


def exempt() -> dict[tuple[str, str], str]:
    """Return (command, option or "") -> why it is in no line."""
    found = {}
    for text in (CATALOGUE / "exempt").read_text("utf-8").splitlines():
        if text and not text.startswith("#"):
            what, _, reason = text.partition(": ")
            command, _, option = what.partition(" --")
            found[command, option] = reason
    return found


def used(lines: "list[Line]") -> dict[str, set[str]]:
    """Return command -> the options that lines give it."""
    session = Session(Output(stdout=os.open(os.devnull, os.O_WRONLY)), uri=transcripts.URI)
    found: dict[str, set[str]] = {}
    for line in lines:
        options = program.Options("virsh")
        program.read(options, line.argv)
        words = options.words
        try:
            one = len(words) == 1
            bound = dispatch.parse_text(session, words[0]) if one else dispatch.parse_argv(session, words)
        except UsageError:
            continue
        for command in bound:
            found.setdefault(command.command.name, set()).update(command.args.values)
    return found


# -- the two sides -----------------------------------------------------------------------------------------


class Side:
    """One of the two: its daemons, its working directory, what it wrote with that masked."""

    def __init__(self, base: Path, scratch: Path, world: str, peer: "Path | None") -> None:
        self.uri = URIS[world].format(base / "libvirt" / "libvirt-sock")
        self._hidden = [(str(scratch), "<DIR>"), (str(base), "<BASE>")]
        if peer:
            self._hidden.append((str(peer), "<PEER>"))
        self.scratch = scratch
        self.environ = {"PATH": os.environ["PATH"], **transcripts.ENVIRON}
        self.environ.update(HOME=str(scratch), TMPDIR=str(scratch))
        filled = {"{dir}": str(scratch), "{guest}": "", "{uri}": self.uri, "{peer}": ""}
        if world == "qemu":
            filled["{guest}"] = str(guest.directory())
            filled["{peer}"] = URIS[world].format(f"{peer}/libvirt/libvirt-sock")
        self._filled = filled
        (scratch / "xml").symlink_to(transcripts.OUTPUTS / "xml")
        (scratch / "q").mkdir()
        for path in (CATALOGUE / "xml").iterdir():
            (scratch / "q" / path.name).write_text(self.fill(path.read_text("utf-8")))

    def fill(self, text: str) -> str:
        """Put what is this side's own into a text."""
        for name, value in self._filled.items():
            text = text.replace(name, value)
        return text

    def mask(self, line: Line, answer: Answer) -> Answer:
        """Hide what cannot be equal."""
        for name in ("stdout", "stderr"):
            text = getattr(answer, name)
            for there, shown in self._hidden:
                text = text.replace(there, shown)
            for pattern, shown in (*MASKS, *((mask, "<M>") for mask in line.masks)):
                text = re.sub(pattern, shown, text, flags=re.M)
            setattr(answer, name, text)
        return answer

    def virsh(self, argv: list[str], env: dict[str, str], seconds: float = SECONDS) -> Answer:
        """Run one virsh; status -1 where it does not end."""
        try:
            done = subprocess.run(
                ["virsh", "-c", self.uri, *argv],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                cwd=self.scratch,
                env={**self.environ, **env},
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            return Answer("", "", -1)
        out, err = (data.decode("utf-8", "surrogateescape") for data in (done.stdout, done.stderr))
        return Answer(out, err, done.returncode)


def _again(line: Line, run: "object") -> Answer:
    assert callable(run)
    deadline = time.monotonic() + UNTIL_SECONDS
    while True:
        answer = run()
        assert isinstance(answer, Answer)
        done = line.until is None or (answer.status == 0 and line.until in answer.stdout + answer.stderr)
        if done or time.monotonic() > deadline:
            return answer
        time.sleep(0.1)


@contextlib.contextmanager
def _meanwhile(side: Side, line: Line) -> Iterator[None]:
    def act() -> None:
        began = time.monotonic()
        side.virsh(["uri"], {})
        # What waits must wait by then: it takes longer to begin where much goes on.
        time.sleep(max(0.4, 3 * (time.monotonic() - began)))
        side.virsh([side.fill(line.meanwhile)], {})

    if not line.meanwhile:
        yield
        return
    thread = threading.Thread(target=act)
    thread.start()
    yield
    thread.join()


def _run_virsh(side: Side, lines: list[Line]) -> list[Answer]:
    answers = []
    for line in lines:
        argv = [side.fill(word) for word in line.argv]
        seconds = HANG_SECONDS if any(re.search(rf"\b{name}\b", line.shown) for name in CAN_HANG) else SECONDS
        with _meanwhile(side, line):
            answer = _again(line, lambda a=argv, e=line.env, s=seconds: side.virsh(a, e, s))
        answers.append(side.mask(line, answer))
    return answers


def _run_ours(side: Side, lines: list[Line]) -> list[Answer]:
    answers = []
    ours = transcripts.Ours(side.uri)
    before = os.getcwd(), dict(os.environ)
    try:
        for name in transcripts.UNSET:
            os.environ.pop(name, None)
        os.environ.update(side.environ)
        os.chdir(side.scratch)
        for line in lines:
            argv = [side.fill(word) for word in line.argv]
            os.environ.update(line.env)
            with _meanwhile(side, line):
                answer = _again(line, lambda a=argv: ours.run(a))
            os.environ.update({name: side.environ.get(name, "") for name in line.env})
            answers.append(side.mask(line, answer))
    finally:
        ours.close()
        os.chdir(before[0])
        os.environ.clear()
        os.environ.update(before[1])
    return answers


class Judge:
    """Runs cases; keeps the daemons of the test driver, which forgets; a context manager."""

    def __enter__(self) -> "Judge":
        self._stack = contextlib.ExitStack()
        self._kept: list[Path] = []
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, case: Case) -> list[Result]:
        """Run the lines on both sides at once."""
        with contextlib.ExitStack() as stack:
            if case.world == "test":
                while len(self._kept) < 2:
                    self._kept.append(self._stack.enter_context(daemons.libvirtd()))
                return _run(case, self._kept)
            peers = any("{peer}" in line.shown for line in case.lines)
            start = daemons.system_libvirtd
            return _run(case, [stack.enter_context(start()) for _ in range(4 if peers else 2)])


def _run(case: Case, bases: list[Path]) -> list[Result]:
    """Run the lines; `bases` are of virsh's daemon, of ours and of a peer of each, where they have one."""
    peers = [*bases[2:], None, None]
    with _scratch() as one, _scratch() as two:
        theirs = Side(bases[0], one, case.world, peers[0])
        ours = Side(bases[1], two, case.world, peers[1])
        with _kept(theirs, case.world), _kept(ours, case.world):
            got: list[Answer] = []
            thread = threading.Thread(target=lambda: got.extend(_run_virsh(theirs, case.lines)))
            thread.start()
            mine = _run_ours(ours, case.lines)
            thread.join()
    return [Result(*each) for each in zip(case.lines, got, mine, strict=True)]


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pv-") as name:
        # The daemons of the test driver are nobody's.
        os.chmod(name, 0o755)
        yield Path(name)


@contextlib.contextmanager
def _kept(side: Side, world: str) -> Iterator[None]:
    """Keep a connection open: the test driver forgets everything with its last one.

    It has when the network is gone that marks what was there before.
    """
    deadline = time.monotonic() + SECONDS
    while world == "test" and side.virsh(["net-info", "before"], {}).status == 0:
        if time.monotonic() > deadline:
            raise RuntimeError("the test driver does not forget")
        time.sleep(0.02)
    keeper = subprocess.Popen(
        ["virsh", "-q", "-c", side.uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=side.environ
    )
    assert keeper.stdin and keeper.stdout
    with daemons.running(keeper):
        keeper.stdin.write(b"echo here\n")
        keeper.stdin.flush()
        while b"here" not in keeper.stdout.readline():
            pass
        yield
        if world == "test":
            side.virsh(["net-define", "xml/before.xml"], {})
        keeper.stdin.close()
        keeper.stdout.close()


# -- the table ---------------------------------------------------------------------------------------------


COLUMNS = ("group", "commands", "compared", "equal", "on purpose", "lines", "equal", "on purpose", "hung")


def table(results: list[Result]) -> str:
    """Return how many commands, and lines, were compared, were equal, and differ on purpose."""
    rows = []
    lines: dict[str, list[Result]] = {}
    for result in results:
        for name in used([result.line]):
            lines.setdefault(name, []).append(result)
    for (_, title), members in GROUPS.items():
        found = {name: _lines_of(name, lines) for name in members}
        there = {name: every for name, every in found.items() if every}
        equal = [name for name, every in there.items() if all(each.equal or each.hung for each in every)]
        meant = [
            name
            for name, every in there.items()
            if name not in equal and all(each.equal or each.hung or each.line.differs for each in every)
        ]
        ran = {id(each): each for every in there.values() for each in every}.values()
        same = sum(each.equal for each in ran)
        hung = sum(each.hung for each in ran)
        other = sum(bool(each.line.differs) for each in ran)
        rows.append((title, len(members), len(there), len(equal), len(meant), len(ran), same, other, hung))
    rows.append(("all", *(sum(row[at] for row in rows) for at in range(1, len(COLUMNS)))))
    shape = "{:22}" + "{:>11}" * (len(COLUMNS) - 1) + "\n"
    return "".join(shape.format(*row) for row in (COLUMNS, *rows))


def _lines_of(name: str, lines: "dict[str, list[Result]]") -> list[Result]:
    """Return the results of a command; another name of it counts where it is used."""
    real = load(name).name
    found = lines.get(real, [])
    return found if real == name else [each for each in found if name in each.line.shown]


def main(argv: list[str]) -> int:
    """Run what is named, or all."""
    whole = "--all" in argv
    argv = [word for word in argv if word != "--all"]
    results = []
    with Judge() as judge:
        for case in cases():
            if argv and not any(word in case.name for word in argv):
                continue
            began = time.monotonic()
            got = judge.run(case)
            results += got
            wrong = [result for result in got if not result.equal]
            sys.stdout.write(
                f"## {case.name}: {len(got)} lines, {len(wrong)} differ, {time.monotonic() - began:.1f} s\n"
            )
            for result in got if whole else wrong:
                mark = "(virsh hung) " if result.hung else ""
                mark += f"(differs: {result.line.differs}) " if result.line.differs else ""
                sys.stdout.write(mark + result.difference() + "\n\n")
            sys.stdout.flush()
    sys.stdout.write(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
