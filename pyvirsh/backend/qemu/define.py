"""Definitions: made, replaced, renamed, removed.

Source: libvirt API, virDomainDefineXMLFlags and its kin; texts as observed of its QEMU driver.
"""

import os

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.conf.domain import format_domain, parse_domain
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    INVALID_ARG,
    OPERATION_FAILED,
    OPERATION_INVALID,
    VirError,
)
from pyvirsh.backend.qemu import autostart, kept, live, livexml, probe, validate
from pyvirsh.backend.qemu.driver import no_domain
from pyvirsh.backend.qemu.events import announce

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.locks import Lock
    from pyvirsh.backend.qemu.driver import QemuDriver

# What the kernel takes, less the byte that ends it.
SOCKET_PATH_MAX = 107


def check_flags(flags: int, allowed: int, function: str) -> None:
    """Refuse flags a call does not have.  Errors: INVALID_ARG, in libvirt's words."""
    unknown = flags & ~allowed
    if unknown:
        raise VirError(INVALID_ARG, f"unsupported flags (0x{unknown:x}) in function {function}")


# -- reading a definition ----------------------------------------------------------------------------


def read(driver: "QemuDriver", xml: str) -> "Domain":
    """Parse, complete and check a definition from outside.  Errors: XML_ERROR and others."""
    domain = parse_domain(xml)
    livexml.drop_places(domain)
    complete(driver, domain)
    return domain


def complete(driver: "QemuDriver", domain: "Domain") -> None:
    """Fill in what a definition leaves open and check it."""
    from pyvirsh.backend.qemu import defaults

    facts, host = driver.facts(emulator_of(domain)), driver.host()
    defaults.complete(domain, facts, host, new_uuid=new_uuid, new_mac=new_mac)
    validate.check(domain, facts, host, for_start=False)
    check_sockets(domain)


def check_sockets(domain: "Domain") -> None:
    """Refuse UNIX sockets whose paths no socket can have.  Errors: CONFIG_UNSUPPORTED, naming the element."""
    devices = domain.devices
    groups = (devices.serials, devices.parallels, devices.consoles, devices.channels, devices.redirdevs)
    paths = [(one.tag, peer.path) for group in groups for one in group for peer in one.source.peers]
    for graphics in devices.graphics:
        paths += [(graphics.tag, graphics.socket), *((one.tag, one.socket) for one in graphics.listens)]
    for tag, path in paths:
        if path is not None and len(os.fsencode(path)) > SOCKET_PATH_MAX:
            detail = f"UNIX socket path '{path}' too long in element '{tag}'"
            raise VirError(CONFIG_UNSUPPORTED, f"{detail}: at most {SOCKET_PATH_MAX} bytes are possible")


def emulator_of(domain: "Domain") -> str:
    """Return the QEMU program a definition asks for, or the usual one of its architecture."""
    return domain.devices.emulator or probe.emulator(domain.os.arch or os.uname().machine)


def new_uuid() -> str:
    """Return a random UUID (RFC 4122, version 4)."""
    data = bytearray(os.urandom(16))
    data[6] = data[6] & 0x0F | 0x40
    data[8] = data[8] & 0x3F | 0x80
    text = data.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_mac() -> str:
    """Return a random MAC address in QEMU's range."""
    return "52:54:00:" + os.urandom(3).hex(":")


# -- define --------------------------------------------------------------------------------------------


def domain_define_xml(driver: "QemuDriver", xml: str) -> DomainRef:
    return domain_define_xml_flags(driver, xml)


def domain_define_xml_flags(driver: "QemuDriver", xml: str, flags: int = 0) -> DomainRef:
    check_flags(flags, c.DOMAIN_DEFINE_VALIDATE, "qemuDomainDefineXMLFlags")
    from pyvirsh.backend.qemu import foreseen

    domain = read(driver, xml)
    assert domain.uuid is not None
    with driver.hold(domain.uuid, "define") as lock:
        dom = define(driver, domain, lock)
        foreseen.decide(driver, domain)
        return dom


