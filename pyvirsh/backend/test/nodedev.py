"""Devices of the test host, and virtual Fibre Channel adapters made of them."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import NodeDeviceRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.conf import nodedev as conf
from pyvirsh.backend.conf import shape, xml
from pyvirsh.backend.conf.nodedev import Device
from pyvirsh.backend.errors import INTERNAL_ERROR, NO_NODE_DEVICE, OPERATION_INVALID, VirError
from pyvirsh.backend.test.base import TestBase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.nodedevscsi import FcHost
    from pyvirsh.backend.conf.storageadapter import Adapter
    from pyvirsh.backend.test.world import World

COMPUTER = """\
<device>
  <name>computer</name>
  <capability type='system'>
    <hardware>
      <vendor>Libvirt</vendor>
      <version>Test driver</version>
      <serial>123456</serial>
      <uuid>11111111-2222-3333-4444-555555555555</uuid>
    </hardware>
    <firmware>
      <vendor>Libvirt</vendor>
      <version>Test Driver</version>
      <release_date>01/22/2007</release_date>
    </firmware>
  </capability>
</device>
"""
_ADAPTER = """\
<device>
  <name>scsi_host{host}</name>
  <parent>{parent}</parent>
  <capability type='scsi_host'>
    <host>{host}</host>
    <unique_id>{unique_id}</unique_id>
    <capability type='fc_host'>
      <wwnn>20000000{wwn}</wwnn>
      <wwpn>10000000{wwn}</wwpn>
      <fabric_wwn>20000000{fabric}</fabric_wwn>
    </capability>
    {more}
  </capability>
</device>
"""
_VPORTS = "<capability type='vport_ops'/>"
DEFAULTS = (
    COMPUTER,
    _ADAPTER.format(host=1, unique_id=0, parent="computer", wwn="12341234", fabric="43214321", more=_VPORTS),
    _ADAPTER.format(host=2, unique_id=1, parent="computer", wwn="56785678", fabric="87658765", more=_VPORTS),
    _ADAPTER.format(host=11, unique_id=10, parent="scsi_host1", wwn="34563456", fabric="43214321", more=""),
)
# The virtual adapter that others are made after, and the name each of them gets.
_TEMPLATE = "scsi_host11"
_VIRTUAL = "scsi_host12"

_CAPABILITIES = {
    name: getattr(c, "CONNECT_LIST_NODE_DEVICES_CAP_" + flag)
    for name, flag in (
        *((name, name.upper()) for name in conf.KINDS),
        ("pci", "PCI_DEV"),
        ("usb_device", "USB_DEV"),
        ("usb", "USB_INTERFACE"),
        ("ccw", "CCW_DEV"),
        ("css", "CSS_DEV"),
        ("ccwgroup", "CCWGROUP_DEV"),
    )
    if hasattr(c, "CONNECT_LIST_NODE_DEVICES_CAP_" + flag)
}
_ALL_CAPABILITIES = sum(_CAPABILITIES.values())
_STATES = (
    (c.CONNECT_LIST_NODE_DEVICES_ACTIVE, c.CONNECT_LIST_NODE_DEVICES_INACTIVE, "active"),
    (c.CONNECT_LIST_NODE_DEVICES_PERSISTENT, c.CONNECT_LIST_NODE_DEVICES_TRANSIENT, "persistent"),
)
_LIST_FLAGS = _ALL_CAPABILITIES | sum(yes | no for yes, no, _ in _STATES)


class NodeDevice:
    """A device: those that the host begins with are active and persistent, those made later are neither."""

    def __init__(self, model: Device, *, made: bool) -> None:
        self.model = model
        self.active = self.persistent = not made

    @property
    def name(self) -> str:
        """Return its name."""
        return self.model.name or ""

    @property
    def ref(self) -> NodeDeviceRef:
        """Return a handle."""
        return NodeDeviceRef(self.name)


Devices = dict[str, NodeDevice]


def of(world: "World") -> Devices:
    """Return a host's devices by name."""
    if world.devices is None:
        world.devices = {}
        if world.built_in:
            for document in DEFAULTS:
                load(world, xml.parse(document))
    return world.devices


def load(world: "World", element: xml.Element) -> None:
    """Take a device of a node file in."""
    device = NodeDevice(conf.parse_device(element), made=False)
    of(world)[device.name] = device


def find(world: "World", name: str) -> NodeDevice:
    """Return a device.  Errors: NO_NODE_DEVICE."""
    device = of(world).get(name)
    if device is None:
        raise VirError(NO_NODE_DEVICE, f"no node device with matching name '{name}'")
    return device


# -- virtual adapters --------------------------------------------------------------------------------


def add_virtual_host(world: "World", adapter: "Adapter | FcHost") -> NodeDevice:
    """Make a virtual adapter with the names of `adapter`.  Errors: INTERNAL_ERROR without one to copy."""
    template = of(world).get(_TEMPLATE)
    if template is None:
        raise VirError(INTERNAL_ERROR, text="An error occurred, but the cause is unknown")
    model = template.model.copy()
    model.name = _VIRTUAL
    host = model.scsi_host
    if host is None or host.fc_host is None:
        raise VirError(INTERNAL_ERROR, "Device is not a fibre channel HBA")
    host.fc_host.wwnn, host.fc_host.wwpn = adapter.wwnn, adapter.wwpn
    device = of(world)[_VIRTUAL] = NodeDevice(model, made=True)
    _tell(world, device.ref, c.NODE_DEVICE_EVENT_CREATED)
    return device


