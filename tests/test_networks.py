"""Networks: what the test driver does not have: leases, ports, drivers that cannot say."""

import json

import pytest

from oneline import run
from pyvirsh.backend import constants as c
from pyvirsh.backend.api import Driver, NetworkPortRef, NetworkRef
from pyvirsh.backend.errors import INTERNAL_ERROR, NO_NETWORK_METADATA, NO_NETWORK_PORT, VirError

NET = NetworkRef("lab", "0a1b2c3d-0000-4000-8000-000000000001")
PORT = "0a1b2c3d-0000-4000-8000-000000000002"


class Lab(Driver):
    """One network; `unable` names calls that fail."""

    def __init__(self, *unable):
        self.unable = unable
        self.made = []

    def _able(self, call):
        if call in self.unable:
            raise VirError(INTERNAL_ERROR, f"{call} failed")

    def network_lookup_by_name(self, name):
        return NET

    def connect_list_all_networks(self, flags=0):
        return [NetworkRef(name, "u") for name in ("b", "C", "a")]

    def network_is_active(self, net):
        self._able("active")
        return False

    def network_is_persistent(self, net):
        self._able("persistent")
        return False

    def network_get_autostart(self, net):
        self._able("autostart")
        return True

    def network_get_bridge_name(self, net):
        self._able("bridge")
        return "virbr9"

    def network_get_metadata(self, net, type, uri, flags=0):
        raise VirError(NO_NETWORK_METADATA, "no metadata")

    def network_set_metadata(self, net, type, metadata, key, uri, flags=0):
        self.made.append((type, metadata, key, uri, flags))

    def network_update(self, net, command, section, parent_index, xml, flags=0):
        self.made.append((command, section, parent_index, xml, flags))

    def network_get_dhcp_leases(self, net, mac, flags=0):
        self.made.append(mac)
        return [
            (
                "virbr9",
                1700000300,
                c.IP_ADDR_TYPE_IPV4,
                "52:54:00:00:00:0b",
                None,
                "192.168.90.9",
                24,
                "desk",
                None,
            ),
            (
                "virbr9",
                1700000000,
                c.IP_ADDR_TYPE_IPV6,
                "52:54:00:00:00:0A",
                "17",
                "fe80::1",
                64,
                None,
                "01:ff",
            ),
        ]

    def network_list_all_ports(self, net, flags=0):
        return [NetworkPortRef(NET, "b" + PORT[1:]), NetworkPortRef(NET, PORT)]

    def network_port_lookup_by_uuid(self, net, uuid):
        if uuid != PORT:
            raise VirError(NO_NETWORK_PORT, "no such port")
        return NetworkPortRef(net, uuid)

    def network_port_get_xml_desc(self, port, flags=0):
        return "<networkport/>\n"

    def network_port_delete(self, port, flags=0):
        self._able("delete")


def test_leases_by_mac(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    status, out, _ = run("net-dhcp-leases lab", Lab())
    assert status == 0
    assert out == (
        " 2023-11-14 22:13:20   52:54:00:00:00:0A   ipv6   fe80::1/64        -      01:ff\n"
        " 2023-11-14 22:18:20   52:54:00:00:00:0b   ipv4   192.168.90.9/24   desk   -\n"
    )


def test_leases_as_data():
    driver = Lab()
    _, out, _ = run("net-dhcp-leases lab 52:54:00:00:00:0A", driver, format="json")
    assert driver.made == ["52:54:00:00:00:0A"]
    assert json.loads(out)[0] == {
        "interface": "virbr9",
        "expires": 1700000000,
        "mac": "52:54:00:00:00:0A",
        "iaid": "17",
        "protocol": "ipv6",
        "address": "fe80::1/64",
        "hostname": None,
        "client_id": "01:ff",
    }


def test_ports():
    assert run("net-port-list lab --uuid", Lab())[1] == f"{PORT}\nb{PORT[1:]}\n"
    assert run(f"net-port-dumpxml lab {PORT}", Lab())[1] == "<networkport/>\n"


@pytest.mark.parametrize("command", ["net-port-dumpxml", "net-port-delete"])
def test_a_port_that_is_not_there_is_a_failure(command):
    assert run(f"{command} lab nosuch", Lab()) == (1, "", "error: failed to get network port 'nosuch'\n")


def test_a_port_that_cannot_be_deleted_is_a_failure():
    status, out, err = run(f"net-port-delete lab {PORT}", Lab("delete"))
    assert (status, out) == (1, "")
    assert err.startswith(f"error: Failed to delete network port {PORT}\nerror: ")


def test_info_of_a_driver_that_cannot_say():
    driver = Lab("active", "persistent", "autostart", "bridge")
    assert run("net-info lab", driver)[1] == (
        f"Name:           lab\nUUID:           {NET.uuid}\n"
        "Persistent:     unknown\nAutostart:      no autostart\n"
    )
    assert json.loads(run("net-info lab", driver, format="json")[1]) == {
        "name": "lab",
        "uuid": NET.uuid,
        "persistent": None,
        "autostart": None,
    }


def test_list_is_by_name_without_case():
    assert run("net-list", Lab())[1] == (
        " a   inactive   yes   no\n b   inactive   yes   no\n C   inactive   yes   no\n"
    )


def test_no_metadata_is_an_empty_line():
    assert run("net-metadata lab u", Lab()) == (0, "\n", "")
    assert run("net-metadata lab u", Lab(), format="json")[1] == "null\n"


@pytest.mark.parametrize(
    ("options", "flags", "said"),
    [
        ("", 0, "live state"),
        ("--current", 0, "live state"),
        ("--live", 1, "live state"),
        ("--config", 2, "persistent config"),
        ("--live --config", 3, "persistent config and live state"),
    ],
)
def test_update_says_what_it_has_changed(options, flags, said):
    driver = Lab()
    driver.network_is_active = lambda net: True
    status, out, _ = run(f"net-update lab add ip-dhcp-host '<host/>' {options}", driver, quiet=False)
    assert (status, out) == (0, f"Updated network lab {said}\n")
    assert driver.made == [
        (c.NETWORK_UPDATE_COMMAND_ADD_LAST, c.NETWORK_SECTION_IP_DHCP_HOST, -1, "<host/>", flags)
    ]


def test_description_of_several_words():
    driver = Lab()
    assert run("net-desc lab one 'two  three' four --title --config", driver)[0] == 0
    assert driver.made == [(c.DOMAIN_METADATA_TITLE, "one two  three four", None, None, 2)]
