"""CPUs out of files: what virsh 11.3.0 finds in which documents."""

import pytest

from pyvirsh.commands.cpus import as_text, read_cpus
from pyvirsh.errors import CommandFailed

CPU = "<cpu><model>{}</model></cpu>"
A = "<cpu>\n  <model>A</model>\n</cpu>"
B = "<cpu>\n  <model>B</model>\n</cpu>"
HOST_MODEL = (
    "<domainCapabilities><cpu><mode name='custom' supported='yes'><model>Q</model></mode>"
    "<mode name='host-model' supported='{}'><model>A</model></mode></cpu></domainCapabilities>"
)


def found(tmp_path, text):
    path = tmp_path / "cpu.xml"
    path.write_text(text)
    return as_text(read_cpus(str(path)))


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        (CPU.format("A"), [A]),
        ("<?xml version='1.0'?>\n<!-- a comment -->" + CPU.format("A"), [A]),
        (CPU.format("A") + "\n" + CPU.format("B"), [A, B]),
        ("<domain>" + CPU.format("A") + "</domain>", [A]),
        (
            "<capabilities><host>"
            + CPU.format("A")
            + "</host><guest>"
            + CPU.format("B")
            + "</guest></capabilities>",
            [A],
        ),
        (HOST_MODEL.format("yes"), [A]),
        ("<cpu mode='host-model'/>", ['<cpu mode="host-model"/>']),
    ],
)
def test_what_is_found(tmp_path, text, cpus):
    assert found(tmp_path, text) == cpus


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "<cpus>" + CPU.format("A") + "</cpus>",
        "<domains><domain>" + CPU.format("A") + "</domain></domains>",
        HOST_MODEL.format("no"),
    ],
)
def test_what_is_not(tmp_path, text):
    with pytest.raises(CommandFailed, match="does not contain any <cpu> element"):
        found(tmp_path, text)
