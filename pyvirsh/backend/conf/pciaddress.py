"""PCI addresses as libvirt reads and writes them in pools and node devices.

Source: libvirt's storage pool and node device XML formats; messages as observed.
"""

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.model import Model, integer, text
from pyvirsh.backend.errors import XML_ERROR, VirError

_MOST = {"bus": 0xFF, "slot": 0x1F}
_FUNCTION_MAX = 7


class PciAddress(Model):
    """Where a PCI device sits; what is not said is 0."""

    tag = "address"
    kept_empty = True
    domain: int | None = integer("@domain", any_base=True, bits=32)
    bus: int | None = integer("@bus", any_base=True, bits=32)
    slot: int | None = integer("@slot", any_base=True, bits=32)
    function: int | None = integer("@function", any_base=True, bits=32)
    multifunction: str | None = text("@multifunction", choices=("on", "off"))

    def after_parse(self, element: xml.Element) -> None:
        for name, most in _MOST.items():
            value = getattr(self, name) or 0
            if value > most:
                detail = f"Invalid PCI address {name}='0x{value:x}', must be <= 0x{most:X}"
                raise VirError(XML_ERROR, detail)
        if (self.function or 0) > _FUNCTION_MAX:
            detail = f"Invalid PCI address function=0x{self.function:x}, must be <= {_FUNCTION_MAX}"
            raise VirError(XML_ERROR, detail)

    def fill_node(self, node: xml.Node) -> None:
        for name, digits in (("domain", 4), ("bus", 2), ("slot", 2), ("function", 1)):
            node.attrs[name] = f"0x{getattr(self, name) or 0:0{digits}x}"
