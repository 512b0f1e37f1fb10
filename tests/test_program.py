"""The program's own options, and how it ends.  Texts are what virsh 11.3.0 says."""

import os
import signal
import subprocess
import sys

import pytest

from pyvirsh import __main__ as main
from pyvirsh import program


def run(capfd, *argv):
    status = main.run(list(argv), "virsh")
    out, err = capfd.readouterr()
    return status, out, err


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    for name in ("VIRSH_DEBUG", "VIRSH_LOG_FILE", "VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def read(*argv):
    options = program.Options("virsh")
    program.read(options, list(argv))
    return options


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["-c", "a", "-cb", "--connect=c", "x"], {"uri": "c", "words": ["x"]}),
        (["--con=a", "--q", "--re", "x"], {"uri": "a", "quiet": True, "read_only": True}),
        (["-qrt", "--", "-q"], {"quiet": True, "timing": True, "words": ["-q"]}),
        (["list", "-q"], {"quiet": False, "words": ["list", "-q"]}),
        (["-", "x"], {"words": ["-", "x"]}),
        (["-d0", "-k010", "-K0x10"], {"debug": 0, "keepalive_interval": 8, "keepalive_count": 16}),
        (["-vlong"], {"show": "short"}),
        (["--version=bogus"], {"show": "short"}),
        (["--version=long"], {"show": "long"}),
        (["-V", "-x"], {"show": "long"}),
        (["-e", "^a"], {"escape": "^a"}),
        (["-ojson", "--file=b", "--keep-going"], {"output": "json", "file": "b", "keep_going": True}),
        (["-d9"], {"debug": None, "warnings": ["ignoring debug level 9 out of range [0-4]"]}),
    ],
)
def test_options(argv, expected):
    options = read(*argv)
    assert {name: getattr(options, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("argv", "fault"),
    [
        (["-x"], "unsupported option '-x'. See --help."),
        (["-f"], "unsupported option '-f'. See --help."),
        (["--bogus=3"], "unsupported option '--bogus=3'. See --help."),
        (["--k=0"], "unsupported option '--k=0'. See --help."),
        (["--quiet=1"], "unsupported option '-q'. See --help."),
        (["-dx"], "option -d takes a numeric argument"),
        (["--debug=x"], "option --debug takes a numeric argument"),
        (["-kx"], "Invalid value for option -k"),
        (["-K-1"], "option -K requires a positive integer argument"),
        (["--keepalive-count=-1"], "option --keepalive-count requires a positive integer argument"),
        (["-e", "xx"], "Invalid string 'xx' for escape sequence"),
        (["-e", "^"], "Invalid string '^' for escape sequence"),
        (["-e", "^1"], "Invalid string '^1' for escape sequence"),
        (["-e", "é"], "Invalid string 'é' for escape sequence"),
        (["-l", "/nonexistent/x", "-x"], "failed to open the log file. check the log file path"),
        (["-l", ""], "failed to open the log file. check the log file path"),
        (["-o", "xls"], "unknown output format 'xls': it can be table, json, yaml, csv or name"),
    ],
)
def test_option_faults(capfd, argv, fault):
    assert run(capfd, *argv, "echo", "a") == (1, "", f"error: {fault}\n")


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        ("-qc", "option '-c'/'--connect' requires an argument"),
        ("--deb", "option '-d'/'--debug' requires an argument"),
        ("--file", "option '--file' requires an argument"),
    ],
)
def test_options_without_their_argument(capfd, option, fault):
    assert run(capfd, option) == (1, "", f"error: {fault}\n")


