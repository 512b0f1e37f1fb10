"""Domains saved to files and brought back, managed save, core dumps.

A saved domain is a magic word, the length of its XML in four bytes, lowest first, and the XML.

Source: files that virsh wrote with libvirt's test driver, and its messages about bad ones.
"""

import os
from io import FileIO

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed, exclusive
from pyvirsh.backend.errors import (
    ARGUMENT_UNSUPPORTED,
    INTERNAL_ERROR,
    OPERATION_INVALID,
    SYSTEM_ERROR,
    VirError,
    unsupported,
)
from pyvirsh.backend.test.base import TestBase
from pyvirsh.backend.test.definitions import admit
from pyvirsh.backend.test.guest import Guest
from pyvirsh.backend.test.lifecycle import finish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import TypedParam
    from pyvirsh.backend.conf.domain import Domain

MAGIC = b"TestGuestMagic\0"
_XML_MAX = 8192
_RUNNING = (c.DOMAIN_SAVE_RUNNING, "DOMAIN_SAVE_RUNNING")
_PAUSED = (c.DOMAIN_SAVE_PAUSED, "DOMAIN_SAVE_PAUSED")
_CRASH = (c.DUMP_CRASH, "DUMP_CRASH")
_LIVE = (c.DUMP_LIVE, "DUMP_LIVE")
_RESET = (c.DUMP_RESET, "DUMP_RESET")


class Saving(TestBase):
    """Save, restore, dump."""

    def domain_save(self, dom: DomainRef, to: str) -> None:
        self.domain_save_flags(dom, to, None)

    def domain_save_flags(self, dom: DomainRef, to: str, dxml: "str | None", flags: int = 0) -> None:
        exclusive(flags, _RUNNING, _PAUSED)
        allowed(flags, 0, "testDomainSaveFlags")
        if dxml is not None:
            raise VirError(ARGUMENT_UNSUPPORTED, "xml modification unsupported")
        guest = self.running(dom)
        path = absolute(to)
        try:
            write_image(path, guest.live.text(c.DOMAIN_XML_SECURE, guest.id))
        except OSError as error:
            detail = f"saving domain '{guest.name}' to '{path}': open failed: {error.strerror}"
            raise VirError(SYSTEM_ERROR, detail) from error
        finish(guest, c.DOMAIN_SHUTOFF_SAVED, c.DOMAIN_EVENT_STOPPED_SAVED)

    def domain_restore(self, path: str) -> None:
        self.domain_restore_flags(path, None)

    def domain_restore_flags(self, path: str, dxml: "str | None", flags: int = 0) -> None:
        exclusive(flags, _RUNNING, _PAUSED)
        allowed(flags, 0, "testDomainRestoreFlags")
        if dxml is not None:
            raise VirError(ARGUMENT_UNSUPPORTED, "xml modification unsupported")
        guest = admit(self.world, self._image(path))
        guest.run(c.DOMAIN_RUNNING_RESTORED)
        guest.tell(c.DOMAIN_EVENT_STARTED, c.DOMAIN_EVENT_STARTED_RESTORED)

    def _image(self, path: str) -> "Domain":
        from pyvirsh.backend.test.prepare import parse_definition

        return parse_definition(read_image(absolute(path)), self.world)

    def domain_save_params(self, dom: DomainRef, params: "list[TypedParam]", flags: int = 0) -> None:
        exclusive(flags, _RUNNING, _PAUSED)
        raise unsupported("virDomainSaveParams")

    def domain_restore_params(self, params: "list[TypedParam]", flags: int = 0) -> None:
        exclusive(flags, _RUNNING, _PAUSED)
        raise unsupported("virDomainRestoreParams")

    def domain_save_image_get_xml_desc(self, file: str, flags: int = 0) -> str:
        from pyvirsh.backend.conf.domain.views import document

        allowed(flags, c.DOMAIN_SAVE_IMAGE_XML_SECURE, "testDomainSaveImageGetXMLDesc")
        return document(self._image(file), flags)

    def domain_save_image_define_xml(self, file: str, dxml: str, flags: int = 0) -> None:
        from pyvirsh.backend.conf.domain.views import document
        from pyvirsh.backend.test.prepare import parse_definition

        exclusive(flags, _RUNNING, _PAUSED)
        allowed(flags, 6, "testDomainSaveImageDefineXML")
        path = absolute(file)
        read_image(path)
        model = parse_definition(dxml, self.world)
        try:
            write_image(path, document(model, c.DOMAIN_XML_SECURE))
        except OSError as error:
            detail = f"saving domain '{model.name}' to '{path}': open failed: {error.strerror}"
            raise VirError(SYSTEM_ERROR, detail) from error

    # -- managed save ------------------------------------------------------------------------------

    def domain_managed_save(self, dom: DomainRef, flags: int = 0) -> None:
        exclusive(flags, _RUNNING, _PAUSED)
        allowed(flags, 7, "testDomainManagedSave")
        guest = self.running(dom)
        if not guest.persistent:
            raise VirError(OPERATION_INVALID, "cannot do managed save for transient domain")
        finish(guest, c.DOMAIN_SHUTOFF_SAVED, c.DOMAIN_EVENT_STOPPED_SAVED)
        guest.managed_save = True

    def domain_has_managed_save_image(self, dom: DomainRef, flags: int = 0) -> bool:
        allowed(flags, 0, "testDomainHasManagedSaveImage")
        return self.guest(dom).managed_save

    def domain_managed_save_remove(self, dom: DomainRef, flags: int = 0) -> None:
        allowed(flags, 0, "testDomainManagedSaveRemove")
        self.guest(dom).managed_save = False

    # -- core dumps --------------------------------------------------------------------------------

    def domain_core_dump(self, dom: DomainRef, to: str, flags: int = 0) -> None:
        self.domain_core_dump_with_format(dom, to, c.DOMAIN_CORE_DUMP_FORMAT_RAW, flags)

    def domain_core_dump_with_format(self, dom: DomainRef, to: str, dumpformat: int, flags: int = 0) -> None:
        exclusive(flags, _CRASH, _LIVE)
        exclusive(flags, _CRASH, _RESET)
        exclusive(flags, _LIVE, _RESET)
        allowed(flags, c.DUMP_CRASH, "testDomainCoreDumpWithFormat")
        guest = self.running(dom)
        if dumpformat != c.DOMAIN_CORE_DUMP_FORMAT_RAW:
            raise VirError(OPERATION_INVALID, "kdump-compressed format is not supported here")
        self._dump(guest, absolute(to))
        if flags & c.DUMP_CRASH:
            finish(guest, c.DOMAIN_SHUTOFF_CRASHED, c.DOMAIN_EVENT_STOPPED_CRASHED)

    def _dump(self, guest: Guest, path: str) -> None:
        try:
            _write(path, MAGIC)
        except OSError as error:
            detail = f"domain '{guest.name}' coredump: failed to open {path}: {error.strerror}"
            raise VirError(SYSTEM_ERROR, detail) from error


