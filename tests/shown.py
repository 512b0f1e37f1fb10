"""What commands show as data: lines that show it, and the keys as docs/output.rst lists them.

    python tests/shown.py

writes that list anew from what the lines of outputs/data/lines.txt give; review the difference.  They run on
the test driver, each on a fresh host; what that lacks answers as `canned` says.
"""

import json
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

from canned import Canned
from pyvirsh import commands
from pyvirsh.backend.test.driver import forget_built_in
from pyvirsh.shell import dispatch
from pyvirsh.shell.output import Output
from pyvirsh.shell.session import Session
from transcripts import Place

DOCUMENT = Path(__file__).parent.parent / "docs" / "output.rst"
LINES = Path(__file__).parent / "outputs" / "data" / "lines.txt"
BEGIN, END = ".. keys of each command, written by tests/shown.py", ".. end of the keys"

# -- running the lines -----------------------------------------------------------------------------------

# Methods of Output by which results leave.
WRITERS = ("records", "names", "fields", "value", "xml", "event", "data")
COMMANDS = str(Path(commands.__file__).parent)


class Recorder(Output):
    """Remembers by which methods results leave and where those are called."""

    def __init__(self, **descriptors):
        super().__init__(**descriptors)
        self.used = []

    def _note(self, name):
        # The caller of the method that was called first.
        frame = sys._getframe(2)
        if frame.f_code.co_filename.startswith(COMMANDS):
            self.used.append((name, Path(frame.f_code.co_filename).name, frame.f_lineno))


def _recording(name):
    def method(self, *values, **options):
        self._note(name)
        return getattr(Output, name)(self, *values, **options)

    return method


for _name in WRITERS:
    setattr(Recorder, _name, _recording(_name))


class Answer:
    """What a line brought: its text on stdout and stderr, its status, the calls by which results left."""

    def __init__(self, stdout, stderr, status, used):
        self.stdout = stdout
        self.stderr = stderr
        self.status = status
        self.used = used


def run(line, format="json", driver=Canned):
    """Run a line on a fresh host, with a fresh directory."""
    forget_built_in()
    with Place(), tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        Path("argv").write_text("qemu-system-x86_64\n")
        out = Recorder(stdout=stdout.fileno(), stderr=stderr.fileno())
        out.format = format
        session = Session(out)
        session._driver = driver()
        try:
            status = dispatch.run_text(session, line)
        finally:
            session.disconnect()
            out.flush()
        texts = []
        for file in (stdout, stderr):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "surrogateescape"))
    return Answer(*texts, status, out.used)


def lines(part: str = "") -> "list[str]":
    """Return the lines of a part of the file: "" for those that the document is made of, "more"."""
    found: dict[str, list[str]] = {"": []}
    at = ""
    for line in LINES.read_text().splitlines():
        if line.startswith("= "):
            at = line[2:]
            found[at] = []
        elif line and not line.startswith("##"):
            found[at].append(line)
    return found[part]


def command_of(line: str) -> str:
    """Return the command whose result a line shows: the last one."""
    return line.rpartition("; ")[2].split()[0]


# -- what they show ---------------------------------------------------------------------------------------

# Objects whose keys are libvirt's own names, or what a guest or a user says.
OPEN = {
    "domstats": ("[].stats",),
    "guestinfo": ("",),
    "event": (".params",),
    "qemu-monitor-event": (".details",),
    "qemu-monitor-command": ("",),
    "qemu-agent-command": ("",),
}
KINDS = {str: "", int: "number", float: "number", bool: "true or false", type(None): "null"}
Shape = dict[str, set[str]]


def shape(value: object, shut: "tuple[str, ...]" = (), path: str = "") -> Shape:
    """Return the paths in some data with the kinds of what stands there."""
    if path in shut and isinstance(value, dict):
        return {path: {"object"}}
    found: Shape = {}
    if isinstance(value, dict):
        parts = [(f"{path}.{key}", item) for key, item in value.items()]
    elif isinstance(value, list):
        found[path] = {"list"}
        parts = [(f"{path}[]", item) for item in value]
    else:
        return {path: {KINDS[type(value)]}}
    for where, item in parts:
        for name, kinds in shape(item, shut, where).items():
            found.setdefault(name, set()).update(kinds)
    return found


