"""Disks where the definition leaves them open."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.common import Address
from pyvirsh.backend.conf.domain.defaults import bus_of, drive_address, insert_disk
from pyvirsh.backend.conf.domain.disk import Disk, DiskDriver, DiskSource
from pyvirsh.backend.errors import XML_ERROR, VirError
from pyvirsh.backend.qemu.facts import Facts

# Protocols' own ports.
_PORTS = {
    "http": "80",
    "https": "443",
    "ftp": "21",
    "ftps": "990",
    "tftp": "69",
    "ssh": "22",
    "nbd": "10809",
    "iscsi": "3260",
    "gluster": "24007",
    "sheepdog": "7000",
    "vxhs": "9999",
    "nfs": "2049",
}

# Units of a narrow SCSI bus, without the controller's own.
SCSI_UNITS = 7


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
        if disk.device == "cdrom":
            disk.readonly = True
        _driver(disk)
        if disk.target_bus in ("ide", "scsi", "sata", "fdc") and disk.info.address is None:
            disk.info.address = drive_address(disk)
            if disk.info.address is None:
                raise VirError(XML_ERROR, f"Invalid harddisk device name: {disk.target_dev}")
    place_scsi_hostdevs(domain)


def _driver(disk: Disk) -> None:
    disk.driver = disk.driver or DiskDriver()
    disk.driver.name = disk.driver.name or "qemu"
    disk.driver.type = disk.driver.type or "raw"
    if disk.type == "vhostuser":
        disk.snapshot = disk.snapshot or "no"
    elif disk.snapshot == "no" and disk.readonly:
        disk.snapshot = None
    for encryption in (disk.encryption, disk.source.encryption if disk.source else None):
        if encryption is not None and encryption.format == "luks":
            encryption.engine = encryption.engine or "qemu"
    if disk.source is not None:
        complete_hosts(disk.source)


def complete_hosts(source: DiskSource) -> None:
    """Fill in the ports of servers reached by TCP."""
    port = _PORTS.get(source.protocol or "")
    for server in source.hosts:
        if server.port is None and server.transport in (None, "tcp") and server.socket is None:
            server.port = port


def place_scsi_hostdevs(domain: Domain) -> None:
    """Give SCSI devices of the host a free unit each, on a controller more where all are taken."""
    devices = domain.devices
    scsi = [one for one in devices.hostdevs if one.type == "scsi" and one.mode in (None, "subsystem")]
    held = [disk.info for disk in devices.disks if disk.target_bus == "scsi"] + [one.info for one in scsi]
    addresses = [info.address for info in held if info.address is not None and info.address.type == "drive"]
    taken = {(one.controller or 0, one.unit or 0) for one in addresses if not one.bus and not one.target}
    for hostdev in scsi:
        if hostdev.info.address is None:
            places = ((number, unit) for number in range(256) for unit in range(SCSI_UNITS))
            controller, unit = next(place for place in places if place not in taken)
            taken.add((controller, unit))
            hostdev.info.address = Address(type="drive", controller=controller, bus=0, target=0, unit=unit)
