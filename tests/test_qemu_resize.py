"""Memory and virtual CPUs changed live and stored; host CPUs of threads."""

import os
import re

import pytest

from embedded import domain, end
from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import VirError
from pyvirsh.backend.qemu import threads

LIVE, CONFIG = c.DOMAIN_AFFECT_LIVE, c.DOMAIN_AFFECT_CONFIG
CPUS = os.sched_getaffinity(0)


def refused(call, *args):
    with pytest.raises(VirError) as error:
        call(*args)
    return error.value.text


@pytest.fixture
def dom(house):
    """A running guest with a balloon and one of three CPUs plugged in."""
    xml = domain("g", memory=64).replace("<memballoon model='none'/>", "<memballoon model='virtio'/>")
    return house.driver.domain_create_with_flags(
        house.driver.domain_define_xml(xml.replace("<vcpu>1", "<vcpu current='1'>3"))
    )


def test_memory(house, dom):
    driver = house.driver
    driver.domain_set_memory_flags(dom, 40 * 1024, CONFIG)
    assert "<currentMemory unit='KiB'>40960<" in driver.domain_get_xml_desc(dom, c.DOMAIN_XML_INACTIVE)
    driver.domain_set_memory(dom, 48 * 1024)  # the guest has no driver: it is asked, no more
    assert refused(driver.domain_set_memory_flags, dom, 65 * 1024, LIVE) == (
        "invalid argument: cannot set memory higher than max memory"
    )
    assert refused(driver.domain_set_max_memory, dom, 1) == (
        "Requested operation is not valid: cannot resize the maximum memory on an active domain"
    )
    driver.domain_set_memory_flags(dom, 32 * 1024, CONFIG | c.DOMAIN_MEM_MAXIMUM)
    driver.domain_destroy(dom)
    assert driver.domain_get_info(dom)[1:3] == (32 * 1024, 32 * 1024)


def test_vcpus(house, dom):
    driver = house.driver
    driver.domain_set_vcpus(dom, 3)
    assert driver.domain_get_info(dom)[3] == 3
    assert sorted(threads.vcpu_threads(house.guest(dom))) == [0, 1, 2]
    assert "<vcpu placement='static'>3</vcpu>" in driver.domain_get_xml_desc(dom)
    assert driver.domain_get_vcpus_flags(dom, CONFIG) == 1
    assert "greater than max allowable vcpus for the live domain: 4 > 3" in refused(
        driver.domain_set_vcpus, dom, 4
    )
    driver.domain_set_vcpus_flags(dom, 5, CONFIG | c.DOMAIN_VCPU_MAXIMUM)
    driver.domain_set_vcpus_flags(dom, 4, CONFIG)
    driver.domain_destroy(dom)
    assert driver.domain_get_vcpus_flags(dom, c.DOMAIN_VCPU_MAXIMUM) == 5
    driver.domain_create_with_flags(dom)
    assert driver.domain_get_info(dom)[3] == 4
    assert refused(driver.domain_set_vcpus, dom, 1).startswith("unsupported configuration: failed to find")


def states(house, dom, flags=0):
    """Return what is stated of single CPUs: id, whether it is on, whether it can be taken out, its order."""
    xml = house.driver.domain_get_xml_desc(dom, flags)
    names = ("enabled", "hotpluggable", "order")
    return [
        " ".join(found.group(1) for name in names if (found := re.search(rf" {name}='(\w+)'", line)))
        for line in xml.split("\n")
        if "<vcpu id=" in line
    ]


def test_single_vcpus(house, dom):
    driver = house.driver
    assert states(house, dom) == []
    driver.domain_set_vcpu(dom, "2", 1)
    assert states(house, dom) == ["yes no 1", "no yes", "yes yes 2"]
    assert sorted(threads.vcpu_threads(house.guest(dom))) == [0, 2]
    assert driver.domain_get_info(dom)[3] == 2 and states(house, dom, c.DOMAIN_XML_INACTIVE) == []
    for numbers, on, text in (
        ("2", 1, "invalid argument: vcpu '2' is already in requested state"),
        ("0", 0, "Operation not supported: vcpu '0' can't be unplugged"),
        ("1,2", 1, "Operation not supported: only one hotpluggable entity can be selected"),
        ("3", 1, "invalid argument: vcpu 3 is not present in live config"),
        ("x", 1, "invalid argument: Failed to parse bitmap 'x'"),
    ):
        assert refused(driver.domain_set_vcpu, dom, numbers, on) == text
    driver.domain_set_vcpu(dom, "2", 1, CONFIG)
    assert refused(driver.domain_set_vcpu, dom, "0", 0, CONFIG).endswith("vCPU '0' can't be modified")
    driver.domain_destroy(dom)
    assert states(house, dom) == ["yes no", "no yes", "yes yes"]
    driver.domain_create_with_flags(dom)
    assert states(house, dom) == ["yes no 1", "no yes", "yes yes 2"]
    assert sorted(threads.vcpu_threads(house.guest(dom))) == [0, 2]


def test_a_plugged_vcpu_runs_where_it_is_pinned(house, dom):
    first = bytes([1 << min(CPUS) % 8])
    house.driver.domain_destroy(dom)
    assert house.run("vcpuinfo", "g").count("VCPU:") == 1
    house.driver.domain_create(dom)
    house.driver.domain_pin_vcpu(dom, 1, first)
    house.driver.domain_set_vcpus(dom, 2)
    assert os.sched_getaffinity(threads.vcpu_threads(house.guest(dom))[1]) == {min(CPUS)}


def test_how_many_vcpus_are_there_to_stay(house, dom):
    driver = house.driver
    driver.domain_set_vcpus_flags(dom, 2, CONFIG)
    assert states(house, dom, c.DOMAIN_XML_INACTIVE) == []
    driver.domain_set_vcpus_flags(dom, 3, CONFIG | c.DOMAIN_VCPU_HOTPLUGGABLE)
    assert states(house, dom, c.DOMAIN_XML_INACTIVE) == ["yes no", "yes no", "yes yes"]
    driver.domain_set_vcpu(dom, "1", 0, CONFIG)
    driver.domain_set_vcpus_flags(dom, 1, CONFIG)
    assert states(house, dom, c.DOMAIN_XML_INACTIVE) == ["yes no", "no yes", "no yes"]
    driver.domain_set_vcpus_flags(dom, 2, CONFIG)
    assert states(house, dom, c.DOMAIN_XML_INACTIVE) == ["yes no", "yes no", "no yes"]


@pytest.mark.skipif(len(CPUS) < 2, reason="needs two CPUs")
def test_pinning_live_outlives_the_supervisor(house, dom):
    first = bytes([1 << min(CPUS) % 8])
    house.driver.domain_pin_vcpu(dom, 0, first)
    house.driver.domain_pin_emulator(dom, first, LIVE | CONFIG)
    guest = house.guest(dom)
    assert os.sched_getaffinity(threads.vcpu_threads(guest)[0]) == {min(CPUS)}
    assert os.sched_getaffinity(guest.qemu.pid) == {min(CPUS)}
    end(guest.supervisor)
    guest = house.guest(dom)
    assert os.sched_getaffinity(threads.vcpu_threads(guest)[0]) == {min(CPUS)}
    assert house.driver.domain_get_vcpu_pin_info(dom)[:1] == first
    assert "<emulatorpin" in house.driver.domain_get_xml_desc(dom, c.DOMAIN_XML_INACTIVE)
    assert "vcpu 7 is out of range of live cpu count 3" in refused(
        house.driver.domain_pin_vcpu, dom, 7, first
    )
