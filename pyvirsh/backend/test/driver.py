"""The test driver put together, and the worlds its connections share.

A theme of the API is a mixin in a module of its own; its state stands in `world.World`.
"""

from pyvirsh.backend.test.builtin import default_world
from pyvirsh.backend.test.checkpoints import Checkpoints
from pyvirsh.backend.test.definitions import Definitions
from pyvirsh.backend.test.disktune import DiskTuning
from pyvirsh.backend.test.guestagent import GuestAgent
from pyvirsh.backend.test.iothreads import IoThreads
from pyvirsh.backend.test.lifecycle import Lifecycle
from pyvirsh.backend.test.limits import Limits
from pyvirsh.backend.test.lookup import Lookup
from pyvirsh.backend.test.memory import Memory
from pyvirsh.backend.test.metadata import Metadata
from pyvirsh.backend.test.node import Node
from pyvirsh.backend.test.saving import Saving
from pyvirsh.backend.test.snapshots import Snapshots
from pyvirsh.backend.test.vcpus import Vcpus
from pyvirsh.backend.test.world import World


class TestDriver(
    Lookup,
    Lifecycle,
    Definitions,
    Node,
    Vcpus,
    Memory,
    Limits,
    DiskTuning,
    IoThreads,
    Saving,
    GuestAgent,
    Metadata,
    Snapshots,
    Checkpoints,
):
    """A connection to a test host."""

    __test__ = False  # not a case for pytest

    def close(self) -> None:
        self.leave()


class _Shared:
    """The built-in world while at least one connection to it is open."""

    world: "World | None" = None
    handles = 0


class DefaultDriver(TestDriver):
    """A connection to the built-in world, which lasts as long as one is open."""

    __test__ = False  # not a case for pytest

    def __init__(self) -> None:
        if _Shared.world is None:
            _Shared.world = default_world()
        _Shared.handles += 1
        super().__init__(_Shared.world)

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        _Shared.handles -= 1
        if not _Shared.handles:
            _Shared.world = None


def open_path(path: str) -> TestDriver:
    """Open the built-in world, or the one that a node file describes.  Errors: see `nodefile.load`."""
    if path == "/default":
        return DefaultDriver()
    from pyvirsh.backend.test.nodefile import load

    return TestDriver(load(path))
