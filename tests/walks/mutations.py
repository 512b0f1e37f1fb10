"""Documents with something odd in them: each sequence has its own."""

import random
from functools import cache
from pathlib import Path

from lxml import etree

from walks.documents import DOCUMENTS

# Written for a sequence -> what it may be made from.  Checkpoints are not among them: libvirt holds each
# against its schema, which is known only in part.
_MADE_FROM = {
    "odd-dom.xml": ("dom-a.xml", "dom-tuned.xml", "dom-tuned.xml", "dom-test.xml"),
    "odd-disk.xml": ("disk-vdb.xml", "disk-vda.xml", "cdrom.xml"),
    "odd-nic.xml": ("nic.xml",),
    "odd-dev.xml": ("rng.xml",),
    "odd-snap.xml": ("snap-s1.xml", "snap-disk.xml", "snap-full.xml", "snap-full.xml"),
    "odd-net.xml": ("net-n1.xml", "net-n2.xml", "net-rich.xml", "net-rich.xml"),
    "odd-if.xml": ("if-eth2.xml", "if-br9.xml", "if-bond.xml", "if-vlan.xml"),
    "odd-pool.xml": ("pool-p1.xml", "pool-p2.xml", "pool-lv.xml", "pool-fc.xml", "pool-iscsi.xml"),
    "odd-vol.xml": ("vol-v1.xml", "vol-v2.xml", "vol-rich.xml"),
    "odd-nodedev.xml": ("dev-1.xml", "dev-2.xml"),
    "odd-cpu.xml": ("cpu-1.xml", "cpu-2.xml"),
}
_TEXTS = ("", "0", "1", "-1", "x", "yes", "no", "a b", "99999999999999999999", "on", "default", "vda", "/p")
_GUESTS = Path(__file__).parent.parent / "outputs" / "xml2argv"


def documents(dice: random.Random) -> "dict[str, str]":
    """Return odd documents by name."""
    made = {name: _odd(dice, DOCUMENTS[dice.choice(bases)]) for name, bases in _MADE_FROM.items()}
    guest = dice.choice((DOCUMENTS["dom-rich.xml"], dice.choice(guests())))
    made["odd-rich.xml"] = _odd(dice, guest)
    return made


@cache
def guests() -> "list[str]":
    """Return the documents of QEMU's guests, as guests of the test driver."""
    texts = []
    for path in sorted(_GUESTS.glob("*.xml")):
        tree = etree.fromstring(path.read_bytes(), etree.XMLParser(remove_blank_text=True))
        tree.set("type", "test")
        for emulator in tree.findall("devices/emulator"):
            emulator.getparent().remove(emulator)
        name = tree.find("name")
        name.text = "a"
        texts.append(etree.tostring(tree, encoding="unicode"))
    return texts


def _odd(dice: random.Random, text: str) -> str:
    tree = etree.fromstring(text)
    for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
        element = dice.choice(list(tree.iter(etree.Element)))
        dice.choice((_drop, _double, _change, _change, _change))(dice, element)
    return etree.tostring(tree, encoding="unicode")


def _drop(dice: random.Random, element: etree._Element) -> None:
    """Take an element, or one of its attributes, away."""
    parent = element.getparent()
    if element.attrib and dice.random() < 0.5:
        del element.attrib[dice.choice(list(element.attrib))]
    elif parent is not None:
        parent.remove(element)


def _double(dice: random.Random, element: etree._Element) -> None:
    """Let an element stand twice."""
    parent = element.getparent()
    if parent is not None:
        parent.insert(dice.randrange(len(parent) + 1), etree.fromstring(etree.tostring(element)))


def _change(dice: random.Random, element: etree._Element) -> None:
    """Give an element's text or an attribute another value."""
    value = dice.choice(_TEXTS)
    if element.attrib and (len(element) or dice.random() < 0.6):
        element.set(dice.choice(list(element.attrib)), value)
    elif not len(element):
        element.text = value
