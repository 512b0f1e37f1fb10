"""The XML of bridges over interfaces, and of interfaces when the bridge goes."""

import pytest

from pyvirsh.commands.bridging import bridged, unbridged
from pyvirsh.errors import CommandFailed

ETHERNET = """<interface type='ethernet' name='eth1'>
  <start mode='onboot'/>
  <protocol family='ipv4'><dhcp/></protocol>
  <mac address='aa:bb:cc:dd:ee:ff'/>
</interface>
"""

# The blanks before the new element stood before the one that has moved into it.
BRIDGE = (
    '<?xml version="1.0"?>\n'
    '<interface type="bridge" name="br1">\n'
    '  <start mode="onboot"/>\n'
    '  <protocol family="ipv4"><dhcp/></protocol>\n'
    "  \n"
    '<bridge stp="on" delay="0"><interface type="ethernet" name="eth1">'
    '<mac address="aa:bb:cc:dd:ee:ff"/></interface></bridge></interface>\n'
)


def test_the_bridge_gets_all_but_what_is_the_interface_itself():
    assert bridged(ETHERNET, "eth1", "br1", delay=0) == BRIDGE


def test_without_stp_there_is_no_delay():
    assert '<bridge stp="off"><interface' in bridged(ETHERNET, "eth1", "br1", delay=None)


def test_bonds_and_vlans_move_with_their_interfaces():
    bond = "<interface type='bond' name='b'><bond mode='x'><interface name='e'/></bond></interface>"
    assert bridged(bond, "b", "br1", delay=2).endswith(
        '<bridge stp="on" delay="2"><interface type="bond" name="b">'
        '<bond mode="x"><interface name="e"/></bond></interface></bridge></interface>\n'
    )


def test_names_are_escaped():
    assert 'name="&lt;br&amp;"' in bridged(ETHERNET, "eth1", "<br&", delay=0)


def test_there_and_back():
    name, xml = unbridged(BRIDGE, "br1")
    assert name == "eth1"
    assert xml.startswith(
        '<?xml version="1.0"?>\n<interface type="ethernet" name="eth1">\n  <start mode="onboot"/>'
    )
    assert xml.count("<mac ") == 1
    assert xml.endswith('<mac address="aa:bb:cc:dd:ee:ff"/></interface>\n')


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        ("<interface", "Failed to parse configuration of eth1"),
        ("<interface name='eth1'/>", "Existing device eth1 has no type"),
        ("<interface type='bridge' name='eth1'/>", "Existing device eth1 is already a bridge"),
        (
            "<interface type='ethernet'/>",
            "Interface name from config (null) doesn't match given supplied name eth1",
        ),
    ],
)
def test_what_cannot_be_bridged(xml, said):
    with pytest.raises(CommandFailed) as caught:
        bridged(xml, "eth1", "br1", delay=0)
    assert caught.value.texts[0] == said


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        ("", "No bridge node in xml document"),
        ("<bridge/>", "No interface attached to bridge"),
        ("<bridge><interface/><interface/></bridge>", "Multiple interfaces attached to bridge"),
        ("<bridge><interface type='ethernet'/></bridge>", "Device attached to bridge br1 has no name"),
        ("<bridge><interface name='e'/></bridge>", "Attached device e has no type"),
    ],
)
def test_what_cannot_be_unbridged(inner, said):
    with pytest.raises(CommandFailed, match=f"^{said}$"):
        unbridged(f"<interface type='bridge' name='br1'>{inner}</interface>", "br1")


def test_only_a_bridge_is_unbridged():
    with pytest.raises(CommandFailed, match="^Device eth1 is not a bridge$"):
        unbridged(ETHERNET, "eth1")
