"""RPC: one-shot commands and batches over a UNIX socket and over SSH; our server beside libvirtd."""

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench_batch import CYCLE
from benchmarks.measure import PYVIRSH, command, interleaved, table

if TYPE_CHECKING:
    from pyvirsh.backend.api import Driver

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

CLIENTS = (1, 10, 50)
CALLS = 3000
REMOTE = "test+unix:///default"
BATCH = "; ".join(CYCLE[at % len(CYCLE)] for at in range(1000))


def main() -> None:
    """Measure."""
    _client("Client of libvirtd over its UNIX socket", REMOTE, REMOTE, runs=21)
    _over_ssh()
    _serve()


def _client(title: str, ours: str, theirs: str, *, runs: int) -> None:
    """Compare one-shot commands and a batch; URIs of the same place, for each program."""
    rows = []
    for line in (["list"], ["dominfo", "test"], [BATCH]):
        mine, other = interleaved(
            3 if line == [BATCH] else runs,
            ("pyvirsh", command([PYVIRSH, "-c", ours, *line])),
            ("virsh", command(["virsh", "-c", theirs, *line])),
        )
        budget = "at most 1.0" if line == [BATCH] else ""
        rows.append(("1,000 commands" if line == [BATCH] else " ".join(line), mine, other, budget))
    table(title, rows)


def _over_ssh() -> None:
    """The same over an sshd on the loopback: through paramiko, and through ssh(1), which virsh uses too."""
    import daemons

    with daemons.sshd() as server:
        theirs = f"test+ssh://{server.user}@127.0.0.1:{server.port}/default?keyfile={server.key}&no_verify=1"
        _client("Over SSH, with paramiko", server.uri("test", "/default"), theirs, runs=7)
        _client("Over SSH, with ssh(1)", server.uri("test", "/default", command="ssh"), theirs, runs=7)


def _serve() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        path = f"{scratch}/socket"
        server = subprocess.Popen([PYVIRSH, "serve", "--socket", path, "test:///default"])
        try:
            while not Path(path).exists():
                time.sleep(0.01)
            print("\nServer, calls of domain_get_info (libvirtd: on its own test driver)")
            print(f"  {'':12} {'pyvirsh serve':>26} {'libvirtd':>26} {'ratio':>7}")
            for clients in CLIENTS:
                ours, theirs = _Load(f"{REMOTE}?socket={path}", clients), _Load(REMOTE, clients)
                interleaved(3, ("pyvirsh", ours.run), ("libvirtd", theirs.run))
                shown = f"  {clients:3} clients  {ours.shown():>26} {theirs.shown():>26}"
                print(f"{shown} {ours.rate() / theirs.rate():8.2f}")
        finally:
            server.terminate()
            server.wait()


class _Load:
    """Clients that each make calls one after another, all at once."""

    def __init__(self, uri: str, clients: int) -> None:
        self._uri = uri
        self._clients = clients
        self._took: list[float] = []
        self._waits: list[float] = []

    def run(self) -> float:
        """Make CALLS calls; return how long that took."""
        from pyvirsh import backend

        drivers = [backend.open(self._uri) for _ in range(self._clients)]
        threads = [threading.Thread(target=self._work, args=(driver,)) for driver in drivers]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._took.append(time.perf_counter() - began)
        for driver in drivers:
            driver.close()
        return self._took[-1]

    def _work(self, driver: "Driver") -> None:
        dom = driver.domain_lookup_by_name("test")
        waits = []
        for _ in range(CALLS // self._clients):
            began = time.perf_counter()
            driver.domain_get_info(dom)
            waits.append(time.perf_counter() - began)
        self._waits += waits

    def rate(self) -> float:
        """Return calls per second."""
        return CALLS / statistics.median(self._took)

    def shown(self) -> str:
        """Return the rate, and the time that half and 99 of 100 calls took at most."""
        cuts = statistics.quantiles(self._waits, n=100)
        return f"{self.rate():.0f}/s {cuts[49] * 1000:.2f}/{cuts[98] * 1000:.1f} ms"
