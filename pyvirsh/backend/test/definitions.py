"""Domains defined, shown and undefined."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.errors import OPERATION_FAILED, OPERATION_INVALID, VirError
from pyvirsh.backend.test.base import TestBase
from pyvirsh.backend.test.guest import Definition, Guest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.test.world import World

_XML_FLAGS = c.DOMAIN_XML_SECURE | c.DOMAIN_XML_INACTIVE | c.DOMAIN_XML_MIGRATABLE
_UNDEFINE_FLAGS = c.DOMAIN_UNDEFINE_MANAGED_SAVE | c.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA


def find_same(world: "World", model: "Domain") -> "Guest | None":
    """Return the domain that has the definition's UUID and name.

    Errors: OPERATION_FAILED when another domain has one of them.
    """
    assert model.uuid is not None
    known = world.domains.get(model.uuid)
    if known is not None:
        if known.name != model.name:
            detail = f"domain '{known.name}' is already defined with uuid {model.uuid}"
            raise VirError(OPERATION_FAILED, detail)
        return known
    other = world.domain_names.get(model.name)
    if other is not None:
        raise VirError(OPERATION_FAILED, f"domain '{model.name}' already exists with uuid {other.uuid}")
    return None


def admit(world: "World", model: "Domain") -> Guest:
    """Return the domain that shall run with a definition, a new transient one if there is none.

    Errors: OPERATION_INVALID when it runs; OPERATION_FAILED as for `find_same`.
    """
    guest = find_same(world, model)
    if guest is None:
        assert model.uuid is not None
        guest = Guest(world, model.name, model.uuid, Definition(model))
        world.add(guest)
        return guest
    if guest.active:
        raise VirError(OPERATION_INVALID, f"domain '{model.name}' is already active")
    if guest.persistent:
        guest.future = guest.live
    guest.live = Definition(model)
    return guest


class Definitions(TestBase):
    """Define, undefine, XML."""

    def domain_define_xml(self, xml: str) -> DomainRef:
        return self.domain_define_xml_flags(xml)

    def domain_define_xml_flags(self, xml: str, flags: int = 0) -> DomainRef:
        from pyvirsh.backend.test.prepare import parse_definition

        allowed(flags, c.DOMAIN_DEFINE_VALIDATE, "testDomainDefineXMLFlags")
        model = parse_definition(xml, self.world, validate=bool(flags & c.DOMAIN_DEFINE_VALIDATE))
        return self.define(model).ref

    def define(self, model: "Domain") -> Guest:
        """Store a definition."""
        guest = find_same(self.world, model)
        detail = c.DOMAIN_EVENT_DEFINED_UPDATED
        if guest is None:
            assert model.uuid is not None
            guest = Guest(self.world, model.name, model.uuid, Definition(model))
            self.world.add(guest)
            detail = c.DOMAIN_EVENT_DEFINED_ADDED
        elif guest.active:
            guest.future = Definition(model)
        else:
            guest.live = Definition(model)
        if not guest.persistent:
            detail = c.DOMAIN_EVENT_DEFINED_ADDED
        guest.persistent = True
        guest.tell(c.DOMAIN_EVENT_DEFINED, detail)
        return guest

    def domain_undefine(self, dom: DomainRef) -> None:
        self.domain_undefine_flags(dom)

    def domain_undefine_flags(self, dom: DomainRef, flags: int = 0) -> None:
        allowed(flags, _UNDEFINE_FLAGS, "testDomainUndefineFlags")
        guest = self.guest(dom)
        if guest.managed_save and not flags & c.DOMAIN_UNDEFINE_MANAGED_SAVE:
            detail = "Refusing to undefine while domain managed save image exists"
            raise VirError(OPERATION_INVALID, detail)
        if not guest.active and guest.has_snapshots:
            if not flags & c.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA:
                count = len(guest.snapshots)
                detail = f"cannot delete inactive domain with {count} snapshots"
                raise VirError(OPERATION_INVALID, detail)
        guest.managed_save = guest.managed_save and guest.active
        guest.tell(c.DOMAIN_EVENT_UNDEFINED, c.DOMAIN_EVENT_UNDEFINED_REMOVED)
        if guest.active:
            guest.persistent = False
        else:
            self.world.remove(guest)

    def domain_get_xml_desc(self, dom: DomainRef, flags: int = 0) -> str:
        allowed(flags, _XML_FLAGS, "testDomainGetXMLDesc")
        guest = self.guest(dom)
        if flags & c.DOMAIN_XML_INACTIVE:
            return guest.stored.text(flags & _XML_FLAGS)
        return guest.live.text(flags & _XML_FLAGS, guest.id)

    def domain_rename(self, dom: DomainRef, new_name: "str | None", flags: int = 0) -> int:
        allowed(flags, 0, "testDomainRename")
        guest = self.guest(dom)
        if guest.active:
            raise VirError(OPERATION_INVALID, "cannot rename active domain")
        assert new_name is not None
        if "/" in new_name:
            from pyvirsh.backend.errors import XML_ERROR

            raise VirError(XML_ERROR, f"name {new_name} cannot contain '/'")
        if new_name == guest.name:
            raise VirError(OPERATION_INVALID, "Can't rename domain to itself")
        if new_name in self.world.domain_names:
            raise VirError(OPERATION_INVALID, f"domain with name '{new_name}' already exists")
        guest.tell(c.DOMAIN_EVENT_UNDEFINED, c.DOMAIN_EVENT_UNDEFINED_RENAMED)
        guest.live.change().name = new_name
        self.world.rename(guest, new_name)
        guest.tell(c.DOMAIN_EVENT_DEFINED, c.DOMAIN_EVENT_DEFINED_RENAMED)
        return 0
