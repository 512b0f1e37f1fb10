"""`serve` with the real virsh, libvirt-python and ourselves as clients, over sockets, ssh and TLS."""

import contextlib
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

import daemons
from conftest import PYVIRSH, needs, needs_virsh
from pyvirsh import backend
from pyvirsh.backend.api import Driver
from pyvirsh.backend.errors import INTERNAL_ERROR, NO_SUPPORT, OPERATION_DENIED, RPC, VirError
from pyvirsh.rpc import protocol, shape, xdr
from pyvirsh.server import calls
from wire import TEST_DOM, Wire, is_alive, server_pid, where

LINES = (
    "list --all",
    "dumpxml test",
    "domstate test --reason",
    "domstate nope",
    "suspend test; list; resume test",
    "destroy test; destroy test; start test; domid test",
    "nodeinfo",
    "hostname; capabilities",
    "vcpucount test; setvcpus test 1; vcpucount test --live",
    "desc test --title hello; list --title",
    "memtune test; schedinfo test",
    "define xml/nope.xml",
    # What libvirt's own library asks with older calls, or asks twice: how many, and then which.
    "secret-list; nwfilter-list",
    "domjobabort test",
    "domblkerror test",
    "domiftune test nope",
    "detach-interface test network",
    # Who comes next finds the host as it was, at once.
    "destroy test; connect; domstate test; destroy test; connect; domstate test",
)


def run(*words):
    return subprocess.run(list(words), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)


def answers(*words):
    done = run(*words)
    return done.stdout, done.stderr, done.returncode


# -- real clients -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", LINES)
def test_virsh_sees_its_own_test_driver(served, line):
    needs("virsh")
    if "capabilities" in line:
        needs_virsh()
    ours = answers("virsh", "-c", where(served), line)
    theirs = answers("virsh", "-c", "test:///default", line)
    assert ours == theirs


def test_our_own_client(served):
    for line in LINES:
        ours = answers(PYVIRSH, "-c", where(served), line)
        assert ours == answers(PYVIRSH, "-c", "test:///default", line)


def test_virsh_events(served):
    needs("virsh")
    watcher = subprocess.Popen(
        ["virsh", "-c", where(served), "event", "--event", "lifecycle", "--timeout", "20"],
        stdout=subprocess.PIPE,
        text=True,
    )
    driver = backend.open(where(served))
    dom = driver.domain_lookup_by_name("test")
    while watcher.poll() is None:
        driver.domain_suspend(dom)
        driver.domain_resume(dom)
        time.sleep(0.05)
    seen = watcher.stdout.read()
    watcher.stdout.close()
    assert "event 'lifecycle' for domain 'test'" in seen
    driver.close()


def test_libvirt_python_sees_events(served):
    python = "/usr/bin/python3"
    if not shutil.which(python) or run(python, "-c", "import libvirt").returncode:
        pytest.skip("needs python3-libvirt")
    script = f"""
import libvirt
libvirt.virEventRegisterDefaultImpl()
conn = libvirt.open("{where(served)}")
seen = []
conn.domainEventRegisterAny(None, 0, lambda c, d, event, detail, o: seen.append((d.name(), event)), None)
dom = conn.lookupByName("test")
dom.suspend()
while not seen:
    libvirt.virEventRunDefaultImpl()
print(*seen[0], conn.listDomainsID(), conn.numOfDefinedDomains(), dom.info()[0])
conn.close()
"""
    done = run(python, "-c", script)
    assert done.stdout == "test 3 [1] 0 3\n", done.stderr


def test_screenshot_streams(served, tmp_path):
    needs("virsh")
    done = run("virsh", "-c", where(served), f"screenshot test {tmp_path}/shot")
    assert done.returncode == 0, done.stderr
    run(PYVIRSH, "-c", "test:///default", f"screenshot test {tmp_path}/direct")
    assert (tmp_path / "shot").read_bytes() == (tmp_path / "direct").read_bytes()
    assert (tmp_path / "shot").read_bytes().startswith(b"\x89PNG")


# -- the protocol's edges ---------------------------------------------------------------------------------


def test_what_is_no_call_gets_its_error(served):
    wire = Wire(served)
    assert wire.call("node_get_info") == (INTERNAL_ERROR, "internal error: hypervisor connection not open")
    assert wire.call("auth_list", procedure=9999) == (RPC, "unknown procedure: 9999")
    assert wire.call("auth_list", program=5) == (RPC, "Cannot find program 5 version 1")
    assert wire.call("auth_list", version=7)[0] == RPC
    assert wire.open() == b""
    assert wire.call("connect_open", ("test:///default", 0)) == (
        INTERNAL_ERROR,
        "internal error: connection already open",
    )
    assert wire.call("domain_lookup_by_name", ("x",), payload=b"abc") == (
        RPC,
        "Unable to decode message payload",
    )
    assert wire.call("domain_migrate_prepare", (None, 0, None, 0))[0] == NO_SUPPORT


