"""A short random walk, beside the virsh that the test driver is like; `walk.py` goes further."""

import subprocess
import sys
from pathlib import Path

from conftest import needs_virsh

WALK = Path(__file__).parent / "walk.py"


def test_walk():
    needs_virsh()
    words = [sys.executable, str(WALK), "--steps", "300"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