class Entry:
    """What a command shows, from all its lines."""

    def __init__(self) -> None:
        self.xml: set[str] = set()
        self.shapes: dict[str, Shape] = {}

    def add(self, command: str, answer: Answer) -> None:
        """Take in what a line brought."""
        shut = OPEN.get(command, ())
        if answer.used[-1][0] == "event":
            for text in answer.stdout.splitlines():
                data = json.loads(text)
                self._merge(str(data.get("event", "")), shape(data, shut))
            return
        data = json.loads(answer.stdout)
        if answer.used[-1][0] == "xml":
            self.xml.update(data)
        else:
            self._merge("", shape(data, shut))

    def _merge(self, name: str, found: Shape) -> None:
        kept = self.shapes.setdefault(name, {})
        for path, kinds in found.items():
            kept.setdefault(path, set()).update(kinds)


def entries(ask: "Callable[[str], Answer]") -> "dict[str, Entry]":
    """Return what each command shows, of all lines' answers in JSON."""
    found: dict[str, Entry] = {}
    for line in lines():
        answer = ask(line)
        if answer.status and not answer.stdout:
            raise AssertionError(f"{line}: {answer.stderr}")
        command = command_of(line)
        found.setdefault(command, Entry()).add(command, answer)
    return found


# -- as the document has it ---------------------------------------------------------------------------


def document(ask: "Callable[[str], Answer]" = run) -> str:
    """Return what stands between the marks of the document."""
    found = entries(ask)
    parts = []
    for (_, title), group in commands.GROUPS.items():
        shown = [name for name in group if name in found]
        if shown:
            parts += [title, "-" * len(title), ""]
            for name in shown:
                parts += [f"``{name}``", *_wrapped(_told(found[name])), ""]
    return "\n".join(parts)


def _wrapped(text: str) -> "list[str]":
    return textwrap.wrap(text, 108, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


def _told(entry: Entry) -> str:
    told = [f"the document as data: ``{name}``" for name in sorted(entry.xml)]
    told += [text for name, found in entry.shapes.items() if name == "" for text in _shape_told(found)]
    events = {name: found for name, found in entry.shapes.items() if name}
    if events:
        told.append("one object a line: " + _events_told(events))
    return _sentence("; or ".join(told))


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _events_told(events: "dict[str, Shape]") -> str:
    common = set.intersection(*(set(found) for found in events.values()))
    first = next(iter(events.values()))
    told = [_keys({path: kinds for path, kinds in first.items() if path in common}, "")]
    for name, found in events.items():
        own = {path: kinds for path, kinds in found.items() if path not in common}
        if own:
            told.append(f"*{name}*: {_keys(own, '')}")
    return "; ".join(told)


def _shape_told(found: Shape) -> "Iterator[str]":
    keys = {path: kinds for path, kinds in found.items() if path.startswith(".")}
    rows = {path: kinds for path, kinds in found.items() if path.startswith("[].")}
    if keys:
        yield "an object: " + _keys(keys, "")
    if rows:
        yield "a list of objects: " + _keys(rows, "[]")
    if "[]" in found:
        yield "a list of " + "s or ".join(kind or "text" for kind in sorted(found["[]"])) + "s"
    if "null" in found.get("", ()):
        yield "null where there is none"
    if "object" in found.get("", ()):
        yield "an object whose keys are not pyvirsh's"


def _keys(found: Shape, root: str) -> str:
    told = []
    for path, kinds in found.items():
        if kinds == {"list"} and any(other.startswith(path + "[]") for other in found):
            continue
        named = " or ".join(sorted((kind or "text" for kind in kinds), key=lambda kind: kind == "null"))
        name = path.removeprefix(root).removeprefix(".")
        told.append(f"``{name}``" + (f" ({named})" if named != "text" else ""))
    return ", ".join(told)


def split(text: str) -> "tuple[str, str, str]":
    """Return the document before, between and behind the marks."""
    before, _, rest = text.partition(BEGIN + "\n")
    between, _, behind = rest.partition(END)
    return before + BEGIN + "\n", between, END + behind


if __name__ == "__main__":
    before, _, behind = split(DOCUMENT.read_text())
    DOCUMENT.write_text(before + "\n" + document() + "\n" + behind)
