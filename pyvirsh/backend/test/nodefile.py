"""Node files: a test host written down, for test:///FILE.

Elements of a host may be in files of their own, named by their ``file`` attribute relative to the node
file.  Kinds of objects beside domains are read by the module that has them; see `OBJECTS`.

Source: node files given to libvirt's test driver and what it made of them.
"""

import os
from importlib import import_module

from pyvirsh.backend import constants as c
from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.snapshot import parse_snapshot
from pyvirsh.backend.errors import (
    INTERNAL_ERROR,
    OPERATION_FAILED,
    SYSTEM_ERROR,
    XML_DETAIL,
    XML_ERROR,
    VirError,
)
from pyvirsh.backend.test.definitions import find_same
from pyvirsh.backend.test.guest import Definition, Guest
from pyvirsh.backend.test.iothreads import NEW_THREAD, thread_ids
from pyvirsh.backend.test.prepare import parse_element, parse_part
from pyvirsh.backend.test.world import DEFAULT_NODE, NodeInfo, World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE = "http://libvirt.org/schemas/domain/test/1.0"
# Element of a node file -> module with load(world, element).  Read in this order, after the domains.
OBJECTS: "dict[str, str]" = {
    "network": "pyvirsh.backend.test.network",
    "interface": "pyvirsh.backend.test.interface",
    "pool": "pyvirsh.backend.test.storage",
    "device": "pyvirsh.backend.test.nodedev",
}
_MODEL_MAX = 31
_STATE_NAMES = "no state,running,blocked,paused,shutdown,shutoff,crashed,pmsuspended".split(",")


def load(path: str) -> World:
    """Make the host that a node file describes.

    Errors: SYSTEM_ERROR for a file that cannot be read; XML_ERROR, XML_DETAIL and whatever the parsers
    of its objects raise.
    """
    root = read(path)
    if root.tag != "node":
        raise VirError(XML_ERROR, f"expecting root element of 'node', not '{xml.local_name(root)}'")
    world = World()
    world.cells = []
    world.node = _node_info(root)
    for element in _elements(root, "domain", path):
        _add_domain(world, element, path)
    for tag, module in OBJECTS.items():
        for element in _elements(root, tag, path):
            _fetch(element, "volume", path)
            import_module(module).load(world, element)
    world.users = _users(root)
    return world


