"""Documents and what becomes of them: goldens for the models of pools, volumes, node devices, networks
and interfaces.

A file under ``outputs/documents`` has blocks apart by blank lines.  A block's first line is ``> `` and a
document on one line (of a volume: behind the type of its pool and a blank; of a domain: only a part of
it, see `domain_of`); what follows is how it comes out, or ``error: `` and why it is refused.

    python tests/documents.py FILE...

captures the files anew from virsh; review the difference by hand.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

OUTPUTS = Path(__file__).parent / "outputs" / "documents"
HEAD = "# captured from virsh 11.3.0 on the test driver"
_SIZES = re.compile(r"  <(capacity|allocation|available) unit='bytes'>\d+</\1>\n")
_TARGET = "<target><path>/x</path></target>"
_HOST = "<host name='h'/>"
# A pool of each type, for volumes.
POOLS = {
    "dir": _TARGET,
    "fs": f"<source><device path='/d'/></source>{_TARGET}",
    "netfs": f"<source>{_HOST}<dir path='/d'/></source>{_TARGET}",
    "logical": "",
    "disk": "<source><device path='/d'/></source><target><path>/dev</path></target>",
    "iscsi": f"<source>{_HOST}<device path='/d'/></source><target><path>/dev</path></target>",
    "iscsi-direct": f"<source>{_HOST}<device path='/d'/><initiator><iqn name='i'/></initiator></source>",
    "scsi": "<source><adapter name='scsi_host1'/></source><target><path>/dev</path></target>",
    "mpath": "<target><path>/dev</path></target>",
    "rbd": f"<source>{_HOST}<name>n</name></source>",
    "sheepdog": f"<source>{_HOST}<name>n</name></source>",
    "gluster": f"<source>{_HOST}<name>n</name></source>",
    "zfs": "",
    "vstorage": _TARGET,
}


# What every domain of a line here has.
_DOMAIN_COMMON = """\
<domain type='test'>
  <name>p</name>
  <uuid>11111111-2222-3333-4444-555555555555</uuid>
  <memory unit='KiB'>65536</memory>
  <currentMemory unit='KiB'>65536</currentMemory>
  <vcpu placement='static'>4</vcpu>
  <os>
    <type arch='i686'>hvm</type>
    <boot dev='hd'/>
  </os>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <memballoon model='virtio'/>
  </devices>
</domain>
""".splitlines()
_MAC = re.compile("52:54:00(:[0-9a-f]{2}){3}")


def domain_of(line: str) -> str:
    """Return a domain's document: the line is a part of it, ``D`` and a blank before one of its devices."""
    kind, _, part = line.partition(" ")
    top, devices = ("", part) if kind == "D" else (line, "")
    vcpus = "" if "<vcpu" in top else "<vcpu>4</vcpu>"
    return (
        "<domain type='test'><name>p</name><uuid>11111111-2222-3333-4444-555555555555</uuid>"
        f"<memory>65536</memory>{vcpus}<os><type>hvm</type></os>{top}<devices>{devices}</devices></domain>"
    )


def particular(text: str) -> str:
    """Return what a domain has beside what all here have."""
    lines = _MAC.sub("MAC", text).splitlines()
    return "".join(line + "\n" for line in lines if line and line not in _DOMAIN_COMMON) or "\n"


def pool_of(kind: str) -> str:
    """Return a pool's document."""
    return f"<pool type='{kind}'><name>p</name>{POOLS[kind]}</pool>"


def read(path: Path) -> "list[tuple[str, str]]":
    """Return a file's documents and what becomes of them."""
    blocks = [block.strip("\n") for block in path.read_text().split("\n\n")]
    found = [block.partition("\n") for block in blocks if block.startswith("> ")]
    return [(first[2:], rest.rstrip("\n") + "\n") for first, _, rest in found]


def capture(path: Path) -> None:
    """Write a file anew from what virsh says."""
    ask = ASK[path.stem]
    blocks = [f"> {document}\n{ask(document)}" for document, _ in read(path)]
    path.write_text("\n".join([HEAD + "\n", *blocks]))


def plain(text: str) -> str:
    """Return a pool's XML without what the driver says of its size."""
    return _SIZES.sub("", text)


def _name(document: str) -> str:
    found = re.search("<name>([^<]+)</name>", document)
    return found.group(1) if found else "nameless"


def _virsh(script: str, files: "dict[str, str]", uri: str = "test:///default") -> "tuple[str, list[str]]":
    with tempfile.TemporaryDirectory() as directory:
        for name, text in files.items():
            (Path(directory) / name).write_text(text)
        words = ["virsh", "-q", "-c", uri.format(directory), script]
        done = subprocess.run(words, capture_output=True, text=True, cwd=directory)
    return done.stdout, [line.removeprefix("error: ") for line in done.stderr.splitlines()]


def _ask_domain(line: str) -> str:
    out, errors = _virsh("define d.xml; dumpxml p --inactive --security-info", {"d.xml": domain_of(line)})
    return f"error: {errors[1]}\n" if errors else particular(out)


def _ask_pool(document: str) -> str:
    out, errors = _virsh(f"pool-define d.xml; pool-dumpxml '{_name(document)}'", {"d.xml": document})
    refused = errors and errors[0].startswith("Failed to define")
    if refused:
        return f"error: {errors[1]}\n"
    if "<uuid>" not in document or "<uuid></uuid>" in document:
        out = re.sub("<uuid>[^<]*", "<uuid>UUID", out)
    return plain(out).strip("\n") + "\n"


def _ask_volume(line: str) -> str:
    kind, _, document = line.partition(" ")
    script = f"pool-create p.xml; vol-create p d.xml; vol-dumpxml '{_name(document)}' p"
    out, errors = _virsh(script, {"p.xml": pool_of(kind), "d.xml": document})
    return f"error: {errors[1]}\n" if errors else out[out.index("<volume") :].strip("\n") + "\n"


def _ask_device(document: str) -> str:
    files = {"node.xml": f"<node>{document}</node>"}
    out, errors = _virsh(f"nodedev-dumpxml '{_name(document)}'", files, "test://{}/node.xml")
    return f"error: {errors[1]}\n" if errors else out.strip("\n") + "\n"


def _ask_network(document: str) -> str:
    out, errors = _virsh(f"net-define d.xml; net-dumpxml '{_name(document)}'", {"d.xml": document})
    if errors:
        return f"error: {errors[1]}\n"
    return re.sub("<uuid>[^<]*", "<uuid>UUID", out).strip("\n") + "\n"


def _ask_interface(document: str) -> str:
    out, errors = _virsh("iface-define d.xml; iface-dumpxml i", {"d.xml": document})
    return f"error: {errors[1]}\n" if errors else out.strip("\n") + "\n"


ASK = {
    "domain": _ask_domain,
    "pool": _ask_pool,
    "volume": _ask_volume,
    "nodedev": _ask_device,
    "network": _ask_network,
    "interface": _ask_interface,
}

if __name__ == "__main__":
    for argument in sys.argv[1:]:
        capture(Path(argument))
