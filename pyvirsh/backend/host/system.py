"""The node as a whole: name, firmware's tables, sleep, versions.

Source: Linux's sysfs documentation; figures and texts as libvirt's QEMU driver reports them.
"""

import os

from pyvirsh.backend.errors import (
    ARGUMENT_UNSUPPORTED,
    CONFIG_UNSUPPORTED,
    INVALID_ARG,
    OPERATION_FAILED,
    VirError,
)
from pyvirsh.backend.host import cpus, memory
from pyvirsh.backend.host.cpus import read

DMI = "/sys/class/dmi/id"
SLEEP = "/sys/power/state"

# element, attribute -> file of the DMI directory, by block
_TABLES = {
    "bios": (
        ("vendor", "bios_vendor"),
        ("version", "bios_version"),
        ("date", "bios_date"),
        ("release", "bios_release"),
    ),
    "system": (
        ("manufacturer", "sys_vendor"),
        ("product", "product_name"),
        ("version", "product_version"),
        ("serial", "product_serial"),
        ("uuid", "product_uuid"),
        ("sku", "product_sku"),
        ("family", "product_family"),
    ),
    "baseBoard": (
        ("manufacturer", "board_vendor"),
        ("product", "board_name"),
        ("version", "board_version"),
        ("serial", "board_serial"),
        ("asset", "board_asset_tag"),
    ),
    "chassis": (
        ("manufacturer", "chassis_vendor"),
        ("version", "chassis_version"),
        ("serial", "chassis_serial"),
        ("asset", "chassis_asset_tag"),
    ),
}
# target of a sleep -> (the kernel's word, what it is called)
_SLEEPS = (("mem", "Suspend-to-RAM"), ("disk", "Suspend-to-Disk"), ("disk", "Hybrid-Suspend"))
SLEEP_MIN_SECONDS = 60


def info() -> "tuple[str, int, int, int, int, int, int, int]":
    """Return model, memory in KiB, CPUs, MHz, nodes, sockets, cores and threads."""
    nodes, sockets, cores, threads = cpus.topology()
    online = len(cpus.online_set())
    return os.uname().machine, memory.total(), online, cpus.frequency(), nodes, sockets, cores, threads


def hostname() -> str:
    """Return the node's name: the full one where it is known."""
    import socket

    name = socket.gethostname()
    if name.startswith("localhost") or "." in name:
        return name
    try:
        found = socket.getaddrinfo(name, None, flags=socket.AI_CANONNAME)
    except OSError:
        return name
    full = found[0][3] if found else ""
    return full if full and not full.startswith("localhost") else name


def sysinfo() -> str:
    """Return the firmware's tables as XML.  Errors: CONFIG_UNSUPPORTED if there are none."""
    from pyvirsh.backend.conf.xml import Node, write

    root = Node("sysinfo")
    root.attrs["type"] = "smbios"
    for block, entries in _TABLES.items():
        values = [(name, text) for name, file in entries if (text := read(f"{DMI}/{file}"))]
        if values:
            node = root.add(block)
            for name, text in values:
                entry = node.add("entry")
                entry.attrs["name"] = name
                entry.text = text
    if not root.kids:
        raise VirError(CONFIG_UNSUPPORTED, "Host SMBIOS information is not available")
    return write(root)


def uuid() -> str:
    """Return the node's UUID: the firmware's, else one made of the machine's id."""
    text = (read(f"{DMI}/product_uuid") or "").lower()
    if len(text) == 36:
        return text
    machine = (read("/etc/machine-id") or read("/var/lib/dbus/machine-id") or "0" * 32).ljust(32, "0")
    return f"{machine[:8]}-{machine[8:12]}-{machine[12:16]}-{machine[16:20]}-{machine[20:32]}"


def sleep_targets() -> "list[str]":
    """Return how the node can sleep, as capabilities name it."""
    words = (read(SLEEP) or "").split()
    return [name for word, name in (("mem", "suspend_mem"), ("disk", "suspend_disk")) if word in words]


def sleep(target: int, seconds: int) -> None:
    """Put the node to sleep and wake it by its clock.  Errors: INVALID_ARG, ARGUMENT_UNSUPPORTED."""
    if not 0 <= target < len(_SLEEPS):
        raise VirError(INVALID_ARG, "Invalid suspend target")
    word, name = _SLEEPS[target]
    if seconds < SLEEP_MIN_SECONDS:
        raise VirError(INVALID_ARG, f"Suspend duration is too short: at least {SLEEP_MIN_SECONDS} seconds")
    if word not in (read(SLEEP) or "").split():
        raise VirError(ARGUMENT_UNSUPPORTED, name)
    import subprocess

    try:
        subprocess.run(
            ["rtcwake", "-m", "no", "-s", str(seconds)], check=True, capture_output=True, timeout=10
        )
        with open(SLEEP, "w") as file:
            file.write(word)
    except (OSError, subprocess.SubprocessError) as error:
        raise VirError(OPERATION_FAILED, f"the node cannot be put to sleep: {error}") from error
