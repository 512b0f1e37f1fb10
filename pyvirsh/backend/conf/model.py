"""What an XML model is declared with: one field, one line, in the order libvirt writes them.

A field's path says where its value stands: ``@type`` an attribute, ``driver/@name`` an attribute
of a child, ``name`` a child's text, ``.`` the element's own text.  Steps are separate: `parse`
(shape), `fill_defaults`, `validate`, `to_node` (format); all are written once, here, and walk the
declared fields.
"""

import re
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any, Self, TypeVar

from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.cnumbers import c_integer
from pyvirsh.backend.conf.xml import Element, Node, children, local_name
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INVALID_ARG, OVERFLOW, XML_ERROR, VirError

Value = TypeVar("Value", bound=Hashable)


class Field:
    """One declared field.  `read` takes it from a parsed element, `write` puts it into a node."""

    name = ""

    def __init__(
        self,
        path: str,
        *,
        default: Any = None,
        choices: "tuple[str, ...]" = (),
        required: bool = False,
        implied: "str | None" = None,
        unknown: "tuple[int, str] | None" = None,
        lenient: bool = False,
        blank: bool = False,
    ) -> None:
        *steps, last = path.split("/")
        self.path = path
        self.attribute = last[1:] if last.startswith("@") else ""
        self.steps = tuple(steps if self.attribute or last == "." else [*steps, last])
        self.default = default
        self.choices = choices
        self.required = required
        # What an element without the attribute means.
        self.implied = implied
        # Error code and text ({} stands for the value) for a value that is not one of the choices.
        self.unknown = unknown
        # Whether such a value is passed over.
        self.lenient = lenient
        # Whether an empty attribute says nothing.
        self.blank = blank

    def fresh(self) -> Any:
        """Return the value of a new object."""
        return self.default

    def read(self, at: "Reader", owner: "type[Model]") -> Any:
        """Return the value in the element being read; the default when it is absent."""
        element = at.find(self.steps)
        if element is None:
            return self.fresh()
        text = element.get(self.attribute) if self.attribute else self.text_of(element)
        if text is None or not text and self.blank:
            if self.required:
                detail = f"attribute '{self.attribute}' in element '{local_name(element)}'"
                raise VirError(XML_ERROR, f"Missing required {detail}")
            return self.fresh() if self.implied is None else self.implied
        try:
            if self.choices and text not in self.choices:
                raise self.invalid(text, element)
            return self.convert(text, element)
        except VirError:
            if self.lenient:
                return self.fresh()
            raise

    def text_of(self, element: Element) -> "str | None":
        """Return an element's text; None when it has none."""
        return element.text or None

    def convert(self, text: str, element: Element) -> Any:
        """Turn the text, found in `element`, into the field's value."""
        return text

    def invalid(self, text: str, element: Element, hint: str = "") -> VirError:
        """Make the error for a value that may not stand in `element`; `hint`: what is expected."""
        if self.unknown is not None:
            return VirError(self.unknown[0], self.unknown[1].format(text))
        name = local_name(element)
        if self.attribute:
            place = f"attribute '{self.attribute}' in element '{name}'"
            return VirError(XML_ERROR, f"Invalid value for {place}: '{text}'.{hint}")
        return VirError(XML_ERROR, f"Invalid value for element '{name}': '{text}'.")

    def write(self, value: Any, at: "Writer") -> None:
        """Put the value into the node being written."""
        node = at.node(self.steps)
        if self.attribute:
            node.attrs[self.attribute] = self.shown(value)
        else:
            node.text = self.shown(value)

    def shown(self, value: Any) -> str:
        """Return the value as text."""
        return str(value)


class Reader:
    """An element being read; finds descendants by path, each once."""

    def __init__(self, element: Element) -> None:
        self.element = element
        self._found: dict[tuple[str, ...], Element | None] = {(): element}

    def find(self, steps: "tuple[str, ...]") -> "Element | None":
        """Return the first element at `steps` below; None if there is none."""
        if steps not in self._found:
            parent = self.find(steps[:-1])
            self._found[steps] = next(self._children(parent, steps[-1]), None) if parent is not None else None
        return self._found[steps]

    def find_all(self, steps: "tuple[str, ...]") -> "Iterator[Element]":
        """Yield the elements at `steps` below."""
        parent = self.find(steps[:-1])
        return self._children(parent, steps[-1]) if parent is not None else iter(())

    @staticmethod
    def _children(parent: Element, tag: str) -> "Iterator[Element]":
        return (child for child in children(parent) if child.tag == tag)


