"""Whether two pools would use the same storage.

Source: which definitions libvirt refuses beside another, as observed.
"""

from typing import TYPE_CHECKING

from pyvirsh.backend.errors import OPERATION_FAILED, VirError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyvirsh.backend.conf.storageadapter import Adapter
    from pyvirsh.backend.conf.storagepool import Pool, Source

_BY_DEVICE = ("fs", "logical", "disk", "zfs")


def check(pools: "Iterable[Pool]", new: "Pool") -> None:
    """Refuse a pool whose storage one of another name has.  Errors: OPERATION_FAILED."""
    for pool in pools:
        if pool.name != new.name and _same(pool, new):
            raise VirError(OPERATION_FAILED, f"Storage source conflict with pool: '{pool.name}'")


def _same(pool: "Pool", new: "Pool") -> bool:
    if new.type in _BY_DEVICE:
        return pool.type in _BY_DEVICE and _share_device(pool.source, new.source)
    if pool.type != new.type:
        return False
    if new.type in ("dir", "mpath"):
        return new.type == "mpath" or _path(pool) == _path(new)
    return _same_source(new.type, pool.source, new.source)


def _same_source(kind: str, old: "Source", new: "Source") -> bool:
    if kind == "iscsi":
        return old.initiator == new.initiator and _share_device(old, new)
    if kind == "scsi":
        assert old.adapter is not None and new.adapter is not None
        return _same_adapter(old.adapter, new.adapter)
    if kind == "vstorage":
        return old.name == new.name
    if kind in ("netfs", "gluster"):
        same = old.dir == new.dir and (kind == "netfs" or old.name == new.name)
        return same and _same_host(old, new)
    return kind == "sheepdog" and _same_host(old, new)


def _path(pool: "Pool") -> "str | None":
    return pool.target.path if pool.target is not None else None


def _share_device(old: "Source", new: "Source") -> bool:
    return bool({device.path for device in old.devices} & {device.path for device in new.devices})


def _same_host(old: "Source", new: "Source") -> bool:
    if len(old.hosts) != 1 and len(new.hosts) != 1:
        return False
    first, second = old.hosts[0], new.hosts[0]
    return first.name == second.name and second.port in (None, first.port)


def _same_adapter(old: "Adapter", new: "Adapter") -> bool:
    if old.type == new.type == "fc_host":
        return (old.wwnn, old.wwpn) == (new.wwnn, new.wwpn)
    if old.parent_address is not None and new.parent_address is not None:
        return old.parent_address == new.parent_address
    numbers = [host_number(one.parent if one.type == "fc_host" else one.name) for one in (old, new)]
    return numbers[0] is not None and numbers[0] == numbers[1]


def host_number(name: "str | None") -> "int | None":
    """Return the number of a SCSI host called "scsi_host5" or "host5"; None if it is neither."""
    digits = (name or "").removeprefix("scsi_")
    if not digits.startswith("host") or not digits[4:].isascii() or not digits[4:].isdigit():
        return None
    return int(digits[4:])
