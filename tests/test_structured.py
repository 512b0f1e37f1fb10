"""Results as JSON, YAML, CSV and names."""

import csv
import io
import json

import pytest

from pyvirsh import __main__ as main
from pyvirsh.backend.errors import VirError
from pyvirsh.shell.output import Shown
from pyvirsh.shell.structured import of_xml, one_line, render

DATA = {"name": "a", "size": Shown(1024, "1 KiB"), "tags": ["x", {"k": None}], "none": [], "more": {}}


@pytest.mark.parametrize(
    ("format", "text"),
    [
        (
            "yaml",
            "name: a\nsize: 1024\ntags:\n  - x\n  - k: null\nnone: []\nmore: {}\n",
        ),
        ("csv", 'name,size,tags,none,more\na,1024,"[""x"", {""k"": null}]",[],{}\n'),
        ("name", "a\n"),
    ],
)
def test_formats(format, text):
    assert render(DATA, format) == text


def test_json():
    assert json.loads(render(DATA, "json")) == {
        "name": "a", "size": 1024, "tags": ["x", {"k": None}], "none": [], "more": {},
    }  # fmt: skip
    assert render([], "json") == "[]\n"
    assert render({"n": "名\udcff"}, "json") == '{\n  "n": "\\u540d\\udcff"\n}\n'
    assert one_line({"a": Shown(1, "one"), "b": "名"}) == '{"a": 1, "b": "名"}\n'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain-text_1.0/x", "plain-text_1.0/x"),
        ("No", '"No"'),
        ("true", '"true"'),
        ("", '""'),
        ("1e3", '"1e3"'),
        ("a: b", '"a: b"'),
        ("- a", '"- a"'),
        ("a\nb", '"a\\nb"'),
        ("~", '"~"'),
        (True, "true"),
        (None, "null"),
        (1.5, "1.5"),
        (float("inf"), ".inf"),
        (float("nan"), ".nan"),
    ],
)
def test_yaml_scalars(value, text):
    assert render({"k": value}, "yaml") == f"k: {text}\n"
    assert render([value], "yaml") == f"- {text}\n"


def test_yaml_nests():
    data = [{"a": [[1, 2], []], "b": {"c": {"d": 1}}}, []]
    text = "- a:\n    - - 1\n      - 2\n    - []\n  b:\n    c:\n      d: 1\n- []\n"
    assert render(data, "yaml") == text


def test_csv_takes_all_keys_and_quotes():
    rows = [{"a": 'x,"y"', "b": None}, {"a": True, "c": "l1\nl2"}]
    text = render(rows, "csv")
    assert list(csv.reader(io.StringIO(text))) == [["a", "b", "c"], ['x,"y"', "", ""], ["true", "", "l1\nl2"]]
    assert render([], "csv") == ""
    assert render(["x", 1], "csv") == "value\nx\n1\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ([{"id": 1, "name": "a"}, {"name": None}], "a\n\n"),
        ([{"uuid": "u", "x": 1}], "u\n"),
        ({"domain": {"@id": "1", "name": "a"}}, "a\n"),
        ({"count": 3}, "3\n"),
        (["x"], "x\n"),
        ([], ""),
    ],
)
def test_names(data, text):
    assert render(data, "name") == text


def test_xml():
    document = """<domain type='kvm' xmlns:qemu='http://q'>
      <!-- note -->
      <name>a b</name>
      <on/>
      <disk dev='a'/><disk dev='b'>text</disk>
      <disk>only</disk>
      <mix>x<b/>y</mix>
      <qemu:arg value='1'/>
    </domain>"""
    assert of_xml(document) == {
        "domain": {
            "@type": "kvm",
            "name": "a b",
            "on": {},
            "disk": [{"@dev": "a"}, {"@dev": "b", "#text": "text"}, "only"],
            "mix": {"b": {}, "#text": "xy"},
            "qemu:arg": {"@value": "1"},
        }
    }


def test_xml_that_is_none():
    with pytest.raises(VirError):
        of_xml("<a>")
    with pytest.raises(VirError):
        of_xml("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>")


# -- from the outside ----------------------------------------------------------------------------------


def run(capfd, *argv):
    status = main.run(["-c", "test:///default", *argv], "virsh")
    return (status, *capfd.readouterr())


def test_the_option_of_a_command_counts_for_it_alone(capfd):
    status, out, _ = run(capfd, "domstate test --output json; echo b")
    assert status == 0
    data, _, rest = out.partition("}\n")
    assert json.loads(data + "}")["state"] == "running"
    assert rest == "b\n"


def test_the_option_of_the_program_counts_for_all(capfd):
    status, out, _ = run(capfd, "-o", "json", "list --all; list --inactive; domstate test --output table")
    decoder = json.JSONDecoder()
    first, end = decoder.raw_decode(out)
    assert first[0]["name"] == "test" and first[0]["id"] == 1
    second, more = decoder.raw_decode(out[end:].lstrip())
    assert (status, second) == (0, [])
    assert out[end:].lstrip()[more:] == "\nrunning\n\n"


def test_errors_stay_errors(capfd):
    status, out, err = run(capfd, "-o", "yaml", "domstate nope")
    assert (status, out, err) == (1, "", "error: failed to get domain 'nope'\n")


def test_xml_leaves_as_data(capfd):
    _, out, _ = run(capfd, "dumpxml", "test", "--output=json")
    assert json.loads(out)["domain"]["devices"]["interface"]["source"] == {"@network": "default"}
