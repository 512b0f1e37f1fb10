"""Images a guest is about to use: that they are there, and what they stand on.

An image's format is what the definition, or the image above it, says: a raw image that looks like
another format stays raw.  What an image names as its base is used only if it states the format.
Source: QEMU's "Qcow2 image file format"; texts as observed of libvirt's QEMU driver.
"""

import os

from pyvirsh.backend.conf.domain.disk import BackingStore, Disk
from pyvirsh.backend.conf.domain.source import DiskSource
from pyvirsh.backend.errors import OPERATION_INVALID, SYSTEM_ERROR, VirError
from pyvirsh.backend.qemu import qcow2
from pyvirsh.backend.qemu.disks import path_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.domain import Domain

CHAIN_MAX = 200


def prepare(domain: "Domain") -> "list[Disk]":
    """Check the images of a guest and fill in what they stand on.

    Returns the disks that go without their medium because it is missing and the definition allows that.
    Errors: SYSTEM_ERROR for an image that is missing; OPERATION_INVALID for a base that is not trusted.
    """
    dropped = []
    for disk in domain.devices.disks:
        path = path_of(disk)
        if path is None or disk.type == "dir":
            continue
        if not _is_there(path):
            if not _may_miss(disk):
                raise missing(path)
            disk.source = None
            dropped.append(disk)
        elif disk.backing is None:
            disk.backing = _base(path, disk.format, 0)
    for file in (domain.os.kernel, domain.os.initrd, domain.os.dtb):
        if file and not _is_there(file):
            raise missing(file)
    return dropped


def _is_there(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
    except FileNotFoundError:
        return False
    except OSError as error:
        raise VirError(SYSTEM_ERROR, f"Cannot access storage file '{path}': {error.strerror}") from error
    return True


def missing(path: str) -> VirError:
    """Make the error for a file that is not there."""
    return VirError(SYSTEM_ERROR, f"Cannot access storage file '{path}': No such file or directory")


def _may_miss(disk: Disk) -> bool:
    policy = disk.source.startup_policy if disk.source is not None else None
    return policy in ("optional", "requisite") and disk.device in ("cdrom", "floppy")


def _base(path: str, format: "str | None", depth: int) -> BackingStore:
    """Return what an image stands on, all the way down; an end without a source."""
    if format != "qcow2":
        return BackingStore()
    name, base_format = qcow2.base_of(path)
    if name is None:
        return BackingStore()
    if depth >= CHAIN_MAX:
        raise VirError(OPERATION_INVALID, f"the chain of images below '{path}' is too long")
    if not base_format:
        raise VirError(
            OPERATION_INVALID,
            f"format of backing image '{name}' of image '{path}' was not specified in the image metadata: "
            f"state it with 'qemu-img rebase -u -F FORMAT -b {name} {path}', or in the definition",
        )
    file = name.removeprefix("file:")
    if ":" in file.split("/", 1)[0]:
        raise VirError(
            OPERATION_INVALID,
            f"image '{path}' stands on '{name}', which is not a file: state it in the definition to use it",
        )
    file = os.path.join(os.path.dirname(path), file)
    if not _is_there(file):
        raise missing(file)
    return BackingStore(
        type="file",
        format=base_format,
        source=DiskSource(file=file),
        backing=_base(file, base_format, depth + 1),
    )
