"""What every driver of libvirt fills in when a domain's definition is read.

One step for each theme, applied by `fill`; what only one driver does stands with that driver.

Source: definitions given to libvirt's drivers and what they made of them.
"""

from pyvirsh.backend.conf.domain import tuning
from pyvirsh.backend.conf.domain.chardev import Console, Serial
from pyvirsh.backend.conf.domain.common import Address
from pyvirsh.backend.conf.domain.devices import Controller, Graphics, Listen
from pyvirsh.backend.conf.domain.disk import Disk
from pyvirsh.backend.conf.domain.domain import Domain

# A disk's bus as its target's name tells it.
_BUSES = {"vd": "virtio", "hd": "ide", "sd": "scsi", "fd": "fdc", "xv": "xen", "ub": "usb", "mm": "sd"}
# How many drives fit on a controller of a kind: units of a bus, buses.
_DRIVES = {"ide": (2, 2), "scsi": (7, 1), "sata": (6, 1), "fdc": (2, 1)}


def fill(domain: Domain, arch: str) -> None:
    """Fill in what the definition leaves open; `arch` is the host's architecture."""
    _boot(domain, arch)
    _behaviour(domain)
    _disks(domain)
    _consoles(domain)
    _display(domain)


def _boot(domain: Domain, arch: str) -> None:
    os = domain.os
    os.arch = os.arch or arch
    if os.type == "hvm" and not os.boot and not _boot_orders(domain):
        os.boot = ["hd"]


def _boot_orders(domain: Domain) -> bool:
    """Say whether a device has a place in the boot order."""
    devices = domain.devices
    infos = [one.info for one in devices.disks]
    infos += [one.info for one in devices.interfaces]
    infos += [one.info for one in devices.hostdevs]
    infos += [one.info for one in devices.redirdevs]
    return any(info.boot_order is not None for info in infos)


def _behaviour(domain: Domain) -> None:
    if domain.clock is None:
        domain.clock = tuning.Clock(offset="utc")
    domain.clock.offset = domain.clock.offset or "utc"
    domain.on_poweroff = domain.on_poweroff or "destroy"
    domain.on_reboot = domain.on_reboot or "restart"
    domain.on_crash = domain.on_crash or "destroy"


# -- disks -------------------------------------------------------------------------------------------


def bus_of(target: str) -> "str | None":
    """Return the bus that a disk's target belongs to by its name."""
    return _BUSES.get(target[:2])


def disk_number(target: str) -> int:
    """Return which disk of its bus a target names: 0 for "hda", 26 for "vdaa"; -1 if it names none."""
    letters = target.rstrip("0123456789")
    prefix = next((p for p in ("xvd", "ubd", "vd", "hd", "sd", "fd") if letters.startswith(p)), "")
    number = 0
    for letter in letters[len(prefix) :]:
        if not "a" <= letter <= "z":
            return -1
        number = number * 26 + ord(letter) - ord("a") + 1
    return number - 1 if prefix else -1


def insert_disk(disks: "list[Disk]", disk: Disk) -> None:
    """Put a disk behind those of its bus that come before it."""
    at = -1
    for i in range(len(disks) - 1, -1, -1):
        if disks[i].target_bus == disk.target_bus:
            if disk_number(disks[i].target_dev or "") <= disk_number(disk.target_dev or ""):
                at = i + 1
                break
            at = i
    if at == -1:
        disks.append(disk)
    else:
        disks.insert(at, disk)


def _disks(domain: Domain) -> None:
    devices = domain.devices
    ordered: list[Disk] = []
    for disk in devices.disks:
        complete_disk(disk)
        insert_disk(ordered, disk)
    devices.disks = ordered
    kinds = [disk.info.address for disk in ordered]
    for disk, address in zip(ordered, kinds, strict=True):
        if address is not None and address.type == "drive" and disk.target_bus in _DRIVES:
            need_controllers(domain, disk.target_bus, address.controller or 0)


def complete_disk(disk: Disk) -> None:
    """Fill in a disk's bus and what follows from its kind."""
    disk.target_bus = disk.target_bus or bus_of(disk.target_dev or "")
    if disk.device == "cdrom":
        disk.readonly = True
    if disk.target_bus in _DRIVES and disk.info.address is None:
        disk.info.address = drive_address(disk)


def drive_address(disk: Disk) -> "Address | None":
    """Return where a disk sits on its bus by its target's name."""
    number = disk_number(disk.target_dev or "")
    if number < 0 or disk.target_bus not in _DRIVES:
        return None
    units, buses = _DRIVES[disk.target_bus]
    controller, rest = divmod(number, units * buses)
    bus, unit = divmod(rest, units)
    return Address(type="drive", controller=controller, bus=bus, target=0, unit=unit)


def need_controllers(domain: Domain, kind: str, last: int) -> None:
    """Add controllers of a kind until there is one with the index `last`."""
    have = {one.index for one in domain.devices.controllers if one.type == kind}
    for index in range(last + 1):
        if index not in have:
            insert_controller(domain.devices.controllers, Controller(type=kind, index=index))


def insert_controller(controllers: "list[Controller]", new: Controller) -> None:
    """Put a controller behind those of its kind with a lower index."""
    at = -1
    for i in range(len(controllers) - 1, -1, -1):
        if controllers[i].type == new.type:
            if (controllers[i].index or 0) <= (new.index or 0):
                at = i + 1
                break
            at = i
    if at == -1:
        controllers.append(new)
    else:
        controllers.insert(at, new)


# -- consoles and displays ---------------------------------------------------------------------------


def _consoles(domain: Domain) -> None:
    """Number ports; the first console of a full guest stands for its first serial port."""
    devices = domain.devices
    for at, serial in enumerate(devices.serials):
        if serial.target_port is None:
            serial.target_port = at
    for at, parallel in enumerate(devices.parallels):
        if parallel.target_port is None:
            parallel.target_port = at
    if domain.os.type == "hvm" and (devices.consoles or devices.serials):
        _join_first_console(domain)
    for at, console in enumerate(devices.consoles):
        console.target_type = console.target_type or "serial"
        if console.target_port is None:
            console.target_port = at


def _join_first_console(domain: Domain) -> None:
    devices = domain.devices
    if not devices.consoles:
        devices.consoles.append(Console(source=devices.serials[0].source.copy(), target_type="serial"))
        return
    first = devices.consoles[0]
    if first.target_type not in (None, "serial"):
        return
    if not devices.serials:
        devices.serials.append(Serial(source=first.source.copy(), target_port=0))
    first.target_type = "serial"
    first.source = devices.serials[0].source.copy()


def _display(domain: Domain) -> None:
    for graphics in domain.devices.graphics:
        if graphics.type in ("vnc", "spice", "rdp"):
            _listen(graphics)
    for at, video in enumerate(domain.devices.videos):
        video.heads = video.heads or 1
        if video.model in ("vga", "cirrus", "vmvga") and video.vram is None:
            video.vram = 16384
        if at == 0 and video.primary is None:
            video.primary = "yes"


def _listen(graphics: Graphics) -> None:
    if not graphics.listens:
        graphics.listens = [Listen(type="address", address=graphics.listen)]
    first = graphics.listens[0]
    if first.type == "address" and first.address:
        graphics.listen = first.address
