"""The log file of ``-l FILE`` and VIRSH_LOG_FILE.

Source: measured in `shell-semantics`, section 6.1.
"""

import os
import time

LEVELS = ("DEBUG", "INFO", "NOTICE", "WARNING", "ERROR")


class LogFile:
    """Appends to the file at `path`.  Errors: OSError if it cannot be opened."""

    def __init__(self, path: str, program: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._program = program

    def write(self, level: int, text: str) -> None:
        """Add one entry; what cannot be written is lost, as the command matters more."""
        stamp = time.strftime("%Y.%m.%d %H:%M:%S")
        entry = f"[{stamp} {self._program} {os.getpid()}] {LEVELS[level]} {text}\n"
        try:
            os.write(self._fd, entry.encode("utf-8", "surrogateescape"))
        except OSError:
            return
