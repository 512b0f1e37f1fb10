"""The few figures that dominfo and lists show of a definition, without parsing it whole.

The documents are our own: one element a line, indented by two spaces for each level.  Metadata, the
only part that others word, stands before all of it and is left out.
"""

from pyvirsh.backend.durable import read_file
from pyvirsh.backend.errors import OPERATION_INVALID, VirError
from pyvirsh.backend.qemu import live

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef
    from pyvirsh.backend.qemu.driver import QemuDriver


class Glance:
    """A definition's figures: memory in KiB, virtual CPUs, the kind of guest."""

    __slots__ = ("memory", "current_memory", "vcpus", "online", "os_type")

    def __init__(self, data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        text = text[text.rfind("\n  </metadata>\n") + 1 :]
        self.memory = int(_content(text, "memory", 1) or 0)
        self.current_memory = int(_content(text, "currentMemory", 1) or 0) or self.memory
        self.vcpus = int(_content(text, "vcpu", 1) or 1)
        current = _head(text, "vcpu", 1).partition(" current='")[2].partition("'")[0]
        self.online = int(current) if current else self.vcpus
        self.os_type = _content(text, "type", 2) or "hvm"
        if not _head(text, "memballoon", 2) or " model='none'" in _head(text, "memballoon", 2):
            self.current_memory = self.memory


def _place(text: str, tag: str, depth: int) -> int:
    """Return where an element's line begins; -1 if there is none."""
    indent = "\n" + "  " * depth + "<" + tag
    at = text.find(indent)
    while at >= 0 and text[at + len(indent) : at + len(indent) + 1] not in (" ", ">", "/"):
        at = text.find(indent, at + 1)
    return at


def _head(text: str, tag: str, depth: int) -> str:
    """Return an element's start tag; "" if there is none."""
    at = _place(text, tag, depth)
    return text[at : text.find(">", at)] if at >= 0 else ""


def _content(text: str, tag: str, depth: int) -> str:
    """Return an element's text; "" if there is none."""
    at = _place(text, tag, depth)
    if at < 0:
        return ""
    start = text.find(">", at) + 1
    return text[start : text.find("<", start)]


def at(driver: "QemuDriver", dom: "DomainRef") -> "tuple[Glance, live.Guest | None]":
    """Return the figures of a running guest and the guest, or those of the definition and None."""
    guest = driver.running(dom.uuid)
    if guest is None:
        data = driver.store.read(dom.uuid)
        if data is None:
            driver.check_exists(dom)
        return Glance(data or b""), None
    data = read_file(guest.file(live.LIVE_XML))
    if data is None:
        raise VirError(OPERATION_INVALID, "domain is not running")
    found = Glance(data)
    for words in guest.facts():
        if words[0] == "balloon":
            found.current_memory = int(words[1])
    return found, guest
