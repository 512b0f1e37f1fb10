"""Changing a definition: of the running guest, of the next start, or of both, as the flags say."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.conf.domain import format_domain
from pyvirsh.backend.errors import OPERATION_INVALID, VirError
from pyvirsh.backend.qemu import livexml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from pyvirsh.backend.api import DomainRef
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.qemu.driver import QemuDriver
    from pyvirsh.backend.qemu.live import Guest

BOTH = c.DOMAIN_AFFECT_LIVE | c.DOMAIN_AFFECT_CONFIG


class Change:
    """A change under the object's lock; what `with` left in the definitions is kept if nothing failed.

    guest: the running guest if it is to be changed, else None; live, config: the definitions to be
    changed, None for those that are not.
    """

    def __init__(self, driver: "QemuDriver", dom: "DomainRef", flags: int, purpose: str) -> None:
        self._driver = driver
        self._dom = dom
        self._flags = flags & BOTH
        self._lock = driver.hold(dom.uuid, purpose)
        self.guest: Guest | None = None
        self.live: Domain | None = None
        self.config: Domain | None = None

    def __enter__(self) -> "Self":
        self._lock.acquire()
        try:
            self._read()
        except BaseException:
            self._lock.release()
            raise
        return self

    def _read(self) -> None:
        guest = self._driver.running(self._dom.uuid)
        if guest is None:
            self._driver.check_exists(self._dom)
        live = bool(self._flags & c.DOMAIN_AFFECT_LIVE) or not self._flags and guest is not None
        config = bool(self._flags & c.DOMAIN_AFFECT_CONFIG) or not self._flags and guest is None
        if live and guest is None:
            raise VirError(OPERATION_INVALID, "domain is not running")
        if config:
            self.config = self._driver.definition(self._dom)
        if live and guest is not None:
            self.guest = guest
            self.live = self._driver.live_definition(guest)

    @property
    def definitions(self) -> "list[Domain]":
        """The definitions to be changed, the running guest's first."""
        return [domain for domain in (self.live, self.config) if domain is not None]

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                if self.config is not None:
                    data = format_domain(self.config).encode("utf-8", "surrogateescape")
                    self._driver.store.write(self._dom.uuid, data)
                if self.live is not None and self.guest is not None:
                    livexml.write(self.guest.path, self.live)
        finally:
            self._lock.release()
