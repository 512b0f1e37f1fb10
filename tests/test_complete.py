"""What may stand at the end of a line.  Offers as virsh 11.3.0 makes them, and our own beyond."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyvirsh import program
from pyvirsh.backend.api import (
    Driver,
    InterfaceRef,
    NetworkPortRef,
    NetworkRef,
    NodeDeviceRef,
    NWFilterBindingRef,
    NWFilterRef,
    SecretRef,
    SnapshotRef,
    StoragePoolRef,
    StorageVolRef,
)
from pyvirsh.backend.errors import VirError
from pyvirsh.commands import INDEX, UNLISTED, load
from pyvirsh.shell import complete, offers
from pyvirsh.shell.output import Output
from pyvirsh.shell.session import Session
from pyvirsh.shell.words import ArgvLexer, Lexer


@pytest.fixture
def session():
    session = Session(Output(), uri="test:///default")
    yield session
    session.disconnect()


def offered(session, *words):
    return [candidate.text for candidate in complete.for_words(session, list(words))]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["domst"], ["domstate", "domstats"]),
        (["quit"], ["quit"]),
        (["nodedev-dett"], []),
        (["self"], []),
        (["bogus"], []),
        (["domstate", ""], ["--domain", "--reason"]),
        (["domstate", "te"], ["test"]),
        (["domstate", "x"], []),
        (["domstate", "--domain"], []),
        (["domstate", "--domain", ""], ["test"]),
        (["domstate", "--domain=", ""], ["test"]),
        (["domstate", "--domain=te"], []),
        (["domstate", "--domain", "test", ""], ["--reason"]),
        (["domstate", "test", "--reason", ""], []),
        (["domstate", "--", "te"], ["test"]),
        (["domstate", "--"], ["--domain", "--reason"]),
        (["domstate", "--help", ""], []),
        (["domstate", "--help", "--dom"], ["--domain"]),
        (["domstate", "x", "y", ""], ["--reason"]),
        (["domstate", '"te'], []),
        (["list", "--bogus", "--a"], ["--all", "--autostart"]),
        (["list", "--all", "--bogus", "--a"], ["--autostart"]),
        (["list", "list"], ["list"]),
        (["list;", "domst"], []),
        (["list;", "domstate", ""], ["--domain", "--reason"]),
        (["echo", "a", "--s"], ["--shell", "--split", "--string"]),
        (["echo", "--prefix", "x", ""], ["--shell", "--xml", "--split", "--err", "--string"]),
        (["help", "domst"], ["domstate", "domstats"]),
        (["connect", "--name", ""], []),
        (["cd", "/e"], []),
        (["setmem", "test", "--kilo"], []),
        (["setmem", "test", "--kilobytes", ""], ["--config", "--live", "--current"]),
        (["reboot", "--mode", "a"], ["acpi", "agent"]),
        (["reboot", "test", "--mode", "acpi,a"], ["acpi,agent"]),
        (
            ["reboot", "test", "--mode", "acpi,agent,initctl,"],
            [f"acpi,agent,initctl,{x}" for x in ("signal", "paravirt")],
        ),
        (["start", "--domain", ""], []),
        (["suspend", "--domain", ""], ["test"]),
        (["domname", "6"], ["6695eb01-f6a4-8304-79aa-97f2502e193f"]),
        (["vcpupin", "test", "--vcpu", ""], ["0", "1"]),
        (["emulatorpin", "test", "0,1,"], [f"0,1,{cpu}" for cpu in range(2, 8)]),
        (["detach-disk", "test", "v"], ["vda"]),
        (["undefine", "test", "--storage", ""], ["vda"]),
        (["domifstat", "test", ""], ["--interface"]),
        (["domifstat", "test", "t"], ["testnet0"]),
        (["detach-interface", "test", "network", "--mac", ""], ["aa:bb:cc:dd:ee:ff"]),
        (["domif-setlink", "test", "testnet0", "--state", ""], ["down"]),
        (["freepages", "--pagesize", ""], ["4KiB", "8KiB", "2MiB", "1GiB"]),
        (["freepages", "--cellno", "0", "--pagesize", ""], ["4KiB", "2MiB", "1GiB"]),
        (["freecell", "--cellno", ""], ["0", "1"]),
        (["nodecpustats", "--cpu", ""], ["0", "2", "4"]),
    ],
)
def test_as_virsh_offers(session, words, expected):
    assert offered(session, *words) == expected


def test_all_commands(session):
    assert offered(session) == [name for name in INDEX if name not in UNLISTED]
    others = {name for name in INDEX if load(name).name != name}
    assert others | {"complete", "self-test"} == UNLISTED


def rich(session, line):
    lexer, word = Lexer(line, lenient=True), ""
    while (next_word := lexer.next_word()) is not None:
        word = next_word if lexer.at == len(line) else ""
    return [(found.text, found.help) for found in complete.rich(session, Lexer(line, lenient=True), word)]


def test_rich_offers_values_before_options_and_says_what_they_are(session):
    assert rich(session, "domst") == [(name, load(name).help) for name in ("domstate", "domstats")]
    found = rich(session, "domstate ")
    assert [text for text, _ in found] == ["test", "--domain", "--reason"]
    assert found[1][1] == load("domstate").option("domain").help


def test_rich_takes_values_behind_an_equals_sign(session):
    assert rich(session, "domstate --domain=t") == [("--domain=test", "")]
    assert rich(session, "domstate --reason=t") == []
    assert rich(session, "setvcpus test --count=") == []


def test_rich_offers_the_form_of_output(session):
    assert [text for text, _ in rich(session, "domstate --o")] == ["--output"]
    assert [text for text, _ in rich(session, "domstate --output j")] == ["json"]
    assert [text for text, _ in rich(session, "domstate --output=c")] == ["--output=csv"]
    assert "--output" not in [text for text, _ in rich(session, "domstate ")]


def test_rich_offers_files(session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.xml").touch()
    (tmp_path / "old").mkdir()
    (tmp_path / ".hidden").touch()
    assert [text for text, _ in rich(session, "define ")][:3] == ["old/", "one.xml", "--file"]
    assert rich(session, "define on") == [("one.xml", "")]
    assert rich(session, f"cd {tmp_path}/o") == [(f"{tmp_path}/old/", ""), (f"{tmp_path}/one.xml", "")]
    assert rich(session, "define .h") == [(".hidden", "")]
    assert rich(session, "define nowhere/") == []


def test_words_of_the_system_shell_keep_their_blanks(session):
    found = complete.rich(session, ArgvLexer(["domstate", "--domain", "a b"]), "a b")
    assert found == []
    assert [each.text for each in complete.rich(session, ArgvLexer(["domstate", "t"]), "t")] == ["test"]


# -- what the driver knows -----------------------------------------------------------------------------


class Everything(Driver):
    """Has some of everything that can be listed."""

    def connect_list_all_networks(self, flags=0):
        return [NetworkRef("lan", "n-1"), *([NetworkRef("old", "n-2")] if flags != 2 else [])]

    def network_lookup_by_name(self, name):
        return NetworkRef(name, "n-1")

    def network_list_all_ports(self, network, flags=0):
        return [NetworkPortRef(network, "port-1")]

    def network_get_dhcp_leases(self, net, mac, flags=0):
        return [
            ("br", 0, 0, "aa:bb", None, "10.0.0.2", 24, None, None),
            ("br", 0, 0, None, None, "", 0, None, None),
        ]

    def connect_list_all_storage_pools(self, flags=0):
        return [StoragePoolRef("images", "p-1")]

    def storage_pool_lookup_by_name(self, name):
        return StoragePoolRef(name, "p-1")

    def storage_pool_list_all_volumes(self, pool, flags=0):
        return [StorageVolRef(pool.name, "v", f"/{pool.name}/v")]

    def connect_list_all_interfaces(self, flags=0):
        return [InterfaceRef("en0", "aa:bb"), *([InterfaceRef("en1", "cc:dd")] if flags & 1 else [])]

    def connect_list_all_node_devices(self, flags=0):
        return [NodeDeviceRef("pci_0")]

    def connect_list_all_nwfilters(self, flags=0):
        return [NWFilterRef("clean", "f-1")]

    def connect_list_all_nwfilter_bindings(self, flags=0):
        return [NWFilterBindingRef("vnet0", "clean")]

    def connect_list_all_secrets(self, flags=0):
        return [SecretRef("s-1", 0, "")]

    def connect_get_domain_capabilities(self, emulator, arch, machine, virttype, flags=0):
        other = "<mode name='maximum'><model>no</model></mode>"
        modes = f"{other}<mode name='custom'><model>{arch}-old</model></mode>"
        return f"<domainCapabilities><cpu>{modes}</cpu></domainCapabilities>"

    def domain_lookup_by_name(self, name):
        from pyvirsh.backend.api import DomainRef

        return DomainRef(name, "d-1", 1)

    def domain_list_all_snapshots(self, dom, flags=0):
        return [SnapshotRef("snap", dom)]

    def domain_get_guest_vcpus(self, dom, flags=0):
        return [("vcpus", 7, "0-2,5"), ("online", 7, "0")]

    def domain_get_fsinfo(self, dom, flags=0):
        return [("/", "vda", "ext4", [])]

    def domain_get_iothread_info(self, dom, flags=0):
        return [(1, b""), (2, b"")]

    def domain_get_xml_desc(self, dom, flags=0):
        return """<domain>
          <throttlegroups><throttlegroup><group_name>g1</group_name></throttlegroup></throttlegroups>
          <devices>
            <disk><target dev='vda'/><alias name='disk0'/>
              <backingStore index='1'><backingStore index='2'/></backingStore></disk>
            <disk><target dev='vdb'/></disk>
            <interface><mac address='aa:bb'/></interface>
            <interface><mac address='cc:dd'/><target dev='vnet1'/><link state='down'/></interface>
            <serial><alias name='serial0'/></serial><console><alias name='serial0'/></console>
          </devices></domain>"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["net-info", "--network", ""], ["lan", "old"]),
        (["net-destroy", "--network", ""], ["lan"]),
        (["net-name", "--network", ""], ["n-1", "n-2"]),
        (["net-port-dumpxml", "lan", "p"], ["port-1"]),
        (["net-dhcp-leases", "lan", "--mac", ""], ["aa:bb"]),
        (["pool-info", "--pool", ""], ["images"]),
        (["vol-info", "--pool", "images", "--vol", ""], ["v"]),
        (["vol-info", "--vol", ""], []),
        (["vol-name", "/"], ["/images/v"]),
        (["iface-mac", "--interface", ""], ["en0", "en1"]),
        (["iface-destroy", "--interface", ""], ["en0"]),
        (["iface-name", "--interface", ""], ["aa:bb", "cc:dd"]),
        (["nodedev-dumpxml", "p"], ["pci_0"]),
        (["nwfilter-dumpxml", "c"], ["clean"]),
        (["nwfilter-binding-dumpxml", "v"], ["vnet0"]),
        (["secret-dumpxml", "s"], ["s-1"]),
        (["hypervisor-cpu-baseline", "--arch", "s390", "--model", ""], ["s390-old"]),
        (["snapshot-info", "d", "s"], ["snap"]),
        (["guestvcpus", "d", "--cpulist", "1,"], ["1,0", "1,2", "1,5"]),
        (["domfsfreeze", "d", "/"], ["/"]),
        (["iothreaddel", "d", "--id", ""], ["1", "2"]),
        (["domthrottlegroupdel", "d", "g"], ["g1"]),
        (["attach-disk", "d", "--throttle-groups", ""], ["g1"]),
        (["blockcommit", "d", "vda", "--base", ""], ["vda", "vda[1]", "vda[2]"]),
        (["detach-device-alias", "d", "--alias", ""], ["disk0", "serial0", "serial0"]),
        (["console", "d", "--devname", ""], ["serial0"]),
        (["domif-setlink", "d", "--interface", ""], ["aa:bb", "vnet1"]),
        (["domif-setlink", "d", "vnet1", "--state", ""], ["up"]),
    ],
)
def test_what_drivers_know(monkeypatch, words, expected):
    monkeypatch.setattr("pyvirsh.backend.open", lambda uri, **_: Everything())
    assert offered(Session(Output()), *words) == expected


