"""A domain of a test host: its definitions and what it does at the moment."""

from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import affect
from pyvirsh.backend.constants import (
    DOMAIN_AFFECT_CONFIG,
    DOMAIN_AFFECT_LIVE,
    DOMAIN_EVENT_ID_LIFECYCLE,
    DOMAIN_PAUSED,
    DOMAIN_RUNNING,
    DOMAIN_SHUTOFF,
)
from pyvirsh.backend.errors import OPERATION_INVALID, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.test.moments import Moments
    from pyvirsh.backend.test.world import World


# -- definitions -------------------------------------------------------------------------------------


class Facts:
    """What is asked most of a definition: sizes in KiB."""

    __slots__ = ("max_memory", "memory", "max_vcpus", "vcpus")

    def __init__(self, max_memory: int, memory: int, max_vcpus: int, vcpus: int) -> None:
        self.max_memory = max_memory
        self.memory = memory
        self.max_vcpus = max_vcpus
        self.vcpus = vcpus


class Definition:
    """A domain's definition: the model, made of its text only when needed, and its text, kept.

    facts: what is asked most; kept so that a listing needs no model.
    """

    __slots__ = ("_model", "_source", "_facts", "_texts")

    def __init__(
        self, model: "Domain | None" = None, *, source: str = "", facts: "Facts | None" = None
    ) -> None:
        self._model = model
        self._source = source
        self._facts = facts
        self._texts: dict[tuple[int, int], str] = {}

    @property
    def model(self) -> "Domain":
        """The model, to be read only; see `change`."""
        if self._model is None:
            from pyvirsh.backend.conf.domain import parse_domain

            self._model = parse_domain(self._source)
        return self._model

    def change(self) -> "Domain":
        """Return the model to be changed: what was derived from it is forgotten."""
        model = self.model
        self._texts.clear()
        self._facts = None
        self._source = ""
        return model

    def copy(self) -> "Definition":
        """Return a definition that says the same and can be changed alone."""
        model = self._model.copy() if self._model is not None and not self._source else None
        return Definition(model, source=self._source, facts=self._facts)

    @property
    def facts(self) -> "Facts":
        """Title, memory and CPUs."""
        if self._facts is None:
            from pyvirsh.backend.test.prepare import facts

            self._facts = facts(self.model)
        return self._facts

    def text(self, flags: int, number: int = -1) -> str:
        """Return the XML.  flags: virDomainXMLFlags; number: the id of a running domain."""
        key = (flags, number)
        if key not in self._texts:
            from pyvirsh.backend.conf.domain.views import document

            self._texts[key] = document(self.model, flags, number)
        return self._texts[key]


# -- domains -----------------------------------------------------------------------------------------


class Guest:
    """A domain.

    live: the definition in force; future: the one of its next start, kept apart while a persistent
    domain runs.  moments: its snapshots; checkpoints: its checkpoints.
    """

    def __init__(self, world: "World", name: str, uuid: str, live: Definition) -> None:
        self.world = world
        self.name = name
        self.uuid = uuid
        self.live = live
        self.future: Definition | None = None
        self.id = -1
        self.state = DOMAIN_SHUTOFF
        self.reason = 0
        self.persistent = False
        self.autostart = False
        self.managed_save = False
        self.updated = False
        self.frozen: set[str] = set()
        # seconds and nanoseconds of its clock, which stands still
        self.time = (627319920, 0)
        # Number of an I/O thread, poll_max_ns, poll_grow, poll_shrink: once for each time it was added.
        self.polling: list[tuple[int, int, int, int]] = []
        self._snapshots: Moments | None = None
        self._checkpoints: Moments | None = None

    @property
    def ref(self) -> DomainRef:
        """A handle on the domain as it is now."""
        return DomainRef(self.name, self.uuid, self.id)

    @property
    def active(self) -> bool:
        """Whether it has an id: runs, is paused, or crashed on the way."""
        return self.id != -1

    @property
    def snapshots(self) -> "Moments":
        """The snapshots, a tree."""
        if self._snapshots is None:
            from pyvirsh.backend.test.moments import Moments

            self._snapshots = Moments()
        return self._snapshots

    @property
    def checkpoints(self) -> "Moments":
        """The checkpoints, a tree."""
        if self._checkpoints is None:
            from pyvirsh.backend.test.moments import Moments

            self._checkpoints = Moments()
        return self._checkpoints

    @property
    def has_snapshots(self) -> bool:
        """Whether there is a snapshot."""
        return bool(self._snapshots)

    @property
    def has_checkpoints(self) -> bool:
        """Whether there is a checkpoint."""
        return bool(self._checkpoints)

    # -- which definition ------------------------------------------------------------------------

    @property
    def stored(self) -> Definition:
        """The definition that the next start uses."""
        return self.future or self.live

    def must_run(self) -> None:
        """Refuse what only a running domain can do.  Errors: OPERATION_INVALID."""
        if not self.active:
            raise VirError(OPERATION_INVALID, "domain is not running")

    def impact(self, flags: int) -> int:
        """Resolve "current" in flags to live or config.  Errors: OPERATION_INVALID."""
        asked = flags & (DOMAIN_AFFECT_LIVE | DOMAIN_AFFECT_CONFIG)
        if not asked:
            asked = DOMAIN_AFFECT_LIVE if self.active else DOMAIN_AFFECT_CONFIG
        if asked & DOMAIN_AFFECT_LIVE:
            self.must_run()
        if asked & DOMAIN_AFFECT_CONFIG and not self.persistent:
            raise VirError(OPERATION_INVALID, "transient domains do not have any persistent config")
        return asked

    def one(self, flags: int) -> Definition:
        """Return the definition that flags ask for.  Errors: OPERATION_INVALID, INVALID_ARG."""
        affect(flags)
        return self.live if self.impact(flags) & DOMAIN_AFFECT_LIVE else self.stored

    def both(self, flags: int) -> "tuple[Definition | None, Definition | None]":
        """Return the live and the stored definition, each if flags ask for it."""
        asked = self.impact(flags)
        live = self.live if asked & DOMAIN_AFFECT_LIVE else None
        return live, self.stored if asked & DOMAIN_AFFECT_CONFIG else None

    def asked(self, flags: int) -> "list[Definition]":
        """Return the definitions that flags ask for."""
        return [definition for definition in self.both(flags) if definition is not None]

    # -- what happens to it ----------------------------------------------------------------------

    def tell(self, event: int, detail: int) -> None:
        """Emit a lifecycle event."""
        self.emit(DOMAIN_EVENT_ID_LIFECYCLE, event, detail)

    def emit(self, event_id: int, *values: "int | str | None") -> None:
        """Emit an event of the domain."""
        self.world.emit("domain", event_id, self.ref, values)

    def run(self, reason: int, *, paused: bool = False) -> None:
        """Start it: give it an id and keep its definition for the next start."""
        self.id = self.world.claim_id()
        self.state = DOMAIN_PAUSED if paused else DOMAIN_RUNNING
        self.reason = reason
        if self.persistent and self.future is None:
            self.future = self.live.copy()

    def halt(self, reason: int) -> None:
        """Take its id and let the stored definition be in force again."""
        self.state = DOMAIN_SHUTOFF
        self.reason = reason
        self.id = -1
        if self.future is not None:
            self.live, self.future = self.future, None

    def stop(self, reason: int) -> None:
        """Stop it, and drop it if it is transient."""
        self.halt(reason)
        if not self.persistent:
            self.world.remove(self)
