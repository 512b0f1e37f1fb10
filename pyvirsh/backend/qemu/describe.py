"""A domain's document, title, description and metadata; autostart.

Source: libvirt API, virDomainGetXMLDesc, virDomainSetMetadata; texts as observed.
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed, invalid, no_metadata
from pyvirsh.backend.errors import OPERATION_DENIED, OPERATION_INVALID, VirError
from pyvirsh.backend.qemu import autostart, livexml
from pyvirsh.backend.qemu.change import Change
from pyvirsh.backend.qemu.driver import AUTOSTART, ONCE
from pyvirsh.backend.qemu.events import announce
from pyvirsh.backend.qemu.info import chosen
from pyvirsh.backend.store import heading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.qemu.driver import QemuDriver
    from pyvirsh.backend.qemu.live import Guest

XML_FLAGS = c.DOMAIN_XML_SECURE | c.DOMAIN_XML_INACTIVE | c.DOMAIN_XML_UPDATE_CPU | c.DOMAIN_XML_MIGRATABLE


def domain_get_xml_desc(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> str:
    allowed(flags, XML_FLAGS, "qemuDomainGetXMLDesc")
    if flags & c.DOMAIN_XML_SECURE and driver.read_only:
        raise VirError(OPERATION_DENIED, "virDomainGetXMLDesc with secure flag")
    guest = driver.running(dom.uuid)
    if flags & c.DOMAIN_XML_INACTIVE and driver.store.exists(dom.uuid):
        guest = None
    domain = driver.live_definition(guest) if guest is not None else driver.definition(dom)
    if guest is not None and not flags & (c.DOMAIN_XML_INACTIVE | c.DOMAIN_XML_MIGRATABLE):
        _describe_cpu(driver, domain, guest)
    if guest is not None and flags & (c.DOMAIN_XML_INACTIVE | c.DOMAIN_XML_MIGRATABLE):
        from pyvirsh.backend.conf.domain.filling import inactive

        inactive.strip(domain)
        livexml.drop_places(domain)
        for graphics in domain.devices.graphics:
            if graphics.type == "vnc" and graphics.port is None and graphics.autoport == "yes":
                graphics.port = -1
        guest = None
    from pyvirsh.backend.conf.domain import views

    return views.document(domain, flags, guest.id if guest is not None else -1)


def _describe_cpu(driver: "QemuDriver", domain: "Domain", guest: "Guest") -> None:
    """Have a running guest's document say what its CPUs are, where it has been found out."""
    from pyvirsh.backend.qemu import livecpu

    if domain.cpu is not None and domain.cpu.mode == "host-model":
        from pyvirsh.backend.qemu import cpumodel, define
        from pyvirsh.backend.qemu.argv.machine import accelerator

        facts = driver.facts(define.emulator_of(domain))
        domain.cpu = cpumodel.expand(domain.cpu, facts, accelerator(domain.type))
    if domain.cpu is not None and domain.cpu.mode == "custom":
        livecpu.describe(domain.cpu, guest.facts())


# -- title, description, metadata ------------------------------------------------------------------------


def domain_get_metadata(
    driver: "QemuDriver", dom: DomainRef, type: int, uri: "str | None", flags: int = 0
) -> str:
    allowed(flags, c.DOMAIN_AFFECT_LIVE | c.DOMAIN_AFFECT_CONFIG, "qemuDomainGetMetadata")
    if type == c.DOMAIN_METADATA_TITLE and not flags and driver.running(dom.uuid) is None:
        return _stored_title(driver, dom)
    domain, _ = chosen(driver, dom, flags)
    if type == c.DOMAIN_METADATA_TITLE:
        found = domain.title
    elif type == c.DOMAIN_METADATA_DESCRIPTION:
        found = domain.description
    else:
        from pyvirsh.backend.conf import metadata as kept

        found = kept.find(domain.metadata, str(uri))
    if found is None:
        raise no_metadata()
    return found


def _stored_title(driver: "QemuDriver", dom: DomainRef) -> str:
    """Return a title without parsing the whole definition, for lists of many domains."""
    data = driver.store.read(dom.uuid)
    if data is None:
        driver.check_exists(dom)
    title = heading(data or b"")[1]
    if title is None:
        raise no_metadata()
    return title


def domain_set_metadata(
    driver: "QemuDriver",
    dom: DomainRef,
    type: int,
    metadata: "str | None",
    key: "str | None",
    uri: "str | None",
    flags: int = 0,
) -> None:
    allowed(flags, c.DOMAIN_AFFECT_LIVE | c.DOMAIN_AFFECT_CONFIG, "qemuDomainSetMetadata")
    if type == c.DOMAIN_METADATA_TITLE and metadata and "\n" in metadata:
        raise invalid("metadata title can't contain newlines")
    with Change(driver, dom, flags, "set-metadata") as changed:
        for domain in changed.definitions:
            _set(domain, type, metadata or None, key, uri)
    announce(driver, dom, (type, uri), c.DOMAIN_EVENT_ID_METADATA_CHANGE)


def _set(domain: "Domain", type: int, text: "str | None", key: "str | None", uri: "str | None") -> None:
    if type == c.DOMAIN_METADATA_TITLE:
        domain.title = text
    elif type == c.DOMAIN_METADATA_DESCRIPTION:
        domain.description = text
    else:
        from pyvirsh.backend.conf import metadata as kept

        domain.metadata = kept.replace(domain.metadata, str(uri), key, text)


# -- autostart -------------------------------------------------------------------------------------------


def domain_set_autostart(driver: "QemuDriver", dom: DomainRef, autostart_on: int) -> None:
    _mark(driver, dom, AUTOSTART, on=bool(autostart_on))


def domain_set_autostart_once(driver: "QemuDriver", dom: DomainRef, autostart_on: int) -> None:
    _mark(driver, dom, ONCE, on=bool(autostart_on))


def _mark(driver: "QemuDriver", dom: DomainRef, which: str, *, on: bool) -> None:
    with driver.hold(dom.uuid, "autostart"):
        if not driver.store.exists(dom.uuid):
            driver.check_exists(dom)
            raise VirError(OPERATION_INVALID, "cannot set autostart for transient domain")
        autostart.mark(driver, dom, which, on=on)
