"""Limits by control groups, on the host's own; how they are found where they cannot be tried."""

import os
import subprocess

import pytest

from embedded import domain, end
from pyvirsh.backend import constants as c
from pyvirsh.backend.api import PARAM_LLONG, PARAM_STRING, PARAM_UINT, PARAM_ULLONG
from pyvirsh.backend.errors import VirError
from pyvirsh.backend.qemu import threads
from pyvirsh.backend.qemu.supervisor import cgroups

CONFIG = c.DOMAIN_AFFECT_CONFIG
TUNED = (
    "<iothreads>1</iothreads><memtune><soft_limit unit='MiB'>300</soft_limit></memtune>"
    "<cputune><shares>{shares}</shares><period>10000</period><quota>5000</quota>"
    "<emulator_quota>50000</emulator_quota><iothread_quota>60000</iothread_quota></cputune>"
)


def refused(call, *args):
    with pytest.raises(VirError) as error:
        call(*args)
    return error.value.text


TRIALS = {"cpu": {"shares": 100}, "memory": {"soft_limit": None}, "blkio": {"devices": []}}


def need(house, *controllers):
    """Skip a test where this user may not make groups with these controllers."""
    with subprocess.Popen(["sleep", "60"]) as process:
        trial = cgroups.Groups("trial", str(house.root.parent), process.pid, [])
        try:
            for one in controllers:
                trial.apply({one: TRIALS[one]})
        except VirError as error:
            pytest.skip(f"no control groups here: {error.text}")
        finally:
            process.kill()
            process.wait()
            cgroups.remove(str(house.root.parent))


def group(dom, controller):
    """Return the directory of a guest's group."""
    return f"{cgroups.places()[controller].path}/pyvirsh/{dom.uuid}"


def values(params):
    return {name: value for name, _, value in params}


def test_cpu_time_is_limited_and_told(house):
    need(house, "cpu")
    dom = house.start("g")
    kind = cgroups.version("cpu")
    unset = {1: 1024, 2: 100}[kind]
    before = values(house.driver.domain_get_scheduler_parameters(dom))
    assert before["cpu_shares"] == unset and before["vcpu_quota"] == -1 and before["vcpu_period"] == 100000
    assert not os.path.exists(group(dom, "cpu"))
    house.run("schedinfo", "g", "--set", "cpu_shares=321", "--set", "vcpu_quota=20000")
    path = group(dom, "cpu")
    with open(f"{path}/{'cpu.shares' if kind == 1 else 'cpu.weight'}") as file:
        assert file.read() == "321\n"
    with open(f"{path}/vcpu0/{'cpu.cfs_quota_us' if kind == 1 else 'cpu.max'}") as file:
        assert file.read().split()[0] == "20000"
    with open(f"{path}/vcpu0/{'tasks' if kind == 1 else 'cgroup.threads'}") as file:
        assert file.read().split() == [str(threads.vcpu_threads(house.guest(dom))[0])]
    xml = house.driver.domain_get_xml_desc(dom)
    assert "<shares>321</shares>" in xml and "<quota>20000</quota>" in xml
    assert "<cputune>" not in house.driver.domain_get_xml_desc(dom, c.DOMAIN_XML_INACTIVE)
    house.driver.domain_destroy(dom)
    assert not os.path.exists(path)


def test_a_plugged_vcpu_has_the_share_of_the_others(house):
    need(house, "cpu")
    xml = domain("g").replace("<vcpu>1", "<vcpu current='1'>2")
    dom = house.driver.domain_create_xml(xml)
    house.run("schedinfo", "g", "--set", "vcpu_quota=30000")
    house.driver.domain_set_vcpus(dom, 2)
    name = "cpu.cfs_quota_us" if cgroups.version("cpu") == 1 else "cpu.max"
    with open(f"{group(dom, 'cpu')}/vcpu1/{name}") as file:
        assert file.read().split()[0] == "30000"


def test_limits_of_a_definition_hold_from_the_start_to_whatever_end(house):
    need(house, "cpu", "memory")
    kind = cgroups.version("cpu")
    xml = domain("g").replace("<os>", TUNED.format(shares=200) + "<os>")
    dom = house.driver.domain_define_xml(xml)
    house.driver.domain_create(dom)
    path = group(dom, "cpu")
    assert {"vcpu0", "iothread1", "emulator"} <= set(os.listdir(path))
    quota = {"vcpu0": "5000", "iothread1": "60000", "emulator": "50000"}
    for name, wanted in quota.items():
        with open(f"{path}/{name}/{'cpu.cfs_quota_us' if kind == 1 else 'cpu.max'}") as file:
            assert file.read().split()[0] == wanted
    memory = group(dom, "memory")
    soft = "memory.soft_limit_in_bytes" if cgroups.version("memory") == 1 else "memory.high"
    with open(f"{memory}/{soft}") as file:
        assert int(file.read()) == 300 << 20
    guest = house.guest(dom)
    end(guest.supervisor)
    end(guest.qemu)
    assert house.state(dom)[0] == c.DOMAIN_SHUTOFF
    assert not os.path.exists(path) and not os.path.exists(memory)


