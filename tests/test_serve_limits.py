"""Damaged, slow, greedy and dying clients of `serve`: what it bounds, and that others are served."""

import contextlib
import os
import random
import socket
import subprocess
import threading
import time

import pytest

import daemons
from conftest import PYVIRSH
from pyvirsh import backend
from pyvirsh.backend.errors import RPC, VirError
from pyvirsh.rpc import protocol
from pyvirsh.rpc.framing import Packet
from pyvirsh.server import client, listen, loop
from pyvirsh.server.loop import Server
from pyvirsh.server.streams import ServedStream
from wire import TEST_DOM, Wire, is_alive, memory, server_pid, where


def test_10000_damaged_packets(served):
    chance = random.Random(9)
    bystander = Wire(served)
    bystander.open()
    server = server_pid(served)
    before = memory(server)
    sent = 0
    while sent < 10000:
        wire = Wire(served)
        wire.open()
        for _ in range(200):
            sent += 1
            try:
                wire.sock.sendall(_damaged(chance))
            except OSError:
                break
        wire.sock.close()
        if sent % 2000 < 200:
            assert isinstance(bystander.call("connect_get_type"), bytes)
    assert is_alive(served)
    assert memory(server) - before < 200 << 10


def _damaged(chance):
    name = chance.choice(list(protocol.PROCEDURES))
    if name in ("connect_close", "domain_save", "domain_core_dump"):
        name = "domain_lookup_by_name"
    program, number, _ = protocol.PROCEDURES[name]
    payload = chance.randbytes(chance.randrange(0, 64))
    data = bytearray(Packet(program, number, chance.choice((0, 0, 0, 3, 6)), 1, payload=payload).encode())
    if chance.random() < 0.3:
        data[chance.randrange(4, 28)] = chance.randrange(256)
    if chance.random() < 0.02:
        data[chance.randrange(0, 4)] = chance.randrange(256)
    return bytes(data)


def test_a_huge_length_is_refused_at_once(served):
    wire = Wire(served)
    wire.sock.sendall(b"\xff\xff\xff\xff" + b"x" * 100)
    assert wire.next() is None
    assert is_alive(served)


def test_a_client_that_does_not_read_is_dropped_and_harms_nobody(served):
    slow = Wire(served)
    slow.open()
    slow.sock.settimeout(0.5)
    with pytest.raises(OSError):
        for _ in range(200000):
            slow.send("connect_get_capabilities")
    assert is_alive(served)


def test_clients_that_vanish(served):
    for _ in range(50):
        wire = Wire(served)
        wire.open()
        wire.send("domain_screenshot", (TEST_DOM, 0, 0))
        wire.sock.close()
    assert is_alive(served)


def test_50_clients_at_once(served):
    drivers = [backend.open(where(served)) for _ in range(50)]
    failures = []

    def work(driver):
        try:
            for _ in range(20):
                assert driver.domain_lookup_by_name("test").name == "test"
        except (VirError, AssertionError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(driver,)) for driver in drivers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for driver in drivers:
        driver.close()
    assert not failures


def test_a_long_call_holds_up_nobody(tmp_path):
    path = tmp_path / "s"
    slow_uri = "test:///default?latency=3s"
    process = subprocess.Popen([PYVIRSH, "serve", "--socket", str(path)])
    with daemons.running(process):
        daemons.wait_for(path, process)
        slow = Wire(path)
        slow.send("auth_list")
        slow.next()
        slow.send("connect_open", (slow_uri, 0))
        slow.next()
        slow.send("connect_get_type")
        began = time.monotonic()
        assert is_alive(path)
        assert time.monotonic() - began < 2
        assert slow.next().status == protocol.STATUS_OK


@contextlib.contextmanager
def in_process(path, opener=None):
    """Serve in a thread of this process, where bounds can be set and looked at."""
    server = Server(opener or listen.opener("test:///default"))
    listen.add_socket(server, str(path))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


def test_who_opens_nothing_is_dropped(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "OPEN_SECONDS", 0.2)
    with in_process(tmp_path / "s"):
        silent, good = Wire(tmp_path / "s"), Wire(tmp_path / "s")
        good.open()
        assert silent.next() is None
        assert isinstance(good.call("connect_get_type"), bytes)


