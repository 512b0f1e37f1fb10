"""Capabilities of devices that only s390 machines have.

Source: libvirt's node device XML format; messages as observed.
"""

from typing import Any

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.model import Model, many, one, text
from pyvirsh.backend.conf.nodecapability import Capability, nested, unsupported, word
from pyvirsh.backend.conf.nodedevpci import MdevTypes
from pyvirsh.backend.errors import XML_ERROR, VirError

_AP_DOMAIN_MAX = 255
QETH_KINDS = ("qeth_generic", "qeth_layer2", "qeth_layer3")


class ChannelAddress(Model):
    """The address of a channel device."""

    tag = "channel_dev_addr"
    cssid: int = word("cssid")
    ssid: int = word("ssid")
    devno: int = word("devno", base=16, digits=4)


class CcwgroupMember(Capability):
    """A device that is part of a group."""

    type = "ccwgroup_member"
    readable = False
    group_device: str | None = text("group_device")

    def after_parse(self, element: xml.Element) -> None:
        if self.group_device is None:
            raise unsupported("missing group_device value for '{}'", element)


class Ccw(Capability):
    """A channel device."""

    type = "ccw"
    state: str | None = text("state")
    cssid: int = word("cssid")
    ssid: int = word("ssid")
    devno: int = word("devno", base=16, digits=4)
    capabilities: list[Any] = nested(CcwgroupMember)

    def after_parse(self, element: xml.Element) -> None:
        check_state(self.state, element)

    def filter_names(self) -> "list[str]":
        return [self.type, *(one.type for one in self.capabilities)]


def check_state(state: "str | None", element: xml.Element) -> None:
    """Check the state of a channel device.  Errors: CONFIG_UNSUPPORTED."""
    if state not in (None, "online", "offline"):
        raise unsupported(f"unknown state '{state}' for '{{}}'", element)


class Css(Capability):
    """A subchannel."""

    type = "css"
    cssid: int = word("cssid")
    ssid: int = word("ssid")
    devno: int = word("devno", base=16, digits=4)
    channel: ChannelAddress | None = one("channel_dev_addr", ChannelAddress)
    capabilities: list[Any] = nested(MdevTypes, missing="Missing capability type")

    def after_parse(self, element: xml.Element) -> None:
        self.capabilities = [one for one in self.capabilities if one.types]

    def filter_names(self) -> "list[str]":
        return [self.type, *(one.type for one in self.capabilities)]


class GroupMember(Model):
    """A device of a group."""

    tag = "ccw_device"
    ref: str | None = text("@ref")
    device: str | None = text(".")

    def after_parse(self, element: xml.Element) -> None:
        if self.ref is None:
            detail = "Missing ref property on ccw_device in members for '{}'"
            raise VirError(XML_ERROR, unsupported(detail, element).detail)
        self.device = self.device or ""


class Qeth(Model):
    """What a group of network devices is."""

    tag = "capability"
    kind: str | None = text("@type", choices=QETH_KINDS, required=True)
    card_type: str | None = text("card_type")
    chpid: str | None = text("chpid")

    def after_parse(self, element: xml.Element) -> None:
        self.card_type = self.card_type or "(null)"
        self.chpid = self.chpid or "(null)"


class Ccwgroup(Capability):
    """Channel devices that make up one."""

    type = "ccwgroup"
    state: str | None = text("state")
    cssid: int = word("cssid")
    ssid: int = word("ssid")
    devno: int = word("devno", base=16, digits=4)
    members: list[GroupMember] = many("members/ccw_device", GroupMember)
    qeth: Qeth | None = one("capability", Qeth)

    def after_parse(self, element: xml.Element) -> None:
        check_state(self.state, element)
        self.qeth = self.qeth or Qeth(kind=QETH_KINDS[0], card_type="(null)", chpid="(null)")


class ApCard(Capability):
    """A cryptographic adapter."""

    type = "ap_card"
    adapter: int = word("ap-adapter", digits=2)


class ApQueue(Capability):
    """A domain of a cryptographic adapter."""

    type = "ap_queue"
    adapter: int = word("ap-adapter", digits=2)
    domain: int = word("ap-domain", digits=4)

    def after_parse(self, element: xml.Element) -> None:
        if self.domain > _AP_DOMAIN_MAX:
            raise unsupported(f"ap-domain value '{self.domain}' is out of range for '{{}}'", element)


class ApMatrix(Capability):
    """What cryptographic mediated devices are made of."""

    type = "ap_matrix"
    capabilities: list[Any] = nested(MdevTypes, missing="Missing capability type")

    def after_parse(self, element: xml.Element) -> None:
        self.capabilities = [one for one in self.capabilities if one.types]

    def filter_names(self) -> "list[str]":
        return [self.type, *(one.type for one in self.capabilities)]
