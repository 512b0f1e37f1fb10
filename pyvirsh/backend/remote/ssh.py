"""The transport over SSH, through paramiko: ssh_config, known_hosts, agent and keys are honoured.

Host keys are verified always, unless the URI itself says no_verify=1; a key is only stored where the URI says
known_hosts_verify=auto or the user has answered yes.
"""

import logging
import os
import socket
import sys
from typing import TYPE_CHECKING

from pyvirsh.backend.errors import AUTH_FAILED, INTERNAL_ERROR, SSH, VirError
from pyvirsh.backend.remote import farside
from pyvirsh.backend.remote.address import Address
from pyvirsh.backend.remote.process import ProcessTransport

# Half of paramiko's start is `invoke`, which it can do without: only `Match exec` needs it, and that is left
# to ssh(1).
_with_invoke = sys.modules.setdefault("invoke", None)  # type: ignore[arg-type]

import paramiko  # noqa: E402

if _with_invoke is None:
    del sys.modules["invoke"]
# Why a connection failed is said by our own errors.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

if TYPE_CHECKING:
    from pyvirsh.backend.remote.credentials import Ask

CONFIG_FILES = ("~/.ssh/config", "/etc/ssh/ssh_config")
GLOBAL_KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts"
USER_KNOWN_HOSTS = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
# What of ssh_config paramiko cannot do; where a host's settings say one, ssh(1) connects instead.
BEYOND_PARAMIKO = (
    "canonicalizehostname",
    "certificatefile",
    "controlpath",
    "hostkeyalias",
    "knownhostscommand",
    "pkcs11provider",
    "securitykeyprovider",
)
# What the far side may say on stderr before we stop listening.
_WORDS_MAX = 4096
_JUMPS_MAX = 8


def connect(
    address: Address, line: str, *, timeout: float, ask: "Ask | None"
) -> "SshTransport | ProcessTransport":
    """Run `line` on the far side; by ssh(1) where paramiko cannot.  Errors: VirError naming the remedy."""
    config = Config()
    if config.beyond_paramiko(address.host):
        return ProcessTransport(farside.ssh_argv(address, "ssh", line))
    quiet = None if address.is_set("no_tty") else ask
    return SshTransport(Login(address, config, timeout, quiet), line)


class Config:
    """The user's and the system's ssh_config."""

    def __init__(self, files: "tuple[str, ...]" = CONFIG_FILES) -> None:
        self._config = paramiko.SSHConfig()
        self._keywords: set[str] = set()
        for path in map(os.path.expanduser, files):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    text = file.read()
            except OSError:
                continue
            lines = (line.replace("=", " ", 1).split() for line in text.splitlines())
            own = not path.startswith("/etc/")
            self._keywords.update(
                words[0].lower() for words in lines if words and (own or not _is_harmless(words))
            )
            self._config.parse(text.splitlines())

    def beyond_paramiko(self, host: str) -> bool:
        """Say whether the settings for `host` need ssh(1)."""
        if "include" in self._keywords or "match" in self._keywords:
            return True
        found = self._config.lookup(host)
        return any(found.get(key, "no").lower() not in ("no", "none") for key in BEYOND_PARAMIKO)

    def lookup(self, host: str) -> "dict[str, str | list[str]]":
        """Return the settings for a host, keys in lower case."""
        return dict(self._config.lookup(host))


def _is_harmless(words: "list[str]") -> bool:
    """Say whether a line of the system's file does nothing: Debian's includes an empty directory."""
    return words[0].lower() == "include" and not _has_files(words[1:])


def _has_files(patterns: "list[str]") -> bool:
    import glob

    return any(glob.glob(os.path.join("/etc/ssh", pattern)) for pattern in patterns)


