"""What a start consists of, as it is being decided: words, descriptors, files, helper programs."""

import json

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.common import Info, VirtioDriver
from pyvirsh.backend.errors import INTERNAL_ERROR, VirError
from pyvirsh.backend.qemu.facts import Facts, Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Props = dict[str, Any]


class Paths:
    """Where a guest's files are, and the numbers of the descriptors it gets; all decided by the driver.

    run: its directory for sockets; channels: for the sockets of its channels; memory: for files that back
    its memory; tpm: for the state of its TPM; shmem: where servers of shared memory listen; tls: where
    certificates are; hugepages: what stands behind the
    mount point of a hugetlbfs.
    monitors: (id, where) of the QMP sockets, where being ``fd=3`` or ``path=/...``.
    first_fd: the first number for descriptors that the command line names.
    now: seconds since the epoch, and utc_offset how many local time is ahead, for clocks set relative to it.
    """

    def __init__(self, run: str, *, channels: str, memory: str, hugepages: str) -> None:
        self.run = run
        self.channels = channels
        self.memory = memory
        self.hugepages = hugepages
        self.tpm = f"{run}/tpm"
        self.shmem = "/var/lib/libvirt"
        self.tls = "/etc/pki/qemu"
        self.monitors: list[tuple[str, str]] = [("monitor", f"path={run}/monitor.sock")]
        self.first_fd = 100
        self.now = 0.0
        self.utc_offset = 0


class Fd:
    """A descriptor to be opened and inherited under `number`.

    role: "tap", "vhost", "vhost-vsock", "vhost-scsi", "vhost-user-gpu" or "vdpa"; alias: the device it is
    for; index: which of the device's queues.
    """

    __slots__ = ("number", "role", "alias", "index")

    def __init__(self, number: int, role: str, alias: str, index: int) -> None:
        self.number = number
        self.role = role
        self.alias = alias
        self.index = index


class Secret:
    """A secret that QEMU must be given before it can open something: a ``secret`` object of this id.

    kind: what libvirt calls its usage type; uuid or usage say which one it is.
    """

    __slots__ = ("id", "kind", "uuid", "usage")

    def __init__(self, id: str, kind: str, uuid: "str | None", usage: "str | None") -> None:
        self.id = id
        self.kind = kind
        self.uuid = uuid
        self.usage = usage


class Helper:
    """A program that must run before QEMU starts: `words` its command line, `socket` what it listens on."""

    __slots__ = ("role", "alias", "words", "socket")

    def __init__(self, role: str, alias: str, words: "list[str]", socket: str) -> None:
        self.role = role
        self.alias = alias
        self.words = words
        self.socket = socket


class Command:
    """All a start must do: open `fds`, make `directories` and the master key, run `helpers`, then QEMU.

    master_key: where 32 random bytes are to be put; "" if QEMU needs none.
    """

    def __init__(self) -> None:
        self.words: list[str] = []
        self.env: dict[str, str] = {}
        self.fds: list[Fd] = []
        self.secrets: list[Secret] = []
        self.helpers: list[Helper] = []
        self.directories: list[str] = []
        self.master_key = ""


