"""The remote backend against a real libvirtd and a real sshd: transports, who we are, dead peers."""

import os
import socket
import subprocess
import threading

import pytest

import daemons
from conftest import PYVIRSH, loaded_by, needs
from pyvirsh import backend
from pyvirsh.backend import Uri
from pyvirsh.backend.errors import AUTH_FAILED, INVALID_ARG, NO_DOMAIN, OPERATION_DENIED, VirError
from pyvirsh.backend.remote import farside, sasl
from pyvirsh.backend.remote.address import Address


def pyvirsh(*words, **more):
    return subprocess.run(
        [PYVIRSH, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, **more
    )


def uri(socket_path, **parameters):
    query = "&".join(f"{k}={v}" for k, v in {"socket": socket_path, **parameters}.items())
    return f"test+unix:///default?{query}"


# -- addresses: decided without a host -----------------------------------------------------------------


@pytest.mark.parametrize(
    "text, transport, user, host, port, peer",
    [
        ("qemu+ssh://root@h:2222/system", "ssh", "root", "h", 2222, "qemu:///system"),
        ("qemu+ssh://h/session?keyfile=/k&foo=a%26b", "ssh", "", "h", 0, "qemu:///session?foo=a%26b"),
        ("qemu://h/system", "tls", "", "h", 0, "qemu:///system"),
        ("test+unix:///default?socket=/s", "unix", "", "", 0, "test:///default"),
        ("remote+tcp://[::1]:77/", "tcp", "", "::1", 77, None),
        ("x+ext:///a?command=/c&name=qemu:///system", "ext", "", "", 0, "qemu:///system"),
    ],
)
def test_addresses(text, transport, user, host, port, peer):
    address = Address(Uri(text))
    assert (address.transport, address.user, address.host, address.port) == (transport, user, host, port)
    assert address.peer_uri() == peer


@pytest.mark.parametrize(
    "text",
    [
        "qemu+ssh://-oProxyCommand=x/system",
        "qemu+ssh://-l@h/system",
        "qemu+ssh://a%20b/system",
        "qemu+ssh://a%0ab/system",
        "qemu+ssh://a%25b/system",
        "qemu+ssh://h:0/system",
        "qemu+ssh://h:99999/system",
        "qemu+smoke://h/system",
        "qemu+unix:///system?mode=sideways",
    ],
)
def test_hostile_addresses_are_refused(text):
    with pytest.raises(VirError) as caught:
        Address(Uri(text))
    assert caught.value.code == INVALID_ARG


def test_far_side_commands():
    auto = farside.command(Address(Uri("qemu+ssh://h/system")), read_only=True)
    assert auto.startswith("sh -c ") and "virt-ssh-helper -r qemu:///system" in auto
    assert "pyvirsh serve --stdio --readonly -- qemu:///system" in auto and "nc" in auto
    native = farside.command(Address(Uri("qemu+ssh://h/system?proxy=native")), read_only=False)
    assert "nc" not in native
    netcat = farside.command(Address(Uri("qemu+ssh://h/system?netcat=/x;y")), read_only=False)
    assert "virt-ssh-helper" not in netcat and "/x;y" in netcat
    with pytest.raises(VirError):
        farside.command(Address(Uri("qemu+ssh://h/system?proxy=native&netcat=nc")), read_only=False)


def test_words_of_the_far_side_stay_words(tmp_path):
    hostile = "qemu+ssh://h/system?proxy=netcat&netcat=" + "$(touch%20x)'%22"
    line = farside.command(Address(Uri(hostile)), read_only=False)
    subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, timeout=10)
    assert not list(tmp_path.iterdir())


def test_ssh_words_end_before_the_host():
    words = farside.ssh_argv(Address(Uri("qemu+ssh://u@h:9/system?keyfile=/k")), "ssh", "line")
    assert words[-3:] == ["--", "h", "line"] and "-p" in words and "/k" in words


# -- SASL ------------------------------------------------------------------------------------------------