def test_other_hosts_are_not_served(served):
    code, message = Wire(served).open("qemu+ssh://elsewhere/system")
    assert code != 0 and "another host" in message


def test_read_only_is_enforced_by_the_server(served):
    wire = Wire(served)
    assert wire.open(flags=1) == b""
    payload = wire.call("domain_lookup_by_name", ("test",))
    (dom,) = xdr.unpack("remote_domain_lookup_by_name_ret", payload)
    for name in ("domain_destroy", "domain_suspend", "domain_undefine"):
        code, message = wire.call(name, (dom,))
        assert code == OPERATION_DENIED and "read only access prevents" in message
    assert isinstance(wire.call("domain_get_info", (dom,)), bytes)


def test_unknown_to_read_only_means_refused():
    """Every procedure is either known to be harmless or refused: nothing new slips through."""
    driver = backend.open("test:///default", read_only=True)
    denied = 0
    for name in protocol.PROCEDURES:
        if not hasattr(Driver, name) or "get" in name or "list" in name or "lookup" in name:
            continue
        struct = f"remote_{name}_args"
        if protocol.PROCEDURES[name][0] != protocol.REMOTE_PROGRAM or struct not in protocol.STRUCTS:
            continue
        takes = [field for field, _ in xdr.fields(struct)]
        try:
            calls.perform(driver, calls.Call(name, tuple(0 for _ in takes), []))
        except VirError as error:
            denied += error.code == OPERATION_DENIED
        except (AttributeError, TypeError):
            continue
    assert denied > 120


def _empty(kind):
    """Return the least that a field may be."""
    kind = protocol.TYPEDEFS.get(kind, kind)
    if kind.startswith("?") or kind in xdr.REFS:
        return None
    if kind.endswith(">"):
        return "" if kind.startswith("string") else []
    return 0


def test_what_a_driver_lacks_is_answered_with_the_name_of_the_call():
    # What the server answers itself.
    own = {"auth_list", "connect_is_secure", "connect_supports_feature"}
    for name in protocol.PROCEDURES.keys() - own:
        values = tuple(_empty(kind) for _, kind in shape.fields(shape.struct_of(name, "args")))
        with pytest.raises(VirError) as raised:
            calls.perform(Driver(), calls.Call(name, values, []))
        assert raised.value.code == NO_SUPPORT, name
        assert raised.value.detail.startswith("vir"), name


def test_old_calls_are_made_by_newer_ones():
    class New(Driver):
        def domain_save_flags(self, dom, to, dxml, flags=0):
            assert (to, dxml, flags) == ("/x", None, 0)

        def domain_destroy_flags(self, dom, flags=0):
            assert flags == 0

    driver = New()
    for name, values in (("domain_save", (TEST_DOM, "/x")), ("domain_destroy", (TEST_DOM,))):
        assert calls.perform(driver, calls.Call(name, values, [])).payload == b""


# -- processes -------------------------------------------------------------------------------------------


def test_the_socket_is_private_and_is_taken_over_from_the_dead(served, tmp_path):
    assert os.stat(served).st_mode & 0o777 == 0o600
    second = run(PYVIRSH, "serve", "--socket", str(served))
    assert second.returncode == 1 and "serves there already" in second.stderr
    os.kill(server_pid(served), signal.SIGKILL)
    deadline = time.monotonic() + 10
    process = None
    while time.monotonic() < deadline:
        process = subprocess.Popen([PYVIRSH, "serve", "--socket", str(served), "test:///default"])
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            break
    with daemons.running(process):
        assert is_alive(served)


def test_socket_paths_are_checked():
    done = run(PYVIRSH, "serve", "--socket", "/tmp/" + "x" * 200)
    assert done.returncode == 1 and "longer than" in done.stderr
    done = run(PYVIRSH, "serve", "--socket", "/no/such/place/s")
    assert done.returncode == 1 and "/no/such/place/s" in done.stderr
    done = run(PYVIRSH, "serve")
    assert done.returncode == 1 and "--stdio" in done.stderr


def test_other_users_are_refused(served):
    if os.geteuid():
        pytest.skip("needs root, to be somebody else")
    os.chmod(served, 0o666)
    for path in served.parents:
        if path != Path("/") and path != Path("/tmp"):
            path.chmod(0o755)
    script = (
        f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(served)!r}); "
        "s.sendall(b'\\0' * 28); print(len(s.recv(100)))"
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-c", script], user=daemons.NOBODY, capture_output=True, text=True
    )
    assert done.stdout.strip() in ("0", "") and is_alive(served)


