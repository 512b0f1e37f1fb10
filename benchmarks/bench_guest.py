"""A real guest: start to running, destroy, and what a supervisor costs, beside libvirt."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import PYVIRSH, interleaved, table

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
RUNS = 7

XML = """<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{guest}/vmlinuz</kernel><initrd>{guest}/initrd</initrd><cmdline>console=ttyS0 quiet</cmdline></os>
  <features><acpi/></features>
  <devices><console type='pty'/></devices>
</domain>
"""


def main() -> None:
    """Measure."""
    import guest

    with tempfile.TemporaryDirectory() as scratch:
        kernel = Path(scratch) / "guest"
        kernel.mkdir()
        for path in guest.directory().iterdir():
            (kernel / path.name).write_bytes(path.read_bytes())
        Path(scratch).chmod(0o755)
        uri = f"qemu:///embed?root={scratch}/root"
        xml = Path(scratch) / "guest.xml"
        xml.write_text(XML.format(name="bench", guest=kernel))
        programs = (
            ([PYVIRSH, "-q", "-c", uri], "pyvirsh"),
            (["virsh", "-q", "-c", "qemu:///system"], "virsh"),
        )
        for program, _ in programs:
            _call(program, "define", str(xml))
        try:
            _measure(programs)
        finally:
            for program, _ in programs:
                _call(program, "destroy", "bench", check=False)
                _call(program, "undefine", "bench")


def _measure(programs: "tuple[tuple[list[str], str], ...]") -> None:
    starts, stops = {}, {}

    def cycle(program: list[str], name: str, kept: "dict[str, list[float]]") -> Callable[[], float]:
        def run() -> float:
            began = time.perf_counter()
            _call(program, "start", "bench")
            took = time.perf_counter() - began
            if name == "pyvirsh":
                memory.append(_supervisor_memory())
            began = time.perf_counter()
            _call(program, "destroy", "bench")
            kept.setdefault(name, []).append(time.perf_counter() - began)
            return took

        return run

    memory: list[int] = []
    starts = interleaved(RUNS, *((name, cycle(program, name, stops)) for program, name in programs))
    ends = []
    for name in ("pyvirsh", "virsh"):
        timing = type(starts[0])(name)
        timing.times = stops[name][1:]
        ends.append(timing)
    table(
        "A guest, one-shot commands",
        [
            ("start to running", starts[0], starts[1], "at most 0.4"),
            ("destroy", ends[0], ends[1], "at most 0.1"),
        ],
    )
    print(f"  private memory of a supervisor: {max(memory) / 1024:.1f} MiB (budget: under 10)")


def _call(program: list[str], *words: str, check: bool = True) -> None:
    subprocess.run([*program, *words], check=check, capture_output=True, stdin=subprocess.DEVNULL)


def _supervisor_memory() -> int:
    """Return the private memory in KiB of the process that is the guest's parent."""
    for stat in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = stat.read_bytes().split(b"\0")
            if b"qemu-system" not in words[0] or b"guest=bench" not in b" ".join(words):
                continue
            parent = int((stat.parent / "stat").read_text().rpartition(")")[2].split()[1])
            rollup = Path(f"/proc/{parent}/smaps_rollup").read_text()
        except OSError:
            continue
        if (
            "pyvirsh" in Path(f"/proc/{parent}/cmdline").read_text()
            or "python" in Path(f"/proc/{parent}/cmdline").read_text()
        ):
            rows = [line.split() for line in rollup.splitlines()]
            return sum(int(row[1]) for row in rows if row[0] in ("Private_Clean:", "Private_Dirty:"))
    return 0
