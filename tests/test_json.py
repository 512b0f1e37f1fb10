"""Results as data: every command that shows something, in every format; docs/output.rst beside the code."""

import ast
import csv
import functools
import io
import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import canned
import shown
from conftest import needs
from pyvirsh import backend, commands
from pyvirsh.backend.errors import INTERNAL_ERROR, VirError
from pyvirsh.commands import INDEX, UNLISTED, load
from pyvirsh.shell import structured
from pyvirsh.shell.output import FORMATS

LINES = [*shown.lines(), *shown.lines("more")]
KEY = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# What other programs or people say, which happens to look like a number.
WORDS_OF_OTHERS = {"[].model", ".local.service", ".remote.service", "[].iaid", ".params.cputune.vcpupin0"}


@functools.cache
def answer(line):
    return shown.run(line)


def documents(text):
    """Return the JSON documents in a text that has nothing else."""
    found, decoder = [], json.JSONDecoder()
    while text := text.lstrip("\n"):
        data, end = decoder.raw_decode(text)
        found.append(data)
        text = text[end:]
    return found


@pytest.mark.parametrize("line", LINES)
def test_is_json_and_nothing_else(line):
    got = answer(line)
    assert len(documents(got.stdout)) >= 1, got.stderr
    assert got.status == 0 or "event" in line, got.stderr
    assert got.stderr == ""


@pytest.mark.parametrize("line", shown.lines())
def test_keys_and_values(line):
    command = shown.command_of(line)
    got = answer(line)
    for data in documents(got.stdout):
        if got.used[-1][0] == "xml" or "--xpath" in line or shown.OPEN.get(command) == ("",):
            continue
        for path, kinds in shown.shape(data, shown.OPEN.get(command, ())).items():
            names = [name for name in path.replace("[]", "").split(".") if name]
            assert all(KEY.fullmatch(name) for name in names), path
            assert kinds <= set(shown.KINDS.values()) | {"list", "object"}
        for path, value in leaves(data):
            if isinstance(value, str) and path not in WORDS_OF_OTHERS:
                assert not re.fullmatch(r"-?\d+(\.\d+)?( ?[KMGT]i?B)?", value), (path, value)


def leaves(value, path=""):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, path + "[]")
    else:
        yield path, value


@pytest.mark.parametrize("line", LINES)
def test_the_other_formats_say_the_same(line):
    for data in documents(answer(line).stdout):
        assert yaml.safe_load(structured.render(data, "yaml")) == data
        rows = [row for row in (data if isinstance(data, list) else [data]) if row != {}]
        table = list(csv.DictReader(io.StringIO(structured.render(data, "csv"))))
        assert len(table) == len(rows)
        for row, got in zip(rows, table, strict=True):
            for key, value in (row if isinstance(row, dict) else {"value": row}).items():
                assert got[key] == structured.text_of(value)
        assert len(structured.render(data, "name").splitlines()) >= len(rows)


@pytest.mark.parametrize("line", LINES[::9])
def test_formats_by_the_command(line):
    for form in ("yaml", "csv", "name"):
        got = shown.run(line, form)
        wrote = shown.run(line)
        if wrote.used[-1][0] == "event":
            assert got.stdout == wrote.stdout
        else:
            texts = [structured.render(data, form) for data in documents(wrote.stdout)]
            assert unlike(got.stdout) == unlike("".join(texts))


def unlike(text):
    """Return a text without what differs from moment to moment."""
    return re.sub(r"\d{3,}", "N", text)


@pytest.mark.parametrize("form", FORMATS[1:])
def test_errors_stay_text_and_results_stay_apart(form):
    got = shown.run("domstate nope", form)
    assert (got.stdout, got.status) == ("", 1)
    assert got.stderr == "error: failed to get domain 'nope'\n"
    # What was done is no data.
    assert (
        shown.run("suspend test; resume test; snapshot-create-as test s; define xml/guest.xml", form).stdout
        == ""
    )
    got = shown.run("await test --condition domain-inactive --timeout 9", form)
    assert got.stdout == ""


class Broken(canned.Canned):
    """Fails where virsh has already shown something."""

    def _fail(self, *args):
        raise VirError(INTERNAL_ERROR, "broken")

    storage_pool_get_info = storage_vol_get_info = domain_get_security_label = _fail


BREAKING = {
    "pool-info default-pool": {"name", "uuid"},
    "vol-create-as default-pool v 1M; vol-info v default-pool": {"name"},
    "dominfo test": {"name", "state", "security_model"},
}


@functools.cache
def broken(line):
    return shown.run(line, driver=Broken)


@pytest.mark.parametrize(("line", "keys"), BREAKING.items())
def test_what_fails_half_way_says_what_it_knew(line, keys):
    got = broken(line)
    assert got.status == 1
    assert got.stderr == "error: internal error: broken\n"
    (data,) = documents(got.stdout)
    assert keys <= set(data)


def test_events_are_one_object_a_line():
    texts = answer("event --all --loop").stdout.splitlines()
    assert len(texts) > 30
    assert all(isinstance(json.loads(text), dict) for text in texts)


# -- completeness -----------------------------------------------------------------------------------------


def test_the_document_is_what_the_commands_show():
    _, between, _ = shown.split(shown.DOCUMENT.read_text())
    assert between.strip("\n") == shown.document(answer).strip("\n"), (
        "run tests/shown.py and review what it writes"
    )


