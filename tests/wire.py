"""A client of `serve` that speaks packets, and what tests ask of a server's process."""

import socket
import sys
from pathlib import Path

from pyvirsh.backend.api import DomainRef
from pyvirsh.rpc import protocol, xdr
from pyvirsh.rpc.framing import Decoder, Packet

TEST_DOM = DomainRef("test", "6695eb01-f6a4-8304-79aa-97f2502e193f", 1)


def where(path, scheme="test", query=""):
    return f"{scheme}+unix:///default?socket={path}{query}"


class Wire:
    """A client that speaks packets."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(str(path))
        self._decoder = Decoder()
        self._got = []
        self._serial = 0

    def send(self, name, values=(), **changes):
        program, number, _ = protocol.PROCEDURES[name]
        struct = f"remote_{name}_args"
        payload = xdr.pack(struct, values) if struct in protocol.STRUCTS else b""
        packet = Packet(program, number, protocol.CALL, self._serial, payload=payload)
        self._serial += 1
        for field, value in changes.items():
            setattr(packet, field, value)
        self.sock.sendall(packet.encode())
        return packet.serial

    def next(self):
        while not self._got:
            data = self.sock.recv(65536)
            if not data:
                return None
            self._got += self._decoder.feed(data)
        return self._got.pop(0)

    def call(self, name, values=(), **changes):
        serial = self.send(name, values, **changes)
        packet = self.next()
        assert packet is not None and packet.serial == serial
        if packet.status == protocol.STATUS_ERROR:
            code, _, message, *_ = xdr.unpack("remote_error", packet.payload)
            return code, message
        return packet.payload

    def open(self, name="test:///default", flags=0):
        self.call("auth_list")
        return self.call("connect_open", (name, flags))


def is_alive(path):
    wire = Wire(path)
    return wire.open() == b""


def server_pid(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        return int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], sys.byteorder)


def memory(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