@pytest.mark.parametrize(
    ("argv", "status", "out", "err"),
    [
        (["echo", "a", "b"], 0, "a b\n", ""),
        (["-q", "echo a; echo b"], 0, "ab", ""),
        ([""], 1, "", ""),
        ([" "], 0, "", ""),
        ([";;\n"], 0, "", ""),
        (["# text"], 0, "", ""),
        (['""'], 1, "", "error: unknown command: ''\n"),
        (["", "x"], 1, "", "error: unknown command: ''\n"),
        (["echo a", "b"], 1, "", "error: unknown command: 'echo a'\n"),
        (["#", "anything", ";"], 0, "", ""),
        (["echo a; bogus; echo b"], 1, "", "error: unknown command: 'bogus'\n"),
        (["echo a; cd /nonexistent; echo b"], 0, "a\n\nb\n", None),
        (["echo a; cd /nonexistent"], 1, "a\n\n", None),
        (["cd /nonexistent; quit; echo b"], 0, "\n", None),
        (["quit; bogus"], 1, "", "error: unknown command: 'bogus'\n"),
        (["\\# ignored; echo seen"], 0, "seen\n", ""),
        (["echo --xml --shell a"], 1, "\n", "error: Options --shell and --xml are mutually exclusive\n"),
        (["echo", "--err"], 0, "\n", ""),
        (["echo", "--err", ""], 0, "\n", "error: \n"),
        (["echo --prefix x"], 0, "x\n", ""),
        (["echo --split '' a,b,,c x,"], 0, " a\nb,c\n x\n\n\n", ""),
        (["echo --prefix= a"], 0, "a\n", "error: Failed to get option 'prefix': Option argument is empty\n"),
        (["-d1", "echo a"], 0, "a\n", 'commands: "echo a"\necho: string(argv: 0): a\n'),
        (["-d1", "echo", "--hi"], 0, "hello\n", "echo: string(argv: 0): hello\n"),
    ],
)
def test_runs(capfd, argv, status, out, err):
    got = run(capfd, *argv)
    assert got[:2] == (status, out)
    assert err is None or got[2] == err


def test_time_is_shown(capfd):
    status, out, _ = run(capfd, "-qt", "echo a; quit")
    assert status == 0
    assert out.startswith("a\n(Time: ") and out.endswith(" ms)\n\n")
    assert run(capfd, "-t", "-o", "json", "echo", "a")[1] == '{\n  "text": "a"\n}\n'


def test_debug_from_the_environment(capfd, monkeypatch):
    monkeypatch.setenv("VIRSH_DEBUG", "1")
    assert "string(argv: 0): a" in run(capfd, "echo", "a")[2]
    monkeypatch.setenv("VIRSH_DEBUG", "9")
    fault = "error: VIRSH_DEBUG not set with a valid numeric value\n"
    assert run(capfd, "echo", "a") == (0, "a\n", fault)


def test_log(capfd, tmp_path, monkeypatch):
    run(capfd, "-l", "log", "-d1", "echo --err x; pwd")
    monkeypatch.setenv("VIRSH_LOG_FILE", str(tmp_path / "log"))
    run(capfd, "bogus")
    entries = [line.split("] ", 1) for line in (tmp_path / "log").read_text().splitlines()]
    assert [text for _, text in entries] == [
        'INFO commands: "echo --err x; pwd"',
        "INFO echo: err(bool)",
        "INFO echo: string(argv: 0): x",
        "ERROR x",
        "ERROR unknown command: 'bogus'",
    ]
    assert entries[0][0].endswith(f" virsh {os.getpid()}")


# -- the process -------------------------------------------------------------------------------------


def start(command, **options):
    script = f'"{sys.executable}" -m pyvirsh {command}'
    return subprocess.run(["sh", "-c", script], capture_output=True, timeout=60, **options)


@pytest.mark.parametrize(
    ("redirection", "status"), [(">&-", 0), (">/dev/full", 0), ("2>&-", 0), ("<&-", 0), ("<&- >&- 2>&-", 0)]
)
def test_closed_streams_change_nothing(redirection, status):
    assert start(f"-c test:///default 'echo a; list' {redirection}").returncode == status


def test_what_is_said_never_reaches_a_file_in_place_of_a_closed_stream(tmp_path):
    # Without a standard output the log would be opened as descriptor 1.
    start(f"-l {tmp_path}/log echo secret >&-")
    assert (tmp_path / "log").read_text() == ""


def test_a_reader_that_leaves_ends_the_program():
    much = "echo " + "x" * 60_000
    script = f'("{sys.executable}" -m pyvirsh "{much}; {much}"; echo $? >&2) | head -c 1'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == str(128 + signal.SIGPIPE)


def test_shell_without_a_terminal_ends_with_0():
    done = start("-q", input=b"bogus\necho a")
    assert (done.returncode, done.stdout) == (0, b"virsh # bogus\nvirsh # echo a\navirsh # \n")
    assert done.stderr == b"error: unknown command: 'bogus'\n"
