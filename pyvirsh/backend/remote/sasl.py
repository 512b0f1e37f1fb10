"""SASL mechanisms a client needs: SCRAM-SHA-256, SCRAM-SHA-1 and PLAIN.  No I/O.

Source: RFC 5802, RFC 7677, RFC 4616.
"""

import base64
import hashlib
import hmac
import secrets

from pyvirsh.backend.errors import AUTH_FAILED, VirError

MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN")
_ITERATIONS_MAX = 10_000_000


def choose(offered: "list[str]", wanted: str = "") -> str:
    """Return the best mechanism that both sides know.  Errors: AUTH_FAILED."""
    for name in (wanted,) if wanted else MECHANISMS:
        if name in offered and name in MECHANISMS:
            return name
    detail = f"the peer offers {', '.join(offered) or 'nothing'}, this client knows {', '.join(MECHANISMS)}"
    raise VirError(AUTH_FAILED, detail)


def plain(user: str, password: str) -> bytes:
    """Return PLAIN's only message."""
    return b"\0" + user.encode() + b"\0" + password.encode()


class Scram:
    """One SCRAM exchange: `first`, then `final` for the server's first, then `check` its last."""

    def __init__(self, mechanism: str, user: str, password: str, nonce: str = "") -> None:
        self._hash = mechanism.removeprefix("SCRAM-").replace("-", "").lower()
        self._password = password.encode()
        name = user.replace("=", "=3D").replace(",", "=2C")
        self._nonce = nonce or secrets.token_urlsafe(24)
        self._bare = f"n={name},r={self._nonce}"
        self._signature = b""

    def first(self) -> bytes:
        """Return the client's first message."""
        return b"n,," + self._bare.encode()

    def final(self, server_first: bytes) -> bytes:
        """Return the client's proof.  Errors: AUTH_FAILED for an answer that is none."""
        fields = _fields(server_first)
        nonce, salt, iterations = fields.get("r", ""), fields.get("s", ""), fields.get("i", "")
        if not nonce.startswith(self._nonce) or nonce == self._nonce or not iterations.isdigit():
            raise VirError(AUTH_FAILED, "the peer's SCRAM answer is not one")
        if not 0 < int(iterations) <= _ITERATIONS_MAX:
            raise VirError(AUTH_FAILED, f"the peer asks for {iterations} SCRAM iterations")
        try:
            salted = hashlib.pbkdf2_hmac(
                self._hash, self._password, base64.b64decode(salt, validate=True), int(iterations)
            )
        except ValueError as error:
            raise VirError(AUTH_FAILED, "the peer's SCRAM salt is not base64") from error
        bare = f"c=biws,r={nonce}"
        message = f"{self._bare},{server_first.decode()},{bare}".encode()
        key = self._hmac(salted, b"Client Key")
        proof = self._hmac(hashlib.new(self._hash, key).digest(), message)
        self._signature = self._hmac(self._hmac(salted, b"Server Key"), message)
        mixed = bytes(a ^ b for a, b in zip(key, proof, strict=True))
        return f"{bare},p={base64.b64encode(mixed).decode()}".encode()

    def check(self, server_final: bytes) -> None:
        """Check that the server knows the password too.  Errors: AUTH_FAILED."""
        fields = _fields(server_final)
        given = base64.b64decode(fields.get("v", "") or "AA==")
        if "e" in fields or not hmac.compare_digest(given, self._signature):
            raise VirError(AUTH_FAILED, fields.get("e") or "the peer does not know the password")

    def _hmac(self, key: bytes, data: bytes) -> bytes:
        return hmac.new(key, data, self._hash).digest()


def _fields(message: bytes) -> "dict[str, str]":
    try:
        parts = message.decode().split(",")
    except UnicodeDecodeError as error:
        raise VirError(AUTH_FAILED, "the peer's SCRAM message is not text") from error
    return {part[:1]: part[2:] for part in parts if part[1:2] == "="}
