"""Checks that libvirt's own library makes before a driver is asked, and drivers make first of all.

Source: libvirt's messages as observed; `flags` are the flags of the call.
"""

from pyvirsh.backend.constants import STORAGE_VOL_RESIZE_DELTA, STORAGE_VOL_RESIZE_SHRINK
from pyvirsh.backend.errors import INVALID_ARG, NO_DOMAIN_METADATA, VirError

AFFECT_LIVE = 1
AFFECT_CONFIG = 2


def invalid(text: str) -> VirError:
    """Make the error for a wrong argument whose message stands without a prefix."""
    return VirError(INVALID_ARG, text, text=text)


def allowed(flags: int, known: int, function: str) -> None:
    """Refuse flags that a driver's `function` does not know.  Errors: INVALID_ARG."""
    unknown = flags & ~known
    if unknown:
        raise invalid(f"unsupported flags (0x{unknown:x}) in function {function}")


def exclusive(flags: int, first: "tuple[int, str]", second: "tuple[int, str]") -> None:
    """Refuse two flags (number and name without VIR_) together.  Errors: INVALID_ARG."""
    if flags & first[0] and flags & second[0]:
        raise invalid(f"Flags 'VIR_{first[1]}' and 'VIR_{second[1]}' are mutually exclusive")


def requires(flags: int, flag: "tuple[int, str]", needed: "tuple[int, str]") -> None:
    """Refuse a flag without the one it needs.  Errors: INVALID_ARG."""
    if flags & flag[0] and not flags & needed[0]:
        raise invalid(f"Flag 'VIR_{needed[1]}' is required by flag 'VIR_{flag[1]}'")


def affect(flags: int) -> None:
    """Refuse a change that is asked for the live and the stored definition in one call that takes one."""
    exclusive(flags, (AFFECT_LIVE, "DOMAIN_AFFECT_LIVE"), (AFFECT_CONFIG, "DOMAIN_AFFECT_CONFIG"))


def not_zero(value: int, name: str, function: str) -> None:
    """Refuse 0.  Errors: INVALID_ARG."""
    if value == 0:
        raise invalid(f"{name} in {function} must not be zero")


def positive(value: int, name: str, function: str) -> None:
    """Refuse what is not above 0.  Errors: INVALID_ARG."""
    if value <= 0:
        raise invalid(f"{name} in {function} must be greater than zero")


def not_negative(value: int, name: str, function: str) -> None:
    """Refuse what is below 0.  Errors: INVALID_ARG."""
    if value < 0:
        raise invalid(f"{name} in {function} must be zero or greater")


def resized(capacity: int, flags: int) -> None:
    """Refuse no capacity for a volume that may not shrink, nor changes by it.  Errors: INVALID_ARG."""
    if not capacity and not flags & (STORAGE_VOL_RESIZE_DELTA | STORAGE_VOL_RESIZE_SHRINK):
        what = "capacity in virStorageVolResize"
        raise invalid(f"{what} cannot be zero without 'delta' or 'shrink' flags set")


def not_null(value: object, name: str, function: str) -> None:
    """Refuse nothing.  Errors: INVALID_ARG."""
    if value is None:
        raise invalid(f"{name} in {function} must not be NULL")


def null(value: object, name: str, function: str) -> None:
    """Refuse anything.  Errors: INVALID_ARG."""
    if value is not None:
        raise invalid(f"{name} in {function} must be NULL")


def no_metadata() -> VirError:
    """Make the error for a title, description or element that a definition lacks."""
    return VirError(NO_DOMAIN_METADATA, "Requested metadata element is not present")
