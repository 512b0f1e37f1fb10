"""XML text in and out: a parser that trusts nothing, a writer that writes as libvirt does.

No DTD, no entities, no network; size, depth and number of elements are bounded before anything
is built from a document.  With `metadata` the only module that knows lxml.

Source: libvirt's output as observed; `security.md`, test 5.
"""

import copy
import re
from collections.abc import Iterable, Iterator
from typing import cast

from lxml import etree

from pyvirsh.backend.errors import INTERNAL_ERROR, XML_DETAIL, XML_ERROR, VirError

SIZE_MAX = 10 * 1024 * 1024
DEPTH_MAX = 200
ELEMENTS_MAX = 100_000

Element = etree._Element  # noqa: SLF001  (lxml names the class of its elements so)

# Encodings in which the marks below are what they are in ASCII.
_ENCODING = re.compile(rb"\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)")
_READABLE = re.compile("utf-?8|(us-)?ascii|iso[_-]?8859-?[0-9]+|latin-?[0-9]|windows-125[0-9]")
# A tag as nearly all are.
_TAG = re.compile(rb"""</?[\w:.-]+(?:\s+[\w:.-]+=(?:"[^"<]*"|'[^'<]*'))*\s*/?>""")
# What ends any other, or hides its end.
_IN_TAG = re.compile(rb"[<>\"']")
# What is no tag, and how it ends.
_OTHERS = ((b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<?", b"?>"))
_TYPES = (b"!DOCTYPE", b"!ENTITY")
# What XML 1.0 cannot carry.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def parse(text: "str | bytes", what: str = "(domain_definition)", *, blanks: bool = True) -> Element:
    """Parse a document and return its root.  Errors: XML_ERROR with the line and a caret.

    what: how the error names the document.  blanks: keep the white space between elements.
    """
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    data = data.partition(b"\0")[0]
    if len(data) > SIZE_MAX:
        raise VirError(XML_ERROR, f"the document is larger than {SIZE_MAX // 2**20} MiB")
    if not data:
        # Where the line would stand, libvirt writes what C makes of none.
        raise VirError(XML_DETAIL, text="at line 1: Document is empty\n(null)\n^")
    _check_shape(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_blank_text=not blanks,
        strip_cdata=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        # The parser's own log: the error's holds those of earlier documents too.
        raise _syntax_error(data, parser.error_log) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise VirError(XML_ERROR, "the document declares a document type, which is not allowed")
    return root


def _check_shape(data: bytes) -> None:
    """Refuse documents that declare a type or are too deep or too many, without building them.

    What is not well formed ends the search: the parser reports it.
    """
    declared = _ENCODING.match(data)
    if declared and not _READABLE.fullmatch(name := declared.group(1).decode("ascii").lower()):
        raise VirError(XML_ERROR, f"the document's encoding '{name}' is not read: convert it to UTF-8")
    depth = parts = 0
    at = data.find(b"<")
    while at >= 0:
        parts += 1
        if parts > 2 * ELEMENTS_MAX:
            raise VirError(XML_ERROR, f"the document has more than {ELEMENTS_MAX} elements")
        end = _part_end(data, at)
        if data[at + 1 : at + 2] not in (b"!", b"?"):
            closing, empty = data[at + 1 : at + 2] == b"/", data[end - 2 : end - 1] == b"/"
            depth += -1 if closing else 0 if empty else 1
        if depth > DEPTH_MAX:
            raise VirError(XML_ERROR, f"elements are nested more than {DEPTH_MAX} deep")
        at = data.find(b"<", end) if end else -1


def _part_end(data: bytes, at: int) -> int:
    """Return where the part of a document ends that begins at `at`; 0 where it is not well formed.

    Errors: XML_ERROR for a document type.
    """
    if tag := _TAG.match(data, at):
        return tag.end()
    for begin, end in _OTHERS:
        if data.startswith(begin, at):
            found = data.find(end, at + len(begin))
            return found + len(end) if found >= 0 else 0
    if data[at + 1 : at + 9].upper().startswith(_TYPES):
        raise VirError(XML_ERROR, "the document declares a document type, which is not allowed")
    position = at + 1
    while mark := _IN_TAG.search(data, position):
        if mark[0] == b">":
            return mark.end()
        closing = data.find(mark[0], mark.end()) if mark[0] != b"<" else -1
        if closing < 0:
            return 0
        position = closing + 1
    return 0


def _syntax_error(data: bytes, log: "Iterable[etree._LogEntry]") -> VirError:
    """Word a syntax error as libvirt does: place, message, the line and a caret under the fault."""
    first = next(iter(log), None)
    line_number = first.line if first is not None else 1
    column = first.column if first is not None else 1
    message = (first.message if first is not None else "not well formed").strip()
    lines = data.split(b"\n")
    shown = lines[line_number - 1].decode("utf-8", "replace") if line_number <= len(lines) else ""
    return VirError(XML_DETAIL, text=f"at line {line_number}: {message}\n{_caret(shown, column)}")


def _caret(line: str, column: int) -> str:
    # The parser counts letters, libvirt's counts bytes.
    pointer = "".join("\t" if byte == 9 else "-" for byte in line[: max(0, column - 1)].encode())
    return f"{line}\n{pointer.ljust(column - 1, '-')}^"


def local_name(element: Element) -> str:
    """Return an element's tag without its namespace; "" for comments and instructions."""
    tag = element.tag
    return str(tag).rpartition("}")[2] if isinstance(tag, str) else ""


def namespace(element: Element) -> str:
    """Return the namespace of an element's tag; "" for none."""
    tag = str(element.tag)
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def children(element: Element) -> "Iterator[Element]":
    """Yield the child elements."""
    for child in element:
        if isinstance(child.tag, str):
            yield child


def unlink(element: Element) -> None:
    """Take an element out of its parent, leaving the text behind it where it is."""
    parent, before, tail = element.getparent(), element.getprevious(), element.tail or ""
    assert parent is not None, "the root cannot be taken out"
    # An empty text is not the same as none: it would keep the rest from being indented.
    if before is not None:
        before.tail = ((before.tail or "") + tail) or None
    else:
        parent.text = ((parent.text or "") + tail) or None
    parent.remove(element)


class _Renamed:
    """A view of an element in which tags of one namespace carry a prefix instead."""

    def __init__(self, element: Element, mark: str, prefix: str) -> None:
        self._element = element
        self._mark = mark
        self._prefix = prefix

    @property
    def tag(self) -> str:
        return str(self._element.tag).replace(self._mark, self._prefix)

    @property
    def text(self) -> "str | None":
        return self._element.text

    def get(self, name: str) -> "str | None":
        return self._element.get(name)

    def __iter__(self) -> "Iterator[_Renamed]":
        return (_Renamed(kid, self._mark, self._prefix) for kid in children(self._element))


def renamed(element: Element, namespace: str, prefix: str) -> Element:
    """Return a view of `element` whose tags from `namespace` read ``prefix:name``."""
    return cast(Element, _Renamed(element, f"{{{namespace}}}", prefix + ":"))


# -- writing -----------------------------------------------------------------------------------------


class Node:
    """An element to be written; `text` and `kids` exclude each other, a kid that is text is kept verbatim.

    open: whether it is written with two tags, on two lines, though it has no kids.
    """

    __slots__ = ("tag", "attrs", "kids", "text", "open")

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.attrs: dict[str, str] = {}
        self.kids: list[Node | str] = []
        self.text: str | None = None
        self.open = False

    def add(self, tag: str) -> "Node":
        """Append and return a new child."""
        kid = Node(tag)
        self.kids.append(kid)
        return kid


def escape(text: str) -> str:
    """Escape text for an element or an attribute, as libvirt does; what XML cannot carry is dropped."""
    if not any(char in text for char in "&<>\"'") and text.isprintable():
        return text
    text = _CONTROL.sub("", text)
    for char, entity in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot"), ("'", "apos")):
        text = text.replace(char, f"&{entity};")
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def write(node: Node, indent: int = 0) -> str:
    """Return the element as text, two spaces for each level, a newline at the end."""
    lines: list[str] = []
    _write(node, "  " * indent, lines)
    return "\n".join(lines) + "\n"


def _write(node: "Node | str", pad: str, lines: "list[str]") -> None:
    if isinstance(node, str):
        lines.append(node)
        return
    head = pad + "<" + node.tag + "".join(f" {k}='{escape(v)}'" for k, v in node.attrs.items())
    if node.kids or node.open:
        lines.append(head + ">")
        for kid in node.kids:
            _write(kid, pad + "  ", lines)
        lines.append(f"{pad}</{node.tag}>")
    elif node.text is not None:
        lines.append(f"{head}>{escape(node.text)}</{node.tag}>")
    else:
        lines.append(head + "/>")


# -- queries -----------------------------------------------------------------------------------------


# The functions of XPath 1.0; what else is called is unknown.
_FUNCTIONS = frozenset(
    "last position count id local-name namespace-uri name string concat starts-with contains"
    " substring-before substring-after substring string-length normalize-space translate boolean not"
    " true false lang number sum floor ceiling round comment text processing-instruction node".split()
)


class XPathError(ValueError):
    """An XPath expression that cannot be evaluated; its text is what libxml2 reports of it."""


def select(text: str, expression: str, *, wrap: bool = False) -> "list[str]":
    """Return what an XPath expression selects in a document, each node as text.

    wrap: put the nodes into one element `nodes`.  Errors: XPathError for an expression that cannot
    be evaluated, INTERNAL_ERROR for one that does not select nodes.
    """
    root = parse(text, blanks=False)
    try:
        found = root.getroottree().xpath(expression)
    except etree.XPathError as error:
        raise XPathError(_xpath_report(error, expression)) from error
    if not isinstance(found, list):
        raise VirError(INTERNAL_ERROR, f"Incorrect xpath '{expression}'")
    if not wrap:
        return [_node_text(node) for node in found]
    nodes = etree.Element("nodes")
    for node in found:
        _adopt(nodes, node)
    return [_node_text(nodes)]


def _xpath_report(error: etree.XPathError, expression: str) -> str:
    first = next(iter(error.error_log), None)
    lines = [f"XPath error : {first.message if first is not None else error}"]
    if first is not None and first.message == "Unregistered function":
        called = re.findall(r"([\w.:-]+)\s*\(", expression)
        unknown = next((name for name in called if name not in _FUNCTIONS), "")
        lines.insert(0, f"xmlXPathCompOpEval: function {unknown} not found")
    elif first is not None and first.column < min(100, len(expression.encode())):
        lines += [expression, " " * first.column + "^"]
    return "\n".join(lines) + "\n"


def _adopt(nodes: Element, node: object) -> None:
    """Add a selected node to the element that wraps all."""
    if etree.iselement(node):
        node.tail = None
        nodes.append(copy.deepcopy(node))
    elif getattr(node, "is_attribute", False):
        nodes.set(getattr(node, "attrname", ""), str(node))
    elif len(nodes):
        nodes[-1].tail = (nodes[-1].tail or "") + str(node)
    else:
        nodes.text = (nodes.text or "") + str(node)


def formatted(element: Element) -> str:
    """Return an element as text, indented where it has no white space of its own."""
    text: str = etree.tostring(element, encoding="unicode", with_tail=False, pretty_print=True)
    return text.removesuffix("\n")


def _node_text(node: object) -> str:
    if isinstance(node, Element):
        return formatted(node)
    if getattr(node, "is_attribute", False):
        holder = etree.Element("x")
        _adopt(holder, node)
        return _node_text(holder)[len("<x") : -len("/>")]
    return str(node).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
