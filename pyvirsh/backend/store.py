"""Objects on disk: one directory each, written atomically, read without a lock.

    ROOT/UUID/config.xml    the definition; other files of the object beside it
    ROOT/names/NAME         a symbolic link to ../UUID; making it claims the name
    ROOT/MARK/UUID          a mark an object bears, such as "autostart"

A crash at any instant leaves the old object or the new one: files are written under another name,
synchronised and renamed; an object comes and goes by the rename of its directory; a link whose
object is not there counts for nothing and may be taken over.
"""

import fcntl
import os

from pyvirsh.backend.durable import (
    Workshop,
    failed,
    make_directory,
    read_file,
    remove_tree,
    synchronise,
    unlink,
    write_file,
)
from pyvirsh.backend.errors import OPERATION_FAILED, XML_ERROR, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CONFIG = "config.xml"
NAMES = "names"
WORKSHOP = ".workshop"
FILE_NAME_MAX = 255
# What is read to find the name and the title at the top of a definition.
HEAD = 16384


# -- names and UUIDs as file names --------------------------------------------------------------------


def escaped(name: str) -> str:
    """Return a file name for an object's name; never hidden, "." or "..".  Errors: XML_ERROR."""
    check_name(name)
    text = name.replace("%", "%25")
    if text.startswith("."):
        text = "%2E" + text[1:]
    if not text.isprintable():
        text = "".join(f"%{ord(char):02X}" if char < " " or char == "\x7f" else char for char in text)
    if len(os.fsencode(text)) > FILE_NAME_MAX:
        raise VirError(XML_ERROR, f"name {name} is too long: at most {FILE_NAME_MAX} bytes are possible")
    return text


def unescaped(text: str) -> "str | None":
    """Return the name that `escaped` made a file name of; None if it made none."""
    name = text
    if "%" in text:
        first, *rest = text.split("%")
        parts = [first]
        for part in rest:
            if len(part) < 2 or not all(char in "0123456789ABCDEF" for char in part[:2]):
                return None
            parts.append(chr(int(part[:2], 16)) + part[2:])
        name = "".join(parts)
    try:
        return name if escaped(name) == text else None
    except VirError:
        return None


def check_name(name: str) -> None:
    """Refuse a name that cannot be an object's.  Errors: XML_ERROR, in libvirt's words where it has them."""
    if not name:
        raise VirError(XML_ERROR, "name must not be empty")
    if "/" in name:
        raise VirError(XML_ERROR, f"name {name} cannot contain '/'")
    if name in (".", ".."):
        raise VirError(XML_ERROR, f"name must not be '{name}'")
    for char in name:
        if (char < " " and char not in "\t\r") or char == "\x7f":
            raise VirError(XML_ERROR, f"name must not contain the control character 0x{ord(char):02x}")


def is_uuid(text: str) -> bool:
    """Say whether `text` is a UUID as the store writes them: lower case, with dashes."""
    if len(text) != 36 or text[8] + text[13] + text[18] + text[23] != "----":
        return False
    return not text.strip("0123456789abcdef-") and text.count("-") == 4


# -- the store ----------------------------------------------------------------------------------------


