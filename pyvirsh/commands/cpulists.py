"""Lists of CPUs as people write them, ``0-3,^2,7``, and libvirt's maps: bytes, the lowest bit first.

Source: measured in `shell-semantics`, section 4.3.
"""

from pyvirsh.backend.errors import VirError
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.output import Shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import Driver

# The highest number a list may hold, whatever the host has.  Source: virsh 11.3, which takes 1023, not 1024.
NUMBER_MAX = 1023
_BLANKS = " \t\n\v\f\r"


def host_cpus(driver: "Driver") -> int:
    """Return how many CPUs the host has, those that are off included."""
    try:
        return driver.node_get_cpu_map()[2]
    except VirError:
        pass
    _, _, _, _, nodes, sockets, cores, threads = driver.node_get_info()
    return nodes * sockets * cores * threads


# -- reading -----------------------------------------------------------------------------------------


def parse(text: str) -> "set[int] | None":
    """Return the numbers that a list selects; None when it is none.

    Items are ``N``, ``N-M`` and ``^N``, which takes N out of those before it; one comma may
    stand at the end.
    """
    if not text.strip(_BLANKS):
        return None
    items = text.split(",")
    if len(items) > 1 and not items[-1].strip(_BLANKS):
        items.pop()
    chosen: set[int] = set()
    for item in items:
        item = item.strip(_BLANKS)
        if item.startswith("^"):
            number = _number(item[1:])
            if number is None:
                return None
            chosen.discard(number)
            continue
        first, dash, last = item.partition("-")
        low = _number(first.rstrip(_BLANKS))
        high = _number(last.strip(_BLANKS)) if dash else low
        if low is None or high is None or high < low:
            return None
        chosen.update(range(low, high + 1))
    return chosen


def _number(text: str) -> "int | None":
    if not text.isascii() or not text.isdigit() or int(text) > NUMBER_MAX:
        return None
    return int(text)


def parse_map(text: str, cpus: int) -> bytes:
    """Return the map of a list for a host with `cpus` CPUs; ``r`` stands for all of them.

    Errors: CommandFailed for what is no list, selects nothing or a CPU that is not there.
    """
    if text.startswith("r"):
        return to_map(set(range(cpus)), cpus)
    chosen = parse(text)
    if chosen is None:
        raise CommandFailed(f"Invalid cpulist '{text}'", f"invalid argument: Failed to parse bitmap '{text}'")
    if not chosen:
        raise CommandFailed(f"Invalid cpulist '{text}'")
    if max(chosen) >= cpus:
        raise CommandFailed(f"CPU {max(chosen)} in cpulist '{text}' exceed the maxcpu {cpus}")
    return to_map(chosen, cpus)


# -- maps --------------------------------------------------------------------------------------------


def map_length(cpus: int) -> int:
    """Return how many bytes the map of `cpus` CPUs takes."""
    return (cpus + 7) // 8


def to_map(numbers: "set[int]", cpus: int) -> bytes:
    """Return the map in which the bits of `numbers` are set."""
    return sum(1 << number for number in numbers).to_bytes(map_length(cpus), "little")


def from_map(data: bytes) -> "list[int]":
    """Return the numbers whose bits are set in a map."""
    bits = int.from_bytes(data, "little")
    return [number for number in range(bits.bit_length()) if bits >> number & 1]


def ranges(numbers: "list[int]") -> str:
    """Return ascending numbers as a list with ranges."""
    pieces: list[list[int]] = []
    for number in numbers:
        if pieces and number == pieces[-1][1] + 1:
            pieces[-1][1] = number
        else:
            pieces.append([number, number])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in pieces)


def shown(data: bytes, cpus: int) -> Shown:
    """Return a map as data, its numbers, that shows as a list with ranges."""
    numbers = [number for number in from_map(data) if number < cpus]
    return Shown(numbers, ranges(numbers))