class Writer:
    """A node being written; fields with one path share the elements on it."""

    def __init__(self, root: Node) -> None:
        self._nodes: dict[tuple[str, ...], Node] = {(): root}

    def node(self, steps: "tuple[str, ...]") -> Node:
        """Return the node at `steps`, made now if there is none yet."""
        if steps not in self._nodes:
            self._nodes[steps] = self.node(steps[:-1]).add(steps[-1])
        return self._nodes[steps]

    def new(self, steps: "tuple[str, ...]") -> Node:
        """Add another node at `steps`."""
        return self.node(steps[:-1]).add(steps[-1])


class _Integer(Field):
    """A whole number.

    any_base: whether 0x begins a hexadecimal one and 0 an octal one; base: otherwise the base;
    signed: whether it may be negative; bits: how long it may be; positive: whether 0 is refused; or_none:
    whether 0 says nothing; natural: whether a negative number is refused in words of its own.
    """

    def __init__(
        self,
        path: str,
        *,
        default: Any = None,
        form: str = "{}",
        signed: bool = False,
        natural: bool = False,
        positive: bool = False,
        or_none: bool = False,
        any_base: bool = False,
        base: int = 10,
        bits: int = 64,
        **how: Any,
    ) -> None:
        super().__init__(path, default=default, **how)
        self._form = form
        self._signed = signed
        self._natural = natural
        self._positive = positive
        self._or_none = or_none
        self._base = 0 if any_base else base
        self._bits = bits - 1 if signed or natural else bits

    def convert(self, text: str, element: Element) -> "int | None":
        number = c_integer(text, self._base)
        if number is None or number >= 1 << self._bits:
            raise self._refused(text, element)
        if number < 0 and self._natural:
            raise self.invalid(text, element, " Expected non-negative value")
        if number < 0 and not self._signed:
            raise self._refused(text, element)
        if not number and self._positive:
            place = f"attribute '{self.attribute}' in element '{local_name(element)}'"
            raise VirError(XML_ERROR, f"Invalid value for {place}: Zero is not permitted")
        return number or (None if self._or_none else 0)

    def _refused(self, text: str, element: Element) -> VirError:
        kind = "integer" if self._signed or self._natural else "non-negative integer"
        return self.invalid(text, element, f" Expected {kind} value")

    def shown(self, value: int) -> str:
        return self._form.format(value)


class _Numbers(Field):
    """A set of CPUs or NUMA nodes, kept and written in its shortest form."""

    def convert(self, text: str, element: Element) -> str:
        found = bitmap.parse(text)
        # Only a NUMA node may have no CPUs.
        if not found and self.attribute != "cpus":
            raise VirError(CONFIG_UNSUPPORTED, f"Invalid value of '{self.attribute}': {text}")
        return bitmap.show(found)


