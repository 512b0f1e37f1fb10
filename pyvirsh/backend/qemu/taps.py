"""Tap devices on the host for a guest's interfaces, and the other descriptors QEMU inherits.

Root makes taps itself; others have QEMU's bridge helper do it, which its administrator allows.
Source: Linux's tuntap and bridge documentation; QEMU's qemu-bridge-helper.
"""

import fcntl
import os
import socket
import struct

from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, OPERATION_FAILED, SYSTEM_ERROR, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.conf.domain.net import Interface
    from pyvirsh.backend.qemu.argv import Fd

TUN = "/dev/net/tun"
HELPERS = ("/usr/lib/qemu/qemu-bridge-helper", "/usr/libexec/qemu-bridge-helper")
HELPER_SECONDS = 10.0
NAMES_MAX = 4096

_TUNSETIFF = 0x400454CA
_TUNGETIFF = 0x800454D2
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCSIFMTU, _SIOCSIFHWADDR = 0x8913, 0x8914, 0x8922, 0x8924
_SIOCGIFINDEX, _SIOCBRADDIF = 0x8933, 0x89A2
_IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR, _IFF_MULTI_QUEUE, _IFF_UP = 0x2, 0x1000, 0x4000, 0x100, 0x1
_VHOST_VSOCK_SET_GUEST_CID = 0x4008AF60
_ETHERNET = 1


def open_all(fds: "list[Fd]", domain: "Domain") -> "list[tuple[int, int]]":
    """Open what a command line names; return pairs of descriptor and the number it must have.

    Errors: SYSTEM_ERROR, CONFIG_UNSUPPORTED; nothing stays open then.
    """
    opened: list[tuple[int, int]] = []
    try:
        for one in fds:
            opened.append((_open(one, domain), one.number))
    except BaseException:
        for fd, _ in opened:
            os.close(fd)
        raise
    return opened


def _open(one: "Fd", domain: "Domain") -> int:
    if one.role == "tap":
        interface = next(nic for nic in domain.devices.interfaces if nic.info.alias == one.alias)
        return _tap(interface, one.index)
    if one.role == "vhost":
        return _device("/dev/vhost-net")
    if one.role == "vhost-vsock":
        return _vsock(domain)
    if one.role == "vhost-scsi":
        return _device("/dev/vhost-scsi")
    raise VirError(CONFIG_UNSUPPORTED, f"device {one.alias}: a descriptor for '{one.role}' cannot be opened")


