"""What went wrong elsewhere must not go wrong here: the checks a trustworthy tool passes, on real guests."""

import os
import re
import resource
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

import pyvirsh
from embedded import PYVIRSH, await_gone, domain, end, linux, processes
from limits import refused, talk
from pyvirsh.backend import constants as c
from pyvirsh.backend.qemu import monitor, qmp
from pyvirsh.backend.qemu.supervisor.loop import Loop
from pyvirsh.backend.qemu.supervisor.monitor import Monitor
from pyvirsh.shell.output import harmless
from terminals import Terminal

SOURCE = Path(pyvirsh.__file__).parent
NOBODY = 65534
AGENT = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"


# -- commands and options ---------------------------------------------------------------------------------


def test_nothing_is_run_by_a_shell():
    """Programs are started with lists of words, never through a shell, nor are they named to QEMU."""
    for path in SOURCE.rglob("*.py"):
        text = path.read_text()
        for pattern in (r"shell=True", r"os\.system\(", r"os\.popen\(", r"[\"']exec:"):
            assert not re.search(pattern, text), f"{path}: {pattern}"


def test_nothing_is_unpickled_or_evaluated():
    for path in SOURCE.rglob("*.py"):
        text = path.read_text()
        for pattern in (r"\bimport (pickle|marshal|shelve)\b", r"(?<![\w.])(eval|exec)\("):
            assert not re.search(pattern, text), f"{path}: {pattern}"


# -- files and sockets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_everything_made_is_the_owners_alone(house, tiny_guest, umask):
    """Definitions, sockets, logs, NVRAM, pictures, dumps of crashed guests, units."""
    devices = (
        AGENT
        + "<panic model='pvpanic'/><graphics type='vnc' passwd='hush'><listen type='socket'/></graphics>"
        + "<video><model type='vga'/></video>"
    )
    xml = linux(tiny_guest, machine="q35", devices=devices)
    xml = xml.replace("  <devices>", "<on_crash>coredump-destroy</on_crash><devices>")
    path = house.root.parent / "g.xml"
    path.write_text(xml)
    before = os.umask(umask)
    try:
        house.run("define", str(path))
        house.run("autostart", "g")
        dom = house.driver.domain_lookup_by_name("g")
        house.run("start", "g")
        check_modes(house.root)
        with talk(house, dom) as console:
            console.until("tiny guest is up")
            house.driver.domain_screenshot(dom, 0)[1].finish()
            console.type("echo c > /proc/sysrq-trigger\n")
        assert house.await_state(dom, c.DOMAIN_SHUTOFF) == c.DOMAIN_SHUTOFF_CRASHED
        await_gone(dom.uuid)
    finally:
        os.umask(before)
    assert list((house.root / "lib/qemu/dump").iterdir())
    assert check_modes(house.root) > 10


def check_modes(root):
    """Check that what is below a directory is for its owner alone; return how much it is."""
    assert stat.S_IMODE(os.lstat(root).st_mode) == 0o700
    seen = 0
    for directory, directories, files in os.walk(root):
        for name in [*directories, *files]:
            path = os.path.join(directory, name)
            mode = os.lstat(path).st_mode
            if not stat.S_ISLNK(mode):
                assert stat.S_IMODE(mode) & 0o077 == 0, f"{path} has mode {stat.S_IMODE(mode):o}"
                seen += 1
    return seen


