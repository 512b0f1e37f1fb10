"""Checks of I/O threads: that those which devices name are there, and serve each queue once."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.disk import Disk, MappedThread
from pyvirsh.backend.errors import refuse


def check(domain: Domain) -> None:
    """Check the threads of disks and of controllers.  Errors: CONFIG_UNSUPPORTED."""
    stated = {thread.id for thread in domain.iothread_ids}
    known: set[int | None] = set(stated or range(1, (domain.iothreads or 0) + 1))
    for disk in domain.devices.disks:
        _disk(disk, known)
    for controller in domain.devices.controllers:
        if controller.driver is None:
            continue
        number = controller.driver.iothread
        if number is not None and number not in known:
            raise refuse(f"controller iothread '{number}' not defined in iothreadid")
        _mapping(controller.driver.iothreads, controller.driver.queues, known)


def _disk(disk: Disk, known: "set[int | None]") -> None:
    driver = disk.driver
    if driver is None or driver.iothread is None and not driver.iothreads:
        return
    if disk.target_bus != "virtio":
        raise refuse(f"IOThreads not available for bus {disk.target_bus} target {disk.target_dev}")
    if driver.iothread is not None and driver.iothread not in known:
        raise refuse(f"Disk iothread '{driver.iothread}' not defined in iothreadid")
    _mapping(driver.iothreads, driver.queues, known)


def _mapping(threads: "list[MappedThread]", queues: "int | None", known: "set[int | None]") -> None:
    for thread in threads:
        if thread.id not in known:
            raise refuse(f"iothread '{thread.id}' not defined in iothreadid")
    mapped = [thread for thread in threads if thread.queues]
    if not mapped:
        return
    if queues is None:
        raise refuse("'queue' count must be configured for explicit iothread to queue mapping")
    if len(mapped) < len(threads):
        raise refuse("iothread to queue mapping must be provided for all iothreads or for none")
    served: set[int] = set()
    for number in (queue.id or 0 for thread in mapped for queue in thread.queues):
        if number >= queues:
            raise refuse(f"iothread queue '{number}' mapping out of range")
        if number in served:
            raise refuse(f"iothread queue '{number}' is already assigned")
        served.add(number)
    missing = next((number for number in range(queues) if number not in served), None)
    if missing is not None:
        raise refuse(f"missing iothread mapping for queue '{missing}'")
