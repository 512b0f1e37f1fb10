"""Guests started from their definitions, or from definitions that live only as long as they run.

Source: libvirt API, virDomainCreateWithFlags and virDomainCreateXML; texts as observed of its QEMU driver.
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.errors import ARGUMENT_UNSUPPORTED, OPERATION_INVALID, VirError
from pyvirsh.backend.qemu import plans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.qemu.driver import QemuDriver

START_FLAGS = (
    c.DOMAIN_START_PAUSED
    | c.DOMAIN_START_AUTODESTROY
    | c.DOMAIN_START_BYPASS_CACHE
    | c.DOMAIN_START_FORCE_BOOT
    | c.DOMAIN_START_VALIDATE
    | c.DOMAIN_START_RESET_NVRAM
)


def domain_create(driver: "QemuDriver", dom: DomainRef) -> None:
    domain_create_with_flags(driver, dom)


def domain_create_with_flags(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> DomainRef:
    allowed(flags, START_FLAGS & ~c.DOMAIN_START_VALIDATE, "qemuDomainCreateWithFlags")
    with driver.hold(dom.uuid, "start") as lock:
        if driver.running(dom.uuid) is not None:
            raise VirError(OPERATION_INVALID, "domain is already running")
        if not flags & c.DOMAIN_START_RESET_NVRAM:
            started = plans.start(driver, dom, lock, flags)
            if started is not None:
                return started
        from pyvirsh.backend.qemu import starting

        return starting.start(driver, driver.definition(dom), lock, flags)


def domain_create_with_files(
    driver: "QemuDriver", dom: DomainRef, fds: "list[int]", flags: int = 0
) -> DomainRef:
    if fds:
        raise VirError(
            ARGUMENT_UNSUPPORTED, "QEMU guests have no init that file descriptors could be passed to"
        )
    return domain_create_with_flags(driver, dom, flags)


def domain_create_xml(driver: "QemuDriver", xml_desc: str, flags: int = 0) -> DomainRef:
    from pyvirsh.backend.qemu import define, starting

    allowed(flags, START_FLAGS, "qemuDomainCreateXML")
    domain = define.read(driver, xml_desc)
    uuid = str(domain.uuid)
    with driver.hold(uuid, "create") as lock:
        define.check_identity(driver, domain)
        if driver.running(uuid) is not None:
            raise VirError(OPERATION_INVALID, f"domain '{domain.name}' is already active")
        defined = driver.store.exists(uuid)
        driver.store.claim(domain.name, uuid)
        try:
            return starting.start(driver, domain, lock, flags)
        except BaseException:
            if not defined:
                driver.store.release(domain.name, uuid)
            raise


def domain_create_xml_with_files(
    driver: "QemuDriver", xml_desc: str, fds: "list[int]", flags: int = 0
) -> DomainRef:
    if fds:
        raise VirError(
            ARGUMENT_UNSUPPORTED, "QEMU guests have no init that file descriptors could be passed to"
        )
    return domain_create_xml(driver, xml_desc, flags)
