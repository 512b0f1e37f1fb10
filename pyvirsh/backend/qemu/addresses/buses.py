"""PCI buses of a guest: what each accepts, which slots are taken, how another one is added.

Source: the buses of QEMU's PCI controllers; the order in which libvirt fills them, as observed.
"""

from pyvirsh.backend.conf.domain.common import Address
from pyvirsh.backend.errors import INTERNAL_ERROR, XML_ERROR, VirError

# What a device is, and what a bus accepts.
PCI = 1
PCIE = 2
ROOT_PORT = 4
UPSTREAM = 8
DOWNSTREAM = 16
DMI_BRIDGE = 32
PCI_BRIDGE = 64
TO_PCI_BRIDGE = 128
PCI_EXPANDER = 256
PCIE_EXPANDER = 512
INTEGRATED = 1024
KINDS = 2047
# Shares a slot with others of its kind.
SHARES_SLOT = 2048

_NAMES = (
    (PCI, "standard PCI device"),
    (PCIE, "PCI Express device"),
    (ROOT_PORT, "pcie-root-port"),
    (UPSTREAM, "pcie-switch-upstream-port"),
    (DOWNSTREAM, "pcie-switch-downstream-port"),
    (DMI_BRIDGE, "dmi-to-pci-bridge"),
    (PCI_BRIDGE, "pci-bridge"),
    (TO_PCI_BRIDGE, "pcie-to-pci-bridge"),
    (PCI_EXPANDER, "pci-expander-bus"),
    (PCIE_EXPANDER, "pcie-expander-bus"),
)

_PORT = PCIE | UPSTREAM | TO_PCI_BRIDGE
_EXPRESS_ROOT = ROOT_PORT | DMI_BRIDGE | PCIE_EXPANDER | INTEGRATED
# Controller model -> (what may be put on its bus, what is put there unasked, first slot, last slot).
_BUSES = {
    "pci-root": (PCI | PCI_BRIDGE | PCI_EXPANDER | INTEGRATED, KINDS, 1, 31),
    "pci-bridge": (PCI | PCI_BRIDGE, KINDS, 1, 31),
    "pci-expander-bus": (PCI | PCI_BRIDGE, 0, 0, 31),
    "pcie-root": (_EXPRESS_ROOT | PCIE, _EXPRESS_ROOT, 1, 31),
    "pcie-to-pci-bridge": (PCI | PCI_BRIDGE, KINDS, 1, 31),
    "dmi-to-pci-bridge": (PCI | PCI_BRIDGE, PCI_BRIDGE, 0, 31),
    "pcie-root-port": (_PORT, KINDS, 0, 0),
    "pcie-switch-upstream-port": (DOWNSTREAM, KINDS, 0, 31),
    "pcie-switch-downstream-port": (_PORT, KINDS, 0, 0),
    "pcie-expander-bus": (ROOT_PORT | DMI_BRIDGE, 0, 0, 31),
}
_TO_PCI = ("dmi-to-pci-bridge", "pcie-to-pci-bridge")
_ALL_FUNCTIONS = 255


class Bus:
    """One bus, and which functions of which slots are taken on it."""

    __slots__ = ("model", "accepts", "first", "last", "unasked", "used", "shared")

    def __init__(self, model: str) -> None:
        self.model = model
        self.accepts, self.unasked, self.first, self.last = _BUSES[model]
        self.used = [0] * 32
        self.shared = [True] * 32

    def suits(self, flags: int) -> bool:
        """Say whether the bus is one to put such a device on, unasked."""
        kind = INTEGRATED if flags & INTEGRATED else flags
        return bool(kind & self.accepts & self.unasked)

    def full(self) -> bool:
        """Say whether no slot is free."""
        return all(self.used[self.first : self.last + 1])

    def free_place(self, flags: int, function: int) -> "tuple[int, int] | None":
        """Return a free slot and function for a device; None if there is none."""
        for slot in range(self.first, self.last + 1):
            if not self.used[slot]:
                return slot, max(function, 0)
            if flags & SHARES_SLOT and self.shared[slot] and self.used[slot] != _ALL_FUNCTIONS:
                lowest = ~self.used[slot] & (self.used[slot] + 1)
                return slot, lowest.bit_length() - 1
        return None