def _device(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise VirError(SYSTEM_ERROR, f"Unable to open '{path}': {error.strerror}") from error


def _vsock(domain: "Domain") -> int:
    fd = _device("/dev/vhost-vsock")
    vsock = domain.devices.vsock
    wanted = vsock.cid_address if vsock is not None and vsock.cid_address else 0
    for cid in [wanted] if wanted else range(3, NAMES_MAX):
        try:
            fcntl.ioctl(fd, _VHOST_VSOCK_SET_GUEST_CID, struct.pack("Q", cid))
        except OSError as error:
            if wanted:
                os.close(fd)
                raise VirError(OPERATION_FAILED, f"vsock cid {cid} is in use: {error.strerror}") from error
            continue
        if vsock is not None:
            vsock.cid_address = cid
        return fd
    os.close(fd)
    raise VirError(OPERATION_FAILED, "no vsock cid is free")


# -- taps ------------------------------------------------------------------------------------------------


def _tap(interface: "Interface", queue: int) -> int:
    """Return an open tap device for an interface, connected as its definition says."""
    bridge = bridge_of(interface)
    if os.geteuid() != 0 and interface.type in ("bridge", "network"):
        return _by_helper(interface, str(bridge))
    queues = interface.driver.queues if interface.driver is not None else None
    if bridge is not None and not os.path.exists(f"/sys/class/net/{bridge}"):
        raise VirError(SYSTEM_ERROR, f"Cannot get interface MTU on '{bridge}': No such device")
    fd = _make(interface, multi=(queues or 1) > 1)
    if queue == 0:
        try:
            _set_up(interface, bridge)
        except OSError as error:
            os.close(fd)
            tap = interface.target_dev
            what = f"set up tap device {tap}" if bridge is None else f"add bridge {bridge} port {tap}"
            raise VirError(SYSTEM_ERROR, f"Unable to {what}: {error.strerror}") from error
    return fd


def bridge_of(interface: "Interface") -> "str | None":
    """Return the bridge an interface is to be connected to.  Errors: CONFIG_UNSUPPORTED."""
    source = interface.source
    if interface.type == "ethernet":
        return None
    if interface.type in ("bridge", "network") and source is not None and source.bridge:
        return source.bridge
    name = source.network if source is not None else None
    detail = (
        f"interface type='{interface.type}' with the network '{name}' needs networks, which are not there yet"
    )
    raise VirError(CONFIG_UNSUPPORTED, detail + ": use type='bridge' or type='user'")


def _make(interface: "Interface", *, multi: bool) -> int:
    flags = _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR | (_IFF_MULTI_QUEUE if multi else 0)
    fd = _device(TUN)
    for name in _names(interface):
        try:
            fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
        except OSError as error:
            if interface.target_dev is None and os.path.exists(f"/sys/class/net/{name}"):
                continue
            os.close(fd)
            raise VirError(SYSTEM_ERROR, f"Unable to create tap device {name}: {error.strerror}") from error
        interface.target_dev = name
        return fd
    os.close(fd)
    raise VirError(OPERATION_FAILED, "no name for a tap device is free")


def _names(interface: "Interface") -> "list[str]":
    if interface.target_dev:
        return [interface.target_dev]
    return [f"vnet{n}" for n in range(NAMES_MAX) if not os.path.exists(f"/sys/class/net/vnet{n}")]


def _set_up(interface: "Interface", bridge: "str | None") -> None:
    """Give a tap its address and size, plug it into its bridge and switch it on."""
    name = str(interface.target_dev).encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        # The host's end has a high first byte of its own, so that the bridge does not take its address.
        mac = b"\xfe" + bytes.fromhex((interface.mac or "52:54:00:00:00:00").replace(":", ""))[1:]
        fcntl.ioctl(sock, _SIOCSIFHWADDR, struct.pack("16sH6s16x", name, _ETHERNET, mac))
        if interface.mtu:
            fcntl.ioctl(sock, _SIOCSIFMTU, struct.pack("16si20x", name, interface.mtu))
        if bridge is not None:
            index = struct.unpack("16si", fcntl.ioctl(sock, _SIOCGIFINDEX, struct.pack("16si", name, 0)))[1]
            fcntl.ioctl(sock, _SIOCBRADDIF, struct.pack("16si20x", bridge.encode(), index))
        if interface.type != "ethernet" or interface.target_managed != "no":
            request = struct.pack("16sH22x", name, 0)
            flags = struct.unpack("16sH22x", fcntl.ioctl(sock, _SIOCGIFFLAGS, request))[1]
            fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH22x", name, flags | _IFF_UP))


def _by_helper(interface: "Interface", bridge: str) -> int:
    """Have QEMU's bridge helper make the tap; it hands the descriptor over."""
    import subprocess

    program = next((path for path in HELPERS if os.access(path, os.X_OK)), None)
    if program is None:
        detail = "needs root, or QEMU's bridge helper: install the package qemu-system-common"
        raise VirError(CONFIG_UNSUPPORTED, f"interface type='bridge' {detail}")
    mine, theirs = socket.socketpair()
    with mine, theirs:
        words = [program, "--use-vnet", f"--br={bridge}", f"--fd={theirs.fileno()}"]
        try:
            done = subprocess.run(
                words, pass_fds=[theirs.fileno()], capture_output=True, timeout=HELPER_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise VirError(OPERATION_FAILED, f"{program} does not end") from error
        mine.settimeout(1.0)
        fds: list[int] = []
        if done.returncode == 0:
            _, fds, _, _ = socket.recv_fds(mine, 1, 1)
    if not fds:
        said = done.stderr.decode("utf-8", "replace").strip()
        hint = f"allow the bridge with 'allow {bridge}' in /etc/qemu/bridge.conf"
        raise VirError(OPERATION_FAILED, f"{program} gave no tap device for '{bridge}': {said}; {hint}")
    request = fcntl.ioctl(fds[0], _TUNGETIFF, bytes(40))
    interface.target_dev = request[:16].rstrip(b"\0").decode()
    return fds[0]