class Store:
    """The objects of one kind below `root`.

    alive: says whether an object that has no definition exists all the same (a transient one runs);
    busy: whether someone is at work on an object, so that it may be about to exist.
    """

    def __init__(
        self, root: str, alive: "Callable[[str], bool]", busy: "Callable[[str], bool]" = lambda uuid: False
    ) -> None:
        self.root = root
        self._alive = alive
        self._busy = busy
        self._names = root + "/" + NAMES

    def path(self, uuid: str, file: str = "") -> str:
        """Return where an object's directory, or a file in it, is."""
        return f"{self.root}/{uuid}/{file}" if file else f"{self.root}/{uuid}"

    # -- reading, without a lock

    def uuids(self) -> "set[str]":
        """Return the UUIDs of all defined objects."""
        try:
            return {entry for entry in os.listdir(self.root) if len(entry) == 36 and is_uuid(entry)}
        except FileNotFoundError:
            return set()

    def named(self) -> "list[tuple[str, str]]":
        """Return (name, UUID) of every claimed name, in no order; the object need not be there."""
        try:
            fd = os.open(self._names, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return []
        try:
            found = [(entry, _target(entry, fd)) for entry in os.listdir(fd)]
        finally:
            os.close(fd)
        pairs = [(unescaped(entry) if "%" in entry else entry, uuid) for entry, uuid in found if uuid]
        return [(name, uuid) for name, uuid in pairs if name is not None]

    def all(self) -> "list[tuple[str, str]]":
        """Return (name, UUID) of every defined object, in no order."""
        defined = self.uuids()
        pairs = [pair for pair in self.named() if pair[1] in defined]
        if len(pairs) == len(defined):
            return pairs
        # Someone died between the steps of a rename or a definition: the definition knows its name.
        by_uuid: dict[str, list[str]] = {}
        for name, uuid in pairs:
            by_uuid.setdefault(uuid, []).append(name)
        settled = []
        for uuid in defined:
            names = by_uuid.get(uuid, [])
            known = names[0] if len(names) == 1 else self.name_of(uuid)
            if known is not None:
                settled.append((known, uuid))
        return settled

    def uuid_of(self, name: str) -> "str | None":
        """Return the UUID a name is claimed for, whose object exists; None if there is none."""
        try:
            uuid = _target(self._names + "/" + escaped(name))
        except VirError:
            return None
        return uuid if uuid and (self.exists(uuid) or self._alive(uuid)) else None

    def exists(self, uuid: str) -> bool:
        """Say whether an object is defined."""
        return is_uuid(uuid) and os.access(self.path(uuid, CONFIG), os.F_OK)

    def read(self, uuid: str, file: str = CONFIG) -> "bytes | None":
        """Return a file of an object; None if it has none."""
        return read_file(self.path(uuid, file)) if is_uuid(uuid) else None

    def name_of(self, uuid: str) -> "str | None":
        """Return the name a definition states; None if there is no such object."""
        return self.heading(uuid)[0]

    def heading(self, uuid: str) -> "tuple[str | None, str | None]":
        """Return the name and the title at the top of a definition, without parsing it whole."""
        data = read_file(self.path(uuid, CONFIG), HEAD) if is_uuid(uuid) else None
        return heading(data) if data else (None, None)

    # -- changing; the caller holds the object's lock

    def claim(self, name: str, uuid: str) -> None:
        """Take a name for an object.  Errors: OPERATION_FAILED if another has it."""
        make_directory(self._names)
        link = self._names + "/" + escaped(name)
        for _ in range(100):
            try:
                os.symlink("../" + uuid, link)
                return
            except FileExistsError:
                holder = _target(link)
                if holder == uuid:
                    return
                if holder and self._counts(holder):
                    raise self.taken(name, holder) from None
                self._drop_stale(link, holder)
            except OSError as error:
                raise failed("create", link, error) from error
        raise VirError(OPERATION_FAILED, f"the name '{name}' cannot be claimed: '{link}' keeps changing")

    def _counts(self, uuid: str) -> bool:
        return self.exists(uuid) or self._alive(uuid) or self._busy(uuid)

    def _drop_stale(self, link: str, holder: str) -> None:
        """Remove a link whose object is gone; of several who find it one at a time may look again."""
        fd = os.open(self._names, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if _target(link) == holder and not (holder and self._counts(holder)):
                unlink(link)
        finally:
            os.close(fd)

    @staticmethod
    def taken(name: str, uuid: str) -> VirError:
        """Make the error for a name that another object has."""
        return VirError(OPERATION_FAILED, f"domain '{name}' already exists with uuid {uuid}")

    def release(self, name: str, uuid: str) -> None:
        """Give a name back, if it is this object's."""
        link = self._names + "/" + escaped(name)
        if _target(link) == uuid:
            unlink(link)

    def create(self, uuid: str, name: str, config: bytes) -> None:
        """Add an object.  Errors: OPERATION_FAILED if the name is another's; SYSTEM_ERROR."""
        escaped(name)
        with Workshop(self.root + "/" + WORKSHOP) as place:
            fresh = f"{place}/new-{uuid}"
            make_directory(fresh)
            try:
                write_file(fresh + "/" + CONFIG, config)
                self.claim(name, uuid)
                synchronise(self._names)
                os.rename(fresh, self.path(uuid))
                synchronise(self.root)
            except OSError as error:
                self.release(name, uuid)
                raise failed("create", self.path(uuid), error) from error
            finally:
                remove_tree(fresh)

    def write(self, uuid: str, data: bytes, file: str = CONFIG) -> None:
        """Replace a file of an object.  Errors: SYSTEM_ERROR; the old one is then kept."""
        directory, name = os.path.split(self.path(uuid, file))
        for entry in os.listdir(directory) if os.path.isdir(directory) else ():
            if entry.startswith(f".{name}."):  # of one who was killed before he renamed it
                unlink(f"{directory}/{entry}")
        write_file(self.path(uuid, file), data)

    def rename(self, uuid: str, old: str, new: str, config: bytes) -> None:
        """Give an object a new name and the definition that says so."""
        self.claim(new, uuid)
        try:
            synchronise(self._names)
            self.write(uuid, config)
        except VirError:
            self.release(new, uuid)
            raise
        self.release(old, uuid)
        synchronise(self._names)

    def remove(self, uuid: str, name: str, *, keep_name: bool = False) -> None:
        """Remove an object with all its files; keep_name: it lives on without a definition."""
        with Workshop(self.root + "/" + WORKSHOP) as place:
            aside = f"{place}/gone-{uuid}"
            remove_tree(aside)
            try:
                os.rename(self.path(uuid), aside)
            except OSError as error:
                raise failed("remove", self.path(uuid), error) from error
            if not keep_name:
                self.release(name, uuid)
            synchronise(self.root)
            remove_tree(aside)

    # -- marks

    def marked(self, mark: str) -> "set[str]":
        """Return the UUIDs of the objects that bear a mark."""
        try:
            return set(os.listdir(f"{self.root}/{mark}"))
        except FileNotFoundError:
            return set()

    def is_marked(self, uuid: str, mark: str) -> bool:
        """Say whether an object bears a mark."""
        return os.access(f"{self.root}/{mark}/{uuid}", os.F_OK)

    def set_mark(self, uuid: str, mark: str, *, on: bool) -> None:
        """Put a mark on an object or take it off."""
        path = f"{self.root}/{mark}/{uuid}"
        if on:
            make_directory(f"{self.root}/{mark}")
            write_file(path, b"")
        else:
            unlink(path)


def _target(link: str, directory: "int | None" = None) -> str:
    """Return the UUID a name's link leads to; "" if it is no such link."""
    try:
        target = os.readlink(link, dir_fd=directory)
    except OSError:
        return ""
    uuid = target[3:]
    return uuid if target.startswith("../") and is_uuid(uuid) else ""


# -- the top of a definition --------------------------------------------------------------------------

_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&#13;", "\r"), ("&amp;", "&"))


def heading(data: bytes) -> "tuple[str | None, str | None]":
    """Return the name and the title at the top of a document the store's owner wrote."""
    return _text(data, b"name"), _text(data, b"title", before=b"<metadata")


def _text(data: bytes, tag: bytes, before: bytes = b"") -> "str | None":
    end = data.find(before) if before else -1
    start = data.find(b"<" + tag + b">", 0, end if end >= 0 else len(data))
    if start < 0:
        return None
    start += len(tag) + 2
    end = data.find(b"</" + tag + b">", start)
    if end < 0:
        return None
    text = data[start:end].decode("utf-8", "surrogateescape")
    if "&" in text:
        for entity, char in _ENTITIES:
            text = text.replace(entity, char)
    return text


def uuids_in(directory: str) -> "Iterable[str]":
    """Return the entries of a directory that are UUIDs; none if it is not there."""
    try:
        return [entry for entry in os.listdir(directory) if is_uuid(entry)]
    except FileNotFoundError:
        return []
