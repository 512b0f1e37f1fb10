"""One user's session: the connection, the output, and look-ups by what the user typed.

Source: measured in `shell-semantics`, sections 5 and 11.
"""

from pyvirsh.backend.errors import VirError
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import parse_integer
from pyvirsh.shell.lookups import Lookups
from pyvirsh.shell.output import DEBUG, INFO, Output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from pyvirsh.backend.api import DomainRef, Driver

NOT_CONNECTED = "failed to connect to the hypervisor"
NOT_RECONNECTED = "Failed to reconnect to the hypervisor"
KEEPALIVE_REFUSED = "Cannot setup keepalive on connection as requested, disconnecting"


class Session(Lookups):
    """What a handler is given as `ctx`: `driver`, `out`, and the look-ups.

    uri: what the user named, None for the default; read_only: how to connect.  The connection
    is opened when a command first needs it.
    """

    def __init__(
        self, out: Output, *, uri: "str | None" = None, read_only: bool = False, program: str = "pyvirsh"
    ) -> None:
        self.out = out
        self.uri = uri
        self.read_only = read_only
        self.program = program
        self.interactive = False
        self.escape = "^]"
        # Seconds between keepalive messages and how many may go unanswered; None: the default.
        self.keepalive_interval: int | None = None
        self.keepalive_count: int | None = None
        # Nobody is there to answer questions when connecting.
        self.unattended = False
        # The command that runs, for debug lines.
        self.command = ""
        self._driver: Driver | None = None
        self._lost = self._just_lost = False

    # -- connection ----------------------------------------------------------------------------

    @property
    def driver(self) -> "Driver":
        """The open connection; opened now if there is none.  Errors: CommandFailed."""
        if self._driver is None:
            self._open()
        assert self._driver is not None
        return self._driver

    @property
    def connected(self) -> bool:
        """Say whether a connection is open, without opening one."""
        return self._driver is not None

    def ensure_connected(self) -> None:
        """Open the connection if there is none or it has been lost.  Errors: CommandFailed."""
        if self._driver is not None and self._driver.supports_keepalive():
            self.attend()
        if self._driver is None:
            just_lost, self._just_lost = self._just_lost, False
            self._open(NOT_RECONNECTED if self._lost else NOT_CONNECTED)
            self._lost = False
            if just_lost:
                self.out.error("Reconnected to the hypervisor")

    def attend(self) -> None:
        """Take in what has come over the idle connection; tell the user if it has ended."""
        self.take_in()
        self.note_loss()

    def take_in(self) -> None:
        """Take in what has come over the idle connection."""
        if self._driver is not None:
            try:
                self._driver.next_events(0)
            except VirError:
                # How it ended is asked for in `note_loss`.
                pass

    def note_loss(self) -> None:
        """Tell the user if the connection has ended by itself; the next command opens it again."""
        driver = self._driver
        if driver is not None and not driver.alive():
            self.disconnect()
            self.out.error(f"Disconnected from {driver.uri} due to {driver.lost()}")
            self._lost = self._just_lost = True

    def idle_fileno(self) -> int:
        """Return a descriptor that becomes readable when `attend` has something to do; -1: none."""
        if self._driver is None or not self._driver.supports_keepalive():
            return -1
        return self._driver.events_fileno()

    def interrupted(self) -> None:
        """Tidy up after a command that ^C has ended in the middle of something."""
        self.out.error("interrupted")
        if self._driver is not None and self._driver.supports_keepalive():
            # What was asked over the wire may be half read; the next command connects anew.
            self.abandon()

    def abandon(self) -> None:
        """Let go of the connection at once, without a word to a peer that may not listen."""
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.abandon()

    def connect(self, uri: "str | None", *, read_only: bool) -> None:
        """Close the connection and open another, the same again if that fails.  Errors: CommandFailed."""
        before, was_read_only = self.uri, self.read_only
        if self._driver is not None and self.uri is None:
            before = self._driver.uri
        self.disconnect()
        self._lost = self._just_lost = False
        self.uri, self.read_only = uri, read_only
        try:
            self._open()
        except CommandFailed:
            self.uri, self.read_only = before, was_read_only
            raise

    def disconnect(self) -> None:
        """Close the connection, if one is open."""
        driver, self._driver = self._driver, None
        if driver is not None:
            try:
                driver.close()
            except VirError:
                # It is gone either way.
                pass

    def _open(self, failure: str = NOT_CONNECTED) -> None:
        from pyvirsh import backend

        try:
            driver = backend.open(
                self.uri, read_only=self.read_only, asker=None if self.unattended else _asker
            )
        except VirError as error:
            raise CommandFailed(failure, error.text) from error
        if driver.supports_keepalive():
            interval, count = self.keepalive_interval, self.keepalive_count
            driver.set_keepalive(5 if interval is None else interval, 6 if count is None else count)
        elif self.keepalive_interval != 0:
            if self.keepalive_interval is not None or self.keepalive_count is not None:
                driver.close()
                reason = "this function is not supported by the connection driver: virConnectSetKeepAlive"
                raise CommandFailed(KEEPALIVE_REFUSED, failure, reason)
            self.out.debug(INFO, "Failed to setup keepalive on connection")
        for warning in driver.warnings:
            self.out.error(f"warning: {warning}")
        self._driver = driver

    # -- errors ----------------------------------------------------------------------------------

    def failing(self, text: str) -> "Failing":
        """Make a `with` block whose driver errors are shown behind a line of the command's own."""
        return Failing(text)

    # -- look-ups --------------------------------------------------------------------------------

    def domain(self, text: str, *, option: str = "domain", by: str = "id uuid name") -> "DomainRef":
        """Find a domain by what the user typed.  Errors: CommandFailed.

        by: which of id, uuid and name are tried, in that order.
        """
        self.found(option, text)
        ways = by.split()
        number = parse_integer(text)
        if "id" in ways and number is not None and 0 <= number < 2**31:
            self.out.debug(DEBUG, f"{self.command}: <{option}> looks like ID")
            if dom := self._quietly(lambda driver: driver.domain_lookup_by_id(number)):
                return dom
        if "uuid" in ways and len(text) == 36:
            self.out.debug(DEBUG, f"{self.command}: <{option}> trying as domain UUID")
            if is_uuid(text) and (dom := self._quietly(lambda d: d.domain_lookup_by_uuid(text.lower()))):
                return dom
        if "name" in ways:
            self.out.debug(DEBUG, f"{self.command}: <{option}> trying as domain NAME")
            if dom := self._quietly(lambda driver: driver.domain_lookup_by_name(text)):
                return dom
        raise CommandFailed(f"failed to get domain '{text}'")

    def _quietly(self, look_up: "Callable[[Driver], DomainRef]") -> "DomainRef | None":
        try:
            return look_up(self.driver)
        except VirError:
            return None


def _asker() -> "Callable[[str, bool], str | None] | None":
    """Return what asks the user; only a connection to another host needs it."""
    from pyvirsh.shell import asking

    return asking.asker()


class Failing:
    """Turns a driver's error into one shown behind `text`."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        if isinstance(error, VirError):
            raise CommandFailed(self.text, error.text) from error


def is_uuid(text: str) -> bool:
    """Say whether `text` is a UUID with its dashes."""
    parts = text.split("-")
    return [len(part) for part in parts] == [8, 4, 4, 4, 12] and all(
        char in "0123456789abcdefABCDEF" for part in parts for char in part
    )