def test_everything_declared_to_complete_is_known():
    for name in INDEX:
        for opt in load(name).options:
            assert complete.knows(load(name), opt.completes), f"{name} --{opt.name}: {opt.completes}"


def test_a_driver_that_fails_offers_nothing(monkeypatch, capfd):
    def fail(uri, **_):
        raise VirError(38, text="refused")

    monkeypatch.setattr("pyvirsh.backend.open", fail)
    session = Session(Output())
    assert offered(session, "domstate", "--domain", "") == []
    monkeypatch.setattr("pyvirsh.backend.open", lambda uri, **_: Driver())
    session.out.debug_level = 0
    assert offered(session, "vol-info", "--pool", "x", "--vol", "") == []
    assert capfd.readouterr() == ("", "")
    assert session.out.debug_level == 0


def test_time_is_limited():
    began = time.monotonic()
    with pytest.raises(TimeoutError), complete.TimeLimit(0.05):
        time.sleep(5)
    assert time.monotonic() - began < 3
    with complete.TimeLimit(0.05):
        pass
    time.sleep(0.1)


def test_flags_of_states():
    assert offers._flags("DOMAINS", "active|has-checkpoint") == 1 | 16384
    assert offers._flags("NETWORKS", "") == 0


# -- the program's own options ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "what", "rest"),
    [
        ([""], "", [""]),
        (["do"], "", ["do"]),
        (["-q", "--con"], "option", ["--con"]),
        (["-c"], "option", ["-c"]),
        (["-c", ""], "connect", [""]),
        (["-qc", "te"], "connect", ["te"]),
        (["--connect=te"], "connect", ["te"]),
        (["-c", "x", "-o", "j"], "output", ["j"]),
        (["-c", "x", "list", "-"], "", ["list", "-"]),
        (["--bogus", "x"], "nothing", ["x"]),
    ],
)
def test_unfinished_options(words, what, rest):
    assert program.unfinished(words)[1:] == (what, rest)


