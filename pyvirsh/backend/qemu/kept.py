"""What is kept of a domain beside its definition: saved state, snapshots, checkpoints."""

import os

from pyvirsh.backend.store import unescaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.qemu.driver import QemuDriver

SNAPSHOTS, CHECKPOINTS = "snapshots", "checkpoints"
MANAGED_SAVE = "managed.save"


def managed_save_path(driver: "QemuDriver", uuid: str) -> str:
    """Return where a guest's managed saved state is."""
    return f"{driver.roots.state}/save/{uuid}/{MANAGED_SAVE}"


def count(driver: "QemuDriver", uuid: str, kind: str) -> int:
    """Return how many snapshots or checkpoints a domain has."""
    try:
        return len(os.listdir(driver.store.path(uuid, kind)))
    except FileNotFoundError:
        return 0


def names(driver: "QemuDriver", uuid: str, kind: str) -> "list[str]":
    """Return the names of a domain's snapshots or checkpoints."""
    try:
        entries = sorted(os.listdir(driver.store.path(uuid, kind)))
    except FileNotFoundError:
        return []
    found = [unescaped(entry.removesuffix(".xml")) for entry in entries]
    return [name for name in found if name is not None]
