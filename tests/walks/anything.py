"""Commands with any of their options, made from the declarations."""

import random
import re
import subprocess
from functools import cache

from pyvirsh import commands
from pyvirsh.spec import ALIAS, BOOL, INT, Opt
from walks.documents import DOCUMENTS
from walks.grammar import Focus, readable, value
from walks.values import VALUES

# What asks somebody, waits for something, speaks of the programs themselves or leaves the test driver.
_LEFT_OUT = re.compile(
    r".*event|await|quit|exit|help|complete|self-test|serve|connect|install-helper"
    r"|net-port-(dumpxml|delete)"
)
_OPTIONS_LEFT_OUT = ("console", "edit", "editor", "verbose", "timeout", "wait", "autodestroy")
# What offers an option's values -> the name of values in the grammar.
_OFFERED = {
    "domain": "dom",
    "domain-uuid": "dom",
    "pool": "pool",
    "network": "net",
    "network-uuid": "net",
    "nodedev": "dev",
    "interface": "iface",
    "interface-mac": "iface",
    "disk-target": "disk",
    "volume": "vol",
    "volume-key": "vol",
    "snapshot": "snap",
    "checkpoint": "chk",
    "domain-interface": "nic",
    "host-cpu-list": "cpus",
    "vcpu-list": "cpus",
    "vcpu": "vcpus",
    "keycode-name": "key",
}
_FILES = {
    "pool": "poolfile",
    "vol": "volfile",
    "net": "netfile",
    "iface": "iffile",
    "nodedev": "devicefile",
    "snapshot": "snapfile",
    "checkpoint": "chkfile",
    "define": "domfile",
    "create": "domfile",
}
# Values that virsh 11.3 does not have yet.
_NEWER = ("nvme",)
_ANYTHING = "0 1 2 10 x 10M 1,2 vda /p a=b yes on auto raw bogus".split()
_PROBABILITY = 0.15


@cache
def names() -> "tuple[str, ...]":
    """Return the commands that both programs have and that may be tried."""
    asked = _help()
    theirs = {line.split()[0] for line in asked.splitlines() if line.startswith("    ")}
    return tuple(name for name in commands.INDEX if name in theirs and not _LEFT_OUT.fullmatch(name))


def _help(*words: str) -> str:
    return subprocess.run(["virsh", "help", *words], capture_output=True, text=True).stdout


@cache
def _options(name: str) -> "list[tuple[Opt, bool]]":
    """Return the options that virsh's command has as well, and whether to give each every time."""
    theirs = _help(name).partition("OPTIONS")[2]
    found = dict(re.findall(r"^    \[?(?:--|<)([\w-]+)(.?)", theirs, re.MULTILINE))
    return [
        (option, option.required or found[option.name] == "]")
        for option in commands.load(name).options
        if option.name in found
    ]


def command(dice: random.Random, focus: Focus) -> str:
    """Return some command with what it requires and some of its options."""
    name = dice.choice(names())
    words = [name]
    for option, always in _options(name):
        if option.kind == ALIAS or option.name in _OPTIONS_LEFT_OUT:
            continue
        if not always and dice.random() > _PROBABILITY:
            continue
        if option.kind != BOOL:
            words.append(f"--{option.name} {_value(dice, name, option, focus)}")
        else:
            words.append(f"--{option.name}")
    return readable(" ".join(words))


def _value(dice: random.Random, name: str, option: Opt, focus: Focus) -> str:
    kind, _, detail = option.completes.partition(":")
    if kind in _OFFERED:
        return value(dice, _OFFERED[kind], focus)
    if kind in ("enum", "enum-list"):
        return dice.choice([*(word for word in detail.split(",") if word not in _NEWER), "bogus"])
    if kind == "file-path":
        group = _FILES.get(name.partition("-")[0])
        return dice.choice(VALUES[group] if group else VALUES["devfile"] + list(DOCUMENTS))
    if option.kind == INT:
        return dice.choice(VALUES["n"])
    if option.name in VALUES and option.name not in ("host", "range"):
        return dice.choice(VALUES[option.name])
    return dice.choice(_ANYTHING)
