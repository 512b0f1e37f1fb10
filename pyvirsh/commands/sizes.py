"""Sizes as people read them."""

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def human(size: int, digits: int) -> str:
    """Return ``NUMBER UNIT`` with the largest unit of 1024 that leaves at least one."""
    power = min(max(size.bit_length() - 1, 0) // 10, len(UNITS) - 1)
    return f"{size / 1024**power:.{digits}f} {UNITS[power]}"
