"""What capabilities of node devices are declared with.

Their messages name the device, which stands above them in the document.

Source: libvirt's node device XML format; messages as observed.
"""

from typing import Any

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.model import Field, Model, Reader, Writer
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR, VirError

NEW_DEVICE = "new device"


def device_name(element: "xml.Element | None") -> str:
    """Return the name of the device that an element is in."""
    while element is not None and element.tag != "device":
        element = element.getparent()
    return (element.findtext("name") if element is not None else None) or NEW_DEVICE


def internal(detail: str, element: xml.Element) -> VirError:
    """Make the error for a document that cannot be; {} in `detail` stands for the device's name."""
    return VirError(INTERNAL_ERROR, detail.format(device_name(element)))


def unsupported(detail: str, element: xml.Element) -> VirError:
    """Make the error for a value that is not known; {} in `detail` stands for the device's name."""
    return VirError(CONFIG_UNSUPPORTED, detail.format(device_name(element)))


class Told(Field):
    """A text that must be there: `what` names it in the message, `code` is INTERNAL_ERROR or another."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(path)
        self._what = what

    def read(self, at: Reader, owner: "type[Model]") -> str:
        value = super().read(at, owner)
        if not value:
            raise internal(f"no {self._what} supplied for '{{}}'", at.element)
        return str(value)


class Number(Field):
    """A number in `base`, kept as an int and written in `form`."""

    def __init__(self, path: str, what: str, *, base: int, form: str, required: bool) -> None:
        super().__init__(path)
        self._what = what
        self._base = base
        self._form = form
        self._needed = required

    def read(self, at: Reader, owner: "type[Model]") -> "int | None":
        text = super().read(at, owner)
        if text is None:
            if self._needed:
                raise internal(f"no {self._what} supplied for '{{}}'", at.element)
            return None
        try:
            return number(text, self._base)
        except ValueError:
            raise internal(f"invalid {self._what} supplied for '{{}}'", at.element) from None

    def shown(self, value: int) -> str:
        return self._form.format(value)


class Word(Field):
    """A number of an s390 address: its messages have their own words."""

    def __init__(self, path: str, *, base: int = 0, digits: int = 1) -> None:
        super().__init__(path)
        self._base = base
        self._digits = digits

    def read(self, at: Reader, owner: "type[Model]") -> int:
        text = super().read(at, owner)
        if text is None:
            raise unsupported(f"missing {self.path} value for '{{}}'", at.element)
        try:
            return number(text, self._base)
        except ValueError:
            raise unsupported(f"invalid {self.path} value '{text}' for '{{}}'", at.element) from None

    def shown(self, value: int) -> str:
        return f"0x{value:0{self._digits}x}"


def number(text: str, base: int) -> int:
    """Read a number as C's library does: 0x and, with base 0, an octal 0 are known.  Errors: ValueError."""
    digits = text.lstrip()
    if base == 0 and digits[:1] == "0" and digits[1:2] not in ("x", "X"):
        base = 8
    if text[-1:].isspace() or "_" in text:
        raise ValueError(text)
    return int(digits, base)


def told(path: str, what: str) -> Any:
    """Declare a text that must be there; `what` names it in the message."""
    return Told(path, what)


def decimal(path: str, what: str, *, required: bool = True) -> Any:
    """Declare a whole number."""
    return Number(path, what, base=10, form="{}", required=required)


def hexadecimal(path: str, what: str, *, digits: int = 4, required: bool = True) -> Any:
    """Declare a number written with ``0x`` and at least `digits` digits, read as hexadecimal."""
    return Number(path, what, base=16, form="0x{:0" + str(digits) + "x}", required=required)


def word(path: str, *, base: int = 0, digits: int = 1) -> Any:
    """Declare a part of an s390 address."""
    return Word(path, base=base, digits=digits)


class Capability(Model):
    """What a device is or can do.  `type` is stated by the subclass or, where one class has several, read.

    readable: whether libvirt takes it from a document; the others are only ever told by the host.
    """

    tag = "capability"
    type = ""
    readable = True

    def fill_node(self, node: xml.Node) -> None:
        node.attrs["type"] = self.type
        super().fill_node(node)

    def filter_names(self) -> "list[str]":
        """Return the names of the capabilities that it counts as when devices are listed."""
        return [self.type]


class Nested(Field):
    """The capabilities inside another one, of the listed kinds; written in the order of `kinds`.

    missing, unknown: messages for one without a type and of a type that is none; "" passes it over.
    """

    def __init__(
        self, kinds: "tuple[type[Capability], ...]", *, missing: str = "", unknown: str = ""
    ) -> None:
        super().__init__("capability")
        self.kinds = {kind.type: kind for kind in kinds}
        self._missing = missing
        self._unknown = unknown

    def fresh(self) -> "list[Capability]":
        return []

    def read(self, at: Reader, owner: "type[Model]") -> "list[Capability]":
        found: dict[str, Capability] = {}
        for element in at.find_all(self.steps):
            kind = element.get("type")
            if kind is None and self._missing:
                raise VirError(*self._fault(self._missing, at.element))
            if kind in self.kinds:
                found[kind] = self.kinds[kind].parse(element)
            elif kind is not None and self._unknown:
                raise internal(self._unknown.replace("%s", kind), at.element)
        return [found[kind] for kind in self.kinds if kind in found]

    @staticmethod
    def _fault(message: str, element: xml.Element) -> "tuple[int, str]":
        if "{}" in message:
            return INTERNAL_ERROR, message.format(device_name(element))
        return XML_ERROR, message

    def write(self, value: "list[Capability]", at: Writer) -> None:
        for item in sorted(value, key=lambda one: list(self.kinds).index(one.type)):
            item.fill_node(at.new(self.steps))


def nested(*kinds: "type[Capability]", missing: str = "", unknown: str = "") -> Any:
    """Declare the capabilities inside another one; see `Nested`."""
    return Nested(kinds, missing=missing, unknown=unknown)


class MdevType(Model):
    """A kind of mediated device that can be made."""

    tag = "type"
    id: str | None = Field("@id")  # type: ignore[assignment]
    name: str | None = Field("name")  # type: ignore[assignment]
    device_api: str | None = Field("deviceAPI")  # type: ignore[assignment]
    available: str | None = Field("availableInstances")  # type: ignore[assignment]

    def after_parse(self, element: xml.Element) -> None:
        if self.id is None:
            raise VirError(XML_ERROR, "missing 'id' attribute for mediated device's <type> element")
        if self.device_api is None:
            raise VirError(XML_ERROR, f"missing device API for mediated device type '{self.id}'")
        if not (self.available or "").isdigit():
            detail = f"missing number of available instances for mediated device type '{self.id}'"
            raise VirError(XML_ERROR, detail)