def test_values_of_the_programs_options(tmp_path, monkeypatch):
    monkeypatch.setattr("pyvirsh.backend._client_config", lambda environ: str(tmp_path / "c"))
    (tmp_path / "c").write_text('uri_aliases = ["hail=qemu+ssh://hail/system"]\n')
    found = complete.of_program("connect", "")
    assert (found[0].text, found[0].help) == ("hail", "qemu+ssh://hail/system")
    assert [each.text for each in complete.of_program("host", "test")] == ["test:///default"]
    assert [each.text for each in complete.of_program("output", "j", prefix="--output=")] == ["--output=json"]
    assert [each.text for each in complete.of_program("log", f"{tmp_path}/c")] == [f"{tmp_path}/c"]
    assert complete.of_program("debug", "") == []


# -- as processes ----------------------------------------------------------------------------------------

ROOT = Path(__file__).parent.parent
ENVIRON = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "HOME": "/nonexistent",
}


def run(*argv, **environ):
    return subprocess.run(
        [sys.executable, "-m", "pyvirsh", *argv],
        env={**ENVIRON, **environ},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_command():
    done = run("-q", "-c", "test:///default", "complete", "--", "domstate", "t")
    assert (done.returncode, done.stdout, done.stderr) == (0, "test\n", "")
    done = run("-c", "test:///default", "complete", "--", "domstate", "x")
    assert (done.returncode, done.stdout, done.stderr) == (1, "\n", "")


def test_a_default_connection_that_fails_says_nothing():
    done = run("-q", "complete", "--", "domstate", "t", VIRSH_DEFAULT_CONNECT_URI="bogus:///")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    done = run("-c", "bogus:///", "complete", "--", "domstate", "t")
    assert done.stderr.startswith("error: failed to connect to the hypervisor\n")


def test_for_scripts():
    done = run("complete", "--", "-c", "test:///default", "domstate", "", PYVIRSH_COMPLETE="1")
    assert done.stdout.splitlines()[0] == "test\t"
    assert (
        run("complete", "--", "--read", PYVIRSH_COMPLETE="1").stdout
        == "--readonly\tallow nothing that changes anything\n"
    )


def test_a_peer_that_is_silent_is_given_up(tmp_path):
    import socket

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        began = time.monotonic()
        done = run("-c", f"test+unix:///default?socket={tmp_path}/s", "complete", "--", "domstate", "t")
    assert (done.returncode, done.stdout) == (1, "")
    assert time.monotonic() - began < complete.SECONDS + 5
