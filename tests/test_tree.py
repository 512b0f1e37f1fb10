"""Trees, by what virsh 11.3.0 draws."""

import pytest

from pyvirsh.commands.tree import layout


@pytest.mark.parametrize(
    ("nodes", "lines"),
    [
        ([], []),
        ([("a", None)], ["a", ""]),
        ([("a", None), ("b", None)], ["a", "", "b", ""]),
        (
            [("base", None), ("leaf", "mid"), ("mid", "base")],
            ["base", "  |", "  +- mid", "      |", "      +- leaf", "        "],
        ),
        (
            [("a", None), ("b", "a"), ("c", "a"), ("d", "b")],
            ["a", "  |", "  +- b", "  |   |", "  |   +- d", "  |     ", "  +- c", "    "],
        ),
        # What hangs on nothing that is listed is left out, and so is a ring.
        ([("a", None), ("lost", "gone"), ("x", "y"), ("y", "x")], ["a", ""]),
    ],
)
def test_layout(nodes, lines):
    assert layout(nodes) == "".join(line + "\n" for line in lines)


def test_a_long_chain():
    nodes = [("0", None), *((str(n), str(n - 1)) for n in range(1, 3000))]
    assert layout(nodes).count("\n") == 6000
