"""Whole numbers as C's library reads them."""


def c_integer(text: str, base: int = 10) -> "int | None":
    """Read a number with nothing behind it; None if it is none.  base 0: 0x and an octal 0 are known."""
    body = text.lstrip(" \t\n\v\f\r")
    sign = body[:1] if body[:1] in ("+", "-") else ""
    digits = body[len(sign) :].lower()
    if base in (0, 16) and digits.startswith("0x"):
        base, digits = 16, digits[2:]
    elif base == 0:
        base = 8 if digits.startswith("0") else 10
    if not digits.isascii() or not digits.isalnum():
        return None
    try:
        return int(sign + digits, base)
    except ValueError:
        return None
