"""Real peers for tests: a private libvirtd, a private sshd, certificates; each stopped by who started it."""

import contextlib
import ctypes
import datetime
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOBODY = 65534
PATIENCE = 20.0
PR_SET_PDEATHSIG = 1


def free_port() -> int:
    """Return a TCP port of the loopback that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def wait_for(path: Path, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a file is there, or a socket that takes connections."""
    deadline = time.monotonic() + PATIENCE
    while not _is_there(path):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args} did not make {path}")
        time.sleep(0.02)


def _is_there(path: Path) -> bool:
    if not path.is_socket():
        return path.exists()
    # A socket is seen before its daemon listens.
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect_ex(str(path)) == 0


def wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Wait until somebody listens on a port."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args} does not listen on {port}")
        time.sleep(0.02)


def end_with_us() -> None:
    """Let a child be killed when we are, before it becomes another program."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def running(process: "subprocess.Popen[bytes]") -> "Iterator[subprocess.Popen[bytes]]":
    """End a process when the block ends."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def libvirtd(config: str = "", *arguments: str, env: "dict[str, str] | None" = None) -> "Iterator[Path]":
    """Run a libvirtd of its own, as an unprivileged user; give its directory (libvirt/libvirt-sock in it).

    It serves the test driver, and QEMU for that user.
    """
    base = Path(tempfile.mkdtemp(prefix="pv-", dir="/tmp"))
    own = {} if os.geteuid() else {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        (base / "conf").write_text(config)
        for name in ("home", "libvirt"):
            (base / name).mkdir()
        base.chmod(0o755)
        if own:
            for path in (base, *base.iterdir()):
                os.chown(path, NOBODY, NOBODY)
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(base / "home"),
            "XDG_RUNTIME_DIR": str(base),
            "LANG": "C",
            **(env or {}),
        }
        with open(base / "log", "wb") as log:
            process = subprocess.Popen(
                ["libvirtd", "-f", str(base / "conf"), *arguments],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_us,
                **own,  # type: ignore[call-overload]
            )
        with running(process):
            wait_for(base / "libvirt" / "libvirt-sock", process)
            yield base
    finally:
        shutil.rmtree(base, ignore_errors=True)


# An own world for a privileged daemon: namespaces for mounts, processes and the network, cgroups of its own.
# The shell that is process 1 there takes in what loses its parent, as guests do.
WORLD = r"""
for group in /sys/fs/cgroup/*/cgroup.procs; do
    own=${group%/*}/$NAME
    mkdir "$own" 2>/dev/null || continue
    for set in cpus mems; do
        [ -w "$own/cpuset.$set" ] && cat "${group%/*}/cpuset.$set" >"$own/cpuset.$set"
    done
    echo $$ >"$own/cgroup.procs" 2>/dev/null || rmdir "$own"
done
exec unshare --mount --net --pid --cgroup --fork --kill-child --mount-proc sh -c '
for place in /run /var/lib/libvirt /var/cache/libvirt /var/log/libvirt; do
    mount -t tmpfs none $place
done
mounts=$(cat /proc/mounts)
echo "$mounts" | while read -r _ place kind options _; do
    case $kind in cgroup*) ;; *) continue ;; esac
    options=$(echo "$options" | sed -E "s/(rw|relatime|no(suid|dev|exec)|nsdelegate),?//g")
    options=$(echo "$options" | sed -E "s/memory_recursiveprot,?//g; s/,$//")
    umount $place
    mount -t $kind ${options:+-o $options} none $place
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=0600 none /dev/pts
mount --bind /dev/pts/ptmx /dev/ptmx
cp -r "$BASE/cache/." /var/cache/libvirt
mkdir -p /run/lock
mount --bind "$BASE/etc" /etc/libvirt
ip link set lo up
libvirtd -f "$BASE/conf" &
wait $!'
"""
SYSTEM = 'unix_sock_dir = "{base}/libvirt"\nunix_sock_group = "root"\nauth_unix_rw = "none"\n'
QEMU = 'stdio_handler = "file"\nsecurity_driver = "none"\nuser = "root"\ngroup = "root"\nnamespaces = []\n'