def test_scram_as_in_its_rfc():
    """The example of RFC 7677."""
    exchange = sasl.Scram("SCRAM-SHA-256", "user", "pencil", "rOprNGfwEbeRWgbNEkqO")
    assert exchange.first() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    server = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    assert exchange.final(server).endswith(b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    exchange.check(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    with pytest.raises(VirError):
        exchange.check(b"v=AAAA")


@pytest.mark.parametrize("answer", [b"", b"r=x,s=aa,i=1", b"\xff", b"r=NONCEx,s=QQ==,i=99999999999", b"e=x"])
def test_scram_refuses_a_lying_peer(answer):
    exchange = sasl.Scram("SCRAM-SHA-256", "u", "p", "NONCE")
    with pytest.raises(VirError) as caught:
        exchange.final(answer)
    assert caught.value.code == AUTH_FAILED


# -- UNIX sockets ----------------------------------------------------------------------------------------


def test_unix_shows_what_virsh_shows(libvirtd_socket):
    where = uri(libvirtd_socket)
    for line in (
        "list --all",
        "domstate test --reason",
        "dumpxml test",
        "domstate nope",
        "net-list",
        "vol-list default-pool",
    ):
        ours = pyvirsh("-c", where, line)
        theirs = subprocess.run(
            ["virsh", "-c", where, line], capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        assert (ours.stdout, ours.stderr, ours.returncode) == (
            theirs.stdout,
            theirs.stderr,
            theirs.returncode,
        )


def test_errors_come_in_the_peers_words(libvirtd_socket):
    driver = backend.open(uri(libvirtd_socket))
    with pytest.raises(VirError) as caught:
        driver.domain_lookup_by_name("nope")
    assert caught.value.code == NO_DOMAIN and caught.value.text.startswith("Domain not found")
    driver.close()


def test_read_only_is_refused_by_the_peer(libvirtd_socket):
    driver = backend.open(uri(libvirtd_socket), read_only=True)
    with pytest.raises(VirError) as caught:
        driver.domain_suspend(driver.domain_lookup_by_name("test"))
    assert caught.value.code == OPERATION_DENIED
    driver.close()


def test_events_come(libvirtd_socket):
    watcher, actor = backend.open(uri(libvirtd_socket)), backend.open(uri(libvirtd_socket))
    dom = actor.domain_lookup_by_name("test")
    watcher.connect_domain_event_callback_register_any(0, None)
    actor.domain_suspend(dom)
    events = watcher.next_events(10)
    assert [(event.ref.name, event.values[0]) for event in events] == [("test", 3)]
    actor.domain_resume(dom)
    watcher.close()
    actor.close()


def test_no_daemon_names_the_socket(tmp_path):
    done = pyvirsh("-c", uri(tmp_path / "none"), "list")
    assert done.returncode == 1
    assert f"Failed to connect socket to '{tmp_path}/none'" in done.stderr


class Mute:
    """A peer that takes the connection and says what it is told, or nothing."""

    def __init__(self, path, says=b"", *, close=False):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._says, self._close = says, close
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        self._taken, _ = self._socket.accept()
        self._taken.recv(1000)
        self._taken.sendall(self._says)
        if self._close:
            self._taken.close()


@pytest.mark.parametrize(
    "says, shown",
    [
        (b"", "End of file while reading data"),
        (b"SSH-2.0-what\r\n" + b"x" * 100, "does not speak libvirt's protocol"),
        (bytes.fromhex("00000001"), "does not speak libvirt's protocol"),
    ],
)
def test_a_peer_that_is_none_is_one_clear_error(tmp_path, says, shown):
    peer = Mute(tmp_path / "s", says, close=not says)
    done = pyvirsh("-c", uri(tmp_path / "s"), "list")
    assert done.returncode == 1 and shown in done.stderr
    assert peer


def test_a_silent_peer_is_given_up(tmp_path):
    from pyvirsh.backend.remote.client import Client
    from pyvirsh.backend.remote.unix import UnixTransport

    peer = Mute(tmp_path / "s")
    client = Client(UnixTransport(str(tmp_path / "s"), 5))
    client.interval, client.count = 0.05, 2
    with pytest.raises(VirError, match="keepalive timeout"):
        client.call("auth_list", ())
    assert peer


# -- TCP and TLS -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network_libvirtd(pki):
    needs("libvirtd")
    tcp, tls = daemons.free_port(), daemons.free_port()
    for path in pki.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    pki.chmod(0o755)
    pki.parent.chmod(0o755)
    pki.parent.parent.chmod(0o755)
    config = (
        f'listen_tcp = 1\nlisten_tls = 1\ntcp_port = "{tcp}"\ntls_port = "{tls}"\nlisten_addr = "127.0.0.1"\n'
        f'auth_tcp = "none"\nkey_file = "{pki}/serverkey.pem"\ncert_file = "{pki}/servercert.pem"\n'
        f'ca_file = "{pki}/cacert.pem"\n'
    )
    with daemons.libvirtd(config, "-l"):
        yield tcp, tls


def test_tcp(network_libvirtd):
    tcp, _ = network_libvirtd
    assert " test " in pyvirsh("-c", f"test+tcp://127.0.0.1:{tcp}/default", "list").stdout


def test_tls(network_libvirtd, pki):
    _, tls = network_libvirtd
    for scheme in ("test", "test+tls"):
        done = pyvirsh("-c", f"{scheme}://localhost:{tls}/default?pkipath={pki}", "list")
        assert " test " in done.stdout, done.stderr


def test_tls_verifies_the_server_and_shows_our_certificate(network_libvirtd, pki, tmp_path):
    _, tls = network_libvirtd
    other = tmp_path / "pki"
    other.mkdir()
    daemons.certificates(other)
    unknown = pyvirsh("-c", f"test://localhost:{tls}/default?pkipath={other}", "list")
    assert unknown.returncode == 1 and "certificate" in unknown.stderr.lower()
    wrong_name = pyvirsh("-c", f"test://127.0.0.2:{tls}/default?pkipath={pki}", "list")
    assert wrong_name.returncode == 1
    stranger = pyvirsh("-c", f"test://localhost:{tls}/default?pkipath={pki}/stranger", "list")
    assert stranger.returncode == 1 and "list" not in stranger.stdout
    unverified = pyvirsh("-c", f"test://localhost:{tls}/default?pkipath={other}&no_verify=1", "list")
    assert "is not verified" in unverified.stderr or unverified.returncode == 1


def test_ext(libvirtd_socket, tmp_path):
    script = tmp_path / "to"
    script.write_text(
        "#!/usr/bin/env python3\n"
        "import os, socket, threading\n"
        f"s = socket.socket(socket.AF_UNIX); s.connect('{libvirtd_socket}')\n"
        "def up():\n"
        "    while data := os.read(0, 65536): s.sendall(data)\n"
        "    s.shutdown(socket.SHUT_WR)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "while data := s.recv(65536): os.write(1, data)\n"
    )
    script.chmod(0o755)
    assert " test " in pyvirsh("-c", f"test+ext:///default?command={script}", "list").stdout
    script.write_text("#!/bin/sh\necho no way >&2\n")
    assert "no way" in pyvirsh("-c", f"test+ext:///default?command={script}", "list").stderr


# -- SSH ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sshd():
    needs("sshd", "ssh-keygen")
    with daemons.sshd(os.path.dirname(PYVIRSH)) as server:
        yield server


@pytest.mark.parametrize("way", [{"proxy": "pyvirsh"}, {"proxy": "pyvirsh", "command": "ssh"}])
def test_ssh_to_our_own_server(sshd, way):
    done = pyvirsh("-c", sshd.uri("test", "/default", **way), "list; domstate test")
    assert "running" in done.stdout and done.returncode == 0, done.stderr


def test_ssh_to_libvirt(sshd, libvirtd_socket):
    needs("nc")
    done = pyvirsh("-c", sshd.uri("test", "/default", socket=str(libvirtd_socket)), "list")
    assert " test " in done.stdout, done.stderr


def test_a_batch_of_1000_over_one_connection(sshd, tmp_path):
    batch = tmp_path / "batch"
    batch.write_text("domstate test\nsuspend test\ndomstate test\nresume test\n" * 250)
    done = pyvirsh("-q", "-c", sshd.uri("test", "/default", proxy="pyvirsh"), "--file", str(batch))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("running") == 250 and done.stdout.count("paused") == 250
    log = (sshd.base / "log").read_text()
    assert log.count("Accepted publickey") >= 1


def test_what_is_no_sshd_costs_one_line():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True).start()
        done = pyvirsh("-c", f"test+ssh://127.0.0.1:{port}/default", "list")
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first == "error: failed to connect to the hypervisor"
    assert f"cannot connect to 127.0.0.1 port {port}" in second


def test_unknown_host_keys_are_refused_and_not_stored(sshd, tmp_path):
    store = tmp_path / "known"
    done = pyvirsh("-c", sshd.uri("test", "/default", known_hosts=str(store)), "list")
    assert done.returncode == 1 and "is unknown" in done.stderr and "SHA256:" in done.stderr
    assert not store.exists()


def test_changed_host_keys_are_refused(sshd, tmp_path):
    store = tmp_path / "known"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "k"], check=True)
    kind, key, *_ = (tmp_path / "k.pub").read_text().split()
    store.write_text(f"[127.0.0.1]:{sshd.port} {kind} {key}\n")
    done = pyvirsh("-c", sshd.uri("test", "/default", known_hosts=str(store)), "list")
    assert done.returncode == 1 and "CHANGED" in done.stderr and "ssh-keygen -R" in done.stderr


