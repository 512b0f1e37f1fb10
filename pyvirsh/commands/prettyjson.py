"""JSON as people read it, laid out as libvirt does: what ``--pretty`` of QEMU's commands shows.

Source: virsh's output as observed: two spaces for each level, numbers as they were written.
"""

import json


class _Number(str):
    """A number kept as it was written."""


def parsed(text: str) -> object:
    """Return a document as data; what is no document comes back as the text it is."""
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value


def pretty(text: str) -> str:
    """Return a document indented, a newline at its end; what is no document comes back unchanged."""
    try:
        value = json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
    except ValueError:
        return text
    if value is None or isinstance(value, (bool, _Number)):
        return text
    return "\n".join(_lines(value, "")) + "\n"


def _lines(value: object, pad: str) -> "list[str]":
    """Return a value's lines, all but the first behind `pad`."""
    if isinstance(value, _Number):
        return [str(value)]
    if isinstance(value, dict):
        begin, end = "{}"
        items = [(f"{json.dumps(key, ensure_ascii=False)}: ", item) for key, item in value.items()]
    elif isinstance(value, list):
        begin, end = "[]"
        items = [("", item) for item in value]
    else:
        return [json.dumps(value, ensure_ascii=False)]
    inner = pad + "  "
    lines = [begin]
    for at, (name, item) in enumerate(items):
        first, *rest = _lines(item, inner)
        lines += [inner + name + first, *rest]
        lines[-1] += "," if at < len(items) - 1 else ""
    return [*lines, pad + end]
