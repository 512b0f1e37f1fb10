"""Time commands side by side: A B A B ..., so that a machine whose speed drifts is fair to both."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PYVIRSH = str(Path(sys.executable).parent / "pyvirsh")


class Timing:
    """The times of one thing, in seconds."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.times: list[float] = []

    @property
    def median(self) -> float:
        """Return the median time."""
        return statistics.median(self.times)


def command(words: Sequence[str], *, stdin: str | None = None, ok: bool = True) -> Callable[[], float]:
    """Return what runs a command once and says how long it took."""

    def run() -> float:
        began = time.perf_counter()
        done = subprocess.run(
            list(words),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "LANG": "C"},
        )
        took = time.perf_counter() - began
        if ok and done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)[:200]}: {done.stderr[-400:]}")
        return took

    return run


def interleaved(runs: int, *things: "tuple[str, Callable[[], float]]", warm_up: int = 1) -> list[Timing]:
    """Run each thing `runs` times in turn, after a warm-up."""
    timings = [Timing(name) for name, _ in things]
    for at in range(runs + warm_up):
        for timing, (_, run) in zip(timings, things, strict=True):
            took = run()
            if at >= warm_up:
                timing.times.append(took)
    return timings


def ratio(ours: Timing, theirs: Timing) -> float:
    """Return the median of the ratios pair by pair."""
    return statistics.median(a / b for a, b in zip(ours.times, theirs.times, strict=True))


def table(title: str, rows: "list[tuple[str, Timing, Timing, str]]") -> None:
    """Print rows of (what, ours, theirs, budget) with medians in ms and the ratio."""
    print(f"\n{title}")
    print(f"  {'':32} {'pyvirsh':>10} {'original':>10} {'ratio':>7}  budget")
    for what, ours, theirs, budget in rows:
        print(
            f"  {what:32} {ours.median * 1000:8.1f}ms {theirs.median * 1000:8.1f}ms "
            f"{ratio(ours, theirs):7.2f}  {budget}"
        )
