"""Where a domain's screens can be reached, from its XML.

Source: measured on virsh 11.3.0.
"""

from pyvirsh.backend import Uri
from pyvirsh.backend.conf import xml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# In the order they are tried.
TYPES = ("vnc", "spice", "rdp", "dbus")

# The port of VNC's display 0.
VNC_BASE = 5900

# A server that listens here can be reached by any address of its host.
ANYWHERE = ("0.0.0.0", "::")


class Graphics:
    """A `graphics` element."""

    def __init__(self, element: "xml.Element") -> None:
        self._element = element
        self.type = element.get("type", "")

    def __getitem__(self, name: str) -> str:
        return str(self._element.get(name, ""))

    def port(self, name: str = "port") -> int:
        """Return a port, 0 when there is none."""
        text = self[name]
        return int(text) if text.lstrip("-").isdigit() else 0

    def listen(self, name: str) -> str:
        """Return an attribute of the element itself or of one of its `listen` elements."""
        inner = (str(listen.get(name, "")) for listen in self._element.iterfind("listen"))
        return self["listen" if name == "address" else name] or next(filter(None, inner), "")


def of(document: str) -> "list[Graphics]":
    """Return the first screen of each type, in the order of TYPES."""
    found = [Graphics(element) for element in xml.parse(document).iterfind("devices/graphics")]
    firsts = (next((one for one in found if one.type == type), None) for type in TYPES)
    return [one for one in firsts if one]


def uris(document: str, type: str, connection: str) -> "Iterator[tuple[str, str]]":
    """Yield (type, URI) of each screen that can be reached; `type` "" means all types.

    connection: the connection's URI, whose host is named where the screen's server listens anywhere.
    Errors: ValueError for a D-Bus address that no URI can say.
    """
    for graphics in of(document):
        if type not in ("", graphics.type):
            continue
        uri = _dbus(graphics) if graphics.type == "dbus" else _network(graphics, connection)
        if uri:
            yield graphics.type, uri


def _dbus(graphics: Graphics) -> str:
    address = graphics["address"]
    if not address:
        return ""
    if not address.startswith("unix:path="):
        raise ValueError(f"'{address}' D-Bus address is not handled")
    return "dbus+unix://" + address.removeprefix("unix:path=")


def _network(graphics: Graphics, connection: str) -> str:
    port, tls_port = graphics.port(), graphics.port("tlsPort") if graphics.type == "spice" else 0
    socket = "" if port or tls_port else graphics.listen("socket")
    if not (port or tls_port or socket):
        return ""
    password = graphics["passwd"]
    login = f":{password}@" if password and graphics.type == "vnc" else ""
    if socket:
        uri = f"{graphics.type}+unix://{login}{socket}"
    else:
        uri = f"{graphics.type}://{login}{_host(graphics.listen('address'), connection)}"
    if port:
        uri += f":{port - VNC_BASE if graphics.type == 'vnc' else port}"
    query = [f"tls-port={tls_port}"] if tls_port else []
    if password and graphics.type == "spice":
        query.append(f"password={password}")
    return uri + ("?" + "&".join(query) if query else "")


def _host(address: str, connection: str) -> str:
    if address in ANYWHERE:
        address = Uri(connection).authority.rpartition("@")[2]
        address = address if address.startswith("[") else address.partition(":")[0]
    elif ":" in address:
        address = f"[{address}]"
    return address or "localhost"


def vnc(document: str) -> str:
    """Return the VNC screen as ``ADDRESS:DISPLAY``, "" when there is none."""
    for graphics in of(document):
        if graphics.type == "vnc" and graphics.port():
            address = graphics.listen("address")
            return f"{'' if address == '0.0.0.0' else address}:{graphics.port() - VNC_BASE}"
    return ""
