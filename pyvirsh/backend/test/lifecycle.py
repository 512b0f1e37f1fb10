"""Domains started, paused, rebooted and stopped."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed, not_zero
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, INVALID_ARG, VirError, unsupported
from pyvirsh.backend.test.base import AFFECT, TestBase
from pyvirsh.backend.test.definitions import admit
from pyvirsh.backend.test.guest import Guest

# What shall happen at shutdown and reboot: whether the domain goes on.
_GOES_ON = ("restart", "rename-restart")
# virDomainLifecycle and virDomainLifecycleAction, by number.
_EVENTS = ("poweroff", "reboot", "crash")
_ACTIONS = ("destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart")


def boot(guest: Guest) -> None:
    """Run a domain from the start."""
    guest.managed_save = False
    guest.run(c.DOMAIN_RUNNING_BOOTED)
    guest.tell(c.DOMAIN_EVENT_STARTED, c.DOMAIN_EVENT_STARTED_BOOTED)


def finish(guest: Guest, reason: int, detail: int) -> None:
    """Stop a domain and tell why: a shut-off reason and a detail of the stopped event."""
    guest.stop(reason)
    guest.tell(c.DOMAIN_EVENT_STOPPED, detail)


class Lifecycle(TestBase):
    """Start, stop and what is between."""

    def domain_create(self, dom: DomainRef) -> None:
        self.domain_create_with_flags(dom)

    def domain_create_with_flags(self, dom: DomainRef, flags: int = 0) -> DomainRef:
        allowed(flags, 0, "testDomainCreateWithFlags")
        guest = self.guest(dom)
        if guest.state != c.DOMAIN_SHUTOFF:
            raise VirError(INTERNAL_ERROR, f"Domain '{guest.name}' is already running")
        boot(guest)
        return guest.ref

    def domain_create_with_files(self, dom: DomainRef, fds: "list[int]", flags: int = 0) -> DomainRef:
        return self.domain_create_with_flags(dom, flags)

    def domain_create_xml(self, xml_desc: str, flags: int = 0) -> DomainRef:
        from pyvirsh.backend.test.prepare import parse_definition

        allowed(flags, c.DOMAIN_START_VALIDATE, "testDomainCreateXML")
        model = parse_definition(xml_desc, self.world, validate=bool(flags))
        guest = admit(self.world, model)
        boot(guest)
        return guest.ref

    def domain_create_xml_with_files(self, xml_desc: str, fds: "list[int]", flags: int = 0) -> DomainRef:
        return self.domain_create_xml(xml_desc, flags)

    def domain_attach(self, pid_value: int, flags: int = 0) -> DomainRef:
        not_zero(pid_value, "pid_value", "virDomainQemuAttach")
        raise unsupported("virDomainQemuAttach")

    def domain_destroy(self, dom: DomainRef) -> None:
        self.domain_destroy_flags(dom)

    def domain_destroy_flags(self, dom: DomainRef, flags: int = 0) -> None:
        allowed(flags, c.DOMAIN_DESTROY_GRACEFUL, "testDomainDestroyFlags")
        finish(self.running(dom), c.DOMAIN_SHUTOFF_DESTROYED, c.DOMAIN_EVENT_STOPPED_DESTROYED)

    def domain_suspend(self, dom: DomainRef) -> None:
        guest = self.guest(dom)
        if guest.state in (c.DOMAIN_SHUTOFF, c.DOMAIN_PAUSED):
            raise VirError(INTERNAL_ERROR, f"domain '{guest.name}' not running")
        guest.state, guest.reason = c.DOMAIN_PAUSED, c.DOMAIN_PAUSED_USER
        guest.tell(c.DOMAIN_EVENT_SUSPENDED, c.DOMAIN_EVENT_SUSPENDED_PAUSED)

    def domain_resume(self, dom: DomainRef) -> None:
        guest = self.guest(dom)
        if guest.state != c.DOMAIN_PAUSED:
            raise VirError(INTERNAL_ERROR, f"domain '{guest.name}' not paused")
        guest.state, guest.reason = c.DOMAIN_RUNNING, c.DOMAIN_RUNNING_UNPAUSED
        guest.tell(c.DOMAIN_EVENT_RESUMED, c.DOMAIN_EVENT_RESUMED_UNPAUSED)

    def domain_shutdown(self, dom: DomainRef) -> None:
        self.domain_shutdown_flags(dom)

    def domain_shutdown_flags(self, dom: DomainRef, flags: int = 0) -> None:
        allowed(flags, 0, "testDomainShutdownFlags")
        guest = self.guest(dom)
        if guest.state == c.DOMAIN_SHUTOFF:
            raise VirError(INTERNAL_ERROR, f"domain '{guest.name}' not running")
        _leave(guest, guest.live.model.on_poweroff)

    def domain_reboot(self, dom: DomainRef, flags: int = 0) -> None:
        allowed(flags, 0x1F, "testDomainReboot")
        guest = self.running(dom)
        _leave(guest, guest.live.model.on_reboot)

    def domain_reset(self, dom: DomainRef, flags: int = 0) -> None:
        allowed(flags, 0, "testDomainReset")
        self.running(dom)

    def domain_set_lifecycle_action(self, dom: DomainRef, type: int, action: int, flags: int = 0) -> None:
        if not 0 <= type < len(_EVENTS):
            raise VirError(INVALID_ARG, f"invalid lifecycle type '{type}'")
        if not 0 <= action < len(_ACTIONS):
            raise VirError(INVALID_ARG, f"invalid lifecycle action '{action}'")
        event, name = _EVENTS[type], _ACTIONS[action]
        if event != "crash" and name.startswith("coredump"):
            detail = f"Lifecycle event '{event}' doesn't support '{name}' action"
            raise VirError(CONFIG_UNSUPPORTED, detail)
        allowed(flags, AFFECT, "testDomainSetLifecycleAction")
        for definition in self.guest(dom).asked(flags):
            setattr(definition.change(), f"on_{event}", name)


def _leave(guest: Guest, action: "str | None") -> None:
    """Do what a definition says shall happen when the guest leaves."""
    if action in _GOES_ON:
        guest.state, guest.reason = c.DOMAIN_RUNNING, c.DOMAIN_RUNNING_BOOTED
    else:
        finish(guest, c.DOMAIN_SHUTOFF_SHUTDOWN, c.DOMAIN_EVENT_STOPPED_SHUTDOWN)