def read(path: str) -> xml.Element:
    """Parse a file.  Errors: SYSTEM_ERROR, XML_DETAIL with the file's name and the line."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        failed = "read" if isinstance(error, IsADirectoryError) else "open"
        raise VirError(SYSTEM_ERROR, f"Failed to {failed} file '{path}': {error.strerror}") from error
    try:
        return xml.parse(data)
    except VirError as error:
        if error.code != XML_DETAIL:
            raise
        raise VirError(XML_DETAIL, error.text.replace("at line ", f"{path}:", 1)) from error


def _elements(root: xml.Element, tag: str, path: str) -> "Iterator[xml.Element]":
    """Yield the elements of a kind; those in files of their own are read there."""
    for element in xml.children(root):
        if xml.local_name(element) != tag:
            continue
        file = element.get("file")
        if file is None:
            yield element
            continue
        found = read(os.path.join(os.path.dirname(path), file))
        if found.tag != tag:
            name = xml.local_name(found)
            raise VirError(XML_ERROR, f"expecting root element of '{tag}', not '{name}'")
        yield found


def _fetch(element: xml.Element, tag: str, path: str) -> None:
    """Put what stands in files of its own into an element."""
    for old, new in zip(element.findall(tag), list(_elements(element, tag, path)), strict=True):
        if old is not new:
            element.replace(old, new)


# -- the node ----------------------------------------------------------------------------------------


def _node_info(root: xml.Element) -> NodeInfo:
    model, memory, _, mhz, nodes, sockets, cores, threads = DEFAULT_NODE
    nodes = _number(root, "cpu/nodes", "node cpu nodes", nodes)
    sockets = _number(root, "cpu/sockets", "node cpu sockets", sockets)
    cores = _number(root, "cpu/cores", "node cpu cores", cores)
    threads = _number(root, "cpu/threads", "node cpu threads", threads)
    cpus = _number(root, "cpu/active", "node cpu active", nodes * sockets * cores * threads)
    mhz = _number(root, "cpu/mhz", "node cpu mhz", mhz)
    model = root.findtext("cpu/model") or model
    if len(model) > _MODEL_MAX:
        raise VirError(INTERNAL_ERROR, f"Model {model} too big for destination")
    memory = _number(root, "memory", "node memory", memory)
    return model, memory, cpus, mhz, nodes, sockets, cores, threads


def _number(root: xml.Element, path: str, what: str, default: int) -> int:
    text = root.findtext(path)
    if not text:
        return default
    if not (text.strip().isascii() and text.strip().isdigit()):
        raise VirError(XML_ERROR, f"invalid {what} value")
    return int(text)


def _users(root: xml.Element) -> "dict[str, str]":
    """Return who may open the host: password by name; nobody is asked when it is empty."""
    users = {}
    for user in root.iterfind("auth/user"):
        if not user.text:
            raise VirError(XML_ERROR, "missing username in /node/auth/user field")
        users[user.text] = user.get("password") or ""
    return users


# -- domains -----------------------------------------------------------------------------------------


def _add_domain(world: World, element: xml.Element, path: str) -> None:
    model = parse_element(element, world)
    known = find_same(world, model)
    assert model.uuid is not None
    if known is not None:
        detail = f"domain '{known.name}' already exists with uuid {known.uuid}"
        raise VirError(OPERATION_FAILED, detail)
    guest = Guest(world, model.name, model.uuid, Definition(model))
    guest.persistent = element.find(f"{{{NAMESPACE}}}transient") is None
    guest.managed_save = element.find(f"{{{NAMESPACE}}}hasmanagedsave") is not None
    state = _run_state(element, guest)
    world.add(guest)
    if state != c.DOMAIN_SHUTOFF:
        guest.run(0)
        guest.state = state
        guest.polling = [(number, *NEW_THREAD) for number in thread_ids(model)]
    _add_snapshots(world, guest, element, path)


def _run_state(element: xml.Element, guest: Guest) -> int:
    """Return the state a domain is in.  Errors: XML_ERROR for one it cannot be in."""
    text = element.findtext(f"{{{NAMESPACE}}}runstate") or str(c.DOMAIN_RUNNING)
    if not (text.isascii() and text.isdigit()):
        raise VirError(XML_ERROR, "invalid runstate")
    state = int(text)
    if state >= len(_STATE_NAMES):
        raise VirError(XML_ERROR, f"runstate '{state}' out of range'")
    if state == c.DOMAIN_SHUTOFF and not guest.persistent:
        raise VirError(XML_ERROR, "transient domain cannot have runstate 'shutoff'")
    if state != c.DOMAIN_SHUTOFF and guest.managed_save:
        detail = "domain with managedsave data can only have runstate 'shutoff'"
        raise VirError(XML_ERROR, detail)
    return state


def _add_snapshots(world: World, guest: Guest, element: xml.Element, path: str) -> None:
    for found in _elements(element, "domainsnapshot", path):
        snapshot = parse_snapshot(
            found, world.seconds(), redefine=True, make_domain=lambda one: parse_part(one, world)
        )
        active = found.findtext("active") or ""
        if not active.strip().lstrip("+-").isdigit():
            raise VirError(INTERNAL_ERROR, "Could not find 'active' element")
        moment = guest.snapshots.add(snapshot.name, snapshot, None)
        if int(active):
            if guest.snapshots.current is not None:
                raise VirError(INTERNAL_ERROR, "more than one snapshot claims to be active")
            guest.snapshots.current = moment
    if guest.has_snapshots:
        _join(guest)


def _join(guest: Guest) -> None:
    """Put snapshots below their parents.  Errors: INTERNAL_ERROR when that makes no tree."""
    for moment in guest.snapshots.all():
        assert moment.definition is not None
        try:
            guest.snapshots.check_parent(moment.name, moment.definition.parent)
        except VirError as error:
            detail = f"Snapshots have inconsistent relations for domain {guest.name}"
            raise VirError(INTERNAL_ERROR, detail) from error
        guest.snapshots.move(moment, moment.definition.parent)
