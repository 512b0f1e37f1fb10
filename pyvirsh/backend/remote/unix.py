"""The transport over a UNIX socket, descriptors included, and where daemons listen on this host.

`_socket` is what `socket` is made of; that takes as long to import as all of this program's own modules.
"""

import _socket
import os
from sys import byteorder

from pyvirsh.backend.errors import SYSTEM_ERROR, VirError
from pyvirsh.rpc.protocol import MESSAGE_NUM_FDS_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.remote.address import Address

# driver scheme -> the modular daemon that serves it
DAEMONS = {
    "qemu": "virtqemud",
    "lxc": "virtlxcd",
    "xen": "virtxend",
    "ch": "virtchd",
    "vbox": "virtvboxd",
    "bhyve": "virtbhyved",
    "vz": "virtvzd",
    "network": "virtnetworkd",
    "storage": "virtstoraged",
    "secret": "virtsecretd",
    "nodedev": "virtnodedevd",
    "nwfilter": "virtnwfilterd",
    "interface": "virtinterfaced",
}


def default_socket(address: "Address", *, read_only: bool) -> str:
    """Return where the daemon for `address` listens for the user or for the system.

    mode=direct: the driver's own daemon; legacy: libvirtd; auto: the first if it is there.
    """
    if address.is_session and os.geteuid() != 0:
        base = os.environ.get("XDG_RUNTIME_DIR") or os.path.join(os.path.expanduser("~"), ".cache")
        directory, suffix = os.path.join(base, "libvirt"), ""
    else:
        directory, suffix = "/run/libvirt", "-ro" if read_only else ""
    legacy = f"{directory}/libvirt-sock{suffix}"
    daemon = DAEMONS.get(address.driver)
    if daemon is None or address["mode"] == "legacy":
        return legacy
    direct = f"{directory}/{daemon}-sock{suffix}"
    return direct if address["mode"] == "direct" or os.path.exists(direct) else legacy


# What a descriptor takes in a message, and room for all that one may bring.
_FD = 4
_ROOM = _socket.CMSG_SPACE(MESSAGE_NUM_FDS_MAX * _FD)


class UnixTransport:
    """A connected UNIX stream socket."""

    def __init__(self, path: str, timeout: float) -> None:
        self.fds: list[int] = []
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            reason = error.strerror or "the daemon does not take the connection"
            text = f"Failed to connect socket to '{path}': {reason}"
            raise VirError(SYSTEM_ERROR, text, text=text) from error
        self._socket.settimeout(None)

    def fileno(self) -> int:
        return self._socket.fileno()

    def pending(self) -> bool:
        return False

    def recv(self, size: int) -> bytes:
        data, messages, _, _ = self._socket.recvmsg(size, _ROOM, _socket.MSG_CMSG_CLOEXEC)
        for level, kind, payload in messages:
            if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                self.fds += memoryview(payload[: len(payload) - len(payload) % _FD]).cast("i").tolist()
        return data

    def send(self, data: bytes, fds: "list[int]") -> None:
        self._socket.sendall(data)
        for fd in fds:
            # Each descriptor travels with one byte of its own.
            rights = fd.to_bytes(_FD, byteorder)
            self._socket.sendmsg([b"\0"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])

    def last_words(self) -> str:
        return ""

    def close(self) -> None:
        for fd in self.fds:
            os.close(fd)
        self._socket.close()
