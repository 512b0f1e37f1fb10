"""Network interfaces of the test host, with changes that can be taken back."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import InterfaceRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.conf import interface as conf
from pyvirsh.backend.conf import xml
from pyvirsh.backend.errors import (
    MULTIPLE_INTERFACES,
    NO_INTERFACE,
    OPERATION_INVALID,
    VirError,
)
from pyvirsh.backend.test.base import TestBase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.interface import Interface
    from pyvirsh.backend.test.world import World

DEFAULT = """\
<interface type='ethernet' name='eth1'>
  <start mode='onboot'/>
  <mtu size='1492'/>
  <protocol family='ipv4'>
    <ip address='192.168.0.5' prefix='24'/>
    <route gateway='192.168.0.1'/>
  </protocol>
  <mac address='aa:bb:cc:dd:ee:ff'/>
</interface>
"""
_LIST_FLAGS = c.CONNECT_LIST_INTERFACES_ACTIVE | c.CONNECT_LIST_INTERFACES_INACTIVE


class HostInterface:
    """An interface and whether it is up."""

    def __init__(self, model: "Interface", *, active: bool) -> None:
        self.model = model
        self.active = active

    @property
    def ref(self) -> InterfaceRef:
        """Return a handle."""
        return InterfaceRef(self.model.name or "", self.model.mac or "")


class Interfaces:
    """All interfaces of a host by name; `saved` is how they were before a change was begun."""

    def __init__(self) -> None:
        self.by_name: dict[str, HostInterface] = {}
        self.saved: dict[str, HostInterface] | None = None

    def find(self, ref: InterfaceRef) -> HostInterface:
        """Return the interface behind a handle.  Errors: NO_INTERFACE."""
        found = self.by_name.get(ref.name)
        if found is None:
            raise VirError(NO_INTERFACE)
        return found

    def add(self, model: "Interface") -> HostInterface:
        """Take a definition in, anew for one of the same name."""
        name = model.name or ""
        before = self.by_name.get(name)
        self.by_name[name] = HostInterface(model, active=before.active if before else False)
        return self.by_name[name]


def of(world: "World") -> Interfaces:
    """Return a host's interfaces."""
    if world.interfaces is None:
        world.interfaces = Interfaces()
        if world.built_in:
            world.interfaces.add(conf.parse_interface(xml.parse(DEFAULT))).active = True
    return world.interfaces


def load(world: "World", element: xml.Element) -> None:
    """Take an interface of a node file in; it is up."""
    of(world).add(conf.parse_interface(element)).active = True


class InterfaceCalls(TestBase):
    """Interfaces."""

    def _interface(self, ref: InterfaceRef) -> HostInterface:
        return of(self.world).find(ref)

    def connect_list_all_interfaces(self, flags: int = 0) -> "list[InterfaceRef]":
        allowed(flags, _LIST_FLAGS, "testConnectListAllInterfaces")
        wanted = {c.CONNECT_LIST_INTERFACES_ACTIVE: True, c.CONNECT_LIST_INTERFACES_INACTIVE: False}
        states = [active for bit, active in wanted.items() if not flags & _LIST_FLAGS or flags & bit]
        return [found.ref for found in of(self.world).by_name.values() if found.active in states]

    def interface_lookup_by_name(self, name: str) -> InterfaceRef:
        found = of(self.world).by_name.get(name)
        if found is None:
            raise VirError(NO_INTERFACE, f"no interface with matching name '{name}'")
        return found.ref

    def interface_lookup_by_mac_string(self, mac: str) -> InterfaceRef:
        same = [f for f in of(self.world).by_name.values() if (f.model.mac or "").lower() == mac.lower()]
        if not same:
            raise VirError(NO_INTERFACE, f"no interface with matching mac '{mac}'")
        if len(same) > 1:
            raise VirError(MULTIPLE_INTERFACES)
        return same[0].ref

    def interface_is_active(self, iface: InterfaceRef) -> bool:
        return self._interface(iface).active

    def interface_get_xml_desc(self, iface: InterfaceRef, flags: int = 0) -> str:
        allowed(flags, 0, "testInterfaceGetXMLDesc")
        return conf.format_interface(self._interface(iface).model)

    def interface_define_xml(self, xml: str, flags: int = 0) -> InterfaceRef:
        allowed(flags, c.INTERFACE_DEFINE_VALIDATE, "testInterfaceDefineXML")
        root = _document(xml)
        if flags:
            conf.check_shape(root)
        model = conf.parse_interface(root)
        return of(self.world).add(model).ref

    def interface_undefine(self, iface: InterfaceRef) -> None:
        self._interface(iface)
        del of(self.world).by_name[iface.name]

    def interface_create(self, iface: InterfaceRef, flags: int = 0) -> None:
        allowed(flags, 0, "testInterfaceCreate")
        self._set_interface(iface, active=True)

    def interface_destroy(self, iface: InterfaceRef, flags: int = 0) -> None:
        allowed(flags, 0, "testInterfaceDestroy")
        self._set_interface(iface, active=False)

    def _set_interface(self, ref: InterfaceRef, *, active: bool) -> None:
        found = self._interface(ref)
        if found.active == active:
            raise VirError(OPERATION_INVALID)
        found.active = active

    # -- changes that can be taken back ----------------------------------------------------------------

    def interface_change_begin(self, flags: int = 0) -> None:
        allowed(flags, 0, "testInterfaceChangeBegin")
        interfaces = of(self.world)
        if interfaces.saved is not None:
            raise VirError(OPERATION_INVALID, "there is another transaction running.")
        # What comes back is down, as in libvirt's driver.
        interfaces.saved = {
            name: HostInterface(found.model, active=False) for name, found in interfaces.by_name.items()
        }

    def interface_change_commit(self, flags: int = 0) -> None:
        allowed(flags, 0, "testInterfaceChangeCommit")
        interfaces = of(self.world)
        if interfaces.saved is None:
            raise VirError(OPERATION_INVALID, "no transaction running, nothing to be committed.")
        interfaces.saved = None

    def interface_change_rollback(self, flags: int = 0) -> None:
        allowed(flags, 0, "testInterfaceChangeRollback")
        interfaces = of(self.world)
        if interfaces.saved is None:
            raise VirError(OPERATION_INVALID, "no transaction running, nothing to rollback.")
        interfaces.by_name, interfaces.saved = interfaces.saved, None


def _document(text: str) -> xml.Element:
    return xml.parse(text, "(interface_definition)")
