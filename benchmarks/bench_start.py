"""Start-up: what one command costs, beside virsh and the bare interpreter."""

import sys
import tempfile

from benchmarks.measure import PYVIRSH, command, interleaved, table

RUNS = 21
BUDGET = "at most 1.3"


def main() -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as root:
        embed = f"qemu:///embed?root={root}"
        rows = []
        for line in (["list"], ["list", "--all"], ["uri"]):
            ours, theirs, bare = interleaved(
                RUNS,
                ("pyvirsh", command([PYVIRSH, "-c", embed, *line])),
                ("virsh", command(["virsh", "-c", "qemu:///system", *line])),
                ("python", command([sys.executable, "-S", "-E", "-c", "pass"])),
            )
            rows.append((" ".join(line), ours, theirs, BUDGET))
        rows.append(("list beside the bare interpreter", ours, bare, ""))
        for line in (["dominfo", "test"], ["domstate", "test"], ["complete", "--", "domstate", "te"]):
            ours, theirs = interleaved(
                RUNS,
                ("pyvirsh", command([PYVIRSH, "-c", "test:///default", *line])),
                ("virsh", command(["virsh", "-c", "test:///default", *line])),
            )
            rows.append((" ".join(line) + " (test driver)", ours, theirs, BUDGET))
    table("Start-up, one command", rows)
