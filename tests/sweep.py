#!/usr/bin/env python3
"""Give virsh and pyvirsh every document that differs from a known one in one thing, and compare the answers.

    sweep.py [--values V|V...] [--grafts] [--with XML] [KIND...]

A thing is an element that is gone, empty or twice; an attribute that is gone or has another value; a text.
With --grafts it is what another element of its name has, another place or another name.  What one path has
been through is not tried again on another document.  KIND is one of KINDS, all of them if none is named.
--with adds devices to each domain: something wrong in them tells which of two errors comes first.
"""

import argparse
import copy
import shlex
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from lxml import etree

from walk import warm_up
from walks.documents import DOCUMENTS
from walks.mutations import guests
from walks.stage import Play, Stage

Element = etree._Element
Change = Callable[[Element], object]

# Which documents are of a kind, and the commands they are given to; {f} is the file, {n} the name in it.
KINDS = {
    "domain": (("dom-",), "define {f}; dumpxml {n}; undefine {n} --nvram --snapshots-metadata"),
    "network": (("net-",), "net-define {f}; net-dumpxml {n}; net-undefine {n}"),
    "interface": (("if-",), "iface-define {f}; iface-dumpxml {n}; iface-undefine {n}"),
    "pool": (("pool-",), "pool-define {f}; pool-dumpxml {n}; pool-undefine {n}"),
    "volume": (
        ("vol-",),
        "vol-create default-pool {f}; vol-dumpxml {n} default-pool; vol-delete {n} default-pool",
    ),
    "snapshot": (
        ("snap-",),
        "snapshot-create test {f}; snapshot-dumpxml test {n}; snapshot-delete test {n};"
        " snapshot-create test {f} --redefine; snapshot-dumpxml test {n}; snapshot-delete test {n}",
    ),
    "nodedev": (("dev-",), "nodedev-create {f}; nodedev-list"),
    "cpu": (("cpu-",), "cpu-baseline {f}; hypervisor-cpu-baseline {f}; cpu-compare {f}"),
    "device": (
        ("disk-", "cdrom.", "nic.", "rng."),
        "attach-device test {f}; domblklist test --details; domiflist test; dumpxml test",
    ),
}
VALUES = "|0|-1|x|yes|none|default|2|255|4294967296|99999999999999999999|0x10|010| 1 |1 x|a/b"
# How many documents are given to one process.
_AT_ONCE = 12


class Sweep:
    """The documents of all kinds, each path once."""

    def __init__(self, stage: Stage, values: "list[str]", more: str) -> None:
        self.stage = stage
        self._values = values
        self._more = list(etree.fromstring(f"<devices>{more}</devices>"))
        self._seen: set[tuple[str, ...]] = set()
        self.total = 0
        self.differed = 0

    def run(self, kind: str, *, grafts: bool) -> None:
        """Try all documents of a kind."""
        begins, commands = KINDS[kind]
        texts = [text for name, text in DOCUMENTS.items() if name.startswith(begins)]
        trees = [
            tree
            for text in texts + (guests() if kind == "domain" else [])
            if (tree := _tree(text)) is not None
        ]
        made = self._all(trees, _grafts(trees) if grafts else self._single)
        while batch := [one for _, one in zip(range(_AT_ONCE), made, strict=False)]:
            self.total += len(batch)
            if self.stage.compare(_play(batch, commands)):
                for one in batch:
                    self._show(kind, one, commands)

    def _show(self, kind: str, one: "tuple[str, str]", commands: str) -> None:
        play = _play([one], commands)
        if (difference := self.stage.compare(play)) is not None:
            self.differed += 1
            print(f"{kind}: {one[0]}\n{difference}\n{one[1]}\n", flush=True)

    def _all(
        self, trees: "list[Element]", changes: "Callable[[Element], Iterator[tuple[str, Change]]]"
    ) -> "Iterator[tuple[str, str]]":
        """Yield what was changed, and the document."""
        for tree in trees:
            for at, element in enumerate(tree.iter(etree.Element)):
                place = _place(element)
                for name, change in changes(element):
                    if (place, name) in self._seen:
                        continue
                    self._seen.add((place, name))
                    changed = copy.deepcopy(tree)
                    change(list(changed.iter(etree.Element))[at])
                    devices = changed.find("devices")
                    if devices is not None:
                        devices.extend(copy.deepcopy(self._more))
                    yield f"{place}: {name}", etree.tostring(changed, encoding="unicode")

    def _single(self, element: Element) -> "Iterator[tuple[str, Change]]":
        if element.getparent() is not None:
            yield "gone", lambda one: _parent(one).remove(one)
            yield "twice", lambda one: _parent(one).insert(_parent(one).index(one), copy.deepcopy(one))
            yield "again at the end", lambda one: _parent(one).append(copy.deepcopy(one))
            yield "empty", lambda one: one.clear()
        for name in map(str, element.attrib):
            yield f"without {name}", lambda one, name=name: one.attrib.pop(name)
            for value in self._values:
                yield f"{name}='{value}'", lambda one, name=name, value=value: one.set(name, value)
        for value in self._values if not len(element) else ():
            yield f"text '{value}'", lambda one, value=value: setattr(one, "text", value)