def test_descriptors_do_not_leak(served):
    pid = server_pid(served)
    is_alive(served)
    before = len(os.listdir(f"/proc/{pid}/fd"))
    for _ in range(100):
        is_alive(served)
    deadline = time.monotonic() + 10
    while len(os.listdir(f"/proc/{pid}/fd")) > before + 5 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(os.listdir(f"/proc/{pid}/fd")) <= before + 5
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 100


# -- stdio, helper, TLS --------------------------------------------------------------------------------------


def test_stdio_serves_one_client_and_ends(tmp_path):
    script = tmp_path / "to"
    script.write_text(f"#!/bin/sh\nexec {PYVIRSH} serve --stdio test:///default\n")
    script.chmod(0o755)
    uri = f"test+ext:///default?command={script}"
    assert " test " in run(PYVIRSH, "-c", uri, "list").stdout
    needs("virsh")
    assert " test " in run("virsh", "-c", uri, "list").stdout


def test_the_helper_is_never_put_over_another(tmp_path, monkeypatch):
    # Where libvirt is absent: its own helper would be used.
    monkeypatch.setenv("PATH", os.path.dirname(PYVIRSH))
    place = tmp_path / "bin"
    place.mkdir()
    (place / "virt-ssh-helper").write_text("#!/bin/sh\n# somebody else's\n")
    done = run(PYVIRSH, "install-helper", str(place))
    assert done.returncode == 1 and "left as it is" in done.stderr
    (place / "virt-ssh-helper").unlink()
    assert run(PYVIRSH, "install-helper", str(place)).returncode == 0


def test_stock_virsh_over_ssh_reaches_us_through_the_helper(tmp_path):
    needs("virsh", "sshd")
    helper = tmp_path / "bin" / "virt-ssh-helper"
    helper.parent.mkdir()
    from pyvirsh.commands.serve import HELPER

    helper.write_text(HELPER.format(program=PYVIRSH))
    helper.chmod(0o755)
    with daemons.sshd(str(helper.parent)) as server:
        uri = f"test+ssh://{server.user}@127.0.0.1:{server.port}/default?keyfile={server.key}&no_verify=1"
        done = run("virsh", "-c", uri, "list; uri")
        assert " test " in done.stdout, done.stderr
        denied = run("virsh", "-r", "-c", uri, "suspend test")
        assert "read only access" in denied.stderr


def test_tls(pki, tmp_path):
    needs("virsh")
    port = daemons.free_port()
    process = subprocess.Popen(
        [PYVIRSH, "serve", "--listen", f"127.0.0.1:{port}", "--pki", str(pki), "test:///default"]
    )
    with daemons.running(process):
        daemons.wait_for_port(port, process)
        uri = f"test+tls://127.0.0.1:{port}/default?pkipath="
        assert " test " in run(PYVIRSH, "-c", f"{uri}{pki}", "list").stdout
        theirs = run("virsh", "-c", f"{uri}{pki}", "list")
        assert " test " in theirs.stdout, theirs.stderr
        assert run(PYVIRSH, "-c", f"{uri}{pki}/stranger", "list").returncode == 1
        bare = socket.create_connection(("127.0.0.1", port))
        bare.sendall(b"\0\0\0\x1c" + b"\0" * 24)
        bare.settimeout(10)
        with contextlib.suppress(ConnectionResetError):
            assert b"test" not in bare.recv(1000)
        bare.close()
    done = run(PYVIRSH, "serve", "--listen", "127.0.0.1:1", "--pki", str(tmp_path))
    assert done.returncode == 1 and "cacert.pem" in done.stderr


# -- tools built on libvirt --------------------------------------------------------------------------------


@pytest.fixture
def served_qemu(tmp_path):
    """A URI of a `pyvirsh serve` for a user's QEMU guests, all below a home of its own."""
    path = tmp_path / "s"
    own = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    for name in ("CONFIG", "STATE", "DATA", "CACHE"):
        own[f"XDG_{name}_HOME"] = str(tmp_path / name.lower())
    environ = {**os.environ, **own}
    (tmp_path / "run").mkdir(mode=0o700)
    process = subprocess.Popen([PYVIRSH, "serve", "--socket", str(path)], env=environ)
    with daemons.running(process):
        daemons.wait_for(path, process)
        yield f"qemu+unix:///session?socket={path}"
    program = [PYVIRSH, "-q", "-c", "qemu:///session"]
    listed = subprocess.run([*program, "list", "--name"], env=environ, capture_output=True, text=True)
    for name in listed.stdout.split():
        subprocess.run([*program, "destroy", name], env=environ, capture_output=True, check=True)


GUEST = """<domain type='qemu'><name>g</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
<os><type machine='q35'>hvm</type><kernel>{0}/vmlinuz</kernel><initrd>{0}/initrd</initrd>
<cmdline>console=ttyS0</cmdline></os><features><acpi/></features>
<devices><console type='pty'/><graphics type='vnc' port='-1'/><video><model type='vga'/></video></devices>
</domain>"""


