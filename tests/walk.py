#!/usr/bin/env python3
"""Walk at random through the test driver with virsh and pyvirsh in step, and compare what they say.

    walk.py [--seed N] [--steps N] [--keep-going]

Every sequence of 10 to 20 commands is given to both as one string.  Where the outputs differ, the sequence
is cut down to the commands that matter and shown with the difference.  What is random or depends on the
time is masked.  One sequence in four is on a host of its own, the others on the built-in one.
"""

import argparse
import difflib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from walks.anything import command
from walks.documents import DOCUMENTS
from walks.grammar import sequence

PATIENCE = 20
URI = "test:///default"
_MASKS = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", "UUID"),
    (r"52:54:00:(?!00:00:0)[0-9a-f]{2}(:[0-9a-f]{2}){2}", "MAC"),
    (r"51000[0-9a-f]{11}", "WWN"),
    (r"(CPU time: +)\d+\.\d+s", r"\1TIME"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d( [+-]\d{4})?", "DATE"),
    (r"\b1[6-9]\d{8}\b", "SECONDS"),
    (r"\b1[6-9]\d{17}\b", "NANOSECONDS"),
    (r"((?:cpu_time|user|system|cpu[.]\w+|vcpu[.]\d+[.]time)\b[^0-9\n]*)\d[\d.]*", r"\1TIME"),
    (r"(number of [\w ]+: +)\d+", r"\1COUNT"),
    (r"(error count: +)\d+", r"\1COUNT"),
    (r"(net\.\d+\.[rt]x\.\w+=)\d+", r"\1COUNT"),
    (r"(Time: +)\d+", r"\1TIME"),
    (r"(tx|rx|rd|wr)(_\w+ )\d+", r"\1\2COUNT"),
    (r"(virsh)\w{6}", r"\1XXXXXX"),
]


class Answer:
    """What a program said to a sequence: output, errors, status; None for a status: it did not end."""

    def __init__(self, output: str, errors: str, status: "int | None") -> None:
        self.output = _masked(output)
        self.errors = _masked(errors)
        self.status = status

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Answer) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

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
    return re.sub(r"(?:Domain: '.*\n(?:  .*\n)*\n)+", _sorted, text)


def _sorted(found: "re.Match[str]") -> str:
    """Return the paragraphs of domstats in order; virsh has none."""
    return "\n\n".join(sorted(found.group().strip("\n").split("\n\n"))) + "\n\n"


class Stage:
    """A directory with the documents, in which both programs run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.uri = URI

    def choose(self, seed: int) -> None:
        """Choose the host for a sequence."""
        self.uri = URI if seed % 4 else f"test://{self.directory}/node.xml"

    def _clear(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        for name, text in DOCUMENTS.items():
            (self.directory / name).write_text(text)

    def virsh(self, commands: "list[str]") -> Answer:
        """Run a sequence with virsh."""
        self._clear()
        words = ["virsh", "-c", self.uri, "; ".join(commands)]
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.directory,
            env=_environment(),
        )
        try:
            output, errors = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return Answer("", "", None)
        return Answer(output.decode(errors="replace"), errors.decode(errors="replace"), process.returncode)

    def pyvirsh(self, commands: "list[str]") -> Answer:
        """Run a sequence with pyvirsh, in a child that has everything imported already."""
        self._clear()
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            child = os.fork()
            if child == 0:
                self._perform(commands, output.fileno(), errors.fileno())
            _, status = os.waitpid(child, 0)
            texts = []
            for file in (output, errors):
                file.seek(0)
                texts.append(file.read().decode(errors="replace"))
        return Answer(*texts, os.waitstatus_to_exitcode(status) if not os.WIFSIGNALED(status) else None)

    def _perform(self, commands: "list[str]", output: int, errors: int) -> None:
        """Become pyvirsh."""
        from pyvirsh.__main__ import run

        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(errors, 2)
        os.chdir(self.directory)
        os.environ.clear()
        os.environ.update(_environment())
        signal.alarm(PATIENCE)
        status = 120
        try:
            status = run(["-c", self.uri, "; ".join(commands)], "virsh")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            if status == 120:
                import traceback

                traceback.print_exc()
                sys.stderr.flush()
            os._exit(status)

    def compare(self, commands: "list[str]") -> "str | None":
        """Return how the programs' answers differ; None if they do not, or virsh itself stumbled."""
        asked = self.virsh(commands)
        if asked.status is None or asked.status < 0 or "-CRITICAL **" in asked.errors:
            return None
        answered = self.pyvirsh(commands)
        if commands[-1].startswith("iface-destroy"):
            # Its status is one of those in which we differ on purpose.
            answered.status = asked.status
        return None if asked == answered else asked.difference(answered)


def _environment() -> "dict[str, str]":
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {"LC_ALL": "C.UTF-8", "TZ": "UTC", "EDITOR": "true"}


def shrink(stage: Stage, commands: "list[str]") -> "list[str]":
    """Return the commands that are needed for a difference: the shortest prefix, then without the idle."""
    length = next((n for n in range(1, len(commands)) if stage.compare(commands[:n])), len(commands))
    commands = commands[:length]
    for index in reversed(range(len(commands) - 1)):
        fewer = commands[:index] + commands[index + 1 :]
        if stage.compare(fewer):
            commands = fewer
    return commands


def warm_up() -> None:
    """Import what children would import each for themselves."""
    from importlib import import_module

    from pyvirsh import commands
    from pyvirsh.backend.test import driver

    for modules in commands.GROUPS.values():
        for module in set(modules.values()):
            import_module(f"pyvirsh.commands.{module}")
    for module in driver.THEMES:
        driver.load(module)


def walk(stage: Stage, seed: int, steps: int, *, keep_going: bool = False) -> "tuple[int, int]":
    """Walk so many steps; return how many were walked and how many sequences differed."""
    warm_up()
    walked = differed = 0
    while walked < steps and (keep_going or not differed):
        dice = random.Random(seed)
        commands = sequence(dice, dice.randint(10, 20), command)
        stage.choose(seed)
        if stage.compare(commands):
            differed += 1
            least = shrink(stage, commands)
            print(f"seed {seed} on {stage.uri}: {'; '.join(least)}\n{stage.compare(least)}\n", flush=True)
        walked += len(commands)
        seed += 1
    return walked, differed


def main() -> int:
    """Walk as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--keep-going", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        stage = Stage(Path(directory) / "stage")
        walked, differed = walk(stage, options.seed, options.steps, keep_going=options.keep_going)
    print(f"{walked} steps, {differed} sequences that differ")
    return 1 if differed else 0


if __name__ == "__main__":
    sys.exit(main())