class Plan:
    """A command line in the making, with all it is decided from."""

    def __init__(self, domain: Domain, facts: Facts, host: Host, paths: Paths) -> None:
        self.domain = domain
        self.facts = facts
        self.host = host
        self.paths = paths
        self.command = Command()
        self.buses = {
            one.index or 0: one.info.alias or "" for one in domain.devices.controllers if one.type == "pci"
        }

    # -- words -----------------------------------------------------------------------------------------

    def add(self, option: str, value: "str | None" = None) -> None:
        """Append an option."""
        self.command.words.append("-" + option)
        if value is not None:
            self.command.words.append(value)

    def json(self, option: str, props: "Props") -> None:
        """Append an option whose value is JSON; properties that are None are left out."""
        self.add(option, compact(props))

    def device(self, props: "Props") -> None:
        """Append a device."""
        self.json("device", props)

    def object(self, kind: str, id: str, props: "Props") -> None:
        """Append an object."""
        self.json("object", {"qom-type": kind, "id": id, **props})

    def secret(self, secret: Secret) -> None:
        """Append the object of a secret; its value is put in later, encrypted with the master key."""
        self.command.secrets.append(secret)
        props = {"data": f"@data:{secret.id}@", "keyid": "masterKey0", "iv": f"@iv:{secret.id}@"}
        self.object("secret", secret.id, {**props, "format": "base64"})

    def fd(self, role: str, alias: str, index: int = 0) -> int:
        """Ask for a descriptor; return the number it will have."""
        number = self.paths.first_fd + len(self.command.fds)
        self.command.fds.append(Fd(number, role, alias, index))
        return number

    # -- parts of devices ------------------------------------------------------------------------------

    def address(self, info: Info) -> "Props":
        """Return the properties that say where a device sits."""
        address = info.address
        if address is None:
            return {}
        if address.type == "pci":
            return self._pci(info)
        if address.type == "usb":
            return {"bus": f"{self._controller_alias('usb', address.bus or 0)}.0", "port": address.port}
        if address.type == "isa":
            iobase = f"0x{address.iobase:x}" if address.iobase is not None else None
            return {"iobase": iobase, "irq": f"0x{address.irq:x}" if address.irq is not None else None}
        if address.type == "dimm":
            return {"slot": address.slot, "addr": address.base}
        if address.type == "ccid":
            return {"bus": f"ccid{address.controller or 0}.0"}
        return {}

    def _pci(self, info: Info) -> "Props":
        address = info.address
        place = address.pci if address is not None else None
        if address is None or place is None:
            raise VirError(INTERNAL_ERROR, f"device {info.alias} has no PCI address")
        bus, slot, function = place
        multifunction = None if address.multifunction is None else address.multifunction == "on"
        shown = f"0x{slot:x}.0x{function:x}" if function else f"0x{slot:x}"
        return {
            "bus": self.bus(bus),
            "multifunction": multifunction,
            "addr": shown,
            "acpi-index": info.acpi_index or None,
        }

    def bus(self, index: int) -> str:
        """Return what QEMU calls a PCI bus."""
        if index not in self.buses:
            raise VirError(INTERNAL_ERROR, f"Could not find PCI controller with index {index}")
        return self.buses[index]

    def _controller_alias(self, kind: str, index: int) -> str:
        for controller in self.domain.devices.controllers:
            if controller.type == kind and (controller.index or 0) == index and controller.info.alias:
                return controller.info.alias
        raise VirError(INTERNAL_ERROR, f"Could not find {kind} controller with index {index}")

    def rom(self, info: Info) -> "Props":
        """Return the properties of a device's option ROM."""
        if info.rom_enabled == "no":
            return {"rombar": 0, "romfile": ""}
        bar = {"on": 1, "off": 0}.get(info.rom_bar or "")
        return {"rombar": bar, "romfile": info.rom_file}


def virtio(driver: "VirtioDriver | None") -> "Props":
    """Return the properties that any virtio device may have."""
    if driver is None:
        return {}
    return {
        "iommu_platform": switch(driver.iommu),
        "ats": switch(driver.ats),
        "packed": switch(driver.packed),
        "page-per-vq": switch(driver.page_per_vq),
    }


def virtio_name(base: str, model: "str | None", *, bus: str = "pci") -> str:
    """Return the QEMU device of a virtio model: transitional ones have names of their own."""
    suffix = ""
    for kind in ("-non-transitional", "-transitional"):
        if (model or "").endswith("virtio" + kind):
            suffix = kind
            break
    return f"{base}-{bus}{suffix}"


def switch(value: "str | None") -> "bool | None":
    """Return what "on"/"yes" and "off"/"no" stand for; None for nothing said."""
    return None if value is None else value in ("on", "yes")


class _Null:
    """Stands for JSON's null, where a property must be said to be nothing."""


NULL = _Null()


def compact(props: "Props") -> str:
    """Return properties as JSON without spaces; those that are None are left out, NULL is null."""
    kept = {name: None if value is NULL else value for name, value in props.items() if value is not None}
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


def escaped(value: str) -> str:
    """Double the commas of a value in an option of the classic form."""
    return value.replace(",", ",,")