def test_virsh_drives_a_real_guest(served_qemu, tiny_guest, tmp_path):
    needs("virsh", "qemu-system-x86_64")
    xml = tmp_path / "g.xml"
    xml.write_text(GUEST.format(tiny_guest))

    def virsh(line):
        done = run("virsh", "-q", "-c", served_qemu, line)
        assert done.returncode == 0, done.stderr
        return done.stdout

    virsh(f"define {xml}")
    assert "shut off" in virsh("domstate g")
    virsh("start g")
    assert "running" in virsh("domstate g")
    assert virsh("list --name").split() == ["g"]
    _wait_until_up(served_qemu)
    virsh(f"screenshot g {tmp_path}/shot")
    assert (tmp_path / "shot").stat().st_size > 100
    assert "/dev/pts/" in virsh("ttyconsole g")
    virsh("suspend g")
    assert "paused" in virsh("domstate g")
    virsh("resume g")
    virsh("destroy g")
    virsh("undefine g")
    assert not virsh("list --all --name").split()


def _wait_until_up(uri):
    driver = backend.open(uri)
    stream = driver.domain_open_console(driver.domain_lookup_by_name("g"), None, 0)
    seen = b""
    deadline = time.monotonic() + 60
    while b"tiny guest is up" not in seen and time.monotonic() < deadline:
        seen += stream.recv(65536)
    stream.abort()
    driver.close()
    assert b"tiny guest is up" in seen


def test_virt_install_creates_and_boots(served_qemu, tmp_path):
    needs("virt-install", "qemu-img")
    disk = tmp_path / "disk.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "16M"], check=True)
    done = run(
        *("virt-install", "--connect", served_qemu, "--name", "vi", "--memory", "128", "--import"),
        *(
            "--disk",
            f"path={disk},format=qcow2",
            "--network",
            "none",
            "--graphics",
            "none",
            "--virt-type",
            "qemu",
        ),
        *("--osinfo", "detect=off,require=off", "--noautoconsole"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "running" in run("virsh", "-q", "-c", served_qemu, "domstate vi").stdout


def test_kill_9_of_clients_and_servers_harms_no_guest(tiny_guest, tmp_path):
    needs("qemu-system-x86_64", "virsh")
    chance = random.Random(4)
    root = f"qemu:///embed?root={tmp_path / 'root'}"
    path = tmp_path / "s"
    uri = f"remote+unix:///?socket={path}"
    xml = tmp_path / "g.xml"
    xml.write_text(GUEST.format(tiny_guest))
    assert run(PYVIRSH, "-c", root, f"define {xml}; start g").returncode == 0
    try:
        for _ in range(6):
            process = subprocess.Popen([PYVIRSH, "serve", "--socket", str(path), root])
            daemons.wait_for(path, process)
            line = "domstats g; suspend g; resume g; dumpxml g; setmem g 100000; screenshot g /dev/null"
            client = subprocess.Popen(
                ["virsh", "-c", uri, "; ".join([line] * 20)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(chance.uniform(0.05, 0.6))
            for victim in chance.sample((process, client), 2):
                victim.kill()
                victim.wait()
            path.unlink()
            # No lock is left, and the guest is where it was.
            assert run(PYVIRSH, "-q", "-c", root, "list --name").stdout.split() == ["g"]
            assert (
                run(PYVIRSH, "-q", "-c", root, "suspend g; resume g; domstate g").stdout.strip() == "running"
            )
    finally:
        run(PYVIRSH, "-q", "-c", root, "destroy g")
    assert run(PYVIRSH, "-q", "-c", root, "undefine g; list --all --name").stdout.strip() == ""


# -- started by systemd ------------------------------------------------------------------------------------

UNITS = sorted((Path(__file__).parent.parent / "docs" / "systemd").glob("*/*"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: f"{unit.parent.name}-{unit.name}")
def test_units_are_what_systemd_takes(unit):
    needs("systemd-analyze")
    done = run("systemd-analyze", "verify", "--man=no", unit)
    assert (done.returncode, unit.name in done.stderr) == (0, False), done.stderr


def test_a_socket_that_systemd_listens_on(tmp_path):
    """The server is started by the first client, on the socket that is there already."""
    needs("systemd-socket-activate", "virsh")
    path = tmp_path / "s"
    words = ["systemd-socket-activate", "-l", path, PYVIRSH, "serve", "test:///default"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as activated:
        assert "Listening on" in activated.stderr.readline()
        try:
            for program in ("virsh", PYVIRSH):
                done = run(program, "-c", where(path), "list --name")
                assert (done.returncode, done.stdout, done.stderr) == (0, "test\n\n", "")
        finally:
            activated.terminate()
