"""What pools and volumes share: permissions, secrets that unlock, paths.

Source: libvirt's storage pool and volume XML formats; messages as observed.
"""

import uuid as uuids

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.model import Model, text
from pyvirsh.backend.errors import XML_ERROR, VirError

_MODE_MAX = 0o777
_ID_MAX = 0xFFFFFFFF
_UNSET = -1


def fault(detail: str) -> VirError:
    """Make the error for a document that says what cannot be."""
    return VirError(XML_ERROR, detail)


def clean_path(path: str) -> str:
    """Return a path without doubled slashes and the one at its end; two at its start stay, as in POSIX."""
    lead = "//" if path.startswith("//") and not path.startswith("///") else "/"[: path.startswith("/")]
    return lead + "/".join(part for part in path.split("/") if part)


class Permissions(Model):
    """Who may use a file; None: not said."""

    tag = "permissions"
    mode: str | None = text("mode")
    owner: str | None = text("owner")
    group: str | None = text("group")
    label: str | None = text("label")

    def after_parse(self, element: xml.Element) -> None:
        if self.mode is not None:
            self.mode = f"0{_octal(self.mode):o}"
        for name in ("owner", "group"):
            if element.find(name) is not None:
                setattr(self, name, _id(name, getattr(self, name) or ""))


def _octal(value: str) -> int:
    digits = value.lstrip()
    if not digits or set(digits) - set("01234567") or int(digits, 8) > _MODE_MAX:
        raise fault("malformed octal mode")
    return int(digits, 8)


def _id(name: str, value: str) -> "str | None":
    """Return a user's or group's number as C's int shows it; None for the one that means nobody."""
    digits = value.lstrip()
    sign = digits.startswith("-")
    if not digits[sign:].isascii() or not digits[sign:].isdigit():
        raise fault(f"malformed {name} element")
    number = int(digits)
    if not _UNSET <= number <= _ID_MAX:
        raise fault(f"malformed {name} element")
    number = number - _ID_MAX - 1 if number > _ID_MAX >> 1 else number
    return str(number) if number != _UNSET else None


class SecretRef(Model):
    """A secret, by UUID or by usage."""

    tag = "secret"
    type: str | None = text("@type")
    usage: str | None = text("@usage")
    uuid: str | None = text("@uuid")

    def after_parse(self, element: xml.Element) -> None:
        if self.uuid is None and self.usage is None:
            raise fault("missing secret uuid or usage attribute")
        if self.uuid is not None and self.usage is not None:
            raise fault("either secret uuid or usage expected")
        if self.uuid is not None:
            self.uuid = plain_uuid(self.uuid, f"invalid secret uuid '{self.uuid}'")


def plain_uuid(value: str, message: str) -> str:
    """Return a UUID in its usual form.  Errors: XML_ERROR with `message`."""
    try:
        return str(uuids.UUID(value.strip()))
    except ValueError:
        raise fault(message) from None
