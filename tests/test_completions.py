"""The scripts under completions/, sourced by their shells, and the click application beside them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import needs
from pyvirsh.commands import INDEX, UNLISTED
from pyvirsh.shell import clickapp

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "completions"

BASH = """
source {scripts}/pyvirsh.bash
compopt() {{ :; }}
COMP_LINE={line}; COMP_POINT=${{#COMP_LINE}}
_pyvirsh
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

ZSH = """
compdef() {{ : }}
compadd() {{ local name=${{@[-1]}}; print -rl -- ${{(P)name}} }}
source {scripts}/_pyvirsh
words=(${{(z)${{:-{line}}}}} {last}); CURRENT=$#words
_pyvirsh
"""

FISH = "source {scripts}/pyvirsh.fish; complete -C {line} | string replace -r '\\t.*' ''"


def run(shell, line):
    """Return what a shell would offer at the end of `line`."""
    needs(shell)
    quoted = "'" + line.replace("'", "'\\''") + "'"
    script = {"bash": BASH, "zsh": ZSH, "fish": FISH}[shell]
    text = script.format(scripts=SCRIPTS, line=quoted, last="''" if line.endswith(" ") else "")
    plain = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run(
        [shell, *plain, "-c", text],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return [found for found in done.stdout.splitlines() if found]


CONNECTED = "pyvirsh -c test:///default"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pyvirsh domst", ["domstate", "domstats"]),
        ("pyvirsh --read", ["--readonly"]),
        (f"{CONNECTED} domstate ", ["--domain", "--reason", "test"]),
        (f"{CONNECTED} domstate te", ["test"]),
        (f"{CONNECTED} reboot test --mode acpi,a", ["acpi,agent"]),
        (f"{CONNECTED} domname --domain 66", ["6695eb01-f6a4-8304-79aa-97f2502e193f"]),
    ],
)
def test_offers(shell, line, expected):
    assert sorted(run(shell, line)) == expected


@pytest.mark.parametrize(
    ("shell", "expected"), [("bash", ["test"]), ("zsh", ["--domain=test"]), ("fish", ["--domain=test"])]
)
def test_values_behind_an_equals_sign(shell, expected):
    """bash breaks words at = and wants only what is behind it."""
    assert run(shell, f"{CONNECTED} domstate --domain=t") == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_files_with_blanks(shell, tmp_path):
    (tmp_path / "a b.xml").touch()
    (found,) = run(shell, f"pyvirsh define {tmp_path}/a")
    assert found.replace("\\", "") == f"{tmp_path}/a b.xml"


# -- click and the manual page ----------------------------------------------------------------------------


def test_the_application_has_every_command():
    assert set(clickapp.application().commands) == set(INDEX) - UNLISTED


def test_the_manual_page_names_everything():
    page = clickapp.manual()
    for name in set(INDEX) - UNLISTED:
        assert f"\n.B {clickapp.roff(name)}" in page, name
    for section in ("NAME", "SYNOPSIS", "OPTIONS", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES"):
        assert f".SH {section}\n" in page
    assert "\\fB\\-c\\fP, \\fB\\-\\-connect\\fP \\fIURI\\fP" in page


def test_the_manual_page_can_be_read():
    needs("groff")
    done = subprocess.run(
        ["groff", "-man", "-ww", "-z"], input=clickapp.manual(), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("a-b", "a\\-b"), ("'x", "\\&'x"), (".x", "\\&.x"), ("a\\n", "a\\en"), ("a\nb", "a\n.br\nb")],
)
def test_roff(text, escaped):
    assert clickapp.roff(text) == escaped


def test_the_page_is_of_these_declarations():
    page = (ROOT / "docs" / "pyvirsh.1").read_text()
    assert page == clickapp.manual(), "make it anew: python -m pyvirsh.shell.clickapp man > docs/pyvirsh.1"
