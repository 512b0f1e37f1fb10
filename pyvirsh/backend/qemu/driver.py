"""The embedded QEMU driver: what is looked up and listed stands here, the rest in a module per theme.

A theme's module is imported when one of its methods is first called, so that `list` does not pay
for what it does not use.  Each has functions named as the methods, the driver their first argument.
"""

from importlib import import_module

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef, Driver
from pyvirsh.backend.durable import make_directory
from pyvirsh.backend.errors import NO_DOMAIN, OPERATION_INVALID, VirError
from pyvirsh.backend.locks import Lock, is_held
from pyvirsh.backend.qemu import live
from pyvirsh.backend.qemu.methods import METHODS
from pyvirsh.backend.storage import METHODS as STORAGE_METHODS
from pyvirsh.backend.store import Store, uuids_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.qemu.facts import Facts, Host
    from pyvirsh.backend.qemu.roots import Roots
    from pyvirsh.backend.storage.keeping import Storage

AUTOSTART, ONCE = "autostart", "autostart-once"
LOCKS = "locks"


class QemuDriver(Driver):
    """A connection to the guests below `roots`."""

    def __init__(self, roots: "Roots") -> None:
        self.roots = roots
        self.store = Store(roots.config, self._runs, self._is_busy)
        self._known: dict[str, Any] = {}
        # Descriptors whose closing ends the guests started with autodestroy.
        self.owned: list[int] = []
        self.listener: Any = None

    def close(self) -> None:
        import os

        for fd in self.owned:
            os.close(fd)
        self.owned.clear()
        if self.listener is not None:
            self.listener.close()
            self.listener = None

    # -- guests ------------------------------------------------------------------------------------

    def running(self, uuid: str) -> "live.Guest | None":
        """Return the guest if it runs now; one whose supervisor was killed is given a new one."""
        guest = live.read(self.roots.runtime(), uuid)
        if guest is None or (guest.qemu.alive() and guest.supervisor.alive()):
            return guest
        from pyvirsh.backend.qemu import recovery

        return recovery.settle(self, guest)

    def all_running(self) -> "dict[str, live.Guest]":
        """Return the guests that run now, by UUID."""
        runtime = self.roots.runtime()
        found = {}
        for uuid in uuids_in(runtime) if runtime else ():
            guest = live.read(runtime, uuid)
            if guest is None:
                from pyvirsh.backend.qemu import recovery

                recovery.clear_cut_off(self, uuid)
            elif guest.qemu.alive() and guest.supervisor.alive():
                found[uuid] = guest
            elif (settled := self.running(uuid)) is not None:
                found[uuid] = settled
        return found

    def _runs(self, uuid: str) -> bool:
        guest = live.read(self.roots.runtime(), uuid)
        return guest is not None and guest.qemu.alive()

    def _is_busy(self, uuid: str) -> bool:
        runtime = self.roots.runtime()
        return bool(runtime) and is_held(f"{runtime}/{LOCKS}", uuid)

    def guest(self, dom: DomainRef) -> live.Guest:
        """Return the guest, which must run.  Errors: OPERATION_INVALID, NO_DOMAIN."""
        guest = self.running(dom.uuid)
        if guest is None:
            self.check_exists(dom)
            raise VirError(OPERATION_INVALID, "domain is not running")
        return guest

    def hold(self, uuid: str, purpose: str) -> Lock:
        """Return the lock of an object, to be held while it is changed."""
        directory = f"{self.roots.make_runtime()}/{LOCKS}"
        return Lock(directory, uuid, purpose, exists=lambda: self.store.exists(uuid) or self._runs(uuid))

    def check_exists(self, dom: DomainRef) -> None:
        """Check that a domain is still there, running or not.  Errors: NO_DOMAIN."""
        if not self.store.exists(dom.uuid) and not self._runs(dom.uuid):
            raise no_domain(dom)

    def ref(self, uuid: str, name: "str | None" = None) -> "DomainRef | None":
        """Return the handle of a domain; None if there is none."""
        guest = self.running(uuid)
        if guest is not None:
            return DomainRef(name or guest.name, uuid, guest.id)
        name = name or self.store.name_of(uuid)
        return DomainRef(name, uuid, -1) if name is not None and self.store.exists(uuid) else None

    def log_path(self, name: str, uuid: str) -> str:
        """Return where a guest's QEMU writes its messages."""
        from pyvirsh.backend.store import escaped

        make_directory(self.roots.log)
        file = escaped(name)
        return f"{self.roots.log}/{file if len(file) < 100 else uuid}.log"

    # -- definitions -------------------------------------------------------------------------------

    def facts(self, emulator: str) -> "Facts":
        """Return what a QEMU program can do."""
        if emulator not in self._known:
            from pyvirsh.backend.qemu import probe

            make_directory(self.roots.cache)
            self._known[emulator] = probe.facts(emulator, self.roots.cache)
        facts: Facts = self._known[emulator]
        return facts

    def host(self) -> "Host":
        """Return what must be known of the host."""
        if "" not in self._known:
            from pyvirsh.backend.qemu import probe

            self._known[""] = found = probe.host()
            found.nvram_dir = f"{self.roots.state}/nvram"
        host: Host = self._known[""]
        return host

    def storage(self) -> "Storage":
        """Return the storage pools."""
        if "storage" not in self._known:
            from pyvirsh.backend.qemu import storage

            self._known["storage"] = storage.of(self)
        found: Storage = self._known["storage"]
        return found

    def definition(self, dom: DomainRef) -> "Domain":
        """Return the persistent definition.  Errors: NO_DOMAIN, OPERATION_INVALID for a transient one."""
        from pyvirsh.backend.conf.domain import parse_domain

        data = self.store.read(dom.uuid)
        if data is None:
            if self._runs(dom.uuid):
                raise VirError(OPERATION_INVALID, "transient domains do not have any persistent config")
            raise no_domain(dom)
        return parse_domain(data)

    def live_definition(self, guest: live.Guest) -> "Domain":
        """Return the definition of a running guest, with what only QEMU knew."""
        from pyvirsh.backend.qemu import livexml

        return livexml.read(guest)

    def current(self, dom: DomainRef) -> "tuple[Domain, live.Guest | None]":
        """Return the live definition and the guest if it runs, else the persistent one and None."""
        guest = self.running(dom.uuid)
        return (self.live_definition(guest), guest) if guest is not None else (self.definition(dom), None)

    # -- looking up ----------------------------------------------------------------------------------

    def connect_get_type(self) -> str:
        return "QEMU"

    def connect_get_uri(self) -> str:
        return self.roots.uri

    def domain_lookup_by_id(self, id: int) -> DomainRef:
        for guest in live.read_all(self.roots.runtime()):
            if guest.id == id and guest.qemu.alive():
                return DomainRef(guest.name, guest.uuid, id)
        raise VirError(NO_DOMAIN, f"no domain with matching id {id}")

    def domain_lookup_by_uuid(self, uuid: str) -> DomainRef:
        found = self.ref(uuid)
        if found is None:
            raise VirError(NO_DOMAIN, f"no domain with matching uuid '{uuid}'")
        return found

    def domain_lookup_by_name(self, name: str) -> DomainRef:
        uuid = self.store.uuid_of(name)
        found = self.ref(uuid) if uuid else None
        if found is None or found.name != name:
            raise VirError(NO_DOMAIN, f"no domain with matching name '{name}'")
        return found

    def connect_list_all_domains(self, flags: int = 0) -> "list[DomainRef]":
        running = self.all_running()
        active = flags & ACTIVE_FLAGS != c.CONNECT_LIST_DOMAINS_INACTIVE
        inactive = flags & ACTIVE_FLAGS != c.CONNECT_LIST_DOMAINS_ACTIVE
        refs = [DomainRef(guest.name, guest.uuid, guest.id) for guest in running.values() if active]
        if inactive:
            refs += [DomainRef(name, uuid, -1) for name, uuid in self.store.all() if uuid not in running]
        if flags & ~ACTIVE_FLAGS:
            from pyvirsh.backend.qemu import filters

            refs = filters.matching(self, refs, running, flags)
        return refs

    # -- state -----------------------------------------------------------------------------------------

    def domain_get_state(self, dom: DomainRef, flags: int = 0) -> "tuple[int, int]":
        guest = self.running(dom.uuid)
        if guest is not None:
            return guest.state, guest.reason
        if not self.store.exists(dom.uuid):
            raise no_domain(dom)
        return live.read_last(self.roots.runtime(), dom.uuid)

    def domain_is_active(self, dom: DomainRef) -> bool:
        if self.running(dom.uuid) is not None:
            return True
        self.check_exists(dom)
        return False

    def domain_is_persistent(self, dom: DomainRef) -> bool:
        if self.store.exists(dom.uuid):
            return True
        self.check_exists(dom)
        return False

    def domain_get_autostart(self, dom: DomainRef) -> bool:
        self.check_exists(dom)
        return self.store.is_marked(dom.uuid, AUTOSTART)

    def domain_get_autostart_once(self, dom: DomainRef) -> bool:
        self.check_exists(dom)
        return self.store.is_marked(dom.uuid, ONCE)