def test_firmware_variables_are_the_owners_alone(house):
    firmware = "/usr/share/OVMF/OVMF_{}_4M.fd"
    if not os.path.exists(firmware.format("CODE")):
        pytest.skip("needs ovmf")
    xml = domain(machine="q35").replace("<os>", "<os firmware='efi'>")
    dom = house.driver.domain_define_xml(xml)
    house.driver.domain_create(dom)
    check_modes(house.root)
    assert list((house.root / "lib/qemu/nvram").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_sockets_refuse_somebody_else(house):
    """Even where the directories above would let him through."""
    dom = house.start("g", devices=AGENT)
    directory = Path(house.guest(dom).path)
    sockets = [path for path in directory.iterdir() if stat.S_ISSOCK(path.lstat().st_mode)]
    assert len(sockets) >= 4
    above = directory
    while above != Path("/"):
        above.chmod(above.stat().st_mode | 0o055)
        above = above.parent
    for path in sockets:
        child = os.fork()
        if child == 0:
            os.setuid(NOBODY)
            try:
                socket.socket(socket.AF_UNIX).connect(str(path))
                os._exit(0)
            except PermissionError:
                os._exit(13)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 13, path


def test_a_log_that_is_a_link_is_not_followed(house, tmp_path):
    target = tmp_path / "target"
    target.write_text("kept")
    (house.root / "log/qemu").mkdir(parents=True)
    (house.root / "log/qemu/g.log").symlink_to(target)
    text = refused(house.driver.domain_create_xml, domain())
    assert f"{house.root}/log/qemu/g.log" in text
    assert target.read_text() == "kept"
    assert house.driver.connect_list_all_domains() == []


def test_links_in_the_runtime_directory_are_replaced_not_followed(house, tmp_path):
    """Files left there by whoever lead nobody to write elsewhere, nor to signal a stranger."""
    target = tmp_path / "target"
    target.write_text("kept")
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        dom = house.define("g")
        place = Path(house.driver.roots.make_runtime()) / dom.uuid
        place.mkdir()
        for name in ("live.xml", "facts", "spec", "monitor", "commands", "control"):
            (place / name).symlink_to(target)
        (place / "pid").write_text(f"{stranger.pid} 1\n")
        house.driver.domain_create(dom)
        assert house.state(dom)[0] == c.DOMAIN_RUNNING
        house.driver.domain_destroy(dom)
        await_gone(dom.uuid)
        assert target.read_text() == "kept" and stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


# -- secrets -----------------------------------------------------------------------------------------------

SECRET = "hush8471"


def answer_to(challenge, password):
    """Return what a VNC client with a password answers to a challenge: RFC 6143, section 7.2.2."""
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password.encode().ljust(8, b"\0"))
    cipher = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()
    return cipher.update(challenge)


def vnc_lets_in(path, password):
    """Say whether a VNC server takes a password; anything else than password authentication fails."""
    with socket.socket(socket.AF_UNIX) as sock, sock.makefile("rb") as file:
        sock.settimeout(10)
        sock.connect(path)
        assert file.read(12).startswith(b"RFB 003.")
        sock.sendall(b"RFB 003.008\n")
        assert file.read(2) == b"\x01\x02"
        sock.sendall(b"\x02")
        sock.sendall(answer_to(file.read(16), password))
        return int.from_bytes(file.read(4), "big") == 0


def vnc_guest(house, password):
    """Start a guest with a VNC screen; return it and its socket."""
    screen = f"<graphics type='vnc' passwd='{password}'><listen type='socket'/></graphics>"
    dom = house.driver.domain_create_xml(domain(devices=screen + "<video><model type='vga'/></video>"))
    xml = house.driver.domain_get_xml_desc(dom)
    return dom, re.search(r"<listen type='socket' socket='([^']*)'", xml).group(1)


def test_a_screen_s_password_is_asked_for(house):
    _, path = vnc_guest(house, SECRET)
    assert vnc_lets_in(path, SECRET)
    assert not vnc_lets_in(path, "other") and not vnc_lets_in(path, "")


def test_an_empty_password_lets_nobody_in(house):
    _, path = vnc_guest(house, "")
    assert not vnc_lets_in(path, "") and not vnc_lets_in(path, "\0")


