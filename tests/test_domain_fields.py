"""Domain documents: every declared field is read and written back, in its place.

The documents in ``outputs/xmlfields`` are in libvirt's own form, so that each must come back as it is.
"""

from pathlib import Path

import pytest

from pyvirsh.backend.conf.domain import Domain, domain, format_domain, parse_domain
from pyvirsh.backend.conf.domain.common import Address
from pyvirsh.backend.conf.model import Model, _Inline, _One

OUTPUTS = Path(__file__).parent / "outputs"
DOCUMENTS = sorted(path for name in ("xmlfields", "xml2xml") for path in (OUTPUTS / name).glob("*.xml"))
# What no domain's document has: the CPU's architecture stands in documents of CPUs alone, a floor is for what
# comes in.
ELSEWHERE = {("Cpu", "arch"), ("Outbound", "floor")}


def classes(model: type[Model], found: "list[type[Model]]") -> "list[type[Model]]":
    """All classes that a model is made of."""
    if model not in found:
        found.append(model)
        for field in model.declared().values():
            if isinstance(field, _One):
                classes(field.model(), found)
    return found


def said(one: Model, found: "set[tuple[str, str]]") -> None:
    """Note which fields of which classes say something."""
    values = [(name, getattr(one, name), field) for name, field in type(one).declared().items()]
    if isinstance(one, Domain) and one.qemu is not None:
        said(one.qemu, found)
    for name, value, field in values:
        children = [value] if isinstance(value, Model) else value if isinstance(value, list) else []
        models = [child for child in children if isinstance(child, Model)]
        for child in models:
            said(child, found)
        empty = isinstance(field, _Inline) and value.is_empty()
        if value != field.fresh() and not empty:
            found.update((base.__name__, name) for base in type(one).__mro__)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_comes_back(path):
    text = path.read_text()
    assert format_domain(parse_domain(text)) == text


def test_every_field_is_in_some_document():
    found: set[tuple[str, str]] = set()
    for path in DOCUMENTS:
        said(parse_domain(path.read_text()), found)
    models = classes(Domain, []) + classes(domain.QemuExtra, [])
    # Addresses of the host's devices are declared as kinds of the guest's, whose fields they do not all have.
    models = [model for model in models if Address not in model.__mro__[1:]]
    declared = {(model.__name__, name) for model in models for name in model.declared()}
    lacking = declared - found - ELSEWHERE
    assert not lacking, sorted(lacking)


def test_copies_are_equal_and_apart():
    for path in DOCUMENTS:
        one = parse_domain(path.read_text())
        other = one.copy()
        assert other == one
        other.devices.serials.clear()
        other.os.boot.append("fd")
        assert one.os.boot != other.os.boot
