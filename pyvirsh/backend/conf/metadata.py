"""Elements that applications keep in a definition's <metadata>, one for each namespace.

The whole <metadata> is kept as the text that is written, indented for where it stands.

Source: libvirt's output and messages as observed.
"""

import re
from copy import deepcopy

from lxml import etree

from pyvirsh.backend.conf import xml
from pyvirsh.backend.errors import INTERNAL_ERROR, VirError

# How deep <metadata> stands in an object's document.
DEPTH = 1

_TAG = re.compile(r"<[A-Za-z_][^<>]*>")
_PREFIX = re.compile(r"[^\W\d][\w.-]*")


def _parse(text: str) -> xml.Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_blank_text=True, strip_cdata=False
    )
    return etree.fromstring(text, parser)


def _namespace(element: xml.Element) -> str:
    """Return an element's namespace; "" for one without, a comment or an instruction."""
    return etree.QName(element).namespace or "" if isinstance(element.tag, str) else ""


def clean(element: xml.Element, depth: int) -> "str | None":
    """Return a <metadata> element as it is written; None when it holds no elements.

    Elements without a namespace and all but the first of one namespace are dropped.
    depth: how deep it stands.
    """
    if not any(isinstance(kid.tag, str) for kid in element):
        return None
    root = _parse(etree.tostring(element, encoding="unicode", with_tail=False))
    inherited = element.getparent()
    known: set[str] = set()
    for kid in list(root):
        namespace = _namespace(kid)
        if not namespace or namespace in known:
            root.remove(kid)
        known.add(namespace)
    root.text = None
    for kid in root:
        kid.tail = None
    text = _show(root, depth)
    for prefix, uri in (inherited.nsmap if inherited is not None else {}).items():
        if uri not in _used(element):
            name = f"xmlns:{prefix}" if prefix else "xmlns"
            text = text.replace(f' {name}="{uri}"', "", 1)
    return text


def _used(root: xml.Element) -> "set[str]":
    """Return the namespaces that elements and attributes below a root are in."""
    names = [str(name) for one in root.iter(etree.Element) for name in (one.tag, *one.attrib)]
    return {name[1:].partition("}")[0] for name in names if name.startswith("{")}


def _show(root: xml.Element, depth: int) -> str:
    """Return an element as text, indented by the writer of libxml2 itself so that mixed text stays."""
    outer = root
    for _ in range(depth):
        wrapper = etree.Element("x")
        wrapper.append(outer)
        outer = wrapper
    shown: str = etree.tostring(outer, encoding="unicode", pretty_print=True)
    lines = shown.rstrip("\n").split("\n")
    text = "\n".join(lines[depth : len(lines) - depth])
    return _TAG.sub(lambda tag: _ascii(tag[0]), text)


def _ascii(tag: str) -> str:
    """Return a tag with what is not ASCII as numbers, as libxml2 writes attributes."""
    return "".join(char if char < "\x80" else f"&#x{ord(char):X};" for char in tag)


def find(kept: "str | None", uri: str) -> "str | None":
    """Return the element of a namespace, without the namespace; None when there is none.

    kept: the <metadata> element as text, None if the object has none.
    """
    for kid in _parse(kept) if kept else ():
        if _namespace(kid) == uri:
            found = deepcopy(kid)
            for one in found.iter(etree.Element):
                _strip(one, uri)
            found.tail = None
            etree.cleanup_namespaces(found)
            shown: str = etree.tostring(found, encoding="unicode", pretty_print=True)
            return shown.rstrip("\n")
    return None


def _strip(element: xml.Element, uri: str) -> None:
    mark = f"{{{uri}}}"
    element.tag = str(element.tag).removeprefix(mark)
    attributes = [(str(name), str(value)) for name, value in element.attrib.items()]
    element.attrib.clear()
    for name, value in attributes:
        element.set(name.removeprefix(mark), value)


def replace(kept: "str | None", uri: str, key: "str | None", document: "str | None") -> "str | None":
    """Return <metadata> with the element of a namespace replaced; None: removed.

    key: the prefix for the element's namespace.  Errors: XML_DETAIL for a document that is none;
    INTERNAL_ERROR for a prefix that cannot be used.
    """
    made = _made(document, key or "", uri) if document is not None else None
    root = _parse(kept) if kept else etree.Element("metadata")
    for kid in list(root):
        if _namespace(kid) == uri:
            root.remove(kid)
    if made is not None:
        root.append(made)
    return _show(root, DEPTH) if len(root) else None


def _made(new: str, key: str, uri: str) -> xml.Element:
    """Make the element to be kept, in its namespace."""
    element = xml.parse(new)
    if not _PREFIX.fullmatch(key):
        raise VirError(INTERNAL_ERROR, "failed to validate prefix for a new XML namespace")
    if key in element.nsmap or element.getprevious() is not None:
        raise VirError(INTERNAL_ERROR, "failed to create a new XML namespace")
    made = etree.Element(_named(element, uri), nsmap=_prefixes(element) | {key: uri})
    _fill(made, element, uri)
    return made


def _prefixes(element: xml.Element) -> "dict[str, str]":
    # None stands for the default namespace, which the types of lxml do not know.
    return dict(element.nsmap)  # type: ignore[arg-type]


def _named(element: xml.Element, uri: str) -> str:
    tag = str(element.tag)
    return tag if tag.startswith("{") else f"{{{uri}}}{tag}"


def _fill(made: xml.Element, element: xml.Element, uri: str) -> None:
    """Copy what is in an element; elements without a namespace come into `uri`."""
    made.text = element.text
    for name, value in element.attrib.items():
        made.set(name, value)
    for kid in element:
        if isinstance(kid.tag, str):
            copy = etree.SubElement(made, _named(kid, uri), nsmap=_prefixes(kid))
            _fill(copy, kid, uri)
        else:
            copy = deepcopy(kid)
            made.append(copy)
        copy.tail = kid.tail
