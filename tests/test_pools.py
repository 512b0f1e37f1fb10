"""Storage pools: states the test driver does not have, XML made of options."""

import json

import pytest

from oneline import run
from pyvirsh.backend import constants as c
from pyvirsh.backend.api import Driver, StoragePoolRef
from pyvirsh.backend.errors import INTERNAL_ERROR, NO_SUPPORT, OPERATION_FAILED, VirError

# State, capacity, allocation, available; no state: the driver cannot say.
POOLS = {
    "off": (c.STORAGE_POOL_INACTIVE, 5, 5, 5),
    "Making": (c.STORAGE_POOL_BUILDING, 1, 1, 1),
    "on": (c.STORAGE_POOL_RUNNING, 1023, 2**20, 2**40 - 1),
    "ill": (c.STORAGE_POOL_DEGRADED, 2**50, 2**60, 2**64 - 1),
    "gone": (c.STORAGE_POOL_INACCESSIBLE, 1, 1, 1),
    "mute": None,
}


class Depot(Driver):
    def __init__(self):
        self.flags = None
        self.made = []

    def connect_list_all_storage_pools(self, flags=0):
        self.flags = flags
        return [StoragePoolRef(name, "u") for name in POOLS]

    def storage_pool_lookup_by_name(self, name):
        return StoragePoolRef(name, "u")

    def storage_pool_get_info(self, pool):
        if POOLS[pool.name] is None:
            raise VirError(INTERNAL_ERROR, "no state")
        return POOLS[pool.name]

    def storage_pool_is_active(self, pool):
        return pool.name != "off"

    def storage_pool_is_persistent(self, pool):
        if pool.name == "ill":
            raise VirError(INTERNAL_ERROR, "no definition")
        return False

    def storage_pool_get_autostart(self, pool):
        if pool.name == "ill":
            raise VirError(INTERNAL_ERROR, "no autostart")
        return True

    def storage_pool_create_xml(self, xml, flags=0):
        self.made.append((xml, flags))

    def connect_find_storage_pool_sources(self, type, src_spec, flags=0):
        self.made.append((type, src_spec))
        return "<sources/>\n"


def test_list():
    status, out, err = run("pool-list", Depot())
    assert (status, err) == (0, "error: Could not retrieve pool information\n")
    assert out == (
        " gone     active     yes\n"
        " ill      active     no autostart\n"
        " Making   active     yes\n"
        " mute     unknown    yes\n"
        " off      inactive   yes\n"
        " on       active     yes\n"
    )


def test_list_with_details():
    assert run("pool-list --details", Depot())[1] == (
        " gone     inaccessible   yes            no        -           -          -\n"
        " ill      degraded       no autostart   unknown   1.00 PiB    1.00 EiB   16.00 EiB\n"
        " Making   building       yes            no        -           -          -\n"
        " mute     unknown        yes            no        unknown     unknown    unknown\n"
        " off      inactive       yes            no        -           -          -\n"
        " on       running        yes            no        1023.00 B   1.00 MiB   1024.00 GiB\n"
    )


def test_sizes_are_numbers_as_data():
    rows = {row["name"]: row for row in json.loads(run("pool-list --details", Depot(), format="json")[1])}
    assert rows["on"]["available"] == 2**40 - 1
    assert rows["off"]["available"] is None
    assert rows["mute"]["available"] is None
    assert rows["ill"]["persistent"] is None


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        ("", 2),
        ("--inactive", 1),
        ("--all", 3),
        ("--autostart --persistent", 2 | 16 | 4),
        ("--no-autostart --transient", 2 | 32 | 8),
        ("--all --type dir,iscsi-direct", 3 | 64 | 524288),
    ],
)
def test_filters(options, flags):
    driver = Depot()
    assert run(f"pool-list --name {options}", driver)[0] == 0
    assert driver.flags == flags


def test_info_without_sizes():
    assert run("pool-info off", Depot())[1].splitlines()[2:] == [
        "State:          inactive",
        "Persistent:     no",
        "Autostart:      yes",
    ]
    assert run("pool-info mute", Depot()) == (
        1,
        "Name:           mute\nUUID:           u\n",
        "error: internal error: no state\n",
    )


