"""The XML that pool-define-as, pool-create-as and find-storage-pool-sources-as make of their options."""

from pyvirsh.backend.conf.xml import Node, write
from pyvirsh.commands import objects
from pyvirsh.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.shell.binding import Args

# Options in the order virsh reads them, which decides what an empty one is said of.
SOURCE = ("source-host", "source-path", "source-dev", "source-name", "source-format")
OTHERS = ("target", "auth-type", "auth-username", "secret-usage", "secret-uuid")
ADAPTER = (
    "adapter-name",
    "adapter-wwnn",
    "adapter-wwpn",
    "adapter-parent",
    "adapter-parent-wwnn",
    "adapter-parent-wwpn",
    "adapter-parent-fabric-wwn",
)
LATE = ("source-protocol-ver", "source-initiator")


def pool_xml(args: "Args") -> str:
    """Return the XML of the pool that the options describe.  Errors: CommandFailed."""
    objects.refuse_both(args, "secret-usage", "secret-uuid")
    name = args.name
    given = {"type": args.type} | {key: args[key] for key in SOURCE + OTHERS + ADAPTER + LATE}
    pool = Node("pool")
    pool.attrs["type"] = given["type"]
    pool.add("name").text = name
    source = _source(given)
    if source.kids:
        pool.kids.append(source)
    if given["target"]:
        pool.add("target").add("path").text = given["target"]
    return write(pool)


def _source(given: "dict[str, str]") -> Node:
    """Return the element for where the pool's storage comes from, without children if that is not said."""
    source = Node("source")
    _leaf(source, "host", "name", given["source-host"])
    _leaf(source, "dir", "path", given["source-path"])
    _leaf(source, "device", "path", given["source-dev"])
    if given["source-initiator"]:
        _leaf(source.add("initiator"), "iqn", "name", given["source-initiator"])
    if adapter := _adapter(given):
        source.add("adapter").attrs.update(adapter)
    anchor = len(source.kids)
    _leaf(source, "format", "type", given["source-format"])
    if given["source-name"]:
        source.add("name").text = given["source-name"]
    if source.kids:
        # Neither of these makes a source of its own.
        if auth := _auth(given):
            source.kids.insert(anchor, auth)
        _leaf(source, "protocol", "ver", given["source-protocol-ver"])
    return source


def _leaf(parent: Node, tag: str, attribute: str, value: "str | None") -> None:
    if value:
        parent.add(tag).attrs[attribute] = value


def _adapter(given: "dict[str, str]") -> "dict[str, str]":
    """Return the attributes of the host adapter: a Fibre Channel one by its names, else by its own name."""
    wwnn, wwpn = given["adapter-wwnn"], given["adapter-wwpn"]
    if not (wwnn and wwpn):
        name = given["adapter-name"]
        return {"type": "scsi_host", "name": name} if name else {}
    parent: dict[str, str] = {}
    if given["adapter-parent"]:
        parent = {"parent": given["adapter-parent"]}
    elif given["adapter-parent-wwnn"] and given["adapter-parent-wwpn"]:
        parent["parent_wwnn"] = given["adapter-parent-wwnn"]
        parent["parent_wwpn"] = given["adapter-parent-wwpn"]
    elif given["adapter-parent-fabric-wwn"]:
        parent = {"parent_fabric_wwn": given["adapter-parent-fabric-wwn"]}
    return {"type": "fc_host", **parent, "wwnn": wwnn, "wwpn": wwpn}


def _auth(given: "dict[str, str]") -> "Node | None":
    kind, user = given["auth-type"], given["auth-username"]
    usage, uuid = given["secret-usage"], given["secret-uuid"]
    if not (kind and user and (usage or uuid)):
        return None
    auth = Node("auth")
    auth.attrs.update({"type": kind, "username": user})
    auth.add("secret").attrs.update({"usage": usage} if usage else {"uuid": uuid})
    return auth


def source_xml(args: "Args") -> "str | None":
    """Return the XML of where to look for pools; None without a host to ask."""
    host = args.host
    if not host:
        return None
    try:
        port, initiator = args.port, args.initiator
    except CommandFailed as error:
        raise CommandFailed(*error.texts, "missing argument") from error
    source = Node("source")
    source.add("host").attrs.update({"name": host} | ({"port": port} if port else {}))
    if initiator:
        _leaf(source.add("initiator"), "iqn", "name", initiator)
    return write(source)