def test_host_keys_are_stored_when_asked_to(sshd, tmp_path):
    store = tmp_path / "new" / "known"
    where = sshd.uri("test", "/default", known_hosts=str(store), proxy="pyvirsh")
    assert pyvirsh("-c", where + "&known_hosts_verify=auto", "list").returncode == 0
    assert store.stat().st_mode & 0o777 == 0o600
    assert pyvirsh("-c", where, "list").returncode == 0


def test_a_wrong_key_is_refused(sshd, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "k"], check=True)
    done = pyvirsh("-c", sshd.uri("test", "/default", keyfile=str(tmp_path / "k"), sshauth="privkey"), "list")
    assert done.returncode == 1 and "authentication failed" in done.stderr


def test_ssh_config_is_honoured(sshd, tmp_path):
    config = tmp_path / ".ssh" / "config"
    config.parent.mkdir(mode=0o700)
    config.write_text(
        f"Host box\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {sshd.user}\n"
        f"  IdentityFile {sshd.key}\n  UserKnownHostsFile {sshd.known_hosts}\n"
        f"Host far\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {sshd.user}\n  ProxyJump box\n"
        f"  IdentityFile {sshd.key}\n  UserKnownHostsFile {sshd.known_hosts}\n"
    )
    for host in ("box", "far"):
        done = pyvirsh(
            "-c",
            f"test+ssh://{host}/default?proxy=pyvirsh",
            "list",
            env={**os.environ, "HOME": str(tmp_path)},
        )
        assert " test " in done.stdout, done.stderr


