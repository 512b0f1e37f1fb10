"""What a test domain answers in place of a guest agent, and what is typed into it."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed, not_zero
from pyvirsh.backend.errors import INTERNAL_ERROR, INVALID_ARG, OPERATION_INVALID, VirError
from pyvirsh.backend.test import keys
from pyvirsh.backend.test.base import TestBase

_MOUNT_POINTS = ("/", "/boot")


class GuestAgent(TestBase):
    """Answers of a guest."""

    def domain_get_hostname(self, dom: DomainRef, flags: int = 0) -> str:
        allowed(flags, 0, "testDomainGetHostname")
        guest = self.running(dom)
        return f"{guest.name}host"

    def domain_get_time(self, dom: DomainRef, flags: int = 0) -> "tuple[int, int]":
        allowed(flags, 0, "testDomainGetTime")
        guest = self.running(dom)
        if guest.state != c.DOMAIN_RUNNING:
            raise VirError(OPERATION_INVALID, "domain is not running")
        return guest.time

    def domain_set_time(self, dom: DomainRef, seconds: int, nseconds: int, flags: int = 0) -> None:
        allowed(flags, c.DOMAIN_TIME_SYNC, "testDomainSetTime")
        self.running(dom).time = (seconds, nseconds)

    def domain_get_fsinfo(self, dom: DomainRef, flags: int = 0) -> "list[tuple[str, str, str, list[str]]]":
        allowed(flags, 0, "testDomainGetFSInfo")
        disks = self.running(dom).live.model.devices.disks
        if not disks:
            return []
        name = disks[0].target_dev or ""
        return [(mount, f"{name}{at}", "ext4", [name]) for at, mount in enumerate(_MOUNT_POINTS, 1)]

    def domain_fsfreeze(self, dom: DomainRef, mountpoints: "list[str]", flags: int = 0) -> int:
        allowed(flags, 0, "testDomainFSFreeze")
        frozen = self.running(dom).frozen
        before = len(frozen)
        for mount_point in mountpoints or _MOUNT_POINTS:
            frozen.add(_known(mount_point))
        return len(frozen) - before

    def domain_fsthaw(self, dom: DomainRef, mountpoints: "list[str]", flags: int = 0) -> int:
        allowed(flags, 0, "testDomainFSThaw")
        frozen = self.running(dom).frozen
        before = len(frozen)
        for mount_point in mountpoints or _MOUNT_POINTS:
            frozen.discard(_known(mount_point))
        return before - len(frozen)

    def domain_fstrim(self, dom: DomainRef, mount_point: "str | None", minimum: int, flags: int = 0) -> None:
        allowed(flags, 0, "testDomainFSTrim")
        self.running(dom)
        if mount_point is not None:
            _known(mount_point)

    def domain_set_user_password(
        self, dom: DomainRef, user: "str | None", password: "str | None", flags: int = 0
    ) -> None:
        allowed(flags, c.DOMAIN_PASSWORD_ENCRYPTED, "testDomainSetUserPassword")
        self.running(dom)

    # -- typed into it -----------------------------------------------------------------------------

    def domain_send_key(
        self, dom: DomainRef, codeset: int, holdtime: int, keycodes: "list[int]", flags: int = 0
    ) -> None:
        allowed(flags, 0, "testDomainSendKey")
        self.running(dom)
        for code in keycodes:
            if code not in keys.known(codeset):
                detail = f"invalid keycode {code} of {keys.name_of(codeset)} codeset"
                raise VirError(INTERNAL_ERROR, detail)

    def domain_inject_nmi(self, dom: DomainRef, flags: int = 0) -> None:
        allowed(flags, 0, "testDomainInjectNMI")
        self.running(dom)

    def domain_send_process_signal(self, dom: DomainRef, pid_value: int, signum: int, flags: int = 0) -> None:
        allowed(flags, 0, "testDomainSendProcessSignal")
        not_zero(pid_value, "pid_value", "virDomainSendProcessSignal")
        self.guest(dom)
        if pid_value != 1:
            raise VirError(INVALID_ARG, "only sending a signal to pid 1 is supported")
        if not 0 <= signum <= c.DOMAIN_PROCESS_SIGNAL_RT32:
            raise VirError(INVALID_ARG, f"signum value {signum} is out of range")


def _known(mount_point: str) -> str:
    """Return a mount point that the guest has.  Errors: OPERATION_INVALID for another."""
    if mount_point not in _MOUNT_POINTS:
        raise VirError(OPERATION_INVALID, f"mount point not found: {mount_point}")
    return mount_point
