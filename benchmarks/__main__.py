"""``python -m benchmarks [NAME...]``: run the benchmarks named, or all."""

import compileall
import importlib
import os
import sys
from pathlib import Path

import pyvirsh

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))


def main(argv: list[str]) -> int:
    """Run."""
    unknown = [name for name in argv if f"bench_{name}" not in NAMES]
    if unknown:
        print(f"no benchmark {unknown[0]}; there are: {', '.join(n.removeprefix('bench_') for n in NAMES)}")
        return 1
    # Byte code must be present: an installed program has it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    compileall.compile_dir(Path(pyvirsh.__file__).parent, quiet=2)
    for name in [f"bench_{name}" for name in argv] or NAMES:
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