ACTIVE_FLAGS = c.CONNECT_LIST_DOMAINS_ACTIVE | c.CONNECT_LIST_DOMAINS_INACTIVE


def no_domain(dom: DomainRef) -> VirError:
    """Make the error for a domain that is not there (any more)."""
    return VirError(NO_DOMAIN, f"no domain with matching uuid '{dom.uuid}' ({dom.name})")


# -- the other methods, by theme ---------------------------------------------------------------------


def _late(module: str, name: str) -> "Any":
    """Make a method that is found in a theme's module when it is first called."""

    def method(self: QemuDriver, *args: "Any", **options: "Any") -> "Any":
        function = getattr(import_module(f"pyvirsh.backend.qemu.{module}"), name)
        return function(self, *args, **options)

    method.__name__ = name
    return method


def _late_storage(module: str, name: str) -> "Any":
    """Make a method that is found in a module of `storage` when it is first called."""

    def method(self: QemuDriver, *args: "Any", **options: "Any") -> "Any":
        function = getattr(import_module(f"pyvirsh.backend.storage.{module}"), name)
        return function(self.storage(), *args, **options)

    method.__name__ = name
    return method


for _module, _names in METHODS.items():
    for _name in _names:
        setattr(QemuDriver, _name, _late(_module, _name))
for _module, _names in STORAGE_METHODS.items():
    for _name in _names:
        setattr(QemuDriver, _name, _late_storage(_module, _name))
