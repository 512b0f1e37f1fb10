#!/usr/bin/env python3
"""Walk at random through the test driver with virsh and pyvirsh in step, and compare what they say.

    walk.py [--seed N] [--steps N] [--keep-going] [--coverage]

Every sequence of 10 to 20 commands is given to both programs, followed by commands that look at what became
of the host.  Where the outputs differ, the sequence is cut down to the commands that matter and shown with
the difference.  What is random or depends on the time is masked.  One sequence in four is on a host of its
own, the others on the built-in one; some are read-only, quiet or timed, some come as lines of the input.
"""

import argparse
import random
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from walks.anything import command
from walks.grammar import EDITORS, LOOK, sequence
from walks.mutations import documents
from walks.stage import Play, Stage

# How programs are started -> how often.
_WAYS = {"": 80, "-q": 4, "-r": 8, "-t": 3, "-q -r": 1, "-k 0": 1, "-e ^A": 1}
# How often they come as lines of the input, and how long those may be to be shown whole.
_LINES = 0.08
_WIDTH = 70
# What reads the input itself.
_ASKING = re.compile(r"console|.*edit|.* --edit")


def play(stage: Stage, seed: int) -> Play:
    """Return the sequence of a seed."""
    dice = random.Random(seed)
    made = Play(sequence(dice, dice.randint(10, 20), command))
    made.uri = stage.node if seed % 4 == 0 else made.uri
    made.options = dice.choices(list(_WAYS), list(_WAYS.values()))[0].split()
    fit = all(len(command) < _WIDTH and not _ASKING.match(command) for command in made.commands)
    made.lines = dice.random() < _LINES and fit
    made.editor = dice.choice(EDITORS)
    made.documents = documents(dice)
    return made


def shrink(stage: Stage, found: Play) -> Play:
    """Return the commands that are needed for a difference: the shortest prefix, then without the idle."""
    commands = found.commands
    length = next((n for n in range(1, len(commands)) if _differ(stage, found, commands[:n])), len(commands))
    commands = commands[:length]
    for index in reversed(range(len(commands) - 1)):
        fewer = commands[:index] + commands[index + 1 :]
        if _differ(stage, found, fewer):
            commands = fewer
    return found.with_commands(commands)


def _differ(stage: Stage, found: Play, commands: "list[str]") -> bool:
    return stage.compare(found.with_commands(commands)) is not None


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


class Walk:
    """A walk: how far it went, what it met."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.steps = 0
        self.differed = 0
        self.tried: Counter[str] = Counter()
        self.done: Counter[str] = Counter()

    def go(self, seed: int, steps: int, *, keep_going: bool = False) -> None:
        """Walk so many steps; a step is a command that was run."""
        warm_up()
        while self.steps < steps and (keep_going or not self.differed):
            self._sequence(seed)
            seed += 1

    def _sequence(self, seed: int) -> None:
        tried = play(self.stage, seed)
        whole = tried.with_commands(tried.commands + LOOK)
        # Twice: what is made within a second of something else has its name at times.
        if self.stage.compare(whole) and self.stage.compare(whole):
            self.differed += 1
            least = shrink(self.stage, whole)
            print(f"seed {seed} {least}\n{self.stage.compare(least)}\n", flush=True)
            return
        for name, well in self.stage.results[: len(tried.commands)]:
            self.steps += 1
            self.tried[name] += 1
            self.done[name] += well

    def coverage(self) -> str:
        """Return how often each command was tried and went well, by group."""
        from pyvirsh.commands import GROUPS

        lines = []
        for group, modules in GROUPS.items():
            lines.append(f"{group}:")
            lines += [f"  {name}  {self.tried[name]}, {self.done[name]} well" for name in modules]
        return "\n".join(lines)


def main() -> int:
    """Walk as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--keep-going", action="store_true")
    parser.add_argument("--coverage", action="store_true", help="show how often each command was walked")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        walk = Walk(Stage(Path(directory) / "stage"))
        walk.go(options.seed, options.steps, keep_going=options.keep_going)
    if options.coverage:
        print(walk.coverage())
    commands = sum(1 for count in walk.tried.values() if count)
    print(f"{walk.steps} steps with {commands} commands, {walk.differed} sequences that differ")
    return 1 if walk.differed else 0


if __name__ == "__main__":
    sys.exit(main())