def drop_virtual_host(world: "World") -> None:
    """Drop the virtual adapter of a pool.  Errors: NO_NODE_DEVICE."""
    device = find(world, _VIRTUAL)
    del of(world)[_VIRTUAL]
    _tell(world, device.ref, c.NODE_DEVICE_EVENT_DELETED)


def _tell(world: "World", ref: NodeDeviceRef, event: int) -> None:
    world.emit("node_device", c.NODE_DEVICE_EVENT_ID_LIFECYCLE, ref, (event, 0))


def _check_parent(world: "World", device: Device) -> None:
    """Check that a virtual adapter can be made below the parent it names.  Errors: INTERNAL_ERROR."""
    host = device.scsi_host
    if host is None or host.fc_host is None:
        raise VirError(INTERNAL_ERROR, "Device is not a fibre channel HBA")
    parent = _parent(world, device)
    if parent is None:
        raise VirError(INTERNAL_ERROR, f"Could not find parent device for '{device.name}'")
    if parent.model.scsi_host is None or parent.model.scsi_host.vport_ops is None:
        detail = f"Parent device {parent.name} is not capable of vport operations"
        raise VirError(INTERNAL_ERROR, detail)


def _parent(world: "World", device: Device) -> "NodeDevice | None":
    if device.parent is not None:
        return of(world).get(device.parent)
    for candidate in of(world).values():
        host = candidate.model.scsi_host
        if host is None or host.fc_host is None:
            continue
        names = host.fc_host
        if device.parent_wwnn is not None:
            if (names.wwnn, names.wwpn) == (device.parent_wwnn, device.parent_wwpn):
                return candidate
        elif device.parent_fabric_wwn is not None:
            if names.fabric_wwn == device.parent_fabric_wwn and host.vport_ops is not None:
                return candidate
        elif host.vport_ops is not None:
            return candidate
    return None


class NodeDeviceCalls(TestBase):
    """Devices of the node."""

    def connect_list_all_node_devices(self, flags: int = 0) -> "list[NodeDeviceRef]":
        allowed(flags, _LIST_FLAGS, "testConnectListAllNodeDevices")
        return [device.ref for device in of(self.world).values() if _passes(device, flags)]

    def node_device_lookup_by_name(self, name: str) -> NodeDeviceRef:
        return find(self.world, name).ref

    def node_device_get_xml_desc(self, name: str, flags: int = 0) -> str:
        allowed(flags, c.NODE_DEVICE_XML_INACTIVE, "testNodeDeviceGetXMLDesc")
        device = find(self.world, name)
        if flags & c.NODE_DEVICE_XML_INACTIVE and not device.persistent:
            raise VirError(OPERATION_INVALID, f"node device '{name}' is not persistent")
        return conf.format_device(device.model)

    def node_device_get_parent(self, name: str) -> "str | None":
        return find(self.world, name).model.parent

    def node_device_list_caps(self, name: str) -> "list[str]":
        return find(self.world, name).model.filter_names()

    def node_device_is_persistent(self, name: str) -> bool:
        return find(self.world, name).persistent

    def node_device_is_active(self, name: str) -> bool:
        return find(self.world, name).active

    def node_device_create_xml(self, xml_desc: str, flags: int = 0) -> NodeDeviceRef:
        allowed(flags, c.NODE_DEVICE_CREATE_XML_VALIDATE, "testNodeDeviceCreateXML")
        root = xml.parse(xml_desc, "(node_device_definition)")
        if flags:
            shape.check(root, Device, "nodedev", ("name", "capability"))
        device = conf.parse_device(root, new_wwn=self._new_wwn)
        _check_parent(self.world, device)
        assert device.scsi_host is not None and device.scsi_host.fc_host is not None
        return add_virtual_host(self.world, device.scsi_host.fc_host).ref

    def _new_wwn(self) -> str:
        """Return a random name of libvirt's range for tests."""
        return "5100000" + self.world.random(5).hex()[:9]

    def node_device_destroy(self, name: str) -> None:
        device = find(self.world, name)
        # libvirt's driver calls it done although all but adapters whose parent is there stay.
        host = device.model.scsi_host
        if host is not None and host.fc_host is not None and device.model.parent in of(self.world):
            del of(self.world)[name]
            _tell(self.world, device.ref, c.NODE_DEVICE_EVENT_DELETED)

    def connect_node_device_event_register_any(self, event_id: int, dev: "NodeDeviceRef | None") -> int:
        if dev is not None:
            find(self.world, dev.name)
        return self.mailbox.register("node_device", event_id, dev)

    def connect_node_device_event_deregister_any(self, callback_id: int) -> None:
        self.mailbox.deregister("node_device", callback_id)


def _passes(device: NodeDevice, flags: int) -> bool:
    for yes, no, name in _STATES:
        if flags & (yes | no) and not flags & (yes if getattr(device, name) else no):
            return False
    names = device.model.filter_names() if flags & _ALL_CAPABILITIES else []
    return not flags & _ALL_CAPABILITIES or any(flags & _CAPABILITIES.get(name, 0) for name in names)