def define(driver: "QemuDriver", domain: "Domain", lock: "Lock") -> DomainRef:
    """Make a completed definition persistent; the caller holds the object's lock."""
    uuid = str(domain.uuid)
    check_identity(driver, domain)
    config = format_domain(domain).encode("utf-8", "surrogateescape")
    existed = driver.store.exists(uuid)
    if existed:
        driver.store.write(uuid, config)
    else:
        driver.store.create(uuid, domain.name, config)
    guest = driver.running(uuid)
    dom = DomainRef(domain.name, uuid, guest.id if guest else -1)
    detail = c.DOMAIN_EVENT_DEFINED_UPDATED if existed else c.DOMAIN_EVENT_DEFINED_ADDED
    announce(driver, dom, (c.DOMAIN_EVENT_DEFINED, detail))
    return dom


def check_identity(driver: "QemuDriver", domain: "Domain") -> None:
    """Refuse a name that another UUID has, or a UUID that another name has.  Errors: OPERATION_FAILED."""
    uuid = str(domain.uuid)
    holder = driver.store.uuid_of(domain.name)
    if holder is not None and holder != uuid:
        raise driver.store.taken(domain.name, holder)
    known = driver.ref(uuid)
    if known is not None and known.name != domain.name:
        raise VirError(OPERATION_FAILED, f"domain '{known.name}' is already defined with uuid {uuid}")


# -- undefine ------------------------------------------------------------------------------------------

UNDEFINE_FLAGS = (
    c.DOMAIN_UNDEFINE_MANAGED_SAVE
    | c.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | c.DOMAIN_UNDEFINE_NVRAM
    | c.DOMAIN_UNDEFINE_KEEP_NVRAM
    | c.DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | c.DOMAIN_UNDEFINE_TPM
    | c.DOMAIN_UNDEFINE_KEEP_TPM
)


def domain_undefine(driver: "QemuDriver", dom: DomainRef) -> None:
    domain_undefine_flags(driver, dom)


