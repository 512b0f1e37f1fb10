"""Secrets: where their values come from, how they are shown, that they are not echoed."""

import base64
import json
import os
import pty
import select
import sys
import termios

import pytest

from oneline import run
from pyvirsh.backend.api import Driver, SecretRef
from pyvirsh.commands.secret import from_base64

UUID = "0a1b2c3d-0000-4000-8000-000000000003"


class Vault(Driver):
    """Secrets of every usage; the first is the one that has a value."""

    def __init__(self, value=b""):
        self.value = value

    def secret_lookup_by_uuid(self, uuid):
        return SecretRef(uuid, 1, "/disk")

    def secret_set_value(self, secret, value, flags=0):
        self.value = value

    def secret_get_value(self, secret, flags=0):
        return self.value

    def connect_list_all_secrets(self, flags=0):
        return [
            SecretRef("b", 1, "/disk"),
            SecretRef("c", 0, ""),
            SecretRef("a", 5, "tpm"),
            SecretRef("d", 9, "new"),
        ]


def test_list_by_uuid():
    assert run("secret-list", Vault())[1] == " a   vtpm tpm\n b   volume /disk\n c   Unused\n d   9 new\n"
    assert json.loads(run("secret-list", Vault(), format="json")[1])[0] == {
        "uuid": "a",
        "usage_type": "vtpm",
        "usage": "tpm",
    }


@pytest.mark.parametrize("value", [b"", b"x", b"xy", b"xyz", bytes(range(256))])
def test_base64_of_others_is_read(value):
    assert from_base64(base64.encodebytes(value).decode()) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("aGVsbG8", b"hel"),
        ("not base64!", b"\x9e\x8b[j\xc7\xba"),
        ("====", b"\0"),
        ("aa=a", b"i\x1a"),
        ("aa==aGVs", b"ihel"),
        ("!!", b""),
    ],
)
def test_base64_is_read_as_leniently_as_by_virsh(text, value):
    assert from_base64(text) == value


def test_values_from_files(tmp_path):
    path = tmp_path / "value"
    driver = Vault()
    path.write_bytes(b"aGVsbG8=\n")
    assert run(f"secret-set-value {UUID} --file {path}", driver) == (0, "", "")
    assert driver.value == b"hello"
    path.write_bytes(b"raw\0\xff")
    assert run(f"secret-set-value {UUID} --file {path} --plain", driver)[0] == 0
    assert driver.value == b"raw\0\xff"
    path.write_bytes(bytes(1025))
    assert run(f"secret-set-value {UUID} --file {path} --plain", driver) == (
        1,
        "",
        f"error: Failed to read file '{path}': Value too large for defined data type\n",
    )


def test_a_value_on_the_command_line_is_warned_of():
    driver = Vault()
    assert run(f"secret-set-value {UUID} eA==", driver) == (
        0,
        "",
        "error: Passing secret value as command-line argument is insecure!\n",
    )
    assert driver.value == b"x"


def test_a_value_must_come_from_somewhere():
    assert run(f"secret-set-value {UUID}", Vault()) == (1, "", "error: Input secret value is missing\n")


def test_values_shown():
    assert run(f"secret-get-value {UUID}", Vault(b"x\xff"))[1] == "eP8="
    assert run(f"secret-get-value {UUID} --plain", Vault(b"plain"))[1] == "plain"
    assert json.loads(run(f"secret-get-value {UUID}", Vault(b"x"), format="json")[1]) == {"value": "eA=="}


TYPING = """
import sys
from oneline import run
from test_secrets import UUID, Vault

driver = Vault()
status = run(f"secret-set-value {UUID} --interactive", driver)[0]
sys.stdout.write(driver.value[::-1].decode())
sys.exit(status)
"""


def test_a_typed_value_is_not_echoed():
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(os.path.dirname(__file__))
        os.execv(sys.executable, [sys.executable, "-c", TYPING])
    try:
        shown = _read_until_echo_is_off(terminal)
        os.write(terminal, b"geheim\n")
        shown += _read_all(terminal)
    finally:
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert shown == b"\r\nmieheg"


def _read_until_echo_is_off(terminal):
    """Wait, on the terminal itself, until the program has made it silent."""
    shown = b""
    while termios.tcgetattr(terminal)[3] & termios.ECHO:
        if select.select([terminal], [], [], 0.01)[0]:
            shown += os.read(terminal, 4096)
    return shown


def _read_all(terminal):
    shown = b""
    try:
        while data := os.read(terminal, 4096):
            shown += data
    except OSError:
        # How Linux says that the other side has gone.
        pass
    return shown
