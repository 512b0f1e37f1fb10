"""Work on a domain that takes its time: this driver does none in the background, so there is none to see.

Source: libvirt API, virDomainGetJobStats and its kin; texts as observed of its QEMU driver.
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef, TypedParam
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.errors import OPERATION_INVALID, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.qemu.driver import QemuDriver

# type, elapsed, remaining, and total, processed, remaining of data, memory and files
JobInfo = tuple[int, int, int, int, int, int, int, int, int, int, int, int]


def domain_get_job_info(driver: "QemuDriver", dom: DomainRef) -> JobInfo:
    driver.guest(dom)
    return (c.DOMAIN_JOB_NONE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def domain_get_job_stats(
    driver: "QemuDriver", dom: DomainRef, flags: int = 0
) -> "tuple[int, list[TypedParam]]":
    allowed(flags, c.DOMAIN_JOB_STATS_COMPLETED | c.DOMAIN_JOB_STATS_KEEP_COMPLETED, "qemuDomainGetJobStats")
    if flags & c.DOMAIN_JOB_STATS_COMPLETED:
        driver.check_exists(dom)
    else:
        driver.guest(dom)
    return c.DOMAIN_JOB_NONE, []


def domain_abort_job(driver: "QemuDriver", dom: DomainRef) -> None:
    domain_abort_job_flags(driver, dom)


def domain_abort_job_flags(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> None:
    allowed(flags, c.DOMAIN_ABORT_JOB_POSTCOPY, "qemuDomainAbortJobFlags")
    driver.guest(dom)
    raise VirError(OPERATION_INVALID, "no job is active on the domain")
