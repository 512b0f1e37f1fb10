"""Look-ups by what the user typed: what counts as a UUID, MAC or WWN; what is tried; what is said."""

import pytest

from oneline import run
from pyvirsh.backend.api import (
    Driver,
    InterfaceRef,
    NetworkRef,
    NodeDeviceRef,
    StoragePoolRef,
    StorageVolRef,
)
from pyvirsh.backend.errors import NO_NETWORK, NO_STORAGE_VOL, VirError
from pyvirsh.errors import CommandFailed
from pyvirsh.shell import lookups

UUID = "dd8fe884-6c02-601e-7551-cca97df1c5df"


@pytest.mark.parametrize(
    "text",
    [
        UUID,
        UUID.upper(),
        "dd8fe8846c02601e7551cca97df1c5df",
        "  dd8fe8846c02601e7551cca97df1c5df \n",
        "-dd--8f e8846c02601e7551cca97df1c5df",
    ],
)
def test_a_uuid_may_be_written_in_many_ways(text):
    assert lookups.uuid_of(text, "virX") == UUID


@pytest.mark.parametrize(
    "text", ["", UUID[:-1], UUID + "-", "d-d" + UUID[2:], UUID.replace("d", "g"), UUID + "0"]
)
def test_what_is_no_uuid(text):
    with pytest.raises(VirError, match="^uuidstr in virX must be a valid UUID$"):
        lookups.uuid_of(text, "virX")


@pytest.mark.parametrize("text", ["aa:bb:cc:dd:ee:ff", "A:b:C:d:0:9", "aa:bb:cc:dd:ee:ff then more"])
def test_what_is_a_mac(text):
    assert lookups.is_mac(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aa:bb:cc:dd:ee",
        "aa:bb:cc:dd:ee:ff:",
        "aa:bb:cc:dd:ee:0ff",
        " a:b:c:d:e:f",
        "a:b:c:d:e:g",
        "a::c:d:e:f",
    ],
)
def test_what_is_no_mac(text):
    assert not lookups.is_mac(text)


def test_wwn():
    assert lookups.wwn_of("0x2000000012341234") == "0x2000000012341234"
    for text in ("200000001234123", "20000000123412345", "200000001234123g", ""):
        with pytest.raises(CommandFailed, match="Malformed wwn"):
            lookups.wwn_of(text)


class Here(Driver):
    """A driver that writes down what it is asked for; `there` is what it finds."""

    def __init__(self, *there):
        self.asked = []
        self.there = there

    def _find(self, how, text, ref, code):
        self.asked.append((how, text))
        if (how, text) not in self.there:
            raise VirError(code, f"no {how} {text}")
        return ref

    def network_lookup_by_uuid(self, uuid):
        return self._find("uuid", uuid, NetworkRef("net", uuid), NO_NETWORK)

    def network_lookup_by_name(self, name):
        return self._find("name", name, NetworkRef(name, UUID), NO_NETWORK)

    def interface_lookup_by_name(self, name):
        return self._find("name", name, InterfaceRef(name, "a"), NO_NETWORK)

    def interface_lookup_by_mac_string(self, mac):
        return self._find("mac", mac, InterfaceRef("eth", mac), NO_NETWORK)

    def node_device_lookup_by_name(self, name):
        return self._find("name", name, NodeDeviceRef(name), NO_NETWORK)

    def node_device_lookup_scsi_host_by_wwn(self, wwnn, wwpn, flags=0):
        return self._find("wwn", wwnn + wwpn, NodeDeviceRef("host"), NO_NETWORK)

    def node_device_is_active(self, name):
        return True

    def storage_pool_lookup_by_name(self, name):
        return StoragePoolRef(name, UUID)

    def storage_pool_is_active(self, pool):
        return pool.name != "off"

    def storage_pool_lookup_by_volume(self, vol):
        return StoragePoolRef(vol.pool, UUID)

    def storage_vol_lookup_by_name(self, pool, name):
        return self._find("name", name, StorageVolRef(pool.name, name, "k"), NO_STORAGE_VOL)

    def storage_vol_lookup_by_key(self, key):
        return self._find("key", key, StorageVolRef("a", "v", key), NO_STORAGE_VOL)

    def storage_vol_lookup_by_path(self, path):
        return self._find("path", path, StorageVolRef("b", "v", "k"), NO_STORAGE_VOL)


def test_a_uuid_is_tried_before_a_name_of_the_same_length():
    driver = Here(("name", UUID))
    assert run(f"net-uuid {UUID}", driver) == (0, UUID + "\n", "")
    assert driver.asked == [("name", UUID)]
    driver = Here(("uuid", UUID))
    assert run(f"net-name {UUID}", driver) == (0, "net\n", "")


def test_what_cannot_be_one_is_not_tried_as_one():
    driver = Here()
    assert run("net-name short", driver) == (1, "", "error: failed to get network 'short'\n")
    assert driver.asked == []


def test_the_last_reason_is_shown():
    driver = Here()
    assert run(f"net-dumpxml {UUID}", driver) == (
        1,
        "",
        f"error: failed to get network '{UUID}'\nerror: Network not found: no name {UUID}\n",
    )
    assert driver.asked == [("uuid", UUID), ("name", UUID)]


@pytest.mark.parametrize(("text", "how"), [("aa:bb:cc:dd:ee:ff", "mac"), ("eth0", "name")])
def test_interfaces_by_mac_or_name(text, how):
    driver = Here()
    assert run(f"iface-start {text}", driver)[0] == 1
    assert driver.asked == [(how, text)]


def test_node_devices_by_a_pair_of_names():
    driver = Here(("wwn", "20000000123412341000000012341234"))
    line = "nodedev-info 2000000012341234,1000000012341234"
    assert run(line, driver)[1].startswith("Name:           host\n")
    assert run("nodedev-reset a,b", driver)[0] == 1
    assert driver.asked[1:] == [("name", "a,b")]


@pytest.mark.parametrize(
    ("line", "asked", "said"),
    [
        ("vol-key x p", ["name", "key", "path"], "failed to get vol 'x'"),
        ("vol-key x", ["key", "path"], "failed to get vol 'x', specifying --pool might help"),
        ("vol-name x", ["key", "path"], "failed to get vol 'x'"),
        ("vol-key x off", [], "pool 'off' is not active"),
    ],
)
def test_volumes_that_are_not_there(line, asked, said):
    driver = Here()
    status, _, err = run(line, driver)
    assert (status, err.splitlines()[0]) == (1, f"error: {said}")
    assert [how for how, _ in driver.asked] == asked


def test_a_volume_of_another_pool():
    driver = Here(("path", "/x"))
    assert run("vol-key /x b", driver) == (0, "k\n", "")
    assert run("vol-key /x a", driver) == (1, "", "error: Requested volume '/x' is not in pool 'a'\n")
