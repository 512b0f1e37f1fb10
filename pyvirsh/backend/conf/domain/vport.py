"""What limits and joins the traffic of an interface or a network: bandwidth, VLANs, ports of switches.

Source: libvirt's domain XML format, "Network interfaces"; network XML format.
"""

from pyvirsh.backend.conf.cnumbers import c_integer
from pyvirsh.backend.conf.domain.source import is_uuid
from pyvirsh.backend.conf.model import Model, integer, text
from pyvirsh.backend.conf.xml import Element
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, XML_DETAIL, XML_ERROR, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_PROFILE_MAX = 39
# What a port of a type takes, and what of that it needs.
_TAKES = {
    None: ("managerid", "typeid", "typeidversion", "instanceid", "interfaceid", "profileid"),
    "802.1Qbg": ("managerid", "typeid", "typeidversion", "instanceid"),
    "802.1Qbh": ("profileid",),
    "openvswitch": ("interfaceid", "profileid"),
    "midonet": ("interfaceid",),
}
_NEEDS = {
    "802.1Qbg": ("managerid", "typeid", "typeidversion"),
    "802.1Qbh": ("profileid",),
    "midonet": ("interfaceid",),
}
_CREATED = {None: ("instanceid", "interfaceid"), "802.1Qbg": ("instanceid",), "openvswitch": ("interfaceid",)}
_NUMBERS = {"managerid": 0xFF, "typeid": 0xFFFFFF, "typeidversion": 0xFF}


class VirtualPort(Model):
    """A port on a virtual switch."""

    tag = "virtualport"
    type: str | None = text("@type")
    managerid: str | None = text("parameters/@managerid")
    typeid: str | None = text("parameters/@typeid")
    typeidversion: str | None = text("parameters/@typeidversion")
    instanceid: str | None = text("parameters/@instanceid")
    interfaceid: str | None = text("parameters/@interfaceid")
    profileid: str | None = text("parameters/@profileid")

    def check(self, *, whole: bool) -> None:
        """Check the type and its parameters.

        whole: whether it has to say everything, as nothing else can.  Errors: XML_ERROR, CONFIG_UNSUPPORTED.
        """
        if self.type is None and whole:
            raise VirError(XML_ERROR, "missing required virtualport type")
        if self.type not in _TAKES:
            raise VirError(CONFIG_UNSUPPORTED, f"unknown virtualport type {self.type}")
        self._check_values()
        place = f"in <virtualport type='{self.type}'>"
        for name in _NEEDS.get(self.type or "", ()) if whole else ():
            if getattr(self, name) is None:
                raise VirError(XML_ERROR, f"missing {name} {place}")
        for name in _TAKES[None]:
            if name in _TAKES[self.type] or getattr(self, name) is None:
                continue
            if self.type != "midonet":
                raise VirError(XML_ERROR, f"extra {name} unsupported {place}")
            setattr(self, name, None)

    def _check_values(self) -> None:
        for name, most in _NUMBERS.items():
            value = getattr(self, name)
            if value is None:
                continue
            number = c_integer(value, 0)
            if number is None or abs(number) >= 1 << 32:
                raise VirError(XML_ERROR, f"cannot parse value of {name} parameter")
            setattr(self, name, str(number))
            if not 0 <= number <= most:
                said = "value for" if name == "typeid" else "value of"
                raise VirError(XML_ERROR, f"{said} {name} out of range")
        for name in ("instanceid", "interfaceid"):
            value = getattr(self, name)
            if value is not None and not is_uuid(value):
                raise VirError(XML_ERROR, f"cannot parse {name} parameter as a uuid")
        self.profileid = self.profileid or None
        if len(self.profileid or "") > _PROFILE_MAX:
            raise VirError(XML_ERROR, "profileid parameter too long")

    def create_ids(self, new_uuid: "Callable[[], str]") -> None:
        """Make the ids that a port of its type has and that are not stated."""
        for name in _CREATED.get(self.type, ()):
            if getattr(self, name) is None:
                setattr(self, name, new_uuid())


class VlanTag(Model):
    """A VLAN of an interface."""

    tag = "tag"
    id: int | None = integer("@id", required=True, bits=32)
    native_mode: str | None = text("@nativeMode", choices=("default", "tagged", "untagged"))


def check_vlan(element: "Element | None", tags: "list[VlanTag]") -> "str | None":
    """Check an interface's <vlan> and return its trunk attribute.  Errors: XML_ERROR."""
    if element is None:
        return None
    if not tags:
        detail = "missing tag id - each <vlan> must have at least one <tag id='n'/> subelement"
        raise VirError(XML_ERROR, detail)
    for tag in tags:
        if (tag.id or 0) > 4095:
            raise VirError(XML_ERROR, f"vlan tag id {tag.id} too large (maximum 4095)")
    trunk = element.get("trunk")
    if trunk is not None and trunk.lower() == "no" and any(tag.native_mode for tag in tags):
        detail = "\"trunk='no'\" is not allowed with a native vlan id"
        raise VirError(XML_ERROR, f"invalid configuration in <vlan> - {detail}")
    lower = trunk.lower() if trunk else None
    stated = f"invalid \"trunk='{trunk}'\" in <vlan>"
    if len(tags) > 1 and lower not in (None, "yes"):
        detail = f"{stated} - trunk='yes' is required for more than one vlan tag"
        raise VirError(XML_ERROR, detail)
    if lower not in (None, "yes", "no"):
        raise VirError(XML_ERROR, f"{stated} - must be yes or no")
    return "yes" if len(tags) > 1 or lower == "yes" else None


class BandwidthSide(Model):
    """A limit: average and peak in KiB/s, burst in KiB."""

    average: int | None = integer("@average")
    peak: int | None = integer("@peak", or_none=True)
    floor: int | None = integer("@floor")
    burst: int | None = integer("@burst", or_none=True)


def check_side(side: "BandwidthSide | None", *, floor: bool) -> bool:
    """Check a limit and say whether it limits anything.  `floor`: whether it may have one."""
    if side is None:
        return False
    if side.average is None and side.floor is None:
        raise VirError(XML_DETAIL, "Missing mandatory average or floor attributes")
    if side.floor is not None and not floor:
        raise VirError(CONFIG_UNSUPPORTED, "floor attribute is not supported for this config")
    side.average = side.average or None
    side.floor = side.floor or None
    return side.average is not None or side.floor is not None


class Inbound(BandwidthSide):
    """The limit of what comes in."""

    tag = "inbound"


class Outbound(BandwidthSide):
    """The limit of what goes out."""

    tag = "outbound"
