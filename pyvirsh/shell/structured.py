"""Results as data: JSON, YAML, CSV, or names only, for `--output`.

YAML is written here, as a subset that every YAML reader reads alike: block mappings and lists, and
JSON's scalars, strings without quotes only where they cannot be taken for anything else.  A YAML
library would be a dependency for thirty lines.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyvirsh.shell.output import Shown

if TYPE_CHECKING:
    from pyvirsh.backend.conf.xml import Element


def render(value: object, format: str) -> str:
    """Return `value` (dicts, lists, strings, numbers, `Shown`) as text in one of output.FORMATS."""
    data = plain_data(value)
    if format == "json":
        return _json(data, indent=2) + "\n"
    if format == "yaml":
        return "".join(line + "\n" for line in _yaml(data))
    if format == "csv":
        return _csv(data)
    return "".join(text_of(name) + "\n" for name in _names(data))


def one_line(values: "dict[str, object]") -> str:
    """Return `values` as a JSON object on a line of its own."""
    return _json(plain_data(values)) + "\n"


def plain_data(value: object) -> object:
    """Return `value` without what only says how to show it, containers as dicts and lists."""
    if isinstance(value, Shown):
        return plain_data(value.value)
    if isinstance(value, dict):
        return {str(key): plain_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_data(item) for item in value]
    return value


def _json(data: object, *, indent: "int | None" = None) -> str:
    text = json.dumps(data, indent=indent, ensure_ascii=False)
    # Bytes that are no UTF-8 travel as lone surrogates, which only an escape can carry.
    return text if _is_utf8(text) else json.dumps(data, indent=indent)


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


# -- YAML --------------------------------------------------------------------------------------------


# What a YAML reader may take for something else than a string.
_YAML_WORDS = frozenset(("", "null", "true", "false", "yes", "no", "on", "off", "y", "n"))


def _yaml(data: object) -> "Iterator[str]":
    """Yield the lines of a document."""
    if isinstance(data, dict) and data:
        for key, item in data.items():
            yield from _yaml_entry(_yaml_scalar(key) + ":", item)
    elif isinstance(data, list) and data:
        for item in data:
            first, *rest = _yaml(item)
            yield "- " + first
            yield from ("  " + line for line in rest)
    else:
        yield _yaml_scalar(data)


def _yaml_entry(key: str, item: object) -> "Iterator[str]":
    lines = _yaml(item)
    if isinstance(item, (dict, list)) and item:
        yield key
        yield from ("  " + line for line in lines)
    else:
        yield f"{key} {next(lines)}"


def _yaml_scalar(value: object) -> str:
    if isinstance(value, float):
        return _yaml_float(value)
    if isinstance(value, str):
        return value if _is_plain(value) else '"' + "".join(map(_yaml_char, value)) + '"'
    return _json(value)


def _yaml_float(value: float) -> str:
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    number, e, power = repr(value).partition("e")
    # Many readers take 1e+16 for a word.
    return f"{number if '.' in number else number + '.0'}e{power}" if e else number


_YAML_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _yaml_char(char: str) -> str:
    """Return a character as it stands in quotes."""
    if char in _YAML_ESCAPES:
        return _YAML_ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_plain(text: str) -> bool:
    body = text.replace("_", "").replace("-", "").replace(".", "").replace("/", "")
    return text.isascii() and text[:1].isalpha() and body.isalnum() and text.lower() not in _YAML_WORDS


# -- CSV and names -----------------------------------------------------------------------------------


def _csv(data: object) -> str:
    """Return rows under their keys; what is no row becomes the only value of one."""
    import csv
    import io

    rows = [item if isinstance(item, dict) else {"value": item} for item in _items(data)]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    if keys:
        writer.writerow(keys)
        writer.writerows([text_of(row.get(key)) for key in keys] for row in rows)
    return file.getvalue()


def _items(data: object) -> "list[object]":
    return data if isinstance(data, list) else [data]


def _names(data: object) -> "Iterator[object]":
    """Yield what things are called: their name, or else the first thing said about each."""
    for item in _items(data):
        if isinstance(item, dict) and len(item) == 1:
            # One element of XML: its content counts.
            (content,) = item.values()
            item = content if isinstance(content, dict) else item
        if isinstance(item, dict):
            yield item.get("name", next(iter(item.values()), None))
        else:
            yield item


def text_of(value: object) -> str:
    """Return a single value as text without quotes: nothing for None, JSON for what has parts."""
    if value is None:
        return ""
    return value if isinstance(value, str) else _json(value)


# -- XML ---------------------------------------------------------------------------------------------


def of_xml(document: str) -> "dict[str, object]":
    """Return an XML document as data.  Errors: VirError when it is none.

    An element is an object: attributes are ``@name``, elements in it go by their name and are a
    list where there are several, text is ``#text``; an element with nothing but text is a string.
    """
    from pyvirsh.backend.conf import xml

    root = xml.parse(document, "(output)")
    return {_name(root, root.tag): _element(root)}


def _element(element: "Element") -> "dict[str, object] | str":
    data: dict[str, object] = {"@" + _name(element, name): value for name, value in element.attrib.items()}
    text = (element.text or "").strip()
    for kid in element:
        # Comments and instructions have no name.
        if isinstance(kid.tag, str):
            _put(data, _name(kid, kid.tag), _element(kid))
        text += (kid.tail or "").strip()
    if text and not data:
        return element.text or text
    return {**data, "#text": text} if text else data


def _put(data: "dict[str, object]", name: str, item: object) -> None:
    before = data.get(name)
    if before is None:
        data[name] = item
    elif isinstance(before, list):
        before.append(item)
    else:
        data[name] = [before, item]


def _name(element: "Element", name: object) -> str:
    """Return a tag or an attribute's name with its namespace's prefix, as it was written."""
    uri, brace, local = str(name).rpartition("}")
    if not brace:
        return local
    prefix = next((short for short, long in element.nsmap.items() if long == uri[1:]), None)
    return f"{prefix}:{local}" if prefix else local
