"""What guests and their agents say, and what is asked of drivers.  Texts are what virsh 11.3.0 writes."""

import json

import pytest

from pyvirsh.backend.api import PARAM_DOUBLE, PARAM_STRING, PARAM_UINT, PARAM_ULLONG, DomainRef, Driver
from pyvirsh.backend.errors import INTERNAL_ERROR, NO_SUPPORT, VirError
from pyvirsh.shell import dispatch
from pyvirsh.shell.output import Output
from pyvirsh.shell.session import Session

DOM = DomainRef("demo", "0ddba115-0000-4000-8000-000000000001", 1)


def canned(**answers):
    """Make a driver with these answers, values or errors; `calls` keeps what is asked of it."""
    calls = []

    def method(name, answer):
        def call(self, *values):
            calls.append((name, *(value for value in values if value is not DOM)))
            if isinstance(answer, VirError):
                raise answer
            return answer

        return call

    answers = {"domain_lookup_by_name": DOM, **answers}
    made = type("Canned", (Driver,), {name: method(name, answer) for name, answer in answers.items()})()
    made.calls = calls
    return made


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a line on a driver; gives status, standard output and standard error."""
    monkeypatch.setenv("TZ", "UTC")

    def run_line(driver, line, **settings):
        with open(tmp_path / "out", "wb") as stdout, open(tmp_path / "err", "wb") as stderr:
            out = Output(stdout=stdout.fileno(), stderr=stderr.fileno())
            for name, value in settings.items():
                setattr(out, name, value)
            session = Session(out)
            session._driver = driver
            status = dispatch.run_text(session, line)
            out.flush()
        return status, (tmp_path / "out").read_text(), (tmp_path / "err").read_text()

    return run_line


INTERFACES = [
    ("lo", "00:00:00:00:00:00", [(0, "127.0.0.1", 8), (1, "::1", 128)]),
    ("veryverylong", None, []),
]
HEAD = " Name       MAC address          Protocol     Address\n" + "-" * 79 + "\n"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            "",
            HEAD + " lo         00:00:00:00:00:00    ipv4         127.0.0.1/8\n"
            " -          -                    ipv6         ::1/128\n"
            " veryverylong N/A                  N/A          N/A\n",
        ),
        (
            "lo --full",
            HEAD + " lo         00:00:00:00:00:00    ipv4         127.0.0.1/8\n"
            " lo         00:00:00:00:00:00    ipv6         ::1/128\n",
        ),
        ("nosuch", HEAD),
    ],
)
def test_domifaddr(run, options, text):
    driver = canned(domain_interface_addresses=INTERFACES)
    assert run(driver, f"domifaddr demo {options}") == (0, text + "\n", "")


def test_domifaddr_as_data_and_quiet(run):
    driver = canned(domain_interface_addresses=INTERFACES)
    data = json.loads(run(driver, "domifaddr demo", format="json")[1])
    assert data[0]["addresses"][1] == {"protocol": "ipv6", "address": "::1", "prefix": 128}
    assert data[1] == {"name": "veryverylong", "mac_address": None, "addresses": []}
    assert run(driver, "domifaddr demo veryverylong", quiet=True)[1].startswith(" veryverylong")


@pytest.mark.parametrize(
    ("source", "number"), [("", 0), ("--source lease", 0), ("--source agent", 1), ("--source arp", 2)]
)
def test_sources_of_addresses(run, source, number):
    driver = canned(domain_interface_addresses=[])
    run(driver, f"domifaddr demo {source}")
    assert driver.calls[-1] == ("domain_interface_addresses", number)


@pytest.mark.parametrize(
    ("line", "answers", "text"),
    [
        (
            "guestinfo demo",
            {
                "domain_get_guest_info": [
                    ("user.count", PARAM_UINT, 1),
                    ("user.0.login-time", PARAM_ULLONG, 123),
                    ("load.1m", PARAM_DOUBLE, 1.5),
                    ("os.id", PARAM_STRING, "debian"),
                ]
            },
            "user.count          : 1\nuser.0.login-time   : 123\n"
            "load.1m             : 1.500000\nos.id               : debian\n\n",
        ),
        ("domtime demo", {"domain_get_time": (1500000000, 5)}, "Time: 1500000000\n"),
        ("domtime demo --pretty", {"domain_get_time": (-5, 0)}, "Time: 1969-12-31 23:59:55\n"),
        ("domfsinfo demo", {"domain_get_fsinfo": []}, "No filesystems are mounted in the domain\n"),
        (
            "domfsinfo demo",
            {"domain_get_fsinfo": [("/", "vda1", "ext4", ["vda", "vdb"]), ("/b", "x", "y", [])]},
            " Mountpoint   Name   Type   Target\n-------------------------------------\n"
            " /            vda1   ext4   vda,vdb\n /b           x      y      \n\n",
        ),
        ("get-user-sshkeys demo root", {"domain_authorized_ssh_keys_get": ["a b"]}, "a b\n"),
        ("qemu-agent-command demo x", {"domain_agent_command": '{"return":{}}'}, '{"return":{}}\n\n'),
        (
            "qemu-agent-command demo x --pretty",
            {"domain_agent_command": '{"return":{}}'},
            '{\n  "return": {\n  }\n}\n\n\n',
        ),
        ("domfsfreeze demo", {"domain_fsfreeze": 2}, "Froze 2 filesystem(s)\n\n"),
        (
            "set-user-password demo u p",
            {"domain_set_user_password": None},
            "Password set successfully for u in demo\n",
        ),
        (
            "guestvcpus demo",
            {"domain_get_guest_vcpus": [("vcpus", PARAM_STRING, "0-1"), ("online", PARAM_STRING, "0")]},
            "vcpus          : 0-1\nonline         : 0\n\n",
        ),
        (
            "vcpuinfo demo",
            {
                "node_get_cpu_map": (b"\x03", 2, 2),
                "domain_get_info": (1, 0, 0, 2, 0),
                "domain_get_vcpus": ([(0, 1, 1234567890123, 1), (1, 7, 0, -1)], b"\x03\x02"),
            },
            "VCPU:           0\nCPU:            1\nState:          running\nCPU time:       1234.6s\n"
            "CPU Affinity:   yy\n\nVCPU:           1\nCPU:            -1\nState:          no state\n"
            "CPU Affinity:   -y\n\n",
        ),
        (
            "domdirtyrate-calc demo",
            {"domain_start_dirty_rate_calc": None},
            "Start to calculate domain's memory dirty rate successfully.\n\n",
        ),
        (
            "perf demo",
            {"domain_get_perf_events": [("cmt", 6, 1), ("stalled_cycles_backend", 6, 0)]},
            "cmt            : enabled\nstalled_cycles_backend: disabled\n\n",
        ),
    ],
)
def test_what_is_shown(run, line, answers, text):
    assert run(canned(**answers), line) == (0, text, "")


@pytest.mark.parametrize(
    ("line", "method", "values"),
    [
        ("domfsthaw demo / /boot", "domain_fsthaw", (["/", "/boot"],)),
        ("domfstrim demo 5 /boot", "domain_fstrim", ("/boot", 5)),
        ("domtime demo --sync", "domain_set_time", (0, 0, 1)),
        ("domtime demo -5", "domain_set_time", (-5, 0, 0)),
        ("guest-agent-timeout demo", "domain_agent_set_response_timeout", (-2,)),
        ("set-user-sshkeys demo root --reset", "domain_authorized_ssh_keys_set", ("root", [], 0)),
        ("set-user-password demo u p --encrypted", "domain_set_user_password", ("u", "p", 1)),
        ("qemu-agent-command demo a b --block", "domain_agent_command", ("a b", -2)),
        ("qemu-agent-command demo a --async", "domain_agent_command", ("a", 0)),
        ("setvcpus demo 2 --hotpluggable --guest --async", "domain_set_vcpus_flags", (2, 56)),
        ("setvcpus demo 2", "domain_set_vcpus", (2,)),
        ("setvcpu demo 2 --disable --live", "domain_set_vcpu", ("2", 0, 1)),
        ("guestvcpus demo 1-2 --enable", "domain_set_guest_vcpus", ("1-2", 1)),
        ("domblkthreshold demo vda 1M", "domain_set_block_threshold", ("vda", 1048576)),
        ("blockresize demo vda 1025b", "domain_block_resize", ("vda", 1025, 1)),
        ("blockresize demo vda --capacity --extend", "domain_block_resize", ("vda", 0, 6)),
        ("blockjob demo vda --pivot --async", "domain_block_job_abort", ("vda", 3)),
        ("blockjob demo vda 5M --bytes", "domain_block_job_set_speed", ("vda", 5242880, 1)),
        ("blockpull demo vda --base b --bytes 6", "domain_block_rebase", ("vda", "b", 6, 64)),
        ("blockcopy demo vda /x --raw --bandwidth -1", "domain_block_rebase", ("vda", "/x", 2**64 - 1, 12)),
        (
            "perf demo --enable a,,b --disable c",
            "domain_set_perf_events",
            ([("a", 6, 1), ("b", 6, 1), ("c", 6, 0)], 0),
        ),
        (
            "domthrottlegroupset demo g --total_bytes_sec 1k",
            "domain_set_throttle_group",
            ("g", [("total_bytes_sec", 4, 1024), ("group_name", 7, "g")], 0),
        ),
        (
            "iothreadset demo 1 --poll-grow 4294967296 --poll-shrink 1",
            "domain_set_iothread_params",
            (1, [("poll_grow", 4, 4294967296), ("poll_shrink", 2, 1)], 0),
        ),
        (
            "domifannounce demo vnet0 --rounds 3",
            "domain_announce_interface",
            ("vnet0", [("rounds", 2, 3)]),
        ),
        ("dom-fd-associate demo n 0,1 --seclabel-writable", "domain_fd_associate", ("n", [0, 1], 2)),
    ],
)
def test_what_is_asked(run, line, method, values):
    driver = canned(**{method: "" if method == "domain_agent_command" else 0})
    assert run(driver, line)[0] == 0
    assert driver.calls[-1] == (method, *values)


COUNTING = VirError(INTERNAL_ERROR, "boo")
COUNTING.counting = True


@pytest.mark.parametrize(
    ("line", "method", "error", "first"),
    [
        (
            "memtune demo",
            "domain_get_memory_parameters",
            COUNTING,
            "Unable to get number of memory parameters",
        ),
        ("memtune demo", "domain_get_memory_parameters", VirError(1), "Unable to get memory parameters"),
        (
            "numatune demo",
            "domain_get_numa_parameters",
            COUNTING,
            "Unable to get number of memory parameters",
        ),
        ("numatune demo", "domain_get_numa_parameters", VirError(1), "Unable to get numa parameters"),
        ("perf demo", "domain_get_perf_events", VirError(1), "Unable to get perf events"),
        ("domhostname demo", "domain_get_hostname", VirError(1), "failed to get hostname"),
        ("domfstrim demo", "domain_fstrim", VirError(1), "Unable to invoke fstrim"),
        ("domfsthaw demo", "domain_fsthaw", VirError(1), "Unable to thaw filesystems"),
        (
            "vcpucount demo --guest",
            "domain_get_vcpus_flags",
            VirError(NO_SUPPORT),
            "Failed to retrieve vCPU count from the guest",
        ),
    ],
)
def test_what_is_said_of_failures(run, line, method, error, first):
    status, _, stderr = run(canned(**{method: error}), line)
    assert (status, stderr) == (1, f"error: {first}\nerror: {error.text}\n")


def test_counting_vcpus_in_the_older_way(run):
    driver = canned(
        domain_get_vcpus_flags=VirError(NO_SUPPORT),
        domain_is_active=True,
        domain_get_max_vcpus=4,
        domain_get_info=(1, 0, 0, 2, 0),
        domain_get_xml_desc="<domain><vcpu current='3'>5</vcpu></domain>",
    )
    for options, count in (
        ("--current", 2),
        ("--live --maximum", 4),
        ("--config", 3),
        ("--config --maximum", 5),
    ):
        assert run(driver, f"vcpucount demo {options}")[1] == f"{count}\n\n"


SCHEDULER = [
    ("uint", 2, 1),
    ("llong", 3, 3),
    ("double", 5, 5.5),
    ("bool", 6, 1),
    ("string", 7, "abc"),
]


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ("uint=-1", ("uint", 2, 4294967295)),
        ("llong=-5000000000", ("llong", 3, -5000000000)),
        ("double=1e3", ("double", 5, 1000.0)),
        ("bool=true", ("bool", 6, 1)),
        ("string=", ("string", 7, "")),
    ],
)
def test_schedinfo_sets_in_the_present_types(run, given, change):
    driver = canned(
        domain_get_scheduler_type=("foo", 5),
        domain_get_scheduler_parameters=SCHEDULER,
        domain_set_scheduler_parameters=None,
    )
    assert run(driver, f"schedinfo demo {given}")[0] == 0
    assert ("domain_set_scheduler_parameters", [change]) in driver.calls


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("uint=x", "invalid argument: Invalid value for field 'uint': expected unsigned int"),
        ("llong=1.5", "invalid argument: Invalid value for field 'llong': expected long long"),
        ("double=", "invalid argument: Invalid value for field 'double': expected double"),
        ("bool=yes", "invalid argument: Invalid boolean value for field 'bool'"),
        ("other=1", "invalid scheduler option: other"),
        ("uint", "Invalid syntax for --set, expecting name=value"),
    ],
)
def test_schedinfo_refuses(run, given, line):
    driver = canned(domain_get_scheduler_type=("foo", 5), domain_get_scheduler_parameters=SCHEDULER)
    assert run(driver, f"schedinfo demo {given}") == (1, "Scheduler      : foo\n\n", f"error: {line}\n")
