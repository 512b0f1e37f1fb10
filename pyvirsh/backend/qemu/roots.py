"""Where an embedded QEMU connection keeps its files.

    qemu:///session         the XDG directories of the user
    qemu:///system          /etc, /var/lib, /var/log, /var/cache, /run
    qemu:///embed?root=DIR  everything below DIR

What lives only as long as a guest runs is in a directory of this boot, which every command finds
through one link in the state directory, whatever its environment says: two commands never
disagree about which guests run.  Its path is short, because paths of sockets must be.
"""

import os
import stat

from pyvirsh.backend.durable import make_directory, remove_tree
from pyvirsh.backend.errors import INTERNAL_ERROR, INVALID_ARG, OPERATION_DENIED, SYSTEM_ERROR, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyvirsh.backend import Uri

BOOT_ID = "/proc/sys/kernel/random/boot_id"
# A socket's path is the runtime directory, "/", a UUID, "/" and up to 17 characters.
SOCKET_PATH_MAX = 100
SOCKET_NAME_MAX = 17
RUNTIME_MAX = SOCKET_PATH_MAX - 38 - SOCKET_NAME_MAX


class Roots:
    """The directories of one connection.  None is made before something is written into it.

    config: definitions; state: NVRAM, saved guests, TPM states; units: where systemd looks for
    unit files, and units_kind whose: "system", "user" or "" for nobody's.
    """

    def __init__(
        self, config: str, state: str, log: str, cache: str, runtimes: "Callable[[], list[str]]"
    ) -> None:
        self.config = config
        self.state = state
        self.log = log
        self.cache = cache
        self.units = ""
        self.units_kind = ""
        self.uri = ""
        self._runtimes = runtimes
        self._runtime = ""
        self._boot = ""

    @property
    def boot(self) -> str:
        """What this boot of the machine is called: the start of the kernel's boot id."""
        if not self._boot:
            with open(BOOT_ID) as file:
                self._boot = file.read(8)
        return self._boot

    def runtime(self) -> str:
        """Return this boot's directory; "" if nothing has been started since the machine came up."""
        if not self._runtime:
            try:
                target = os.readlink(self._link())
            except OSError:
                return ""
            if not _is_ours(target):
                return ""
            self._runtime = target
        return self._runtime

    def make_runtime(self) -> str:
        """Return this boot's directory, made now if need be; those of earlier boots are removed."""
        if not self.runtime():
            link = self._link()
            make_directory(os.path.dirname(link))
            self._clear_old_boots()
            target = self._choose()
            make_directory(target)
            if not _is_ours(target):
                raise VirError(OPERATION_DENIED, f"'{target}' belongs to another user")
            try:
                os.symlink(target, link)
            except FileExistsError:
                # Either another command was faster, or the directory is lost and this one replaces it.
                if os.readlink(link) != target and not _is_ours(os.readlink(link)):
                    os.unlink(link)
                    os.symlink(target, link)
        runtime = self.runtime()
        if not runtime:
            raise VirError(SYSTEM_ERROR, f"'{self._link()}' leads to no directory of this user")
        return runtime

    def _link(self) -> str:
        return f"{self.state}/boot/{self.boot}"

    def _choose(self) -> str:
        """Return the first candidate whose sockets' paths are short enough."""
        bases = self._runtimes()
        for base in bases:
            path = f"{base}/{self.boot}"
            if len(os.fsencode(path)) <= RUNTIME_MAX and _usable(base):
                return path
        raise VirError(INTERNAL_ERROR, f"no directory for sockets has a path short enough, not '{bases[-1]}'")

    def _clear_old_boots(self) -> None:
        directory = os.path.dirname(self._link())
        for name in os.listdir(directory):
            if name == self.boot:
                continue
            link = f"{directory}/{name}"
            target = os.readlink(link)
            if os.path.basename(target) == name and _is_ours(target):
                remove_tree(target)
            os.unlink(link)


