"""Networks of the test host."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import NetworkRef
from pyvirsh.backend.checks import allowed, exclusive, invalid, not_null, null
from pyvirsh.backend.conf import metadata as elements
from pyvirsh.backend.conf import network as conf
from pyvirsh.backend.conf import network_update, xml
from pyvirsh.backend.conf.network import Network
from pyvirsh.backend.errors import (
    INTERNAL_ERROR,
    INVALID_ARG,
    NO_NETWORK,
    NO_NETWORK_METADATA,
    OPERATION_FAILED,
    OPERATION_INVALID,
    VirError,
)
from pyvirsh.backend.test.base import TestBase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.test.world import World

AFFECT = c.NETWORK_UPDATE_AFFECT_LIVE | c.NETWORK_UPDATE_AFFECT_CONFIG
_TEXTS = {c.NETWORK_METADATA_DESCRIPTION: "description", c.NETWORK_METADATA_TITLE: "title"}
_FILTERS = (
    (c.CONNECT_LIST_NETWORKS_ACTIVE, c.CONNECT_LIST_NETWORKS_INACTIVE, "active"),
    (c.CONNECT_LIST_NETWORKS_PERSISTENT, c.CONNECT_LIST_NETWORKS_TRANSIENT, "persistent"),
    (c.CONNECT_LIST_NETWORKS_AUTOSTART, c.CONNECT_LIST_NETWORKS_NO_AUTOSTART, "autostart"),
)
_LIST_FLAGS = 0x3F

DEFAULT = """\
<network>
  <name>default</name>
  <uuid>dd8fe884-6c02-601e-7551-cca97df1c5df</uuid>
  <forward mode='nat'/>
  <bridge name='virbr0'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp>
      <range start='192.168.122.2' end='192.168.122.254'/>
    </dhcp>
  </ip>
</network>
"""


class Net:
    """A network: `live` is its definition; `future` one that was made while it ran.

    That one comes up only when the network is updated after it has stopped, as in libvirt.
    """

    def __init__(self, model: Network, *, persistent: bool, active: bool) -> None:
        self.live = model
        self.future: Network | None = None
        self.persistent = persistent
        self.active = active
        self.autostart = False

    @property
    def ref(self) -> NetworkRef:
        """Return a handle."""
        return NetworkRef(self.live.name, self.live.uuid or "")

    def take(self, model: Network, *, active: bool) -> None:
        """Take a new definition; active: for running now.  Errors: OPERATION_INVALID."""
        if active and self.active:
            raise VirError(OPERATION_INVALID, f"network is already active as '{model.name}'")
        if not active and self.active:
            self.future = model
            return
        self.future = (self.future or self.live) if active and self.persistent else None
        self.live = model

    def impact(self, flags: int) -> int:
        """Return which definitions flags mean.  Errors: OPERATION_INVALID for one there is not."""
        if not flags & AFFECT:
            flags |= c.NETWORK_UPDATE_AFFECT_LIVE if self.active else c.NETWORK_UPDATE_AFFECT_CONFIG
        if flags & c.NETWORK_UPDATE_AFFECT_LIVE and not self.active:
            raise VirError(OPERATION_INVALID, "network is not running")
        if flags & c.NETWORK_UPDATE_AFFECT_CONFIG and not self.persistent:
            raise VirError(OPERATION_INVALID, "cannot change persistent config of a transient network")
        return flags & AFFECT

    def asked(self, flags: int) -> "list[Network]":
        """Return the definitions that flags ask for; none for a future one that there is not."""
        flags = self.impact(flags)
        found = [self.live] if flags & c.NETWORK_UPDATE_AFFECT_LIVE or not self.active else []
        if flags & c.NETWORK_UPDATE_AFFECT_CONFIG and self.active and self.future is not None:
            found.append(self.future)
        return found


class Networks:
    """All networks of a host, by UUID."""

    def __init__(self) -> None:
        self.by_uuid: dict[str, Net] = {}

    def find(self, ref: NetworkRef) -> Net:
        """Return the network behind a handle.  Errors: NO_NETWORK."""
        net = self.by_uuid.get(ref.uuid)
        if net is None:
            raise VirError(NO_NETWORK, f"no network with matching uuid '{ref.uuid}' ({ref.name})")
        return net

    def named(self, name: str) -> "Net | None":
        """Return the network called `name`."""
        return next((net for net in self.by_uuid.values() if net.live.name == name), None)

    def add(self, model: Network, *, active: bool) -> Net:
        """Take a definition in: a new network, or anew for one of the same name and UUID.

        Errors: OPERATION_FAILED for a name or UUID that another has.
        """
        same = self.by_uuid.get(model.uuid or "")
        if same is not None and same.live.name != model.name:
            name = same.live.name
            raise VirError(OPERATION_FAILED, f"network '{name}' is already defined with uuid {model.uuid}")
        named = self.named(model.name)
        if named is not None and named is not same:
            uuid = named.live.uuid
            raise VirError(OPERATION_FAILED, f"network '{model.name}' already exists with uuid {uuid}")
        if same is None:
            same = self.by_uuid[model.uuid or ""] = Net(model, persistent=not active, active=active)
        else:
            same.take(model, active=active)
            same.active = same.active or active
            same.persistent = same.persistent or not active
        return same


def of(world: "World") -> Networks:
    """Return a host's networks."""
    if world.networks is None:
        world.networks = Networks()
        if world.built_in:
            model = conf.parse_network(xml.parse(DEFAULT), new_uuid=world.new_uuid)
            net = world.networks.add(model, active=False)
            net.active = True
    return world.networks


