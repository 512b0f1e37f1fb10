"""The console of a real guest as users have it: at terminals, through pipes, two at a time, to the end."""

import os
import select
import signal
import subprocess
import time

import pytest

from embedded import PYVIRSH, House, await_gone, await_nobody, end, linux
from limits import talk
from pyvirsh.backend import constants as c
from terminals import Terminal

UP = "tiny guest is up"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A house for all tests here: booting a guest for each would take its time."""
    made = House(tmp_path_factory.mktemp("console") / "h")
    yield made
    made.empty()
    await_nobody(str(made.root))


@pytest.fixture
def guest(house, tiny_guest):
    """A Linux guest that is up; the last test's, if it still runs."""
    running = house.driver.connect_list_all_domains()
    if running:
        return running[0]
    dom = house.driver.domain_create_xml(linux(tiny_guest))
    with talk(house, dom) as console:
        console.until(UP)
    return dom


@pytest.fixture
def at_terminal(house):
    """Run the program at a terminal of its own."""
    opened = []

    def run(*words):
        terminal = Terminal([PYVIRSH, "-c", house.uri, *words], {"TERM": "vt100", "NO_COLOR": "1"})
        terminal.before = terminal.settings()
        opened.append(terminal)
        return terminal

    yield run
    for terminal in opened:
        terminal.close()


def attach(terminal):
    """Wait until what is typed reaches the guest: what is typed before is lost, as with virsh."""
    terminal.until("Escape character")
    deadline = time.monotonic() + 10
    while terminal.settings() == terminal.before:
        assert time.monotonic() < deadline
        select.select([terminal.fd], [], [], 0.01)


def test_typed_and_left_by_the_escape_character(guest, at_terminal):
    terminal = at_terminal("console", "g")
    terminal.until("Connected to domain 'g'\r\n")
    attach(terminal)
    assert terminal.until("\r\n") == " is ^] (Ctrl + ])"
    terminal.type("echo $((6*7))x\r")
    terminal.until("42x")
    terminal.type("\x1d")
    terminal.rest()
    assert terminal.status == 0 and terminal.settings() == terminal.before


def test_another_escape_character(guest, at_terminal):
    terminal = at_terminal("-e", "^A", "console", "g")
    attach(terminal)
    assert terminal.until("\r\n") == " is ^A (Ctrl + A)"
    terminal.type("\x1d")
    terminal.type("echo $((6*7))x\r")
    terminal.until("42x")
    terminal.type("\x01")
    terminal.rest()
    assert terminal.status == 0


@pytest.mark.parametrize("how", ["destroyed", "killed", "off"])
def test_the_terminal_is_as_it_was_when_the_guest_ends(house, guest, at_terminal, how):
    terminal = at_terminal("console", "g")
    attach(terminal)
    terminal.type("\r")
    terminal.until("#")
    if how == "destroyed":
        house.driver.domain_destroy(guest)
    elif how == "killed":
        end(house.guest(guest).qemu)
    else:
        terminal.type("poweroff -f\r")
    terminal.rest()
    assert terminal.status == 0 and terminal.settings() == terminal.before
    await_gone(guest.uuid)


def test_signals_reach_the_guest_as_keys(guest, at_terminal):
    """^C interrupts what runs in the guest, not the console."""
    terminal = at_terminal("console", "g")
    attach(terminal)
    terminal.type("echo $((6*7))x; sleep 1000\r")
    terminal.until("42x")
    terminal.type("\x03")
    terminal.until("#")
    terminal.type("echo $((6*8))x\r")
    terminal.until("48x")


def test_through_pipes(house, guest):
    said = house.run("console", "g", stdin="echo $((6*7))x\npoweroff -f\n")
    assert "42x" in said
    await_gone(guest.uuid)


def test_through_pipes_to_the_escape_character(house, guest):
    """What follows the character is not typed: the guest runs on."""
    house.run("console", "g", stdin="\x1dpoweroff -f\n")
    assert house.state(guest)[0] == c.DOMAIN_RUNNING


def test_what_is_typed_last_arrives(house, guest):
    """However soon the user hangs up, and however soon another comes."""
    with talk(house, guest) as console:
        console.run("echo $((6*7))x", "42x")
    for number in range(3):
        with talk(house, guest) as console:
            console.type(f"echo $((6*7))x >> /tmp/typed-{os.getpid()}; : {number}\n")
    with talk(house, guest) as console:
        console.run(f"echo =$(wc -l < /tmp/typed-{os.getpid()})=", "=3=")


def test_no_input_at_all(house, guest):
    words = [PYVIRSH, "-q", "-c", house.uri, "console", "g"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr == "error: Cannot run interactive console without a controlling TTY\n"


def test_two_users(house, guest, at_terminal):
    first = at_terminal("console", "g")
    attach(first)
    first.type("\r")
    first.until("#")
    second = house.run("console", "g", status=1, stdin="x")
    assert second == "error: operation failed: Active console session exists for this domain\n"
    third = at_terminal("console", "g", "--force")
    attach(third)
    first.rest()
    assert first.status == 0 and first.settings() == first.before
    third.type("echo $((6*7))x\r")
    third.until("42x")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_console_whose_user_is_killed_is_free(house, guest, at_terminal, number):
    terminal = at_terminal("console", "g")
    attach(terminal)
    terminal.type("\r")
    terminal.until("#")
    os.kill(terminal.pid, number)
    terminal.rest()
    with talk(house, guest) as console:
        console.run("echo $((6*7))x", "42x")


def test_output_that_nobody_reads_does_not_stop_the_guest(house, guest):
    """A reader that has stopped holds the console up, not QEMU."""
    words = [PYVIRSH, "-q", "-c", house.uri, "console", "g"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        process.stdin.write(b"yes\n")
        process.stdin.flush()
        process.stdout.read(65536)
        process.send_signal(signal.SIGSTOP)
        try:
            assert house.driver.domain_get_control_info(guest)[0] == c.DOMAIN_CONTROL_OK
            house.driver.domain_suspend(guest)
            house.driver.domain_resume(guest)
        finally:
            process.kill()
    with talk(house, guest) as console:
        console.type("\x03")
        console.run("echo $((6*7))x", "42x")


def clear(house):
    """End the guest and forget it."""
    for dom in house.driver.connect_list_all_domains():
        if house.driver.domain_is_active(dom):
            house.driver.domain_destroy(dom)
        if house.driver.store.exists(dom.uuid):
            house.driver.domain_undefine(dom)


@pytest.mark.parametrize("words", [["create", "FILE", "--console"], ["start", "g", "--console"]])
def test_a_start_with_the_console_misses_nothing(house, tiny_guest, at_terminal, words):
    clear(house)
    path = house.root.parent / "g.xml"
    path.write_text(linux(tiny_guest).replace(" quiet ", " "))
    if words[0] == "start":
        house.run("define", str(path))
    terminal = at_terminal(*[str(path) if word == "FILE" else word for word in words])
    attach(terminal)
    terminal.until("Linux version")
    terminal.until(UP)
    terminal.type("poweroff -f\r")
    terminal.rest()
    assert terminal.status == 0


def test_autodestroy_with_the_console(house, tiny_guest, at_terminal):
    clear(house)
    path = house.root.parent / "g.xml"
    path.write_text(linux(tiny_guest))
    terminal = at_terminal("create", str(path), "--console", "--autodestroy")
    terminal.until(UP)
    (dom,) = house.driver.connect_list_all_domains()
    terminal.type("\x1d")
    terminal.rest()
    await_gone(dom.uuid)
    assert terminal.status == 0 and house.driver.connect_list_all_domains() == []
