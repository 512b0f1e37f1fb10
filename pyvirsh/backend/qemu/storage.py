"""The storage pools of a QEMU connection: where they are kept and who hears of them."""

from pyvirsh.backend.api import StoragePoolRef
from pyvirsh.backend.qemu.define import new_uuid
from pyvirsh.backend.qemu.supervisor.publish import Publisher
from pyvirsh.backend.storage.keeping import Storage
from pyvirsh.backend.storage.pools import start_marked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.qemu.driver import QemuDriver

DIRECTORY = "storage"


def of(driver: "QemuDriver") -> Storage:
    """Return the pools of a connection."""
    roots = driver.roots

    def announce(event_id: int, pool: StoragePoolRef, values: "tuple[int, ...]") -> None:
        runtime = roots.runtime()
        if runtime:
            publisher = Publisher(runtime)
            publisher.send("storage_pool", event_id, (pool.name, pool.uuid, -1), values)
            publisher.close()

    config = f"{roots.config}/{DIRECTORY}"
    storage = Storage(config, roots.runtime, roots.make_runtime, new_uuid, announce)
    storage.begin(start_marked)
    return storage