def test_threads_are_scheduled_as_asked(house):
    tune = "<iothreads>1</iothreads><cputune><vcpusched vcpus='0' scheduler='batch'/>"
    tune += "<iothreadsched iothreads='1' scheduler='idle'/><emulatorsched scheduler='batch'/></cputune>"
    dom = house.driver.domain_create_xml(domain("g").replace("<os>", tune + "<os>"))
    guest = house.guest(dom)
    found = [threads.vcpu_threads(guest)[0], threads.io_threads(guest)[1], guest.qemu.pid]
    assert [os.sched_getscheduler(one) for one in found] == [os.SCHED_BATCH, os.SCHED_IDLE, os.SCHED_BATCH]


def test_memory_is_limited(house):
    need(house, "memory")
    dom = house.start("g")
    house.run("memtune", "g", "--hard-limit", "500000", "--soft-limit", "400000")
    told = values(house.driver.domain_get_memory_parameters(dom))
    assert told["hard_limit"] == 500000 and told["soft_limit"] == 400000
    assert told["swap_hard_limit"] == c.DOMAIN_MEMORY_PARAM_UNLIMITED
    low = [("swap_hard_limit", PARAM_ULLONG, 1000)]
    assert "must be lower than or equal to swap_hard_limit" in refused(
        house.driver.domain_set_memory_parameters, dom, low
    )
    house.run("memtune", "g", "--hard-limit", "-1")
    name = "memory.limit_in_bytes" if cgroups.version("memory") == 1 else "memory.max"
    with open(f"{group(dom, 'memory')}/{name}") as file:
        assert file.read() != f"{500000 * 1024}\n"


def test_block_devices_that_cannot_be_limited(house):
    need(house, "blkio")
    dom = house.start("g")
    call = house.driver.domain_set_blkio_parameters
    for text, wanted in (
        ("/dev/null,5", "Path '/dev/null' must be a block device"),
        ("/dev/nothing,5", "Path '/dev/nothing' is not accessible: No such file or directory"),
        ("/dev/null", "unable to parse blkio device 'device_read_bytes_sec' '/dev/null'"),
        ("/dev/null,x", "invalid value 'x' for parameter 'device_read_bytes_sec' of device '/dev/null'"),
    ):
        assert refused(call, dom, [("device_read_bytes_sec", PARAM_STRING, text)]).endswith(wanted)
    assert "<blkiotune>" not in house.driver.domain_get_xml_desc(dom)


def test_limits_are_kept_for_the_next_start(house):
    """No control group is needed for that."""
    dom = house.define("g")
    driver = house.driver
    driver.domain_set_scheduler_parameters_flags(dom, [("iothread_quota", PARAM_LLONG, 30000)], CONFIG)
    driver.domain_set_blkio_parameters(
        dom, [("weight", PARAM_UINT, 200), ("device_write_iops_sec", PARAM_STRING, "/dev/a,5,/dev/b,6")]
    )
    driver.domain_set_blkio_parameters(dom, [("device_write_iops_sec", PARAM_STRING, "/dev/a,0")])
    told = values(driver.domain_get_blkio_parameters(dom))
    assert told["weight"] == 200 and told["device_write_iops_sec"] == "/dev/b,6"
    assert values(driver.domain_get_scheduler_parameters_flags(dom, CONFIG))["iothread_quota"] == 30000
    assert house.run("schedinfo", "g").split()[:3] == ["Scheduler", ":", "posix"]
    house.run("numatune", "g", "--nodeset", "0", "--config")
    assert values(driver.domain_get_numa_parameters(dom))["numa_nodeset"] == "0"
    house.run("perf", "g", "--enable", "cpu_cycles", "--config")
    assert values(driver.domain_get_perf_events(dom))["cpu_cycles"] == 1
    for name, kind, value, text in (
        ("vcpu_period", PARAM_ULLONG, 5, "value of 'vcpu_period' is out of range [1000, 1000000]"),
        ("other", PARAM_LLONG, 5, "parameter 'other' not supported"),
    ):
        assert refused(driver.domain_set_scheduler_parameters, dom, [(name, kind, value)]).endswith(text)


def test_what_cannot_be_changed_under_a_running_guest(house):
    dom = house.start("g")
    assert "can't change numatune mode for running domain" in house.run(
        "numatune", "g", "--mode", "preferred", status=1
    )
    assert f"perf stat -p {house.guest(dom).qemu.pid}" in house.run(
        "perf", "g", "--enable", "cpu_cycles", status=1
    )


