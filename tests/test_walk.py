"""A short random walk, beside the virsh that the test driver is like; `walk.py` goes further."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WALK = Path(__file__).parent / "walk.py"
VERSION = "11.3.0"


def test_walk():
    if not shutil.which("virsh"):
        pytest.skip("needs virsh (Debian's libvirt-clients)")
    version = subprocess.run(["virsh", "--version"], capture_output=True, text=True).stdout.strip()
    if version != VERSION:
        pytest.skip(f"needs virsh {VERSION}, here is {version}")
    words = [sys.executable, str(WALK), "--steps", "150"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
