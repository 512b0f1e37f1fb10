"""``python -m benchmarks [NAME...]``: run the benchmarks named, or all."""

import importlib
import sys
from pathlib import Path

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))


def main(argv: list[str]) -> int:
    """Run."""
    unknown = [name for name in argv if f"bench_{name}" not in NAMES]
    if unknown:
        print(f"no benchmark {unknown[0]}; there are: {', '.join(n.removeprefix('bench_') for n in NAMES)}")
        return 1
    for name in [f"bench_{name}" for name in argv] or NAMES:
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