def test_nothing_on_the_far_side_says_so(sshd):
    done = pyvirsh("-c", sshd.uri("test", "/default", netcat="/no/such"), "list")
    assert done.returncode == 1 and "/no/such" in done.stderr


# -- who we are, over SASL ----------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["scram-sha-256", "scram-sha-1", "plain"])
def sasl_libvirtd(request, tmp_path_factory):
    needs("libvirtd", "saslpasswd2")
    place = tmp_path_factory.mktemp("sasl")
    database = place / "passwd.db"
    subprocess.run(
        ["saslpasswd2", "-p", "-c", "-a", "libvirt", "-f", database, "-u", "libvirt", "fred"],
        input=b"s3cret",
        check=True,
    )
    realm = {"LIBVIRT_SASL_REALM": "libvirt"}
    (place / "libvirt.conf").write_text(
        f"mech_list: {request.param}\nsasldb_path: {database}\npwcheck_method: auxprop\n"
    )
    for path in (place, *place.iterdir(), place.parent, place.parent.parent):
        path.chmod(0o755)
    with daemons.libvirtd('auth_unix_rw = "sasl"\n', env={"SASL_CONF_PATH": str(place), **realm}) as base:
        yield base / "libvirt" / "libvirt-sock"


def _authfile(path, password):
    path.write_text(
        f"[credentials-x]\nauthname=fred@libvirt\npassword={password}\n[auth-libvirt-localhost]\ncredentials=x\n"
    )
    return path


def test_sasl(sasl_libvirtd, tmp_path):
    good = _authfile(tmp_path / "good", "s3cret")
    done = pyvirsh("-c", uri(sasl_libvirtd, authfile=good), "list")
    assert " test " in done.stdout, done.stderr
    bad = _authfile(tmp_path / "bad", "wrong")
    done = pyvirsh("-c", uri(sasl_libvirtd, authfile=bad), "list")
    assert done.returncode == 1 and "authentication failed" in done.stderr and "wrong" not in done.stderr


def test_sasl_without_credentials_says_where_to_put_them(sasl_libvirtd, tmp_path):
    done = pyvirsh("-c", uri(sasl_libvirtd), "list", env={**os.environ, "HOME": str(tmp_path)})
    assert done.returncode == 1 and "authfile=" in done.stderr


def test_authentication_files_are_checked(libvirtd_socket, tmp_path):
    from pyvirsh.backend.remote import credentials

    path = tmp_path / "auth"
    path.write_text("[auth-libvirt-h]\ncredentials=gone\n")
    with pytest.raises(VirError, match="credentials-gone"):
        credentials.read(str(path), "libvirt", "h")
    path.write_text("no section")
    with pytest.raises(VirError, match=str(path)):
        credentials.read(str(path), "libvirt", "h")
    path.write_text("[credentials-d]\nauthname=a\n[auth-libvirt-default]\ncredentials=d\n")
    assert credentials.read(str(path), "libvirt", "anything") == {"authname": "a"}


def test_a_list_over_a_socket_imports_nothing_slow(served):
    words = ["-c", f"test+unix:///default?socket={served}", "list"]
    said, loaded = loaded_by(words)
    assert " test " in said
    assert "pyvirsh.backend.remote.unix" in loaded
    slow = {
        "socket",
        "ssl",
        "enum",
        "typing",
        "re",
        "collections",
        "contextlib",
        "urllib.parse",
        "subprocess",
    }
    assert not loaded & slow
