"""Build the tiny Linux guest of the tests and the demo: Debian's cloud kernel and a busybox initramfs.

``python tests/guest.py`` prints the directory that holds ``vmlinuz`` and ``initrd``; it is built once
and kept under the user's cache directory.  The guest is up in about two seconds without KVM, says
``tiny guest is up`` on ttyS0 and gives a root shell there; it answers the ACPI power button, and the guest
agent runs where the machine has its channel.  Words on the kernel's command line change it:

- ``tiny.deaf``: ignore the power button
- ``tiny.then=CMD``: run CMD (commas for blanks) once up, such as ``poweroff,-f``
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MODULES = (
    "virtio_pci virtio_blk virtio_net virtio_scsi sd_mod sr_mod virtio_console virtio_balloon virtio_rng "
    "virtio_mem button evdev pvpanic pvpanic-pci"
).split()

INIT = r"""#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /run /tmp /var/log /var/run
mount -t devpts pts /dev/pts
hostname tiny
while read -r path; do insmod "$path" 2>/dev/null; done < /modules.list
words=$(cat /proc/cmdline)
case "$words" in *tiny.deaf*) ;; *) acpid -c /etc/acpi ;; esac
for port in /sys/class/virtio-ports/*; do
    [ -e "$port/name" ] || continue
    mkdir -p /dev/virtio-ports
    ln -sf "../${port##*/}" "/dev/virtio-ports/$(cat "$port/name")"
done
if [ -x /bin/qemu-ga ] && [ -e /dev/virtio-ports/org.qemu.guest_agent.0 ]; then
    qemu-ga -d -p /dev/virtio-ports/org.qemu.guest_agent.0 -t /run -f /run/qemu-ga.pid >/dev/null 2>&1
fi
ip link set lo up
if [ -e /sys/class/net/eth0 ]; then
    ip link set eth0 up
    udhcpc -i eth0 -b -q -S -s /bin/dhcp >/dev/null 2>&1 &
fi
echo 1 > /proc/sys/kernel/sysrq
echo "tiny guest is up"
for word in $words; do
    case "$word" in tiny.then=*) $(echo "${word#tiny.then=}" | tr , ' ') ;; esac
done
while :; do setsid cttyhack sh; done
"""

DHCP = """#!/bin/busybox sh
[ "$1" = bound ] || exit 0
ip addr add "$ip/$mask" dev "$interface"
[ -z "$router" ] || ip route add default via "$router"
"""


# The guest agent's way to an end.
SHUTDOWN = """#!/bin/busybox sh
case " $* " in *" -r "*) reboot -f ;; *) poweroff -f ;; esac
"""


def main() -> int:
    try:
        print(directory())
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


class BuildError(Exception):
    """The guest cannot be built; the text names what is missing and what brings it."""


def directory() -> Path:
    """Return the directory with ``vmlinuz`` and ``initrd``, built now if it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pyvirsh-tests"
    made = cache / ("guest-" + hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12])
    if not (made / "initrd").exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            _build(Path(scratch))
            try:
                os.rename(Path(scratch) / "out", made)
            except OSError:
                # Somebody else has built it meanwhile.
                if not (made / "initrd").exists():
                    raise
    return made


def _build(scratch: Path) -> None:
    if not shutil.which("busybox"):
        raise BuildError("no busybox here; apt-get install busybox-static")
    kernel = _depends("linux-image-cloud-amd64", r"linux-image-[0-9]\S+")
    for package in (kernel, "qemu-guest-agent"):
        _unpack(package, scratch)
    out, root = scratch / "out", scratch / "initrd"
    out.mkdir()
    (vmlinuz,) = (scratch / "packages" / "boot").glob("vmlinuz-*")
    shutil.copy(vmlinuz, out / "vmlinuz")
    (tree,) = (scratch / "packages" / "lib" / "modules").iterdir()
    _fill(root, tree, scratch / "packages" / "usr" / "sbin" / "qemu-ga")
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    with open(out / "initrd", "wb") as file:
        subprocess.run(
            ["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"],
            cwd=root,
            input="\n".join(names).encode(),
            stdout=file,
            check=True,
        )


def _depends(package: str, pattern: str) -> str:
    shown = subprocess.run(["apt-cache", "depends", package], capture_output=True, text=True).stdout
    found = re.search(rf"Depends: ({pattern})", shown)
    if not found:
        raise BuildError(f"Debian's lists do not name {package}; apt-get update")
    return found.group(1)


def _unpack(package: str, scratch: Path) -> None:
    # The kernel of an older list may be gone from the archive: the error says what apt says.
    done = subprocess.run(["apt-get", "download", "-q", package], cwd=scratch, capture_output=True, text=True)
    (deb,) = [*scratch.glob(f"{package}_*.deb")] or [None]
    if deb is None:
        raise BuildError(f"cannot download {package}: {done.stderr.strip()}")
    subprocess.run(["dpkg-deb", "-x", deb, scratch / "packages"], check=True)


def _fill(root: Path, tree: Path, agent: Path) -> None:
    for name in ("bin", "dev", "proc", "sbin", "sys", "etc/acpi/PWRF", "lib", "modules"):
        (root / name).mkdir(parents=True)
    busybox = shutil.which("busybox")
    assert busybox
    shutil.copy(busybox, root / "bin" / "busybox")
    _script(root / "init", INIT)
    _script(root / "bin" / "dhcp", DHCP)
    _script(root / "sbin" / "shutdown", SHUTDOWN)
    _script(root / "etc" / "acpi" / "PWRF" / "00000080", "#!/bin/busybox sh\npoweroff -f\n")
    listed = []
    for path in _with_needed(tree):
        shutil.copy(path, root / "modules" / path.name)
        listed.append(f"/modules/{path.name}\n")
    (root / "modules.list").write_text("".join(listed))
    _add_agent(root, agent)


def _script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _with_needed(tree: Path) -> list[Path]:
    """Return the files of MODULES and of what they need, in an order in which they load."""
    at = {path.name.split(".")[0].replace("_", "-"): path for path in tree.rglob("*.ko")}
    order: list[Path] = []

    def add(name: str) -> None:
        path = at.get(name.replace("_", "-"))
        if path is None or path in order:
            return
        found = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
        for need in found.group(1).decode().split(",") if found else ():
            add(need)
        order.append(path)

    for name in MODULES:
        add(name)
    return order


def _add_agent(root: Path, agent: Path) -> None:
    """Put the guest agent and its libraries in, if this machine has all of them."""
    shown = subprocess.run(["ldd", agent], capture_output=True, text=True).stdout
    if "not found" in shown:
        print(f"the guest has no agent, whose libraries are not here: {shown}", file=sys.stderr)
        return
    shutil.copy(agent, root / "bin" / "qemu-ga")
    for path in re.findall(r"(/\S+) \(0x", shown):
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


if __name__ == "__main__":
    sys.exit(main())
