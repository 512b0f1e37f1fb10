"""What the QEMU driver makes of definitions: the completed definition and the command line.

Cases are definitions in ``outputs/xml2argv/NAME.xml``.  What they are completed to is in
``outputs/xml2xml/NAME.xml``, how QEMU 10.0 is started in ``outputs/xml2argv/NAME.args``, and how 7.2 is,
where that differs, in ``NAME.7.2.args``.  The facts about both programs are in ``outputs/facts``, so that
no QEMU is needed.  Worked out by hand and with libvirt 11.3 beside; ``python tests/test_qemu_argv.py``
writes them anew, to be read before they are kept.
"""

import json
import re
from pathlib import Path

import pytest

from pyvirsh.backend.conf.domain import Domain, format_domain, parse_domain
from pyvirsh.backend.qemu import aliases, argv, defaults, validate
from pyvirsh.backend.qemu.facts import Facts, Host

OUTPUTS = Path(__file__).parent / "outputs"
ARGV, XML = OUTPUTS / "xml2argv", OUTPUTS / "xml2xml"
NAMES = sorted(path.stem for path in ARGV.glob("*.xml"))
UUID = "8f5c1c3e-77aa-4b64-8f1c-1d2f3a4b5c6d"


def facts_of(version: str) -> Facts:
    """The facts about a version of QEMU."""
    found = Facts.load(json.loads((OUTPUTS / "facts" / f"qemu-{version}.json").read_text()))
    assert found is not None, "the facts are of another format: probe again"
    return found


FACTS = {version: facts_of(version) for version in ("10.0", "7.2")}


def make_host() -> Host:
    """A node that has everything."""
    host = Host(lambda: "")
    host.arch, host.cpu_vendor, host.cpu_model = "x86_64", "AuthenticAMD", "A CPU"
    host.programs = {
        "passt": "/usr/bin/passt",
        "swtpm": "/usr/bin/swtpm",
        "virtiofsd": "/usr/libexec/virtiofsd",
    }
    host.hugepages, host.default_hugepage, host.vhost_net = {2048: "/dev/hugepages"}, 2048, True
    host.firmware = json.loads((OUTPUTS / "facts" / "firmware.json").read_text())
    host.nvram_dir = "/var/lib/nvram"
    return host


def completed(text: str, facts: Facts) -> Domain:
    """Parse and complete a definition, and check it."""
    domain, host = parse_domain(text), make_host()
    defaults.complete(domain, facts, host, new_uuid=lambda: UUID, new_mac=lambda: "52:54:00:12:34:56")
    validate.check(domain, facts, host, for_start=False)
    return domain


def started(domain: Domain, facts: Facts) -> argv.Command:
    """Decide how a completed definition is started."""
    defaults.align(domain)
    aliases.assign(domain)
    paths = argv.Paths("/run/g", channels="/run/g/channels", memory="/run/g/memory", hugepages="g")
    paths.now = 1_700_000_000.0
    defaults.place_sockets(domain, paths.channels)
    return argv.build(domain, facts, make_host(), paths)


def shown(command: argv.Command) -> str:
    """One option a line, then what else the start has to do."""
    lines = [f"{name}={value}" for name, value in command.env.items() if name not in PLAIN]
    line = ""
    for word in command.words[1:]:
        if word.startswith("-"):
            lines.append(line)
            line = word
        else:
            line += " " + word
    lines.append(line)
    lines += [f"# descriptor {fd.number}: {fd.role} {fd.alias} {fd.index}" for fd in command.fds]
    lines += [f"# secret {one.id}: {one.kind} {one.uuid or one.usage}" for one in command.secrets]
    lines += [f"# {one.role} for {one.alias}: {' '.join(one.words)}" for one in command.helpers]
    lines += [f"# directory {path}" for path in command.directories]
    return "\n".join(line for line in lines if line) + "\n"


PLAIN = ("LC_ALL", "PATH", "HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")


def older(text: str) -> str:
    """Turn the expectation for QEMU 10.0 into that for 7.2, which says otherwise that there is no ACPI."""
    if ",acpi=off" in text:
        text = text.replace("-no-shutdown\n", "-no-shutdown\n-no-acpi\n")
    return re.sub(",acpi=(on|off)", "", text).replace("-10.0", "-7.2")


def expected_args(name: str, version: str) -> str:
    path = ARGV / f"{name}.{version}.args"
    if version == "10.0":
        return (ARGV / f"{name}.args").read_text()
    return path.read_text() if path.exists() else older((ARGV / f"{name}.args").read_text())


def source(name: str) -> str:
    return (ARGV / f"{name}.xml").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_definition(name):
    """Completed as expected; once more, nothing changes."""
    text = format_domain(completed(source(name), FACTS["10.0"]))
    assert text == (XML / f"{name}.xml").read_text()
    assert format_domain(completed(text, FACTS["10.0"])) == text


@pytest.mark.parametrize("version", FACTS)
@pytest.mark.parametrize("name", NAMES)
def test_command_line(name, version):
    """Started as expected; the definition that `dumpxml` shows is started the same way."""
    facts = FACTS[version]
    assert shown(started(completed(source(name), facts), facts)) == expected_args(name, version)
    again = format_domain(completed(source(name), facts))
    assert shown(started(completed(again, facts), facts)) == expected_args(name, version)


def main() -> None:
    """Write all expectations anew."""
    XML.mkdir(exist_ok=True)
    for name in NAMES:
        (XML / f"{name}.xml").write_text(format_domain(completed(source(name), FACTS["10.0"])))
        texts = {v: shown(started(completed(source(name), f), f)) for v, f in FACTS.items()}
        (ARGV / f"{name}.args").write_text(texts["10.0"])
        old = ARGV / f"{name}.7.2.args"
        old.unlink(missing_ok=True)
        if texts["7.2"] != older(texts["10.0"]):
            old.write_text(texts["7.2"])


if __name__ == "__main__":
    main()
