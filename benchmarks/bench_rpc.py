"""RPC: latency of calls and of one-shot commands over a UNIX socket, a batch, and our server's speed."""

import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.bench_batch import CYCLE
from benchmarks.measure import PYVIRSH, Timing, command, interleaved, ratio, table

CLIENTS = (1, 10, 50)
CALLS = 2000


def main() -> None:
    """Measure."""
    remote = "test+unix:///default"
    rows = []
    for line in (["list"], ["dominfo", "test"]):
        ours, theirs = interleaved(
            21,
            ("pyvirsh", command([PYVIRSH, "-c", remote, *line])),
            ("virsh", command(["virsh", "-c", remote, *line])),
        )
        rows.append((" ".join(line), ours, theirs, ""))
    batch = "; ".join(CYCLE[at % len(CYCLE)] for at in range(1000))
    ours, theirs = interleaved(
        5,
        ("pyvirsh", command([PYVIRSH, "-c", remote, batch])),
        ("virsh", command(["virsh", "-c", remote, batch])),
    )
    rows.append(("1,000 commands", ours, theirs, "at most 1.0"))
    table("Client of libvirtd over its UNIX socket", rows)
    _serve()


def _serve() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        path = f"{scratch}/socket"
        server = subprocess.Popen([PYVIRSH, "serve", "--socket", path, "test:///default"])
        try:
            while not Path(path).exists():
                time.sleep(0.01)
            print("\nServer, calls of domain_get_info (libvirtd: on its own test driver)")
            print(f"  {'':12} {'pyvirsh serve':>14} {'libvirtd':>14} {'ratio':>7}")
            for clients in CLIENTS:
                ours, theirs = interleaved(
                    3,
                    ("pyvirsh", _calls(f"test+unix:///default?socket={path}", clients)),
                    ("libvirtd", _calls("test+unix:///default", clients)),
                )
                print(
                    f"  {clients:3} clients  {_rate(ours):10.0f}/s   {_rate(theirs):10.0f}/s "
                    f"{1 / ratio(ours, theirs):8.2f}"
                )
        finally:
            server.terminate()
            server.wait()


def _rate(timing: Timing) -> float:
    return CALLS / timing.median


def _calls(uri: str, clients: int) -> Callable[[], float]:
    """Return what makes CALLS calls over `clients` connections at once and says how long they took."""
    from pyvirsh import backend

    def run() -> float:
        drivers = [backend.open(uri) for _ in range(clients)]
        doms = [driver.domain_lookup_by_name("test") for driver in drivers]

        def work(at: int) -> None:
            for _ in range(CALLS // clients):
                drivers[at].domain_get_info(doms[at])

        threads = [threading.Thread(target=work, args=(at,)) for at in range(clients)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - began
        for driver in drivers:
            driver.close()
        return took

    return run