class Login:
    """One host to log in to, with what the URI, ssh_config and the defaults say, in that order."""

    def __init__(
        self, address: Address, config: Config, timeout: float, ask: "Ask | None", *, jumps: int = 0
    ) -> None:
        self._config = config
        self._ask = ask
        self._address = address
        self._jumps = jumps
        found = config.lookup(address.host)
        self._found = found
        self.host = self._one("hostname") or address.host
        self.port = address.port or int(self._one("port") or 22)
        self.user = address.user or self._one("user") or _own_name()
        self.timeout = float(self._one("connecttimeout") or timeout)
        self.client = paramiko.SSHClient()

    def _one(self, key: str) -> str:
        value = self._found.get(key, "")
        return value if isinstance(value, str) else value[0]

    def open(self) -> paramiko.SSHClient:
        """Log in.  Errors: VirError."""
        self._load_known_hosts()
        keys = [self._address["keyfile"]] if self._address["keyfile"] else self._identity_files()
        ways = self._address["sshauth"].split(",") if self._address["sshauth"] else []
        name = f"{self.user}@{self.host}"
        try:
            self.client.connect(
                self.host,
                self.port,
                self.user,
                key_filename=keys or None,  # type: ignore[arg-type]  # a list is fine too
                timeout=self.timeout,
                banner_timeout=self.timeout,
                auth_timeout=self.timeout,
                allow_agent=not ways or "agent" in ways,
                look_for_keys=not keys and (not ways or "privkey" in ways),
                sock=self._through(),
            )
        except paramiko.AuthenticationException as error:
            # Also for a key that is kept under a passphrase.
            if not self._unlock(keys):
                self._log_in_by_asking(name, ways, error)
        except paramiko.BadHostKeyException as error:
            raise self._changed(error) from error
        except VirError:
            self.client.close()
            raise
        except (OSError, paramiko.SSHException) as error:
            if "No authentication methods available" in str(error):
                self._log_in_by_asking(name, ways, error)
            else:
                self.client.close()
                raise VirError(SSH, f"cannot connect to {self.host} port {self.port}: {error}") from error
        return self.client

    # -- host keys -----------------------------------------------------------------------------------

    def _load_known_hosts(self) -> None:
        if self._address.is_set("no_verify") or self._address["known_hosts_verify"] == "ignore":
            self.client.set_missing_host_key_policy(_Anything())
            return
        files = self._address["known_hosts"] or self._one("userknownhostsfile") or USER_KNOWN_HOSTS
        paths = [os.path.expanduser(path) for path in files.split()]
        for path in [*paths, self._one("globalknownhostsfile") or GLOBAL_KNOWN_HOSTS]:
            if os.path.exists(path):
                self.client.load_system_host_keys(path)
        self.client.set_missing_host_key_policy(Policy(self._address, paths[0], self._ask))

    def _changed(self, error: paramiko.BadHostKeyException) -> VirError:
        shown = fingerprint(error.key)
        return VirError(
            SSH,
            f"the host key of {self.host} has CHANGED (it is now {error.key.get_name()} {shown}): somebody "
            f"may be listening in, or the host was installed anew; if you know it was, remove the old key "
            f"with 'ssh-keygen -R {known_name(self.host, self.port)}'",
        )

    # -- getting there -----------------------------------------------------------------------------------

    def _through(self) -> "socket.socket | paramiko.Channel | paramiko.ProxyCommand | None":
        """Return the connection to talk over where the settings name a way; None for a direct one."""
        jump = self._one("proxyjump")
        if jump and jump.lower() != "none":
            return self._jump(jump)
        command = self._one("proxycommand")
        if command and command.lower() != "none":
            return paramiko.ProxyCommand(command)
        return None

    def _jump(self, jump: str) -> paramiko.Channel:
        from pyvirsh.backend import Uri

        if self._jumps >= _JUMPS_MAX:
            raise VirError(SSH, f"more than {_JUMPS_MAX} jumps on the way to {self.host}")
        *before, last = jump.split(",")
        via = Address(Uri(f"remote+ssh://{last.removeprefix('ssh://')}/"))
        login = Login(via, self._config, self.timeout, self._ask, jumps=self._jumps + 1)
        if before:
            login._found["proxyjump"] = ",".join(before)
        transport = login.open().get_transport()
        assert transport is not None
        return transport.open_channel(
            "direct-tcpip", (self.host, self.port), ("127.0.0.1", 0), timeout=self.timeout
        )

    # -- who we are ---------------------------------------------------------------------------------------

    def _identity_files(self) -> "list[str]":
        value = self._found.get("identityfile", [])
        files = [value] if isinstance(value, str) else value
        return [path for path in map(os.path.expanduser, files) if os.path.exists(path)]

    def _log_in_by_asking(self, name: str, ways: "list[str]", first: Exception) -> None:
        """Try what needs the user: keyboard-interactive, then a password."""
        transport = self.client.get_transport()
        if self._ask is None or transport is None or not transport.is_active():
            self.client.close()
            remedy = "load a key into your agent or name one with keyfile="
            raise VirError(AUTH_FAILED, f"{name}: {first}; {remedy}") from first
        ask = self._ask
        try:
            allowed = self._accepted(transport)
            if "keyboard-interactive" in allowed and (not ways or "keyboard-interactive" in ways):
                transport.auth_interactive(
                    self.user, lambda title, text, prompts: [ask(p, shown) or "" for p, shown in prompts]
                )
            elif "password" in allowed and (not ways or "password" in ways):
                transport.auth_password(self.user, ask(f"{name}'s password: ", False) or "")
        except (paramiko.SSHException, OSError) as error:
            self.client.close()
            raise VirError(AUTH_FAILED, f"{name}: {error}") from error
        if not transport.is_authenticated():
            self.client.close()
            raise VirError(AUTH_FAILED, f"{name}: {first}") from first

    def _unlock(self, keys: "list[str]") -> bool:
        """Log in with a key whose passphrase the user knows; False if there is none, or it is not taken."""
        transport = self.client.get_transport()
        if self._ask is None or transport is None:
            return False
        for path in keys:
            try:
                _key(path, None)
            except paramiko.PasswordRequiredException:
                key = _key(path, self._ask(f"Passphrase of the key {path}: ", False) or "")
                try:
                    if key is not None and not transport.auth_publickey(self.user, key):
                        return True
                except paramiko.SSHException:
                    continue
        return False

    def _accepted(self, transport: paramiko.Transport) -> "list[str]":
        """Return the ways to log in that the host takes now; none if it lets us in as we are."""
        try:
            transport.auth_none(self.user)
        except paramiko.BadAuthenticationType as error:
            return list(error.allowed_types)
        return []