@pytest.mark.parametrize(
    ("code", "options", "said"),
    [
        (NO_SUPPORT, "", "Failed to get the number of active pools "),
        (NO_SUPPORT, "--inactive", "Failed to get the number of inactive pools"),
        (NO_SUPPORT, "--type dir", "Filtering using --type is not supported by this libvirt"),
        (OPERATION_FAILED, "", "Failed to list pools"),
    ],
)
def test_a_driver_that_cannot_list(code, options, said):
    driver = Depot()

    def refuse(flags=0):
        raise VirError(code, "no")

    driver.connect_list_all_storage_pools = refuse
    status, _, err = run(f"pool-list {options}", driver)
    assert (status, err.splitlines()[0]) == (1, f"error: {said}")


# -- XML ------------------------------------------------------------------------------------------------


def made(options):
    """Return the XML that options after ``pool-define-as`` make."""
    status, out, err = run(f"pool-define-as {options} --print-xml", Depot())
    assert status == 0, err
    return out


def test_everything_in_order():
    assert made(
        "p netfs h /p /d n /t f --auth-type a --auth-username u --secret-usage s --adapter-name ad"
        " --source-protocol-ver 4 --source-initiator i"
    ) == (
        "<pool type='netfs'>\n"
        "  <name>p</name>\n"
        "  <source>\n"
        "    <host name='h'/>\n"
        "    <dir path='/p'/>\n"
        "    <device path='/d'/>\n"
        "    <initiator>\n"
        "      <iqn name='i'/>\n"
        "    </initiator>\n"
        "    <adapter type='scsi_host' name='ad'/>\n"
        "    <auth type='a' username='u'>\n"
        "      <secret usage='s'/>\n"
        "    </auth>\n"
        "    <format type='f'/>\n"
        "    <name>n</name>\n"
        "    <protocol ver='4'/>\n"
        "  </source>\n"
        "  <target>\n"
        "    <path>/t</path>\n"
        "  </target>\n"
        "</pool>\n"
    )


@pytest.mark.parametrize(
    "options",
    [
        "--source-protocol-ver 4",
        "--auth-type a --auth-username u --secret-usage s",
        "--adapter-wwnn w",
        "--adapter-wwpn w",
        "--adapter-parent p",
    ],
)
def test_what_makes_no_source_of_its_own(options):
    assert made(f"p dir {options}") == "<pool type='dir'>\n  <name>p</name>\n</pool>\n"


@pytest.mark.parametrize(
    ("options", "attributes"),
    [
        ("", ""),
        ("--adapter-name ignored", ""),
        ("--adapter-parent p --adapter-parent-fabric-wwn f", "parent='p' "),
        ("--adapter-parent-wwnn a --adapter-parent-wwpn b", "parent_wwnn='a' parent_wwpn='b' "),
        ("--adapter-parent-wwnn a", ""),
        ("--adapter-parent-wwnn a --adapter-parent-fabric-wwn f", "parent_fabric_wwn='f' "),
    ],
)
def test_fibre_channel_adapters(options, attributes):
    adapter = f"    <adapter type='fc_host' {attributes}wwnn='w' wwpn='p'/>\n"
    assert adapter in made(f"p scsi --adapter-wwnn w --adapter-wwpn p {options}")


def test_nothing_typed_is_markup():
    """Unlike virsh's, the XML is well-formed whatever was typed."""
    odd = "<a&'\\\">"
    xml = made(f'"{odd}" "{odd}" "{odd}" --secret-uuid "{odd}" --auth-type "{odd}" --auth-username "{odd}"')
    assert xml.count("&lt;a&amp;&apos;&quot;&gt;") == 6


def test_building_while_creating():
    driver = Depot()
    assert run("pool-create-as p dir --target /t --build --overwrite", driver)[0] == 0
    assert driver.made[0][1] == c.STORAGE_POOL_CREATE_WITH_BUILD | c.STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ("netfs", None),
        ("netfs --port 1 --initiator i", None),
        ("netfs h", "<source>\n  <host name='h'/>\n</source>\n"),
        (
            "iscsi h 3260 i",
            "<source>\n  <host name='h' port='3260'/>\n"
            "  <initiator>\n    <iqn name='i'/>\n  </initiator>\n</source>\n",
        ),
    ],
)
def test_where_to_look_for_pools(options, where):
    driver = Depot()
    assert run(f"find-storage-pool-sources-as {options}", driver) == (0, "<sources/>\n", "")
    assert driver.made == [(options.split()[0], where)]
