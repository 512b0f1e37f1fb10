"""Whether a domain's document has the shape that libvirt's schema asks for.

A coarse check, made only on request: which elements and attributes may stand at the top, which devices and
features there are.  What it refuses it refuses in the words of libvirt's validator.

Source: answers of `virsh define --validate`.
"""

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.domain.domain import VIRT_TYPES, Devices, Domain
from pyvirsh.backend.conf.domain.features import FEATURES
from pyvirsh.backend.errors import XML_INVALID_SCHEMA, VirError

_FAILED = "Element domain failed to validate content\n"
_ATTRIBUTES = ("type", "id")
# Elements at the top that may stand there more than once.
_REPEATED = ("sysinfo", "seclabel", "cputune")
# Devices that the model does not know.
_MORE_DEVICES = ("pstore", "bandwidth")
_OFFSETS = ("utc", "localtime", "variable", "timezone", "absolute")


def known_elements() -> "frozenset[str]":
    """Return what may stand at the top of a domain's document."""
    return frozenset(field.steps[0] for field in Domain.declared().values() if getattr(field, "steps", ()))


def check(root: xml.Element) -> None:
    """Refuse a document that has another shape.  Errors: XML_INVALID_SCHEMA."""
    for name in map(str, root.attrib):
        if not name.startswith("{") and name not in _ATTRIBUTES:
            raise misfit(f"Invalid attribute {name} for element domain\n")
    if root.get("type") not in VIRT_TYPES:
        raise misfit(_FAILED)
    known = known_elements()
    seen: set[str] = set()
    for kid in xml.children(root):
        tag = xml.local_name(kid)
        if kid.tag not in known and xml.namespace(kid) not in _FOREIGN:
            raise misfit(f"Element domain has extra content: {tag}\n")
        if kid.tag in known:
            _check_element(kid, tag, repeated=tag in seen and tag not in _REPEATED)
        seen.add(tag)
    if "name" not in seen:
        raise misfit("Expecting an element name, got nothing\nInvalid sequence in interleave\n" + _FAILED)


# Namespaces of hypervisors, whose elements may stand at the top as well.
_FOREIGN = tuple(
    f"http://libvirt.org/schemas/domain/{name}/1.0"
    for name in ("qemu", "lxc", "xen", "vmware", "bhyve", "openvz", "test")
)


def _check_element(element: xml.Element, tag: str, *, repeated: bool) -> None:
    extra = f"Extra element {tag} in interleave\n"
    if tag == "clock" and element.get("offset") not in _OFFSETS:
        raise misfit(f"Error validating value \n{extra}{_FAILED}")
    if tag in ("memory", "currentMemory") and not (element.text or "").strip().isdigit():
        wrong = f"Type unsignedLong doesn't allow value '{element.text or ''}'\n"
        raise misfit(f"{wrong}{extra}Invalid sequence in interleave\n{_FAILED}")
    if tag == "devices" and not _good_devices(element) or tag == "features" and not _good_features(element):
        raise misfit(extra + _FAILED)
    if repeated or tag == "title" and not element.text:
        in_sequence = tag in ("memory", "currentMemory", "vcpu", "on_crash", "on_reboot", "on_poweroff")
        raise misfit(extra + ("Invalid sequence in interleave\n" if in_sequence else "") + _FAILED)


def _good_devices(devices: xml.Element) -> bool:
    known = {field.steps[0] for field in Devices.declared().values() if getattr(field, "steps", ())}
    return all(kid.tag in known or kid.tag in _MORE_DEVICES for kid in xml.children(devices))


def _good_features(features: xml.Element) -> bool:
    return all(kid.tag in FEATURES for kid in xml.children(features))


def misfit(detail: str) -> VirError:
    """Make the error for a document of another shape."""
    where = "Unable to validate doc against /usr/share/libvirt/schemas/domain.rng"
    return VirError(XML_INVALID_SCHEMA, f"{where}\n{detail}")