def test_secrets_stay_secret(house, monkeypatch):
    """A password in a definition is nowhere but in the owner's file, and shown to nobody who does not ask."""
    path = house.root.parent / "g.xml"
    screen = f"<graphics type='vnc' passwd='{SECRET}' port='-1' autoport='yes'/>"
    path.write_text(domain(devices=screen + "<video><model type='vga'/></video>"))
    log = house.root.parent / "log"
    monkeypatch.setenv("VIRSH_LOG_FILE", str(log))
    debugged = ["--debug", "0", "--log", str(log)]
    said = house.run(*debugged, "define", str(path)) + house.run(*debugged, "start", "g")
    dom = house.driver.domain_lookup_by_name("g")
    for process in processes(dom.uuid):
        for name in ("cmdline", "environ"):
            assert SECRET.encode() not in Path(f"/proc/{process.pid}/{name}").read_bytes()
    for words in (
        ["dumpxml", "g"],
        ["dumpxml", "g", "--inactive"],
        ["dumpxml", "g", "--migratable"],
        ["-o", "json", "dumpxml", "g"],
        ["domdisplay", "g"],
        ["domstats", "g"],
        ["metadata", "g", "http://x/"],
        ["qemu-monitor-command", "g", '{"execute":"query-vnc"}'],
        ["domxml-to-native", "qemu-argv", "--domain", "g"],
    ):
        done = subprocess.run(
            [PYVIRSH, "-c", house.uri, *debugged, *words], capture_output=True, text=True, timeout=60
        )
        said += done.stdout + done.stderr
    assert SECRET not in said
    assert SECRET not in log.read_text()
    holders = {
        file.name for file in house.root.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()
    }
    assert holders <= {"config.xml", "live.xml"}
    assert SECRET in house.run("dumpxml", "g", "--security-info")
    assert SECRET in house.run("domdisplay", "g", "--include-password")
    readonly = [PYVIRSH, "-r", "-c", house.uri, "dumpxml", "g", "--security-info"]
    done = subprocess.run(readonly, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and SECRET not in done.stdout


def test_screens_listen_on_the_loopback_unless_asked(house):
    house.start("g", devices="<graphics type='vnc'/><video><model type='vga'/></video>")
    assert house.run("vncdisplay", "g").startswith("127.0.0.1:")


# -- images ------------------------------------------------------------------------------------------------


def test_an_image_with_its_data_elsewhere_is_refused(house, tmp_path):
    """Another file that an image names is not opened because a definition names the image."""
    image = tmp_path / "i"
    options = f"data_file={tmp_path}/elsewhere,data_file_raw=on"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", options, image, "1M"], check=True)
    disk = (
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
        f"<source file='{image}'/><target dev='vda' bus='virtio'/></disk>"
    )
    text = refused(house.driver.domain_create_xml, domain(devices=disk))
    assert text == (
        f"Requested operation is not valid: image '{image}' keeps its data in another file, "
        "which is not supported"
    )


# -- hostile guests ------------------------------------------------------------------------------------------


def test_a_monitor_that_never_ends_a_message():
    """The supervisor drops a QEMU that babbles, and a command says so; memory stays bounded."""
    loop = Loop()
    mine, theirs = socket.socketpair()
    peer = threading.Thread(target=babble, args=(theirs,))
    closed = []

    def close():
        closed.append(True)
        loop.stop()

    supervisor_s = Monitor(loop, mine, closed.append, close)
    peer.start()
    loop.run()
    peer.join(20)
    assert closed == [True] and supervisor_s.closed and not peer.is_alive()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2**20  # KiB


def babble(sock):
    """Send without a line's end until nobody listens any more."""
    with sock:
        try:
            while True:
                sock.sendall(b"x" * 2**20)
        except OSError:
            return


@pytest.mark.parametrize("line", [b"[" * 200_000, b"{" * 200_000, b"17", b"nonsense", b'{"a":1', b"\xff\xfe"])
def test_messages_that_are_none(line):
    with pytest.raises(qmp.ProtocolError):
        qmp.Reader().feed(line + b"\n")


def test_a_command_to_a_monitor_that_babbles(house, tmp_path):
    dom = house.start("g")
    guest = house.guest(dom)
    os.unlink(guest.file("commands"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(guest.file("commands"))
        listener.listen()
        peer = threading.Thread(target=lambda: babble(listener.accept()[0]))
        peer.start()
        with pytest.raises(Exception, match="a message is longer than 16777216 bytes"):
            monitor.Monitor(guest).__enter__()
        peer.join(20)
    assert not peer.is_alive()


def test_a_guest_s_words_cannot_steer_a_terminal():
    assert harmless("a\x1b[31mb\x1b[0m\n\tc\r") == "a\x1b[31mb\x1b[0m\n\tc\r"
    assert harmless("\x1b]0;title\x07\x1b[2J\x9b31m\x08\x00") == (
        "\\x1b]0;title\\x07\\x1b[2J\\x9b31m\\x08\\x00"
    )


def test_terminals_get_escaped_what_pipes_get_as_it_is():
    words = [PYVIRSH, "-q", "-c", "test:///default"]
    words.append("desc test --title --new-desc 'a\x9b31mb'; desc test --title")
    piped = subprocess.run(words, capture_output=True, timeout=30).stdout
    assert piped.endswith("a\x9b31mb".encode())
    terminal = Terminal(words)
    shown = terminal.rest()
    terminal.close()
    assert "a\\x9b31mb" in shown and "\x9b" not in shown


def test_a_guest_that_says_much_on_its_console_does_not_fill_the_disk(house, tiny_guest):
    dom = house.driver.domain_create_xml(linux(tiny_guest))
    with talk(house, dom) as console:
        console.until("tiny guest is up")
        console.type("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done\n")
        for _ in range(200):
            console.stream.recv(65536)
    size = sum(file.stat().st_size for file in (house.root / "log").rglob("*") if file.is_file())
    assert size < 8 * 2**20
    house.driver.domain_destroy(dom)


# -- read-only connections -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["define", "FILE"],
        ["create", "FILE"],
        ["start", "g"],
        ["undefine", "g"],
        ["destroy", "run"],
        ["suspend", "run"],
        ["reset", "run"],
        ["console", "run"],
        ["autostart", "g"],
        ["qemu-monitor-command", "run", "{}"],
        ["domrename", "g", "h"],
        ["screenshot", "run", "FILE.png"],
        ["domxml-to-native", "qemu-argv", "FILE"],
    ],
)
def test_a_read_only_connection_changes_nothing(house, words):
    """And runs no program that a document names."""
    house.define("g")
    dom = house.start("run")
    path = house.root.parent / "x"
    path.write_text(domain("new"))
    words = [word.replace("FILE", str(path)) for word in words]
    done = subprocess.run(
        [PYVIRSH, "-r", "-c", house.uri, *words], input="", capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "read only access" in done.stderr or "forbidden" in done.stderr, done.stderr
    assert sorted(ref.name for ref in house.driver.connect_list_all_domains()) == ["g", "run"]
    assert house.state(dom) == (c.DOMAIN_RUNNING, c.DOMAIN_RUNNING_BOOTED)


# -- who is left ---------------------------------------------------------------------------------------------


def test_a_supervisor_killed_while_the_guest_shuts_down(house, tiny_guest):
    """The next command finds what became of the guest, and no process is left."""
    dom = house.driver.domain_define_xml(linux(tiny_guest))
    house.driver.domain_create(dom)
    with talk(house, dom) as console:
        console.until("tiny guest is up")
        end(house.guest(dom).supervisor)
        house.driver.domain_shutdown(dom)
    assert house.await_state(dom, c.DOMAIN_SHUTOFF) == c.DOMAIN_SHUTOFF_SHUTDOWN
    await_gone(dom.uuid)


def test_the_library_is_not_taken_from_where_the_user_stands(house, tmp_path):
    """A supervisor started in a directory with a module of Python's name does not run it."""
    (tmp_path / "json.py").write_text("raise SystemExit('taken')")
    (tmp_path / "x").write_text(domain())
    words = [PYVIRSH, "-c", house.uri, "create", "x"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    (dom,) = house.driver.connect_list_all_domains()
    arguments = Path(f"/proc/{house.guest(dom).supervisor.pid}/cmdline").read_bytes().split(b"\0")
    assert os.path.samefile(arguments[0], sys.executable)
    assert arguments[1:3] == [b"-I", b"-S"]
