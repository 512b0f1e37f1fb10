"""Start: ``python -I -S .../supervisor NAME UUID FD``, the last a file with the guest's spec."""

import os
import sys

sys.path.insert(0, os.path.abspath(__file__).rsplit("/pyvirsh/backend/", 1)[0])

from pyvirsh.backend.qemu.supervisor import run

sys.exit(run.main(int(sys.argv[3])))
