"""Changing a parsed document in place: take elements out, put them elsewhere, write the whole again."""

from lxml import etree

from pyvirsh.backend.conf.xml import Element


def take_out(element: Element) -> None:
    """Remove an element from its parent; the white space around it stays."""
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        before = element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
        element.tail = None
    parent.remove(element)


def move(element: Element, parent: Element) -> None:
    """Make an element the last child of `parent`; the white space around it stays."""
    take_out(element)
    parent.append(element)


def add(parent: Element, tag: str, attributes: "dict[str, str]") -> Element:
    """Append a new element to `parent` and return it."""
    child = etree.SubElement(parent, tag)
    for name, value in attributes.items():
        child.set(name, value)
    return child


def text(root: Element) -> str:
    """Return the document as text, laid out where it has no layout of its own."""
    written: str = etree.tostring(root, encoding="unicode", pretty_print=True)
    return written.removesuffix("\n")


def document(root: Element) -> str:
    """Return the document as text with its declaration, laid out as it was."""
    written: str = etree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0"?>\n{written}\n'