def load(world: "World", element: xml.Element) -> None:
    """Take a network of a node file in: it runs and is persistent."""
    net = of(world).add(conf.parse_network(element, new_uuid=world.new_uuid), active=False)
    net.active = True


def first_lease(world: "World", name: str) -> "tuple[str, int]":
    """Return the first address that a network gives out, and its prefix.  Errors: NO_NETWORK."""
    net = of(world).named(name)
    if net is None:
        raise VirError(NO_NETWORK, f"no network with matching name '{name}'")
    for ip in net.live.ips:
        for dhcp_range in ip.ranges:
            return dhcp_range.start or "", ip.prefix_length()
    raise VirError(INTERNAL_ERROR, f"network '{name}' gives out no addresses")


class NetworkCalls(TestBase):
    """Networks."""

    def _network(self, ref: NetworkRef) -> Net:
        return of(self.world).find(ref)

    def _parse_network(self, document: str, *, validate: bool) -> Network:
        root = xml.parse(document, "(network_definition)")
        if validate:
            conf.check_shape(root)
        return conf.parse_network(root, new_uuid=self.world.new_uuid)

    def _network_event(self, ref: NetworkRef, event: int) -> None:
        self.world.emit("network", c.NETWORK_EVENT_ID_LIFECYCLE, ref, (event, 0))

    # -- finding -----------------------------------------------------------------------------------

    def network_lookup_by_name(self, name: str) -> NetworkRef:
        net = of(self.world).named(name)
        if net is None:
            raise VirError(NO_NETWORK, f"no network with matching name '{name}'")
        return net.ref

    def network_lookup_by_uuid(self, uuid: str) -> NetworkRef:
        net = of(self.world).by_uuid.get(uuid)
        if net is None:
            raise VirError(NO_NETWORK, f"no network with matching uuid '{uuid}'")
        return net.ref

    def connect_list_all_networks(self, flags: int = 0) -> "list[NetworkRef]":
        allowed(flags, _LIST_FLAGS, "testConnectListAllNetworks")
        return [net.ref for net in of(self.world).by_uuid.values() if _passes(net, flags)]

    def network_is_active(self, net: NetworkRef) -> bool:
        return self._network(net).active

    def network_is_persistent(self, net: NetworkRef) -> bool:
        return self._network(net).persistent

    def network_get_bridge_name(self, net: NetworkRef) -> str:
        bridge = self._network(net).live.bridge
        if bridge is None or bridge.name is None:
            raise VirError(INTERNAL_ERROR, f"network '{net.name}' does not have a bridge name.")
        return bridge.name

    def network_get_xml_desc(self, net: NetworkRef, flags: int = 0) -> str:
        allowed(flags, 0, "testNetworkGetXMLDesc")
        return conf.format_network(self._network(net).live)

    def network_get_autostart(self, net: NetworkRef) -> bool:
        found = self._network(net)
        return found.autostart

    def network_set_autostart(self, net: NetworkRef, autostart: int) -> None:
        self._network(net).autostart = bool(autostart)

    # -- life ----------------------------------------------------------------------------------------

    def network_define_xml(self, xml: str) -> NetworkRef:
        return self.network_define_xml_flags(xml)

    def network_define_xml_flags(self, xml: str, flags: int = 0) -> NetworkRef:
        allowed(flags, c.NETWORK_DEFINE_VALIDATE, "testNetworkDefineXMLFlags")
        net = of(self.world).add(self._parse_network(xml, validate=bool(flags)), active=False)
        net.persistent = True
        self._network_event(net.ref, c.NETWORK_EVENT_DEFINED)
        return net.ref

    def network_create_xml(self, xml: str) -> NetworkRef:
        return self.network_create_xml_flags(xml)

    def network_create_xml_flags(self, xml: str, flags: int = 0) -> NetworkRef:
        allowed(flags, c.NETWORK_CREATE_VALIDATE, "testNetworkCreateXMLFlags")
        net = of(self.world).add(self._parse_network(xml, validate=bool(flags)), active=True)
        self._network_event(net.ref, c.NETWORK_EVENT_STARTED)
        return net.ref

    def network_create(self, net: NetworkRef) -> None:
        found = self._network(net)
        if found.active:
            raise VirError(OPERATION_INVALID, f"Network '{found.live.name}' is already running")
        found.active = True
        self._network_event(net, c.NETWORK_EVENT_STARTED)

    def network_destroy(self, net: NetworkRef) -> None:
        found = self._network(net)
        found.active = False
        if not found.persistent:
            del of(self.world).by_uuid[net.uuid]
        self._network_event(net, c.NETWORK_EVENT_STOPPED)

    def network_undefine(self, net: NetworkRef) -> None:
        found = self._network(net)
        if found.active:
            raise VirError(OPERATION_INVALID, f"Network '{found.live.name}' is still running")
        del of(self.world).by_uuid[net.uuid]
        self._network_event(net, c.NETWORK_EVENT_UNDEFINED)

    # -- changes -------------------------------------------------------------------------------------

    def network_update(
        self, net: NetworkRef, command: int, section: int, parent_index: int, xml: str, flags: int = 0
    ) -> None:
        allowed(flags, AFFECT, "testNetworkUpdate")
        found = self._network(net)
        asked = found.impact(flags)
        if asked & c.NETWORK_UPDATE_AFFECT_CONFIG and found.active:
            future = (found.future or found.live).copy()
            network_update.update(future, command, section, parent_index, xml)
            found.future = future
        if not found.active:
            # A definition made while it ran comes up now.
            changed = (found.future or found.live).copy()
            network_update.update(changed, command, section, parent_index, xml)
            found.live, found.future = changed, None
        elif asked & c.NETWORK_UPDATE_AFFECT_LIVE:
            changed = found.live.copy()
            network_update.update(changed, command, section, parent_index, xml)
            found.live = changed

    def network_set_metadata(
        self,
        network: NetworkRef,
        type: int,
        metadata: "str | None",
        key: "str | None",
        uri: "str | None",
        flags: int = 0,
    ) -> None:
        function = "virNetworkSetMetadata"
        if type == c.NETWORK_METADATA_TITLE and metadata and "\n" in metadata:
            raise invalid("metadata title can't contain newlines")
        _check_uri(type, uri, function)
        if type in _TEXTS:
            null(key, "key", function)
        elif metadata is not None:
            not_null(key, "key", function)
        allowed(flags, AFFECT, "testNetworkSetMetadata")
        _known(type)
        for model in self._network(network).asked(flags):
            if type in _TEXTS:
                setattr(model, _TEXTS[type], metadata or None)
            else:
                model.metadata = elements.replace(model.metadata, uri or "", key, metadata)
        self.world.emit("network", c.NETWORK_EVENT_ID_METADATA_CHANGE, network, (type, uri))

    def network_get_metadata(self, network: NetworkRef, type: int, uri: "str | None", flags: int = 0) -> str:
        _check_uri(type, uri, "virNetworkGetMetadata")
        allowed(flags, AFFECT, "testNetworkGetMetadata")
        exclusive(flags, (1, "NETWORK_UPDATE_AFFECT_LIVE"), (2, "NETWORK_UPDATE_AFFECT_CONFIG"))
        _known(type)
        models = self._network(network).asked(flags)
        if not models:
            raise VirError(INTERNAL_ERROR, text="An error occurred, but the cause is unknown")
        model = models[0]
        if type in _TEXTS:
            found: str | None = getattr(model, _TEXTS[type])
        else:
            found = elements.find(model.metadata, uri or "")
        if not found:
            raise VirError(NO_NETWORK_METADATA, "Requested metadata element is not present")
        return found

    # -- events --------------------------------------------------------------------------------------

    def connect_network_event_register_any(self, event_id: int, net: "NetworkRef | None") -> int:
        if net is not None:
            self._network(net)
        return self.mailbox.register("network", event_id, net)

    def connect_network_event_deregister_any(self, callback_id: int) -> None:
        self.mailbox.deregister("network", callback_id)


def _passes(net: Net, flags: int) -> bool:
    for yes, no, name in _FILTERS:
        if flags & (yes | no) and not flags & (yes if getattr(net, name) else no):
            return False
    return True


def _check_uri(type: int, uri: "str | None", function: str) -> None:
    if type in _TEXTS:
        null(uri, "uri", function)
    elif type == c.NETWORK_METADATA_ELEMENT:
        not_null(uri, "uri", function)


def _known(type: int) -> None:
    if type not in _TEXTS and type != c.NETWORK_METADATA_ELEMENT:
        raise VirError(INVALID_ARG, f"unknown metadata type '{type}'")