class Buses:
    """All buses of a guest by index.

    trial: whether buses may be added, because this run only finds out how many are needed.
    """

    def __init__(self, models: "list[Bus]", *, trial: bool) -> None:
        self.all = models
        self.trial = trial

    @property
    def express(self) -> bool:
        """Whether the first bus is PCI Express."""
        return bool(self.all) and self.all[0].model == "pcie-root"

    def used(self, bus: int, slot: int, function: "int | None" = None) -> bool:
        """Say whether a function, or any of a slot, is taken."""
        taken = self.all[bus].used[slot] if bus < len(self.all) else 0
        return bool(taken if function is None else taken & 1 << function)

    def take(self, bus: int, slot: int, function: int, *, shares: bool = False) -> None:
        """Mark a function as taken."""
        self.all[bus].used[slot] |= 1 << function
        self.all[bus].shared[slot] &= shares

    def take_slot(self, bus: int, slot: int) -> None:
        """Mark a whole slot as taken."""
        self.all[bus].used[slot] = _ALL_FUNCTIONS

    def keep(self, address: Address, flags: int) -> None:
        """Take the place that a definition states.  Errors: XML_ERROR if it cannot be."""
        bus, slot, function = address.bus or 0, address.slot or 0, address.function or 0
        if flags & INTEGRATED and bus:
            detail = f"The device at PCI address {_shown(address)} needs to be an integrated device (bus=0)"
            raise VirError(XML_ERROR, detail)
        self._check_number(address, bus, flags)
        bus = address.bus or 0
        chosen = self.all[bus]
        wanted = flags & (KINDS & ~INTEGRATED)
        tolerated = PCI | PCIE if chosen.accepts & (PCI | PCIE) else 0
        if not (chosen.accepts | tolerated) & wanted:
            raise VirError(XML_ERROR, _mismatch(address, bus, wanted))
        if not chosen.first <= slot <= chosen.last:
            detail = (
                f"Invalid PCI address {_shown(address)}. slot must be >= {chosen.first}"
                if slot < chosen.first
                else f"Invalid PCI address {_shown(address)}. slot must be <= {chosen.last}"
            )
            raise VirError(XML_ERROR, detail)
        if chosen.used[slot] & 1 << function:
            raise VirError(XML_ERROR, f"Attempted double use of PCI Address {_shown(address)}")
        self.take(bus, slot, function, shares=bool(flags & SHARES_SLOT))

    def _check_number(self, address: Address, bus: int, flags: int) -> None:
        """See that the bus exists, adding buses up to it in a trial."""
        if address.domain:
            detail = f"Invalid PCI address {_shown(address)}. Only PCI domain 0 is available"
            raise VirError(XML_ERROR, detail)
        if not self.all:
            raise VirError(XML_ERROR, "No PCI buses available")
        while self.trial and bus >= len(self.all) and bus < 256:
            at = len(self.all)
            self.grow(flags)
            if bus == at and self.all[at + 1 :]:
                # The bridge to PCI is behind a port, which took the number.
                bus = address.bus = at + 1
        if bus >= len(self.all):
            last = len(self.all) - 1
            detail = f"Invalid PCI address {_shown(address)}. Only PCI buses up to {last} are available"
            raise VirError(XML_ERROR, detail)

    def place(self, flags: int, function: int = -1) -> Address:
        """Choose and take a free place.  Errors: INTERNAL_ERROR if there is none."""
        at = self._find(flags, function)
        if at is None and self.trial:
            self.grow(flags)
            at = self._find(flags, function)
        if at is None:
            raise VirError(INTERNAL_ERROR, "No more available PCI slots")
        bus, slot, chosen = at
        self.take(bus, slot, chosen, shares=bool(flags & SHARES_SLOT))
        return Address(type="pci", domain=0, bus=bus, slot=slot, function=chosen)

    def _find(self, flags: int, function: int) -> "tuple[int, int, int] | None":
        for number, bus in enumerate(self.all):
            if bus.suits(flags) and (place := bus.free_place(flags, function)) is not None:
                return number, *place
        return None

    def grow(self, flags: int) -> None:
        """Add a bus for such a device.  Errors: INTERNAL_ERROR if no bus can be added for it."""
        for model in self._wanted_buses(flags):
            self.all.append(Bus(model))

    def _wanted_buses(self, flags: int) -> "tuple[str, ...]":
        if not self.express:
            if flags & (PCI | PCI_BRIDGE):
                return ("pci-bridge",)
        elif flags & (PCIE | UPSTREAM | TO_PCI_BRIDGE):
            return ("pcie-root-port",)
        elif flags & (PCI | PCI_BRIDGE):
            # A bridge to PCI that is there already is used up first.
            if any(bus.model in _TO_PCI and not bus.full() for bus in self.all):
                return ("pci-bridge",)
            return ("pcie-root-port", "pcie-to-pci-bridge")
        what = f"a PCI controller model='{_kind(flags)}', but none is available"
        detail = f"a PCI slot is needed to connect {what}, and it cannot be automatically added"
        raise VirError(INTERNAL_ERROR, detail)


def _kind(flags: int) -> str:
    return next((name for bit, name in _NAMES if flags & bit), "PCI device")


def _shown(address: Address) -> str:
    domain, bus, slot = address.domain or 0, address.bus or 0, address.slot or 0
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{address.function or 0:x}"


def _mismatch(address: Address, bus: int, flags: int) -> str:
    return (
        f"The device at PCI address {_shown(address)} cannot be plugged into the PCI controller with "
        f"index='{bus}'. It requires a controller that accepts a {_kind(flags)}."
    )
