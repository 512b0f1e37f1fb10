"""Definitions that the QEMU driver refuses, in libvirt's words: ``outputs/refusals.cases``."""

from pathlib import Path

import pytest

from pyvirsh.backend.errors import VirError
from test_qemu_argv import FACTS, completed

LINES = (Path(__file__).parent / "outputs" / "refusals.cases").read_text().splitlines()
CASES = [line for line in LINES if not line.startswith("#")]
PAIRS = list(zip(CASES[::2], CASES[1::2], strict=True))


def document(line: str) -> str:
    """Make a definition of a case."""
    machine, boot, top, devices = (*line.split("|"), "", "", "")[:4]
    vcpu = "" if "<vcpu" in top else "<vcpu>2</vcpu>"
    return (
        f"<domain type='qemu'><name>g</name><memory>1048576</memory>{vcpu}"
        f"<os><type arch='x86_64' machine='{machine or 'q35'}'>hvm</type>{boot}</os>{top}"
        f"<devices>{devices}</devices></domain>"
    )


@pytest.mark.parametrize(("line", "said"), PAIRS, ids=[line for line, _ in PAIRS])
def test_refusal(line, said):
    with pytest.raises(VirError) as refused:
        completed(document(line), FACTS["10.0"])
    assert str(refused.value) == said.strip()
