"""The order of disks and controllers, and where drives sit.

Source: definitions given to libvirt's drivers and what they made of them.
"""

from pyvirsh.backend.conf.domain.common import Address
from pyvirsh.backend.conf.domain.devices import Controller
from pyvirsh.backend.conf.domain.disk import Disk
from pyvirsh.backend.conf.domain.domain import DEVICES_MAX, Domain
from pyvirsh.backend.errors import XML_ERROR, VirError

# A disk's bus as its target's name tells it.
_BUSES = {"vd": "virtio", "hd": "ide", "sd": "scsi", "xv": "xen", "ub": "uml", "mm": "sd"}
_NUMBER_MAX = 2**31 - 1
# How many drives fit on a controller of a kind: units of a bus, buses.
_DRIVES = {"ide": (2, 2), "scsi": (7, 1), "sata": (6, 1), "fdc": (2, 1)}


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
        if not "a" <= letter <= "z" or number > _NUMBER_MAX:
            return -1
        number = number * 26 + ord(letter) - ord("a") + 1
    return number - 1 if prefix and number <= _NUMBER_MAX else -1


def insert_disk(disks: "list[Disk]", disk: Disk) -> None:
    """Put a disk behind those of its bus that come before it."""
    if disk.target_dev is None:
        disks.append(disk)
        return
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
    """Add controllers of a kind until there is one with the index `last`.  Errors: XML_ERROR."""
    if last >= DEVICES_MAX:
        raise VirError(XML_ERROR, f"index {last} of a {kind} controller is too large")
    have = {one.index for one in domain.devices.controllers if one.type == kind}
    for index in range(last + 1):
        if index not in have:
            insert_controller(domain.devices.controllers, Controller(type=kind, index=index))


def insert_controller(controllers: "list[Controller]", new: Controller) -> None:
    """Put a controller among those of its kind: by index, a master before its companions.

    One without an index goes to the end of its kind, and the others pass it.
    """
    at = -1
    for i in range(len(controllers) - 1, -1, -1):
        if controllers[i].type != new.type:
            continue
        if _follows(controllers[i], new):
            at = i
        elif at == -1:
            at = i + 1
    controllers.insert(at if at >= 0 else len(controllers), new)


def _follows(known: Controller, new: Controller) -> bool:
    """Say whether a controller has to stand behind a new one."""
    if known.index == new.index:
        return known.info.master_startport is not None and new.info.master_startport is None
    return known.index is not None and new.index is not None and known.index > new.index
