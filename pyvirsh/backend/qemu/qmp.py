"""QEMU's monitor protocol without I/O: bytes to messages and back.

Source: QEMU's "QMP Protocol Specification".
"""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Message = dict[str, Any]

# The longest message that is taken; query-qmp-schema, the longest answer, has 200 KiB.
MESSAGE_MAX = 16 * 1024 * 1024


class QmpError(Exception):
    """QEMU refused a command: its class of error and its words."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


class ProtocolError(Exception):
    """What came is no message of the protocol."""


class Reader:
    """Cuts a stream into messages."""

    def __init__(self, limit: int = MESSAGE_MAX) -> None:
        self._buffer = bytearray()
        self._limit = limit

    def feed(self, data: bytes) -> "list[Message]":
        """Take bytes in; return the messages they complete.  Errors: ProtocolError."""
        self._buffer += data
        messages = []
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            if line.strip():
                messages.append(_message(line))
        if len(self._buffer) > self._limit:
            raise ProtocolError(f"a message is longer than {self._limit} bytes")
        return messages


def _message(line: bytes) -> "Message":
    try:
        value = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a message is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ProtocolError("a message is not a JSON object")
    return value


def command(name: str, arguments: "Message | None" = None, ident: "object" = None) -> bytes:
    """Return a command as bytes to be sent."""
    message: Message = {"execute": name}
    if arguments:
        message["arguments"] = arguments
    if ident is not None:
        message["id"] = ident
    return encode(message)


def encode(message: "Message") -> bytes:
    """Return a message as bytes to be sent."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\r\n"


def result(message: "Message") -> "Any":
    """Return what an answer returns.  Errors: QmpError."""
    if "error" in message:
        error = message["error"]
        raise QmpError(str(error.get("class", "GenericError")), str(error.get("desc", "no reason given")))
    return message.get("return")