# -- files -------------------------------------------------------------------------------------------


def absolute(path: str) -> str:
    """Return a path from the root, otherwise as it was written."""
    return path if path.startswith("/") else f"{os.getcwd()}/{path}"


def write_image(path: str, document: str) -> None:
    """Write a saved domain."""
    data = document.encode("utf-8", "surrogateescape")
    _write(path, MAGIC + len(data).to_bytes(4, "little") + data)


def _write(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)


def read_image(path: str) -> str:
    """Return the XML of a saved domain.  Errors: SYSTEM_ERROR, INTERNAL_ERROR."""
    try:
        # Not open(), which refuses directories before they are read.
        file = FileIO(os.open(path, os.O_RDONLY | os.O_CLOEXEC), "rb")
    except OSError as error:
        detail = f"cannot read domain image '{path}': {error.strerror}"
        raise VirError(SYSTEM_ERROR, detail) from error
    with file:
        magic = _read(file, len(MAGIC), f"incomplete save header in '{path}'")
        if magic != MAGIC:
            raise VirError(INTERNAL_ERROR, "mismatched header magic")
        size = int.from_bytes(_read(file, 4, f"failed to read metadata length in '{path}'"), "little")
        if not 0 < size <= _XML_MAX:
            raise VirError(INTERNAL_ERROR, "length of metadata out of range")
        return _read(file, size, f"incomplete metadata in '{path}'").decode("utf-8", "surrogateescape")


def _read(file: "FileIO", size: int, failure: str) -> bytes:
    """Read `size` bytes.  Errors: SYSTEM_ERROR with the reason behind `failure`."""
    try:
        data = file.read(size)
    except OSError as error:
        raise VirError(SYSTEM_ERROR, f"{failure}: {error.strerror}") from error
    if len(data) < size:
        raise VirError(SYSTEM_ERROR, f"{failure}: Success")
    return data
