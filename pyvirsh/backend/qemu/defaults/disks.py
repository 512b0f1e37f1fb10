"""Disks where the definition leaves them open."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.defaults import bus_of, drive_address, insert_disk
from pyvirsh.backend.conf.domain.disk import Disk, DiskDriver
from pyvirsh.backend.errors import XML_ERROR, VirError
from pyvirsh.backend.qemu.facts import Facts


def order(domain: Domain) -> None:
    """Sort disks by their target's name within each bus; the bus follows from the name."""
    ordered: list[Disk] = []
    for disk in domain.devices.disks:
        if disk.target_bus is None:
            disk.target_bus = "fdc" if disk.device == "floppy" else bus_of(disk.target_dev or "")
        insert_disk(ordered, disk)
    domain.devices.disks = ordered


def complete(domain: Domain, facts: Facts) -> None:
    """Fill in drivers, formats and drives' places."""
    for disk in domain.devices.disks:
        _driver(disk)
        if disk.device == "cdrom":
            disk.readonly = True
        if disk.target_bus in ("ide", "scsi", "sata", "fdc") and disk.info.address is None:
            disk.info.address = drive_address(disk)
            if disk.info.address is None:
                raise VirError(XML_ERROR, f"Invalid harddisk device name: {disk.target_dev}")


def _driver(disk: Disk) -> None:
    if disk.type in ("vhostuser", "vhostvdpa"):
        disk.driver = disk.driver or DiskDriver()
        disk.driver.name = disk.driver.name or "qemu"
        disk.driver.type = disk.driver.type or "raw"
        return
    disk.driver = disk.driver or DiskDriver()
    disk.driver.name = disk.driver.name or "qemu"
    disk.driver.type = disk.driver.type or "raw"
