"""Encrypted memory, wrapped keys, mapped users.

Source: libvirt's domain XML format, "Launch Security", "Key Wrap" and "Container boot".
"""

from pyvirsh.backend.conf.model import Model, hexadecimal, integer, on_off, text, yes_no
from pyvirsh.backend.conf.xml import Element, Node
from pyvirsh.backend.errors import XML_ERROR, VirError

_WRONG_MAP = (XML_ERROR, "invalid idmap start/target/count settings")
_NO_POLICY = (XML_ERROR, "failed to get launch security policy")


class IdMap(Model):
    """A range of mapped user or group ids."""

    start: int | None = integer("@start", unknown=_WRONG_MAP, bits=32)
    target: int | None = integer("@target", unknown=_WRONG_MAP, bits=32)
    count: int | None = integer("@count", unknown=_WRONG_MAP, bits=32)

    def after_parse(self, element: Element) -> None:
        if self.start is None or self.target is None or self.count is None:
            raise VirError(*_WRONG_MAP)


class KeyWrap(Model):
    """Whether keys of a kind are wrapped."""

    tag = "cipher"
    name: str | None = text("@name", choices=("aes", "dea"), required=True)
    state: str | None = on_off("@state", required=True)


class LaunchSecurity(Model):
    """Memory encryption of confidential guests."""

    tag = "launchSecurity"
    type: str | None = text("@type", choices=("sev", "sev-snp", "s390-pv"), required=True)
    kernel_hashes: str | None = yes_no("@kernelHashes")
    author_key: str | None = yes_no("@authorKey")
    vcek: str | None = yes_no("@vcek")
    cbitpos: int | None = integer(
        "cbitpos", unknown=(XML_ERROR, "Invalid format for launch security cbitpos")
    )
    reduced_phys_bits: int | None = integer(
        "reducedPhysBits", unknown=(XML_ERROR, "Invalid format for launch security reduced-phys-bits")
    )
    policy: int | None = hexadecimal("policy", 4, unknown=_NO_POLICY)
    dh_cert: str | None = text("dhCert")
    session: str | None = text("session")
    guest_visible_workarounds: str | None = text("guestVisibleWorkarounds")
    id_block: str | None = text("idBlock")
    id_auth: str | None = text("idAuth")
    host_data: str | None = text("hostData")

    def after_parse(self, element: Element) -> None:
        if self.type == "s390-pv":
            for name in self.declared():
                if name != "type":
                    setattr(self, name, None)
        elif self.policy is None:
            raise VirError(*_NO_POLICY)

    def fill_node(self, node: Node) -> None:
        super().fill_node(node)
        for kid in node.kids:
            if isinstance(kid, Node) and kid.tag == "policy" and self.type == "sev-snp":
                kid.text = f"0x{self.policy:08x}"