class Module:
    """Where a module of commands writes results, and what its functions call."""

    def __init__(self, path):
        tree = ast.parse(path.read_text())
        self.imports = {}
        self.functions = {}
        self.sites = []
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pyvirsh.commands"):
                for name in node.names:
                    whole = (node.module or "") == "pyvirsh.commands"
                    here = name.asname or name.name
                    self.imports[here] = (
                        (name.name, None) if whole else (node.module.split(".")[-1], name.name)
                    )
            elif isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
            elif is_write(node):
                self.sites.append((node.lineno, node.end_lineno))


def is_write(node):
    """Say whether a node is a call like ``ctx.out.fields(...)``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in shown.WRITERS
        and ast.unparse(node.func.value).endswith("out")
    )


@functools.cache
def modules():
    return {path.stem: Module(path) for path in Path(commands.__file__).parent.glob("*.py")}


def writes(module, function):
    """Say whether a function may write a result, itself or through others."""
    seen, todo = set(), [(module, function)]
    while todo:
        here = todo.pop()
        if here in seen or here[0] not in modules() or here[1] not in modules()[here[0]].functions:
            continue
        seen.add(here)
        known = modules()[here[0]]
        for node in ast.walk(known.functions[here[1]]):
            if is_write(node):
                return True
            if isinstance(node, ast.Name):
                name, _ = found = known.imports.get(node.id, (here[0], node.id))
                todo.append(found if found[1] else (name, node.id))
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                name, whole = known.imports.get(node.value.id, (None, ""))
                todo.append((name if whole is None else here[0], node.attr))
    return False


def test_every_command_that_shows_something_is_documented():
    showing = {
        name
        for name, module in INDEX.items()
        if writes(module, load(name).handler.__name__) and (name not in UNLISTED or name == "complete")
    }
    assert showing - {shown.command_of(line) for line in LINES} == set()


def test_every_place_that_writes_a_result_is_tried():
    answers = [*map(answer, LINES), *map(broken, BREAKING)]
    tried = {(file, number) for got in answers for _, file, number in got.used}
    missed = []
    for name, module in modules().items():
        for first, last in module.sites:
            if not any((f"{name}.py", number) in tried for number in range(first, last + 1)):
                missed.append(f"{name}.py:{first}")
    assert missed == []


# -- a real guest -------------------------------------------------------------------------------------------

REAL = (
    "list --all",
    "dominfo g",
    "domstate g --reason",
    "domstats g",
    "domid g",
    "vcpucount g",
    "vcpuinfo g",
    "vcpupin g",
    "emulatorpin g",
    "iothreadinfo g",
    "cpu-stats g",
    "schedinfo g",
    "memtune g",
    "numatune g",
    "blkiotune g",
    "blkdeviotune g vda",
    "dommemstat g",
    "domblklist g --details",
    "domblkinfo g --all",
    "domblkstat g vda",
    "domblkerror g",
    "domiflist g",
    "domifstat g net0",
    "domjobinfo g",
    "blockjob g vda",
    "domcontrol g",
    "domdisplay g --all",
    "vncdisplay g",
    "ttyconsole g",
    "perf g",
    "desc g",
    "nodeinfo",
    "nodecpumap",
    "nodecpustats",
    "nodememstats",
    "node-memory-tune",
    "freecell",
    "freecell --all",
    "freepages --all",
    "hypervisor-cpu-models",
    "cpu-models x86_64",
    "version --daemon",
    "maxvcpus",
    "hostname",
    "uri",
    "pool-list --all --details",
    "nodedev-list",
    "nodedev-list --tree",
)
DEVICES = """<disk type='file'><source file='{}'/><target dev='vda' bus='virtio'/></disk>
<interface type='user'><mac address='52:54:00:00:00:07'/></interface>
<console type='pty'/><graphics type='vnc' port='-1'/>"""


def test_a_real_guest_has_the_documented_keys(house, tmp_path):
    needs("qemu-system-x86_64")
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(65536))
    house.start(devices=DEVICES.format(disk))
    documented = shown.entries(answer)
    tried = 0
    for line in REAL:
        got = shown.run(line, driver=lambda: backend.open(house.uri))
        if got.status:
            # What this host or this driver does not have has no keys.
            assert got.stdout == "", line
            continue
        tried += 1
        command = shown.command_of(line)
        known = documented[command].shapes[""]
        for data in documents(got.stdout):
            found = shown.shape(data, shown.OPEN.get(command, ()))
            assert found.keys() <= known.keys(), line
    assert tried > 30


# -- YAML ---------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(VALUES)
def test_yaml_readers_read_what_was_written(value):
    assert yaml.safe_load(structured.render(value, "yaml")) == value


@pytest.mark.parametrize(
    "text",
    [
        "\x7f",
        "\x85",
        "\u2028",
        "\ufeff",
        "😀",
        "a\tb",
        "\x00",
        "e3",
        "1_000",
        "0o7",
        "=",
        "<<",
        "12:30",
        "null",
        "Off",
    ],
)
def test_yaml_strings(text):
    assert yaml.safe_load(structured.render({"k": text, text: 1}, "yaml")) == {"k": text, text: 1}
