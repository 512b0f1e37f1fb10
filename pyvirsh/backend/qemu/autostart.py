"""Autostart: marks on the definition, and a systemd unit that starts the guest.

The unit is a plain file that systemctl shows: of the system, of the user, or, for a connection
with a root of its own, below that root, where nobody loads it unless it is linked.
"""

import os
import sys

from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.durable import make_directory, write_file
from pyvirsh.backend.qemu.driver import AUTOSTART, ONCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.qemu.driver import QemuDriver

TARGETS = {"system": "multi-user.target", "user": "default.target", "": "default.target"}
RELOAD_SECONDS = 10.0


def unit_name(dom: DomainRef) -> str:
    """Return the name of a guest's unit."""
    return f"pyvirsh-{dom.uuid}.service"


def mark(driver: "QemuDriver", dom: DomainRef, which: str, *, on: bool) -> None:
    """Have the guest started with the machine, or with the user's session: each time, or the next time."""
    if not on and not driver.store.is_marked(dom.uuid, which):
        return
    driver.store.set_mark(dom.uuid, which, on=on)
    if is_marked(driver, dom):
        write_unit(driver, dom)
    else:
        _remove_unit(driver, dom)


def is_marked(driver: "QemuDriver", dom: DomainRef) -> bool:
    """Say whether the guest is to be started at all."""
    return any(driver.store.is_marked(dom.uuid, which) for which in (AUTOSTART, ONCE))


def forget(driver: "QemuDriver", dom: DomainRef) -> None:
    """Do not have the guest started any more."""
    for which in (AUTOSTART, ONCE):
        mark(driver, dom, which, on=False)


def write_unit(driver: "QemuDriver", dom: DomainRef) -> None:
    """Write the guest's unit and have its target want it."""
    units = driver.roots.units
    wants = f"{units}/{TARGETS[driver.roots.units_kind]}.wants"
    make_directory(wants)
    write_file(f"{units}/{unit_name(dom)}", unit(driver, dom).encode("utf-8", "surrogateescape"))
    try:
        os.symlink(f"../{unit_name(dom)}", f"{wants}/{unit_name(dom)}")
    except FileExistsError:
        pass
    _reload(driver)


def _remove_unit(driver: "QemuDriver", dom: DomainRef) -> None:
    units = driver.roots.units
    for path in (
        f"{units}/{TARGETS[driver.roots.units_kind]}.wants/{unit_name(dom)}",
        f"{units}/{unit_name(dom)}",
    ):
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
    _reload(driver)


def unit(driver: "QemuDriver", dom: DomainRef) -> str:
    """Return the unit's text.  The guest is named by its UUID: a name may have any character."""
    program = " ".join(_quoted(word) for word in (sys.executable, "-m", "pyvirsh"))
    uri = _quoted(driver.roots.uri)
    # A unit that is there for one time does away with itself when the guest runs.
    once = ""
    if driver.store.is_marked(dom.uuid, ONCE):
        once = f"ExecStartPost={program} -c {uri} autostart {dom.uuid} --once --disable\n"
    after = "After=network.target local-fs.target\n" if driver.roots.units_kind == "system" else ""
    return (
        "[Unit]\n"
        f"Description=Virtual machine {_plain(dom.name)}\n"
        f"{after}"
        "\n"
        "[Service]\n"
        "Type=oneshot\n"
        "RemainAfterExit=yes\n"
        f"ExecStart={program} -c {uri} start {dom.uuid}\n"
        f"{once}"
        # The guest is not the unit's to kill: it has a supervisor, and it outlives a stop of the unit.
        "KillMode=process\n"
        "\n"
        "[Install]\n"
        f"WantedBy={TARGETS[driver.roots.units_kind]}\n"
    )


def _quoted(word: str) -> str:
    """Quote a word for ExecStart, where % and $ mean something too."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{word}"'


def _plain(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name).replace("%", "%%").rstrip("\\")


def _reload(driver: "QemuDriver") -> None:
    """Tell systemd of the change, if it runs and these are its units."""
    kind = driver.roots.units_kind
    if not kind or not os.path.isdir("/run/systemd/system"):
        return
    import subprocess

    words = ["systemctl", "daemon-reload"] if kind == "system" else ["systemctl", "--user", "daemon-reload"]
    try:
        # The files are what counts: a manager that cannot be reached reads them when it starts.
        subprocess.run(words, capture_output=True, timeout=RELOAD_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return