def _key(path: str, passphrase: "str | None") -> "paramiko.PKey | None":
    """Read a private key; None if it is none, or the passphrase is another.

    Errors: paramiko.PasswordRequiredException without a passphrase that it needs.
    """
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key_file(path, passphrase)
        except paramiko.PasswordRequiredException:
            raise
        except (paramiko.SSHException, OSError, ValueError):
            continue
    return None


class _Anything(paramiko.MissingHostKeyPolicy):
    """Takes any host key: for no_verify only."""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        return


class Policy(paramiko.MissingHostKeyPolicy):
    """What happens to a host that is not known: refuse, store, or ask the user."""

    def __init__(self, address: Address, path: str, ask: "Ask | None") -> None:
        self._verify = address["known_hosts_verify"] or "normal"
        self._path = path
        self._ask = ask

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        shown = f"{key.get_name()} {fingerprint(key)}"
        if self._verify != "auto" and not self._is_accepted(hostname, shown):
            raise VirError(
                SSH,
                f"the host key of {hostname} is unknown ({shown}): compare it, then add it to {self._path} "
                "by connecting once with ssh, or use known_hosts_verify=auto",
            )
        self._store(hostname, key)

    def _is_accepted(self, hostname: str, shown: str) -> bool:
        if self._ask is None:
            return False
        question = f"The host key of {hostname} is unknown:\n{shown}\nGo on and remember it (yes/no)? "
        return self._ask(question, True) == "yes"

    def _store(self, hostname: str, key: paramiko.PKey) -> None:
        directory = os.path.dirname(self._path)
        try:
            if directory:
                os.makedirs(directory, 0o700, exist_ok=True)
            with open(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
                file.write(f"{hostname} {key.get_name()} {key.get_base64()}\n")
        except OSError as error:
            raise VirError(SSH, f"cannot store the host key in {self._path}: {error.strerror}") from error


def fingerprint(key: paramiko.PKey) -> str:
    """Return a key's fingerprint as ssh shows it."""
    import base64
    import hashlib

    digest = hashlib.sha256(key.asbytes()).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def known_name(host: str, port: int) -> str:
    """Return a host's name in known_hosts."""
    return host if port == 22 else f"[{host}]:{port}"


def _own_name() -> str:
    import getpass

    return getpass.getuser()


class SshTransport:
    """A command on the far side, its standard input and output being the connection."""

    def __init__(self, login: Login, line: str) -> None:
        self.fds: list[int] = []
        self._client = login.open()
        transport = self._client.get_transport()
        assert transport is not None
        if isinstance(transport.sock, socket.socket):
            # A question must not wait until the last answer is acknowledged.
            transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._channel = transport.open_session(timeout=login.timeout)
            self._channel.exec_command(line)
        except (paramiko.SSHException, OSError) as error:
            self._client.close()
            raise VirError(SSH, f"{login.host} does not run commands for {login.user}: {error}") from error

    def fileno(self) -> int:
        return self._channel.fileno()

    def pending(self) -> bool:
        """Say whether data waits."""
        return self._channel.recv_ready()

    def recv(self, size: int) -> bytes:
        return self._channel.recv(size)

    def last_words(self) -> str:
        """Return what the far side said on stderr."""
        self._channel.settimeout(2)
        try:
            words = self._channel.recv_stderr(_WORDS_MAX)
        except (TimeoutError, OSError):
            return ""
        return words.decode("utf-8", "replace").strip()

    def send(self, data: bytes, fds: "list[int]") -> None:
        if fds:
            raise VirError(INTERNAL_ERROR, "descriptors can only be passed over a UNIX socket")
        self._channel.sendall(data)

    def close(self) -> None:
        self._channel.close()
        self._client.close()