@contextlib.contextmanager
def system_libvirtd() -> "Iterator[Path]":
    """Run a privileged libvirtd with network, cgroups and processes of its own; give its directory.

    Only root can.  Nothing of it is seen outside but the socket libvirt/libvirt-sock.
    """
    base = Path(tempfile.mkdtemp(prefix="pv-", dir="/tmp"))
    base.chmod(0o755)
    try:
        for name in ("libvirt", "etc", "cache"):
            (base / name).mkdir()
        (base / "conf").write_text(SYSTEM.format(base=base))
        (base / "etc" / "qemu.conf").write_text(QEMU)
        # What is known about the QEMUs here saves asking them again.
        for here, there in (("/var/cache/libvirt", "cache"), ("/etc/libvirt/nwfilter", "etc/nwfilter")):
            if os.path.isdir(here):
                shutil.copytree(here, base / there, dirs_exist_ok=True)
        with open(base / "log", "wb") as log:
            process = subprocess.Popen(
                ["sh", "-c", WORLD],
                env={"PATH": os.environ["PATH"], "LANG": "C", "NAME": base.name, "BASE": str(base)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_us,
            )
        try:
            wait_for(base / "libvirt" / "libvirt-sock", process)
            yield base
        finally:
            # unshare minds no other signal; its child and all that is in there go with it.
            process.kill()
            process.wait()
    finally:
        for group in Path("/sys/fs/cgroup").glob(f"*/{base.name}"):
            _remove_group(group)
        shutil.rmtree(base, ignore_errors=True)


def _remove_group(group: Path) -> None:
    """Remove a control group and those in it, once the kernel has done with what ran there."""
    deadline = time.monotonic() + PATIENCE
    while group.exists() and time.monotonic() < deadline:
        for inner in [*sorted(group.rglob("*/"), reverse=True), group]:
            with contextlib.suppress(OSError):
                inner.rmdir()
        time.sleep(0.02)


class Sshd:
    """An sshd on the loopback with throw-away keys."""

    def __init__(self, base: Path, port: int) -> None:
        self.base = base
        self.port = port
        self.user = os.environ.get("USER") or "root"
        self.key = base / "id"
        self.known_hosts = base / "known_hosts"

    def uri(self, driver: str, path: str, **parameters: str) -> str:
        """Return a URI that reaches `path` of a driver through it."""
        given = {"keyfile": str(self.key), "known_hosts": str(self.known_hosts), **parameters}
        query = "&".join(f"{name}={value}" for name, value in given.items())
        return f"{driver}+ssh://{self.user}@127.0.0.1:{self.port}{path}?{query}"


@contextlib.contextmanager
def sshd(path: str = "") -> "Iterator[Sshd]":
    """Run an sshd; `path` is put in front of the PATH of what it runs."""
    base = Path(tempfile.mkdtemp(prefix="pv-ssh-", dir="/tmp"))
    server = Sshd(base, free_port())
    try:
        for name in ("host", "id"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", base / name], check=True)
        shutil.copy(base / "id.pub", base / "authorized")
        host_key = (base / "host.pub").read_text().split()
        server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {host_key[0]} {host_key[1]}\n")
        (base / "config").write_text(
            f"Port {server.port}\nListenAddress 127.0.0.1\nHostKey {base}/host\n"
            f"AuthorizedKeysFile {base}/authorized\nStrictModes no\nUsePAM no\nPidFile none\n"
            f"PermitRootLogin yes\nPasswordAuthentication no\nAllowTcpForwarding yes\n"
            f"SetEnv PATH={path + ':' if path else ''}/usr/local/bin:/usr/bin:/bin\n"
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        with open(base / "log", "wb") as log:
            process = subprocess.Popen(
                ["/usr/sbin/sshd", "-D", "-e", "-f", str(base / "config")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_us,
            )
        with running(process):
            wait_for_port(server.port, process)
            yield server
    finally:
        shutil.rmtree(base, ignore_errors=True)


# -- certificates ----------------------------------------------------------------------------------------


def certificates(directory: Path) -> None:
    """Write certificates and keys of a CA, a server and a client, as libvirt names them, and a stranger's."""
    authority = _Authority("pyvirsh tests")
    authority.write(directory / "cacert.pem")
    for name in ("server", "client"):
        authority.issue(name).write(directory / f"{name}cert.pem", directory / f"{name}key.pem")
    stranger = directory / "stranger"
    stranger.mkdir()
    authority.write(stranger / "cacert.pem")
    _Authority("somebody else").issue("client").write(stranger / "clientcert.pem", stranger / "clientkey.pem")


class _Pair:
    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate = certificate
        self.key = key

    def write(self, certificate: Path, key: "Path | None" = None) -> None:
        certificate.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        if key is not None:
            key.write_bytes(
                self.key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )


class _Authority(_Pair):
    def __init__(self, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = _builder(self._name, self._name, key)
        made = builder.add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
        super().__init__(made.sign(key, hashes.SHA256()), key)

    def issue(self, name: str) -> _Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        places = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        usage = x509.KeyUsage(True, False, True, False, False, False, False, False, False)
        builder = _builder(subject, self._name, key).add_extension(x509.SubjectAlternativeName(places), False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), False).add_extension(usage, True)
        return _Pair(builder.sign(self.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