def of(uri: "Uri", environ: "Mapping[str, str]" = os.environ) -> Roots:
    """Return the directories of a ``qemu:///`` URI.  Errors: INTERNAL_ERROR, INVALID_ARG."""
    kinds = {"/session": _session, "/system": _system, "/embed": _embed}
    make = kinds.get(uri.path.rstrip("/"))
    if make is None:
        raise VirError(
            INTERNAL_ERROR,
            f"unexpected QEMU URI path '{uri.path}', try qemu:///session, qemu:///system or qemu:///embed?root=DIR",
        )
    roots = make(uri, environ)
    roots.uri = uri.text
    return roots


def _session(uri: "Uri", environ: "Mapping[str, str]") -> Roots:
    home = environ.get("HOME") or "/"
    config = environ.get("XDG_CONFIG_HOME") or home + "/.config"
    state = (environ.get("XDG_STATE_HOME") or home + "/.local/state") + "/pyvirsh/qemu"
    cache = environ.get("XDG_CACHE_HOME") or home + "/.cache"
    roots = Roots(
        f"{config}/pyvirsh/qemu",
        state,
        f"{state}/log",
        f"{cache}/pyvirsh/qemu",
        lambda: [f"{base}/pyvirsh/qemu" for base in _user_runtimes(environ)] + [_shared_tmp() + "/qemu"],
    )
    roots.units, roots.units_kind = f"{config}/systemd/user", "user"
    return roots


def _system(uri: "Uri", environ: "Mapping[str, str]") -> Roots:
    if os.geteuid() != 0:
        raise VirError(
            OPERATION_DENIED, "qemu:///system is for root; use qemu:///session, or run the command as root"
        )
    roots = Roots(
        "/etc/pyvirsh/qemu",
        "/var/lib/pyvirsh/qemu",
        "/var/log/pyvirsh/qemu",
        "/var/cache/pyvirsh/qemu",
        lambda: ["/run/pyvirsh/qemu"],
    )
    roots.units, roots.units_kind = "/etc/systemd/system", "system"
    return roots


def _embed(uri: "Uri", environ: "Mapping[str, str]") -> Roots:
    root = uri.parameter("root")
    if not root:
        raise VirError(INVALID_ARG, "qemu:///embed needs a directory: qemu:///embed?root=DIR")
    if not root.startswith("/"):
        raise VirError(INVALID_ARG, f"root path must be absolute, not '{root}'")
    root = os.path.normpath(root)
    roots = Roots(
        root + "/etc/qemu",
        root + "/lib/qemu",
        root + "/log/qemu",
        root + "/cache/qemu",
        lambda: _embed_runtimes(root, environ),
    )
    roots.units = root + "/etc/systemd"
    return roots


def _embed_runtimes(root: str, environ: "Mapping[str, str]") -> "list[str]":
    """Return where sockets may be: below the root, or by the root's hash where that is too long."""
    import hashlib

    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
    bases = _user_runtimes(environ)
    if os.geteuid() == 0:
        bases.append("/run")
    return [root + "/run", *(f"{base}/pyvirsh/e{digest}" for base in bases), f"{_shared_tmp()}/e{digest}"]


def _user_runtimes(environ: "Mapping[str, str]") -> "list[str]":
    named = environ.get("XDG_RUNTIME_DIR")
    found = [named] if named and named.startswith("/") else []
    usual = f"/run/user/{os.geteuid()}"
    if usual not in found and _is_ours(usual):
        found.append(usual)
    return found


def _shared_tmp() -> str:
    return f"/tmp/pyvirsh-{os.geteuid()}"


def _usable(base: str) -> bool:
    """Say whether a directory can be made at `base`; one in a shared place must be the user's own."""
    above = base
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    if not os.access(above, os.W_OK | os.X_OK):
        return False
    return above in ("/tmp", "/run", "/") or _is_ours(above) or not above.startswith("/tmp/pyvirsh-")


def _is_ours(path: str) -> bool:
    """Say whether a path is a directory, no link, of this user that nobody else can write to."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022