def _grafts(trees: "list[Element]") -> "Callable[[Element], Iterator[tuple[str, Change]]]":
    """Return what makes an element more like others of its name, or stands it elsewhere."""
    attributes: dict[str, set[tuple[str, str]]] = defaultdict(set)
    kids: dict[str, dict[tuple[str, ...], Element]] = defaultdict(dict)
    for tree in trees:
        for element in tree.iter(etree.Element):
            attributes[_name(element)].update(
                (str(name), str(value)) for name, value in element.attrib.items()
            )
            for kid in element.iterchildren(etree.Element):
                kids[_name(element)].setdefault(_form(kid), kid)

    def changes(element: Element) -> "Iterator[tuple[str, Change]]":
        for name, value in sorted(attributes[_name(element)]):
            if element.get(name) != value:
                yield f"{name}='{value}'", lambda one, name=name, value=value: one.set(name, value)
        own = {_form(kid) for kid in element.iterchildren(etree.Element)}
        for form, kid in kids[_name(element)].items() if element.tag != "devices" else ():
            if form not in own:
                yield f"with {form}", lambda one, kid=kid: one.append(copy.deepcopy(kid))
        if element.getparent() is not None:
            yield "first", lambda one: _parent(one).insert(0, one)
            yield "last", lambda one: _parent(one).append(one)
            yield "renamed", lambda one: setattr(one, "tag", "other")
            yield "with another attribute", lambda one: one.set("other", "1")

    return changes


def _tree(text: str) -> "Element | None":
    try:
        return etree.fromstring(text)
    except etree.XMLSyntaxError:
        return None


def _parent(element: Element) -> Element:
    parent = element.getparent()
    assert parent is not None
    return parent


def _name(element: Element) -> str:
    parent = element.getparent()
    return f"{parent.tag if parent is not None else ''}/{element.tag}"


def _form(element: Element) -> "tuple[str, ...]":
    return (str(element.tag), element.get("type", ""), *sorted(map(str, element.attrib)))


def _place(element: Element) -> str:
    """Return where an element stands, with the kind of device that it is or is in."""
    path = [element, *element.iterancestors()]
    device = next(
        (one for one, above in zip(path, path[1:], strict=False) if above.tag == "devices"), path[-1]
    )
    kind = device.get("type", "") + device.get("model", "")
    return "/".join(str(one.tag) for one in reversed(path)) + (f" ({kind})" if kind else "")


def _play(batch: "list[tuple[str, str]]", commands: str) -> Play:
    play = Play([])
    for at, (_, text) in enumerate(batch):
        file, root = f"m{at}.xml", etree.fromstring(text)
        name = root.findtext("name") or root.get("name") or "q"
        play.documents[file] = text
        play.commands += commands.format(f=file, n=shlex.quote(name)).split("; ")
    play.options = ["-q"]
    return play


def main() -> int:
    """Sweep as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", choices=[*KINDS, []], default=[])
    parser.add_argument("--values", default=VALUES, help="what attributes and texts are set to")
    parser.add_argument("--grafts", action="store_true", help="what other elements of a name have")
    parser.add_argument(
        "--with", default="", dest="more", metavar="XML", help="devices to add to each domain"
    )
    options = parser.parse_args()
    warm_up()
    with tempfile.TemporaryDirectory() as directory:
        sweep = Sweep(Stage(Path(directory) / "stage"), options.values.split("|"), options.more)
        for kind in options.kinds or KINDS:
            sweep.run(kind, grafts=options.grafts)
    print(f"{sweep.total} documents, {sweep.differed} differ")
    return 1 if sweep.differed else 0


if __name__ == "__main__":
    sys.exit(main())