def domain_undefine_flags(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> None:
    check_flags(flags, UNDEFINE_FLAGS, "qemuDomainUndefineFlags")
    _check_exclusive(
        flags, c.DOMAIN_UNDEFINE_NVRAM, c.DOMAIN_UNDEFINE_KEEP_NVRAM, "VIR_DOMAIN_UNDEFINE_KEEP_NVRAM"
    )
    _check_exclusive(flags, c.DOMAIN_UNDEFINE_TPM, c.DOMAIN_UNDEFINE_KEEP_TPM, "VIR_DOMAIN_UNDEFINE_KEEP_TPM")
    lock = driver.hold(dom.uuid, "undefine").acquire()
    gone = False
    try:
        guest = driver.running(dom.uuid)
        if not driver.store.exists(dom.uuid):
            if guest is None:
                gone = True
                raise no_domain(dom)
            raise VirError(OPERATION_INVALID, "cannot undefine transient domain")
        domain = driver.definition(dom)
        _check_kept(driver, dom, guest, flags)
        _remove_state(driver, domain, guest, flags)
        autostart.forget(driver, dom)
        driver.store.remove(dom.uuid, domain.name, keep_name=guest is not None)
        gone = guest is None
        if gone:
            _forget_last(driver, dom.uuid)
        announce(driver, dom, (c.DOMAIN_EVENT_UNDEFINED, c.DOMAIN_EVENT_UNDEFINED_REMOVED))
    finally:
        lock.release(remove=gone)


def _check_exclusive(flags: int, first: int, second: int, name: str) -> None:
    if flags & first and flags & second:
        other = name.replace("KEEP_", "")
        detail = f"flags in qemuDomainUndefineFlags: {other} and {name} are mutually exclusive"
        raise VirError(INVALID_ARG, detail)


def _check_kept(driver: "QemuDriver", dom: DomainRef, guest: "live.Guest | None", flags: int) -> None:
    """Refuse to lose a saved state, snapshots or checkpoints that the caller has not named."""
    for directory, flag, what in (
        (kept.SNAPSHOTS, c.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA, "snapshots"),
        (kept.CHECKPOINTS, c.DOMAIN_UNDEFINE_CHECKPOINTS_METADATA, "checkpoints"),
    ):
        count = kept.count(driver, dom.uuid, directory)
        if guest is None and count and not flags & flag:
            raise VirError(OPERATION_INVALID, f"cannot delete inactive domain with {count} {what}")
    saved = os.path.exists(kept.managed_save_path(driver, dom.uuid))
    if saved and not flags & c.DOMAIN_UNDEFINE_MANAGED_SAVE:
        raise VirError(OPERATION_INVALID, "Refusing to undefine while domain managed save image exists")


def _remove_state(driver: "QemuDriver", domain: "Domain", guest: "live.Guest | None", flags: int) -> None:
    """Remove NVRAM, TPM state and saved state as the flags say; refuse to leave an NVRAM unasked."""
    from pyvirsh.backend.durable import remove_tree

    nvram = domain.os.nvram
    if nvram is not None and nvram.path and os.path.exists(nvram.path):
        if not flags & (c.DOMAIN_UNDEFINE_NVRAM | c.DOMAIN_UNDEFINE_KEEP_NVRAM):
            raise VirError(OPERATION_INVALID, "cannot undefine domain with nvram")
        if flags & c.DOMAIN_UNDEFINE_NVRAM:
            _unlink(nvram.path)
    if guest is None and not flags & c.DOMAIN_UNDEFINE_KEEP_TPM:
        remove_tree(f"{driver.roots.state}/swtpm/{domain.uuid}")
    if flags & c.DOMAIN_UNDEFINE_MANAGED_SAVE:
        _unlink(kept.managed_save_path(driver, str(domain.uuid)))


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise VirError(OPERATION_FAILED, f"failed to remove '{path}': {error.strerror}") from error


def _forget_last(driver: "QemuDriver", uuid: str) -> None:
    """Drop what is known of a guest's last run and kept for the next."""
    runtime = driver.roots.runtime()
    if runtime:
        _unlink(f"{runtime}/last/{uuid}")
        _unlink(f"{runtime}/plans/{uuid}")


# -- rename --------------------------------------------------------------------------------------------


def domain_rename(driver: "QemuDriver", dom: DomainRef, new_name: "str | None", flags: int = 0) -> int:
    check_flags(flags, 0, "qemuDomainRename")
    name = str(new_name)
    validate.check_name(name)
    with driver.hold(dom.uuid, "rename"):
        if driver.running(dom.uuid) is not None:
            raise VirError(OPERATION_INVALID, "cannot rename active domain")
        domain = driver.definition(dom)
        old = domain.name
        if old == name:
            raise VirError(OPERATION_INVALID, "Can't rename domain to itself")
        if os.path.exists(kept.managed_save_path(driver, dom.uuid)):
            raise VirError(OPERATION_INVALID, "domain with a managed saved state can't be renamed")
        for directory, what in ((kept.SNAPSHOTS, "snapshot"), (kept.CHECKPOINTS, "checkpoint")):
            if kept.count(driver, dom.uuid, directory):
                raise VirError(OPERATION_INVALID, f"cannot rename domain with {what}s")
        domain.name = name
        config = format_domain(domain).encode("utf-8", "surrogateescape")
        driver.store.rename(dom.uuid, old, name, config)
        if autostart.is_marked(driver, dom):
            autostart.write_unit(driver, DomainRef(name, dom.uuid, -1))
    announce(driver, dom, (c.DOMAIN_EVENT_UNDEFINED, c.DOMAIN_EVENT_UNDEFINED_RENAMED))
    announce(driver, DomainRef(name, dom.uuid, -1), (c.DOMAIN_EVENT_DEFINED, c.DOMAIN_EVENT_DEFINED_RENAMED))
    return 0


# -- other forms -----------------------------------------------------------------------------------------


def connect_domain_xml_to_native(
    driver: "QemuDriver", native_format: str, domain_xml: str, flags: int = 0
) -> str:
    from pyvirsh.backend.qemu import native

    check_flags(flags, 0, "qemuConnectDomainXMLToNative")
    native.check_format(native_format)
    domain = read(driver, domain_xml)
    return native.to_argv(domain, driver.facts(emulator_of(domain)), driver.host(), driver.roots.state)
