"""The language that random walks are written in.

A line is a command with its words: ``{name}`` is replaced with one of VALUES[name], ``[...]`` is left out
most of the time, ``(a|b)`` is one of its parts.  A line stands as often as it is to be drawn.
"""

import random
import re
from collections.abc import Callable

from walks import lines
from walks.values import VALUES

# What a sequence is about: name of values -> value.
Focus = dict[str, str]
Anything = Callable[[random.Random, Focus], str]

# Group -> its lines, and how often it is drawn.
_GROUPS = {
    "domain": (lines.DOMAINS, 8),
    "guest": (lines.GUEST, 6),
    "moment": (lines.MOMENTS, 5),
    "network": (lines.NETWORKS, 4),
    "storage": (lines.STORAGE, 6),
    "host": (lines.HOST, 2),
    "secret": (lines.SECRETS, 1),
    "edit": (lines.EDITS, 2),
    "event": (lines.EVENTS, 1),
    "virsh": (lines.VIRSH, 1),
}
_LINES = {name: [line for line in text.split("\n") if line] for name, (text, _) in _GROUPS.items()}
_WEIGHTS = {name: weight for name, (_, weight) in _GROUPS.items()}


def _opening(line: str) -> "tuple[str, Focus, list[str]]":
    group, focus, commands = line.split(" | ")
    return group, dict(pair.split("=") for pair in focus.split()), commands.split("; ")


_OPENINGS = [_opening(line) for line in lines.OPENINGS.strip().split("\n")]
# How often what stands in brackets is there.
_OPTIONAL = 0.25
# How often a command is any with any options.
_ANYTHING = 0.3
# How often a value is the one that a sequence is about.
_FOCUSED = 0.7
# How often a sequence begins with one of the openings.
_OPENED = 0.7
# How often a sequence has a command that cannot be read, so that none of it runs.
_UNREADABLE = 0.01
_BROKEN = (
    "bogus",
    "list --bogus",
    "dominfo",
    "domstate test x",
    'echo "x',
    "list --all=1",
    "setmem test --size",
)

EDITORS = (
    "true",
    "true",
    "false",
    "nosuch-editor",
    "sed -i s/65536/70000/",
    "sed -i -e s/8192/9000/ -e 's,one>,two>,g' -e s/10000000/20000000/",
    "sed -i 's,<memory>.*,<memory>7000</memory>,'",
)
# What shows the whole host after a sequence.
LOOK = """
list --all --title
list --all --uuid
domstats --raw
dumpxml test
dumpxml a
dumpxml a --inactive --security-info
dumpxml b --inactive
vcpuinfo a --pretty
iothreadinfo a
snapshot-list test --tree
snapshot-list a --parent
snapshot-list a --current
checkpoint-list test --tree
checkpoint-list a --parent
net-list --all
net-dumpxml default
net-dumpxml n1
net-dumpxml n1 --inactive
pool-list --all --details
pool-dumpxml p1
pool-dumpxml default-pool
vol-list default-pool --details
vol-list p1 --details
iface-list --all
iface-dumpxml eth1
nodedev-list --tree
nodedev-dumpxml scsi_host12
""".strip().split("\n")


def sequence(dice: random.Random, length: int, anything: "Anything") -> "list[str]":
    """Return so many commands, most of them of one or two groups, some from `anything`."""
    groups = list(_WEIGHTS)
    weights = list(_WEIGHTS.values())
    favourites = dice.choices(groups, weights, k=2)
    made: list[str] = []
    focus: Focus = {}
    if dice.random() < _OPENED:
        favourites[0], focus, made = dice.choice(_OPENINGS)
        made = [*made]
    while len(made) < length:
        if dice.random() < _ANYTHING:
            made.append(anything(dice, focus))
            continue
        group = dice.choice(favourites) if dice.random() < 0.8 else dice.choices(groups, weights)[0]
        made.append(command(dice, dice.choice(_LINES[group]), focus))
    # virsh has no standard error after it, and then no editor.
    made.sort(key=lambda line: line.startswith("complete"))
    if dice.random() < _UNREADABLE:
        made[dice.randrange(length)] = dice.choice(_BROKEN)
    return made


def value(dice: random.Random, name: str, focus: Focus) -> str:
    """Return one of VALUES[name], mostly the one that the sequence is about."""
    if name in focus and dice.random() < _FOCUSED:
        return focus[name]
    return dice.choice(VALUES[name])


def command(dice: random.Random, line: str, focus: Focus) -> str:
    """Return a command that a line of the grammar describes."""
    while (optional := re.search(r"\[([^][]*)\]", line)) is not None:
        kept = optional.group(1) if dice.random() < _OPTIONAL else ""
        line = line[: optional.start()] + kept + line[optional.end() :]
    line = re.sub(r"\(([^()]*)\)", lambda found: dice.choice(found.group(1).split("|")), line)
    line = re.sub(r"\{(\w+)\}", lambda found: value(dice, found.group(1), focus), line)
    return readable(line)


def readable(line: str) -> str:
    """Return a command without what the programs need not agree on.

    That is what schemas say of odd documents, and metadata to be edited that cannot be had (README).
    """
    if "odd-" in line:
        line = line.replace(" --validate", "")
    if line.startswith("metadata ") and " --edit" in line:
        line = line.replace(" --live", "").replace(" --config", "")
    return line.strip()
