"""Whether a document of a pool, volume or device has the shape that libvirt's schema asks for.

A coarse check, made only on request: what must stand at the top and what may stand in the parts below.
What it refuses it refuses in the words of libvirt's validator.

Source: answers of virsh's `--validate`.
"""

from typing import TYPE_CHECKING

from pyvirsh.backend.conf import xml
from pyvirsh.backend.errors import XML_ERROR, XML_INVALID_SCHEMA, VirError

if TYPE_CHECKING:
    from pyvirsh.backend.conf.model import Model


def check(root: xml.Element, model: "type[Model]", schema: str, required: "tuple[str, ...]") -> None:
    """Refuse a document of another shape than `model` has.  Errors: XML_INVALID_SCHEMA.

    required: the elements that must stand at the top.
    """
    check_root(root, model.tag)
    known = known_paths(model)
    failed = f"Element {root.tag} failed to validate content\n"
    for name in map(str, root.attrib):
        if not name.startswith("{") and f"@{name}" not in known:
            raise misfit(schema, f"Invalid attribute {name} for element {root.tag}\n")
    tags = [str(kid.tag) for kid in xml.children(root)]
    for name in required:
        if name not in tags:
            raise misfit(schema, lacking(name) + failed)
    for kid in xml.children(root):
        if kid.tag not in known and "{" not in str(kid.tag):
            raise misfit(schema, f"Element {root.tag} has extra content: {kid.tag}\n")
        if not all(_known(part, f"{kid.tag}/{part.tag}", known) for part in xml.children(kid)):
            raise misfit(schema, f"Extra element {kid.tag} in interleave\n{failed}")


def check_root(root: xml.Element, tag: str) -> None:
    """Refuse a document of something else, which is looked at first.  Errors: XML_ERROR."""
    if root.tag != tag:
        raise VirError(XML_ERROR, f"expecting root element of '{tag}', not '{xml.local_name(root)}'")


def lacking(name: str) -> str:
    """Return what the validator says of an element that is not there."""
    return f"Expecting an element {name}, got nothing\nInvalid sequence in interleave\n"


def _known(element: xml.Element, path: str, known: "set[str]") -> bool:
    return path in known or f"{path.partition('/')[0]}/*" in known


def known_paths(model: "type[Model]") -> "set[str]":
    """Return the elements two levels deep, and the attributes, that a model knows.

    ``name/*`` stands for any element where one has models of its own kind in it.
    """
    found = set()
    for field in model.declared().values():
        steps = field.steps
        if field.attribute and not steps:
            found.add(f"@{field.attribute}")
        if steps:
            found |= {steps[0], "/".join(steps[:2])}
        kinds = getattr(field, "model", None)
        if kinds is not None and len(steps) == 1:
            inner = (one.steps for one in kinds().declared().values())
            found |= {f"{steps[0]}/{one[0]}" for one in inner if one}
        elif hasattr(field, "kinds") or hasattr(field, "depth"):
            found.add(f"{steps[0]}/*")
    return found


def misfit(schema: str, detail: str) -> VirError:
    """Make the error for a document of another shape."""
    where = f"Unable to validate doc against /usr/share/libvirt/schemas/{schema}.rng"
    return VirError(XML_INVALID_SCHEMA, f"{where}\n{detail}")
