"""A migration that the client drives: the steps between two connections, none knowing the other.

Source: libvirt's documentation of migration, "managed direct"; order, flags and parameters of the steps
as observed on virsh 11.3.0.
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import PARAM_STRING
from pyvirsh.backend.errors import INTERNAL_ERROR, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef, Driver, TypedParam

# What is for the source alone.
SOURCE_FLAGS = c.MIGRATE_ABORT_ON_ERROR | c.MIGRATE_AUTO_CONVERGE | c.MIGRATE_CHANGE_PROTECTION


def managed(
    source: "Driver", destination: "Driver", dom: "DomainRef", params: "list[TypedParam]", flags: int
) -> "DomainRef":
    """Migrate a domain from one connection to another; return it as it is there.

    Errors: VirError, the first of what went wrong; the domain then stays where it was.
    """
    cookie, xml = source.domain_migrate_begin3_params(dom, params, flags | c.MIGRATE_CHANGE_PROTECTION)
    steps = _Steps(source, destination, dom, put(params, "destination_xml", xml), flags)
    return steps.run(cookie)


def put(params: "list[TypedParam]", name: str, value: str) -> "list[TypedParam]":
    """Return the parameters with `name` set, in its place if it was there."""
    new: TypedParam = (name, PARAM_STRING, value)
    if any(key == name for key, _, _ in params):
        return [new if param[0] == name else param for param in params]
    return [*params, new]


class _Steps:
    """The steps behind the first, which fixed the domain's XML."""

    def __init__(
        self,
        source: "Driver",
        destination: "Driver",
        dom: "DomainRef",
        params: "list[TypedParam]",
        flags: int,
    ) -> None:
        self._source = source
        self._destination = destination
        self._dom = dom
        self._params = params
        if source.domain_get_state(dom)[0] == c.DOMAIN_PAUSED:
            flags |= c.MIGRATE_PAUSED
        self._flags = flags | c.MIGRATE_CHANGE_PROTECTION
        self._there = flags & ~SOURCE_FLAGS

    def run(self, cookie: bytes) -> "DomainRef":
        try:
            cookie = self._prepare(cookie)
        except VirError:
            self._confirm_quietly()
            raise
        failure: VirError | None = None
        try:
            cookie = self._perform(cookie)
        except VirError as error:
            failure, cookie = error, b""
        try:
            moved, cookie = self._finish(cookie, cancelled=failure is not None)
        except VirError as error:
            self._confirm_quietly()
            raise failure or error from error
        if failure is not None:
            self._confirm_quietly(cookie)
            raise failure
        self._confirm(cookie, cancelled=False)
        return moved

    def _prepare(self, cookie: bytes) -> bytes:
        """Make the destination wait for the domain."""
        cookie, uri = self._destination.domain_migrate_prepare3_params(self._params, cookie, self._there)
        if uri is not None:
            self._params = put(self._params, "migrate_uri", uri)
        elif not any(name == "migrate_uri" for name, _, _ in self._params):
            raise VirError(INTERNAL_ERROR, "domainMigratePrepare3 did not set uri")
        return cookie

    def _perform(self, cookie: bytes) -> bytes:
        """Move the domain; one that does not run has nothing to move."""
        if self._flags & c.MIGRATE_OFFLINE:
            return b""
        return self._source.domain_migrate_perform3_params(self._dom, None, self._params, cookie, self._flags)

    def _finish(self, cookie: bytes, *, cancelled: bool) -> "tuple[DomainRef, bytes]":
        """Let it run at the destination, or drop it there."""
        if not any(name == "destination_name" for name, _, _ in self._params):
            self._params = put(self._params, "destination_name", self._dom.name)
        return self._destination.domain_migrate_finish3_params(
            self._params, cookie, self._there, int(cancelled)
        )

    def _confirm(self, cookie: bytes, *, cancelled: bool) -> None:
        """Drop it at the source, or let it go on there."""
        self._source.domain_migrate_confirm3_params(
            self._dom, self._params, cookie, self._flags, int(cancelled)
        )

    def _confirm_quietly(self, cookie: bytes = b"") -> None:
        """Give up; why it could not move says more than why that fails too."""
        try:
            self._confirm(cookie, cancelled=True)
        except VirError:
            return
