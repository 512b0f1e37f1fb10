"""`list --all` with many domains defined, beside libvirtd.

libvirtd's part is measured on its test driver with a node file of as many domains, served over its socket: a
daemon with 10,000 QEMU definitions takes minutes to fill.  The machine's libvirtd has to run for it.
"""

import subprocess
import tempfile
import uuid
from pathlib import Path

from benchmarks.measure import PYVIRSH, command, interleaved, table

COUNTS = (100, 1000, 10000)


def main() -> None:
    """Measure."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for count in COUNTS:
            embed = f"qemu:///embed?root={scratch}/{count}"
            _fill(embed, count, Path(scratch))
            node = Path(scratch) / f"{count}.xml"
            node.write_text("<node>" + "".join(_domain(at, "test") for at in range(count)) + "</node>")
            ours, theirs = interleaved(
                5,
                ("pyvirsh", command([PYVIRSH, "-c", embed, "list", "--all"])),
                ("virsh", command(["virsh", "-c", f"test+unix://{node}", "list", "--all"])),
            )
            rows.append((f"{count} domains", ours, theirs, "at most 1.0" if count == 10000 else ""))
    table("list --all", rows)


def _domain(at: int, kind: str) -> str:
    return (
        f"<domain type='{kind}'><name>guest-{at:05}</name>"
        f"<uuid>{uuid.uuid5(uuid.NAMESPACE_OID, str(at))}</uuid>"
        "<memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>"
    )


def _fill(uri: str, count: int, scratch: Path) -> None:
    """Define the domains, in one process."""
    batch = scratch / "batch"
    lines = []
    for at in range(count):
        path = scratch / f"{at}.xml"
        path.write_text(_domain(at, "qemu"))
        lines.append(f"define {path}\n")
    batch.write_text("".join(lines))
    subprocess.run([PYVIRSH, "-q", "-c", uri, "--file", str(batch)], check=True, stdout=subprocess.DEVNULL)
