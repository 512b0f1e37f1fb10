"""A batch of 1,000 mixed commands in one process, on the test driver of each."""

from benchmarks.measure import PYVIRSH, command, interleaved, table

CYCLE = (
    "domstate test",
    "dominfo test",
    "list --all",
    "suspend test",
    "domstate test --reason",
    "resume test",
    "vcpucount test",
    "dommemstat test",
    "net-list --all",
    "pool-list --all",
)


def main() -> None:
    """Measure."""
    line = "; ".join(CYCLE[at % len(CYCLE)] for at in range(1000))
    ours, theirs = interleaved(
        7,
        ("pyvirsh", command([PYVIRSH, "-c", "test:///default", line])),
        ("virsh", command(["virsh", "-c", "test:///default", line])),
    )
    table("1,000 commands in one process (test driver)", [("batch", ours, theirs, "at most 5")])