def test_a_host_without_groups_says_so(house, monkeypatch):
    monkeypatch.setattr(cgroups, "places", dict)
    dom = house.start("g")
    text = refused(house.driver.domain_set_scheduler_parameters, dom, [("cpu_shares", PARAM_ULLONG, 50)])
    assert text.startswith("Operation not supported: there is no control group with the controller 'cpu'")
    assert "Delegate=yes" in text
    assert "<cputune>" not in house.driver.domain_get_xml_desc(dom)


# -- what groups there are -------------------------------------------------------------------------------


def proc(tmp_path, own, mounts):
    """Write down what /proc/self says of groups."""
    (tmp_path / "cgroup").write_text("".join(line + "\n" for line in own))
    lines = [
        f"{at} 1 0:{at} {root} {point} rw - {kind} cgroup {options}\n"
        for at, (root, point, kind, options) in enumerate(mounts)
    ]
    (tmp_path / "mountinfo").write_text("".join(lines))
    return str(tmp_path)


def tree(tmp_path, controllers, *paths):
    """Make groups of version 2; return the first."""
    for path in paths:
        (tmp_path / path).mkdir(parents=True, exist_ok=True)
        (tmp_path / path / "cgroup.controllers").write_text(controllers)
        (tmp_path / path / "cgroup.procs").write_text("")
    return str(tmp_path / paths[0])


def test_version_1(tmp_path):
    mounts = [("/", str(tmp_path), "cgroup", "rw,cpu,cpuacct"), ("/", "/none", "cgroup", "rw,memory")]
    found = cgroups.places(proc(tmp_path, ["2:cpu,cpuacct:/a", "1:memory:/b"], mounts))
    assert {name: (place.version, place.path) for name, place in found.items()} == {"cpu": (1, str(tmp_path))}


def test_version_2_at_the_top(tmp_path):
    top = tree(tmp_path, "cpu io memory pids", "top")
    found = cgroups.places(proc(tmp_path, ["0::/x"], [("/", top, "cgroup2", "rw")]))
    assert {name: (place.version, place.path) for name, place in found.items()} == dict.fromkeys(
        ("cpu", "memory", "blkio"), (2, top)
    )


def test_version_2_as_delegated(tmp_path, monkeypatch):
    top = tree(tmp_path, "cpu memory", "top", "top/user", "top/user/app")
    monkeypatch.setattr(os, "access", lambda path, mode: path not in (top, f"{top}/cgroup.procs"))
    found = cgroups.places(proc(tmp_path, ["0::/user/app"], [("/", top, "cgroup2", "rw")]))
    assert {place.path for place in found.values()} == {f"{top}/user"} and "blkio" not in found


def test_files_of_version_2(tmp_path, monkeypatch):
    """What is written where, on files that stand for the kernel's."""
    top = tree(tmp_path, "cpu io memory", "top")
    uuid = "00000000-0000-0000-0000-00000000000a"
    path = f"{top}/pyvirsh/{uuid}"
    os.makedirs(f"{path}/vcpu0")
    files = "cgroup.procs cgroup.subtree_control cpu.weight cpu.max memory.max memory.high"
    for place in (top, f"{top}/pyvirsh", path, f"{path}/vcpu0"):
        for name in (files + " memory.swap.max io.max cgroup.type cgroup.threads io.bfq.weight").split():
            with open(f"{place}/{name}", "w"):
                pass
    monkeypatch.setattr(cgroups, "places", lambda: dict.fromkeys(cgroups.CONTROLLERS, cgroups.Place(2, top)))
    monkeypatch.setattr(cgroups, "_number", lambda path: "8:0")
    groups = cgroups.Groups(uuid, str(tmp_path), 123, [("vcpu", 0, 456)])
    groups.apply(
        {
            "cpu": {"shares": 50, "quota": 20000, "global_quota": -1, "global_period": 5000},
            "memory": {"hard_limit": 100, "swap_hard_limit": 150, "soft_limit": None},
            "blkio": {"weight": 30, "devices": [{"path": "/dev/sda", "read_iops_sec": 7}]},
        }
    )
    wanted = {
        "cgroup.procs": "123",
        "cpu.weight": "50",
        "cpu.max": "max 5000",
        "vcpu0/cgroup.type": "threaded",
        "vcpu0/cgroup.threads": "456",
        "vcpu0/cpu.max": "20000 100000",
        "memory.max": "102400",
        "memory.high": "max",
        "memory.swap.max": "51200",
        "io.bfq.weight": "30",
        "io.max": "8:0 riops=7",
    }
    for name, text in wanted.items():
        with open(f"{path}/{name}") as file:
            assert file.read().startswith(text), name
