"""A slow or failing world, for testing scripts against such hosts.

``latency=TIME``: every call takes that much longer; TIME is a number with ``ms`` (also when left out),
``us`` or ``s``.  ``fail=CALL[:COUNT]``: the first COUNT calls of CALL fail, all of them without a count;
CALL is a method of `Driver`, and stands for its variants with flags or files as well.  ``fail`` may be
given often.
"""

import time
from threading import RLock
from typing import TYPE_CHECKING, Any

from pyvirsh.backend.api import Driver
from pyvirsh.backend.errors import INVALID_ARG, OPERATION_FAILED, VirError
from pyvirsh.backend.readonly import OWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.backend import Uri

# Held while a call is made: callers in several threads may be delayed at a time, but share a world.
_LOCK = RLock()
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_VARIANTS = ("", "_flags", "_with_flags", "_with_files", "_with_format", "_params")


class Tuned(Driver):
    """A test driver behind a delay and planned failures."""

    def __init__(self, driver: Driver, uri: "Uri") -> None:
        self.driver = driver
        self.warnings = driver.warnings
        self.delay = 0.0
        # call -> how often it fails still; None: always
        self.failures: dict[str, int | None] = {}
        for name, value in uri.query:
            if name == "latency":
                self.delay = _seconds(value)
            elif name == "fail":
                call, colon, count = value.partition(":")
                self._plan(call, _count(count) if colon else None)

    def _plan(self, call: str, count: "int | None") -> None:
        known = {call + variant for variant in _VARIANTS if callable(getattr(Driver, call + variant, None))}
        if not known or call in OWN:
            raise VirError(INVALID_ARG, f"fail={call}: there is no such call")
        for name in known:
            self.failures[name] = count

    def before(self, name: str) -> None:
        """Wait, and fail if that is planned for a call."""
        if self.delay:
            time.sleep(self.delay)
        if name in self.failures:
            left = self.failures[name]
            if left == 0:
                return
            if left is not None:
                self.failures[name] = left - 1
            raise VirError(OPERATION_FAILED, f"{name} fails, as the connection's URI asks")


def _seconds(text: str) -> float:
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    factor = _SECONDS.get(text[len(digits) :] or "ms")
    if factor is None or not digits.isascii() or not digits.isdigit():
        raise VirError(INVALID_ARG, f"latency={text}: not a time like 50ms")
    return int(digits) * factor


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise VirError(INVALID_ARG, f"fail=…:{text}: not a number of failures")
    return int(text)


def _forward(name: str, *, local: bool) -> "Callable[..., Any]":
    def method(self: Tuned, *values: Any, **options: Any) -> Any:
        if local:
            return getattr(self.driver, name)(*values, **options)
        self.before(name)
        with _LOCK:
            return getattr(self.driver, name)(*values, **options)

    method.__name__ = name
    return method


for _name in [name for name in vars(Driver) if not name.startswith("_") and callable(getattr(Driver, name))]:
    setattr(Tuned, _name, _forward(_name, local=_name in OWN))