def test_who_gives_no_sign_of_life_is_dropped(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "KEEPALIVE_SECONDS", 0.05)
    with in_process(tmp_path / "s"):
        wire = Wire(tmp_path / "s")
        wire.open()
        wire.call("connect_supports_feature", (protocol.FEATURE_PROGRAM_KEEPALIVE,))
        asked = 0
        while (packet := wire.next()) is not None:
            asked += packet.program == protocol.KEEPALIVE_PROGRAM
        assert asked == client.KEEPALIVE_COUNT


def test_more_clients_than_may_be_wait_for_their_turn(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CLIENTS_MAX", 2)
    with in_process(tmp_path / "s"):
        first, second, third = (Wire(tmp_path / "s") for _ in range(3))
        assert first.open() == second.open() == b""
        third.send("auth_list")
        assert isinstance(first.call("connect_get_type"), bytes)
        third.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            third.next()
        first.sock.close()
        third.sock.settimeout(20)
        assert third.next().status == protocol.STATUS_OK


def test_calls_of_one_client_under_way_are_bounded(tmp_path):
    opened = []

    def opener(name, read_only):
        opened.append(backend.open("test:///default?latency=20ms"))
        return opened[-1]

    with in_process(tmp_path / "s", opener):
        wire = Wire(tmp_path / "s")
        wire.open()
        for _ in range(40):
            wire.send("connect_get_type")
        assert sorted(wire.next().serial for _ in range(40)) == list(range(2, 42))
        assert len(opened) <= client.CALLS_MAX


def test_who_asks_much_at_once_gets_it_all_and_holds_up_nobody(served):
    eager, other = Wire(served), Wire(served)
    eager.open()
    other.open()
    for _ in range(3000):
        eager.send("connect_get_type")
    began = time.monotonic()
    assert isinstance(other.call("connect_get_type"), bytes)
    assert time.monotonic() - began < 5
    assert [eager.next().serial for _ in range(3000)] == list(range(2, 3002))


def test_streams_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "STREAMS_MAX", 0)
    with in_process(tmp_path / "s"):
        wire = Wire(tmp_path / "s")
        wire.open()
        assert wire.call("domain_screenshot", (TEST_DOM, 0, 0)) == (RPC, "too many streams")


def test_data_that_a_driver_does_not_take_is_bounded():
    class Stuck:
        aborted = False

        def send(self, data):
            return 0

        def abort(self):
            self.aborted = True

    call, stuck = Packet(protocol.REMOTE_PROGRAM, 208, protocol.CALL, 3), Stuck()
    stream = ServedStream(call, stuck)
    piece = Packet(protocol.REMOTE_PROGRAM, 208, protocol.STREAM, 3, protocol.STATUS_CONTINUE, b"x" * 2**20)
    answers = [stream.take(piece) for _ in range(9)]
    assert answers[:8] == [None] * 8
    assert answers[8].status == protocol.STATUS_ERROR
    assert stuck.aborted and stream.closed


def test_descriptors_that_nobody_announced_end_the_connection(served):
    wire = Wire(served)
    wire.open()
    with open(os.devnull, "rb") as null:
        packet = Packet(protocol.REMOTE_PROGRAM, 999, protocol.CALL, 9).encode()
        socket.send_fds(wire.sock, [packet], [null.fileno()] * 3)
    assert wire.next() is None
    assert is_alive(served)


def test_a_slow_reader_of_a_stream_costs_no_time(tmp_path, monkeypatch):
    """A client that reads nothing of a screenshot leaves the server idle."""
    rounds = []
    once = Server._once
    monkeypatch.setattr(Server, "_once", lambda self: (rounds.append(0), once(self)))

    def opener(name, read_only):
        driver = backend.open("test:///default")
        driver.domain_screenshot = lambda *values: ("image/png", Endless())
        return driver

    class Endless:
        def fileno(self):
            return -1

        def recv(self, size):
            return b"x" * size

        def abort(self):
            pass

    with in_process(tmp_path / "s", opener) as server:
        wire = Wire(tmp_path / "s")
        wire.open()
        wire.call("domain_screenshot", (TEST_DOM, 0, 0))
        # As much has been sent, and waits, as may: from then on nothing happens.
        while sum(one.is_full for one in server._clients) == 0:
            time.sleep(0.01)
        before = len(rounds)
        time.sleep(0.3)
        assert len(rounds) - before < 10
