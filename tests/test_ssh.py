"""SSH as users have it: agents and questions at a terminal, consoles and events, leaving by ^C."""

import contextlib
import os
import signal
import socket
import subprocess

import pytest

import daemons
import sshpeer
from conftest import PYVIRSH, needs
from embedded import linux
from terminals import Terminal

UP = "tiny guest is up"


@pytest.fixture(scope="module")
def sshd():
    needs("sshd", "ssh-keygen")
    with daemons.sshd(os.path.dirname(PYVIRSH)) as server:
        yield server


@contextlib.contextmanager
def at_terminal(*words, **environ):
    terminal = Terminal([PYVIRSH, *words], {"TERM": "dumb", **environ})
    try:
        yield terminal
    finally:
        terminal.close()


# -- who we are --------------------------------------------------------------------------------------------


def test_a_key_of_the_agent(sshd, tmp_path):
    needs("ssh-agent", "ssh-add")
    path = tmp_path / "agent"
    where = (
        f"test+ssh://{sshd.user}@127.0.0.1:{sshd.port}/default?proxy=pyvirsh&known_hosts={sshd.known_hosts}"
    )
    environ = {**os.environ, "HOME": str(tmp_path), "SSH_AUTH_SOCK": str(path)}
    words = [PYVIRSH, "-q", "-c", where, "list --name"]
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL) as agent:
        daemons.wait_for(path, agent)
        try:
            without = subprocess.run(words, capture_output=True, text=True, env=environ, timeout=60)
            subprocess.run(["ssh-add", "-q", sshd.key], env=environ, check=True)
            done = subprocess.run(words, capture_output=True, text=True, env=environ, timeout=60)
        finally:
            agent.terminate()
    assert without.returncode == 1 and "load a key into your agent" in without.stderr
    assert (done.returncode, done.stdout) == (0, "test\n"), done.stderr


def test_a_key_under_a_passphrase(sshd, tmp_path):
    key = tmp_path / "locked"
    key.write_bytes(sshd.key.read_bytes())
    key.chmod(0o600)
    words = ["ssh-keygen", "-q", "-p", "-P", "", "-N", sshpeer.PASSWORD, "-f", key]
    subprocess.run(words, check=True)
    where = sshd.uri("test", "/default", keyfile=str(key), proxy="pyvirsh")
    for phrase, is_right in ((sshpeer.PASSWORD, True), ("wrong", False)):
        with at_terminal("-c", where, "domstate test", SSH_AUTH_SOCK="") as terminal:
            terminal.until("Passphrase of the key")
            terminal.type(phrase + "\n")
            assert ("running" in terminal.rest()) == is_right


def asked(way, tmp_path, port, key, **parameters):
    """Return the URI of the server that asks, whose key is known."""
    store = tmp_path / "known"
    store.write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
    given = {"proxy": "pyvirsh", "known_hosts": str(store), **parameters}
    return f"test+ssh://me@127.0.0.1:{port}/default?" + "&".join(f"{k}={v}" for k, v in given.items())


@pytest.fixture
def environ(tmp_path):
    """No keys of whoever runs the tests, and the program found by the far side."""
    path = f"{os.path.dirname(PYVIRSH)}:{os.environ['PATH']}"
    return {"HOME": str(tmp_path), "SSH_AUTH_SOCK": "", "PATH": path}


def test_a_password_is_asked_for_at_the_terminal(tmp_path, environ, monkeypatch):
    monkeypatch.setenv("PATH", environ["PATH"])
    with sshpeer.server("password") as (port, key):
        where = asked("password", tmp_path, port, key)
        for password, answer in ((sshpeer.PASSWORD, "running"), ("wrong", "uthentication failed")):
            with at_terminal("-c", where, "domstate test", **environ) as terminal:
                terminal.until("password: ")
                terminal.type(password + "\n")
                said = terminal.rest()
            assert answer in said and password not in said


def test_questions_of_the_host_are_asked_at_the_terminal(tmp_path, environ, monkeypatch):
    """What is not to be seen is not echoed; what may be, is."""
    monkeypatch.setenv("PATH", environ["PATH"])
    with sshpeer.server("keyboard-interactive") as (port, key):
        where = asked("keyboard-interactive", tmp_path, port, key)
        with at_terminal("-c", where, "domstate test", **environ) as terminal:
            terminal.until("Magic word: ")
            terminal.type(sshpeer.PASSWORD + "\n")
            assert sshpeer.PASSWORD not in terminal.until("Colour: ")
            terminal.type("blue\n")
            said = terminal.rest()
    assert "blue" in said and "running" in said


def test_nobody_is_asked_without_a_terminal(tmp_path, environ):
    with sshpeer.server("password") as (port, key):
        words = [PYVIRSH, "-c", asked("password", tmp_path, port, key), "list"]
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, **environ},
            start_new_session=True,
        )
    assert done.returncode == 1 and "keyfile=" in done.stderr


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_an_unknown_host_is_asked_about_at_the_terminal(sshd, tmp_path, answer):
    store = tmp_path / "known"
    where = sshd.uri("test", "/default", known_hosts=str(store), proxy="pyvirsh")
    with at_terminal("-c", where, "domstate test") as terminal:
        assert "SHA256:" in terminal.until("(yes/no)? ")
        terminal.type(answer + "\n")
        assert ("running" in terminal.rest()) == (answer == "yes")
    assert store.exists() == (answer == "yes")


# -- one connection for everything -----------------------------------------------------------------------


def test_a_guest_s_console_and_its_events(sshd, house, tiny_guest):
    house.driver.domain_define_xml(linux(tiny_guest, ""))
    where = sshd.uri("qemu", "/embed", root=str(house.root), proxy="pyvirsh")
    with at_terminal("-c", where) as terminal:
        terminal.until("# ")
        terminal.type("start g --console\n")
        terminal.until(UP)
        terminal.type("echo he''re\n")
        terminal.until("here")
        terminal.type("\x1d")
        terminal.until("virsh # ")
        terminal.type("event g --event lifecycle --timeout 60\n")
        dom = house.driver.domain_lookup_by_name("g")
        for _ in range(60):
            if "received" in terminal.text:
                break
            # What happens before the far side listens is not told of.
            house.driver.domain_suspend(dom)
            house.driver.domain_resume(dom)
            terminal.look()
        terminal.until("event 'lifecycle' for domain 'g': ")
        terminal.until("events received: 1")
        terminal.until("virsh # ")
        terminal.type("destroy g\n")
        terminal.until("destroyed")
        terminal.type("quit\n")
        terminal.rest()
    assert terminal.status == 0


# -- leaving ----------------------------------------------------------------------------------------------


def test_control_c_ends_a_call_that_nobody_answers(tmp_path):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        mute.listen()
        words = [PYVIRSH, "-c", f"test+unix:///default?socket={path}", "list"]
        pipe = subprocess.PIPE
        with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True) as process:
            taken, _ = mute.accept()
            assert taken.recv(1000)  # the question is there
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=10)
            taken.close()
    assert process.returncode in (130, -signal.SIGINT) and "Traceback" not in said[1]