class _Size(Field):
    """A number with a unit; kept and written in `unit`.

    place: what messages call it; needed: whether it must be there when its element is; pretty: whether it is
    written in the largest unit that loses nothing; fixed: whether what it says of its unit is passed over;
    or_none: whether 0 says nothing; down: whether what does not fill a `unit` is dropped, not a whole one.
    """

    def __init__(
        self,
        path: str,
        *,
        unit: str,
        bare: str,
        place: str = "",
        needed: bool = False,
        pretty: bool = False,
        fixed: bool = False,
        or_none: bool = False,
        down: bool = False,
        unknown: "tuple[int, str] | None" = None,
    ) -> None:
        super().__init__(path, unknown=unknown)
        self._or_none = or_none
        self._down = down
        self._pretty = pretty
        self._unit = unit
        self._bare = bare
        self._place = place or (f"./{path}" if self.attribute else f"./{path}[1]")
        self._needed = needed
        self._fixed = fixed

    def read(self, at: Reader, owner: "type[Model]") -> "int | None":
        element = at.find(self.steps)
        if element is None or (text := self._number(element)) is None:
            if self._needed:
                raise VirError(XML_ERROR, f"missing element or attribute '{self._place}'")
            return None
        unit = element.get("unit") if not self._fixed else None
        if not _WHOLE.fullmatch(text) or int(text) >= 1 << 64:
            detail = f"Invalid value '{text}' for element or attribute '{self._place}'"
            raise self.invalid(text, element) if self.unknown else VirError(XML_ERROR, detail)
        factor = factor_of(unit or self._bare)
        if factor is None:
            raise VirError(INVALID_ARG, f"unknown suffix '{unit}'")
        if int(text) * factor >= 1 << 63:
            raise VirError(OVERFLOW, f"value too large: {text}{unit or ''}")
        if self._or_none and not int(text):
            return None
        rest = 0 if self._down else UNITS[self._unit] - 1
        return int((int(text) * factor + rest) // UNITS[self._unit])

    def _number(self, element: Element) -> "str | None":
        text = element.get(self.attribute) if self.attribute else element.text
        return text or None

    def write(self, value: int, at: Writer) -> None:
        node = at.node(self.steps)
        unit = self._unit
        if self._pretty:
            value, unit = _largest(value * UNITS[unit])
        if self.attribute:
            node.attrs[self.attribute] = str(value)
            node.attrs["unit"] = unit
        else:
            node.attrs["unit"] = unit
            node.text = str(value)


class _Told(_Size):
    def read(self, at: Reader, owner: "type[Model]") -> None:
        return None


class _Flag(Field):
    def read(self, at: Reader, owner: "type[Model]") -> bool:
        return at.find(self.steps) is not None

    def fresh(self) -> bool:
        return False

    def write(self, value: bool, at: Writer) -> None:
        at.node(self.steps)


class _Items(Field):
    """The texts (or one attribute) of all elements at the path."""

    def fresh(self) -> "list[str]":
        return []

    def read(self, at: Reader, owner: "type[Model]") -> "list[str]":
        found = at.find_all(self.steps)
        if self.attribute:
            return [element.get(self.attribute) or "" for element in found]
        return [element.text or "" for element in found]

    def write(self, value: "list[str]", at: Writer) -> None:
        for text in value:
            node = at.new(self.steps)
            if self.attribute:
                node.attrs[self.attribute] = text
            else:
                node.text = text


class _One(Field):
    """A child model."""

    def __init__(self, path: str, model: "type[Model] | Callable[[], type[Model]]") -> None:
        super().__init__(path)
        self._model = model

    def model(self) -> "type[Model]":
        """Return the child's class (a recursive one is given as a function)."""
        return self._model if isinstance(self._model, type) else self._model()

    def read(self, at: Reader, owner: "type[Model]") -> "Model | None":
        element = at.find(self.steps)
        return self.model().parse(element) if element is not None else None

    def write(self, value: "Model", at: Writer) -> None:
        if value.kept_empty or not value.is_empty():
            value.fill_node(at.node(self.steps))


class _Inline(_One):
    """A model whose fields stand on its owner's own element; always there."""

    def __init__(self, model: "type[Model]") -> None:
        super().__init__(".", model)


class _Many(_One):
    def fresh(self) -> "list[Model]":
        return []

    def read(self, at: Reader, owner: "type[Model]") -> "list[Model]":  # type: ignore[override]
        return [self.model().parse(element) for element in at.find_all(self.steps)]

    def write(self, value: "list[Model]", at: Writer) -> None:  # type: ignore[override]
        for item in value:
            item.fill_node(at.new(self.steps))


class _Verbatim(Field):
    """A <metadata>, kept as text."""

    def __init__(self, path: str, *, depth: int) -> None:
        super().__init__(path)
        self.depth = depth

    def read(self, at: Reader, owner: "type[Model]") -> "str | None":
        element = at.find(self.steps)
        if element is None or not len(element):
            return None
        from pyvirsh.backend.conf import metadata

        return metadata.clean(element, self.depth)

    def write(self, value: str, at: Writer) -> None:
        at.node(self.steps[:-1]).kids.append(value)


# The declarations.  They are typed Any so that ``name: str | None = text("name")`` states the type.


def text(path: str, **how: Any) -> Any:
    """Declare a text.

    required: whether its element must have it; unknown: error code and text ({} is the value) for what is
    not one of the choices, where libvirt says it in words of its own; lenient: whether that is passed over;
    blank: whether an empty attribute says nothing.
    """
    return Field(path, **how)


def integer(path: str, **how: Any) -> Any:
    """Declare a whole number; see `_Integer` and `text` for how it may be."""
    return _Integer(path, **how)


def numbers(path: str, *, required: bool = False) -> Any:
    """Declare a set of CPUs or NUMA nodes."""
    return _Numbers(path, required=required)


def hexadecimal(path: str, digits: int, **how: Any) -> Any:
    """Declare a number written ``0x`` with at least `digits` digits; read in any base."""
    return _Integer(path, form="0x{:0" + str(digits) + "x}", any_base=True, **how)


def on_off(path: str, *, implied: "str | None" = None, required: bool = False, lenient: bool = False) -> Any:
    """Declare a switch: "on" or "off"; `implied`: what an element means that does not say."""
    return Field(path, choices=("on", "off"), implied=implied, required=required, lenient=lenient)


def yes_no(
    path: str,
    *,
    implied: "str | None" = None,
    required: bool = False,
    unknown: "tuple[int, str] | None" = None,
    lenient: bool = False,
) -> Any:
    """Declare a truth value: "yes" or "no"."""
    return Field(
        path, choices=("yes", "no"), implied=implied, required=required, unknown=unknown, lenient=lenient
    )


def sized(path: str, *, unit: str = "KiB", bare: str = "KiB", **how: Any) -> Any:
    """Declare a size kept in `unit`; `bare` is the unit of a number that states none; see `_Size`."""
    return _Size(path, unit=unit, bare=bare, **how)


def told(path: str) -> Any:
    """Declare a size in bytes that drivers say; what a document says of it is passed over."""
    return _Told(path, unit="bytes", bare="bytes")


def flag(path: str) -> Any:
    """Declare an element that says something by being there."""
    return _Flag(path)


def items(path: str) -> Any:
    """Declare the list of all texts at a path."""
    return _Items(path)


def one(path: str, model: Any) -> Any:
    """Declare a child model."""
    return _One(path, model)


def inline(model: "type[Model]") -> Any:
    """Declare fields that several elements share, standing on the owner's own element."""
    return _Inline(model)


def many(path: str, model: Any) -> Any:
    """Declare a list of child models."""
    return _Many(path, model)


def kept(path: str, *, depth: int) -> Any:
    """Declare a <metadata>; `depth` is how deep it stands."""
    return _Verbatim(path, depth=depth)


_BINARY = {letter + "iB": 1024**power for power, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {letter + "B": 1000**power for power, letter in enumerate("KMGTPE", 1)}
_SHORT = {letter: 1024**power for power, letter in enumerate("KMGTPE", 1)}
UNITS = {"b": 1, "bytes": 1, "B": 1, **_BINARY, **_DECIMAL, **_SHORT}
_UNITS_FOLDED = {unit.lower(): factor for unit, factor in UNITS.items()} | {"byte": 1}


# A whole number as C's library reads one, with nothing behind it.
_WHOLE = re.compile(r"[ \t\n]*\+?[0-9]+")


def factor_of(unit: str) -> "int | None":
    """Return how many bytes a unit stands for; None if it is none."""
    factor = _UNITS_FOLDED.get(unit.lower())
    return int(factor) if factor is not None else None


def _largest(number: int) -> "tuple[int, str]":
    """Return a number of bytes in the largest unit that loses nothing."""
    for unit in ("EiB", "PiB", "TiB", "GiB", "MiB", "KiB"):
        if number and not number % UNITS[unit]:
            return number // UNITS[unit], unit
    return number, "B"


def scaled(text: str, unit: str) -> "int | None":
    """Return a number with its unit as bytes; None if either is not one."""
    factor = factor_of(unit.strip())
    digits = text.strip()
    if factor is None or not digits.isascii() or not digits.isdigit() or len(digits) > 20:
        return None
    number = int(digits) * int(factor)
    return number if number < 1 << 64 else None


class Model:
    """An element with declared fields.  Subclasses state `tag` and their fields, in order."""

    tag = ""
    # Whether an object that says nothing is written all the same, as an empty element.
    kept_empty = False
    _fields: "dict[str, Field]" = {}
    # Fields that are read before the others.
    _read_first: "tuple[str, ...]" = ()

    def __init_subclass__(cls) -> None:
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        if own:
            cls._fields = {**cls._fields, **own}
            if "_order" in vars(cls):
                raise TypeError("fields are written in the order they are declared")
        for name, field in own.items():
            field.name = name
            setattr(cls, name, field.fresh())

    def __init__(self, **values: Any) -> None:
        for name, field in self._fields.items():
            if isinstance(field, (_Items, _Many)):
                setattr(self, name, [])
            elif isinstance(field, _Inline):
                setattr(self, name, field.model()())
        for name, value in values.items():
            if name not in self._fields:
                raise TypeError(f"{type(self).__name__} has no field {name}")
            setattr(self, name, value)

    @classmethod
    def declared(cls) -> "dict[str, Field]":
        """Return the declared fields by name, in order."""
        return cls._fields

    @classmethod
    def parse(cls, element: Element) -> Self:
        """Make an object of a parsed element.  Errors: XML_ERROR naming element and value."""
        made = cls()
        reader = Reader(element)
        passed_over = cls.foreign(element)
        for name, field in cls._in_order():
            if name in passed_over:
                continue
            value = field.read(reader, cls)
            if value is not None:
                setattr(made, name, value)
        made.after_parse(element)
        return made

    @classmethod
    def _in_order(cls) -> "Iterable[tuple[str, Field]]":
        """Return the fields as they are read: what is wrong first is what is told."""
        if not cls._read_first:
            return cls._fields.items()
        first = [(name, cls._fields[name]) for name in cls._read_first]
        return first + [item for item in cls._fields.items() if item[0] not in cls._read_first]

    @classmethod
    def foreign(cls, element: Element) -> "Collection[str]":
        """Return the fields that an element of its kind does not have: they are passed over."""
        return ()

    def after_parse(self, element: Element) -> None:
        """Take what the declarations cannot say, and check what must be known at once."""

    def is_empty(self) -> bool:
        """Say whether no field says anything."""
        for name in self._fields:
            value = getattr(self, name)
            if isinstance(value, Model):
                if value.kept_empty or not value.is_empty():
                    return False
            elif value is not None and value is not False and value != []:
                return False
        return True

    def fill_node(self, node: Node) -> None:
        """Write the fields into `node`."""
        writer = Writer(node)
        for name, field in self._fields.items():
            value = getattr(self, name)
            if value is not None and value is not False and value != []:
                field.write(value, writer)

    def to_node(self) -> Node:
        """Return the object as an element to be written."""
        node = Node(self.tag)
        self.fill_node(node)
        return node

    def copy(self) -> Self:
        """Return a copy that shares nothing that can change."""
        made = type(self)()
        for name, value in vars(self).items():
            if isinstance(value, Model):
                value = value.copy()
            elif isinstance(value, list):
                value = [item.copy() if isinstance(item, Model) else item for item in value]
            setattr(made, name, value)
        return made

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and all(
            getattr(self, name) == getattr(other, name) for name in self._fields
        )

    __hash__ = None  # type: ignore[assignment]


def others(own: "Mapping[str, Collection[str]]", kind: str) -> "set[str]":
    """Return the fields that some kinds have, and `kind` has not; own: the fields of each kind."""
    return {name for names in own.values() for name in names}.difference(own.get(kind, ()))


def repeats(values: "Iterable[Value]") -> "Iterator[Value]":
    """Yield each value that has been there before."""
    seen: set[Value] = set()
    for value in values:
        if value in seen:
            yield value
        seen.add(value)


def required(element: Element, *attributes: str) -> None:
    """Check that an element has its attributes.  Errors: XML_ERROR."""
    for attribute in attributes:
        if not element.get(attribute):
            name = local_name(element)
            raise VirError(XML_ERROR, f"Missing required attribute '{attribute}' in element '{name}'")
