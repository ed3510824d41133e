"""TLS for clients that prove themselves by certificate: a handshake that takes any certificate.

A self-signed certificate, whose key a client registered, and one of an unknown issuer to which a
token is to be bound are as good as one of a known issuer (RFC 8705 §2.2, §3, §7.2): the handshake
proves only that the client has the private key, the rest is judged with the request. The standard
library's ``ssl`` has no hook for that and aborts on what its trust store does not know; pyOpenSSL
has one. `AnyCertificate` is an ``SSLContext``, so event loops use it like any other.
"""

import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

T = TypeVar("T")

TLS12_CIPHERS = "ECDHE+AESGCM"
"""FAPI 2.0 Security Profile §5.2.2, RFC 9325 §4.2; the suites of TLS 1.3 are all good."""

_OPTIONS = SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET
_PIECE = 65_536


class AnyCertificate(ssl.SSLContext):
    """TLS 1.2 and 1.3 of a server that asks for a certificate, takes any, and goes on without.

    ``acceptable`` judges the certificates that came (DER, the client's first): False ends the
    handshake. No session is resumed, so each connection proves the key again.
    """

    def __new__(cls, *_: object) -> "AnyCertificate":
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(
        self, certificate: Path, key: Path, acceptable: Callable[[list[bytes]], bool]
    ) -> None:
        """``certificate`` (a chain) and ``key`` are PEM files. Raises OSError or ssl.SSLError."""
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        try:
            context.use_certificate_chain_file(str(certificate))
            context.use_privatekey_file(str(key))
            context.check_privatekey()
        except SSL.Error as fault:
            raise ssl.SSLError(1, f"the certificate or its key cannot be used: {fault}") from fault
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_cipher_list(TLS12_CIPHERS.encode())
        context.set_options(_OPTIONS)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_verify(SSL.VERIFY_PEER, _any)
        self._context = context
        self._acceptable = acceptable

    def wrap_bio(  # type: ignore[override]
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *_: object, **__: object
    ) -> "Session":
        """Return the server's end of a connection over two buffers."""
        connection = SSL.Connection(self._context, None)
        connection.set_accept_state()
        return Session(connection, incoming, outgoing, self._acceptable)


class Session:
    """One connection, as event loops use an ``ssl.SSLObject``."""

    def __init__(
        self,
        connection: SSL.Connection,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        acceptable: Callable[[list[bytes]], bool],
    ) -> None:
        self._connection = connection
        self._incoming = incoming
        self._outgoing = outgoing
        self._acceptable = acceptable
        self._chain: list[bytes] = []
        self._undecided = False  # whether more may be readable than OpenSSL has decrypted

    def do_handshake(self) -> None:
        """Go on with the handshake; raise SSLWantReadError until it is complete."""
        self._undecided = True
        self._step(self._connection.do_handshake)
        self._chain = _shown(self._connection)
        if not self._acceptable(self._chain):
            raise ssl.SSLError(1, "the client's certificates are too many or too large")

    def read(self, size: int, buffer: Any = None) -> Any:
        """Return up to ``size`` bytes, or fill ``buffer`` and return how many; nothing at the end.

        Reads until there is no more, because the caller looks only at its own buffer to see
        whether there is.
        """
        data = self._all(size)
        if buffer is None:
            return data
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        """Encrypt ``data``; return how much of it was taken."""
        return self._step(partial(self._connection.send, bytes(data)))

    def unwrap(self) -> None:
        """Say goodbye; raise SSLWantReadError until the other end did too."""
        if not self._step(self._connection.shutdown):
            raise ssl.SSLWantReadError

    def pending(self) -> int:
        """Return how many bytes can be read at least, perhaps one too many."""
        return self._connection.pending() or int(self._undecided)

    def getpeercert(self, binary_form: bool = False) -> Any:
        """Return the client's certificate in DER; as a dictionary it is empty: not verified."""
        if not binary_form:
            return {}
        return next(iter(self._chain), None)

    def get_unverified_chain(self) -> list[bytes]:
        """Return what the client showed, its own certificate first, each in DER."""
        return self._chain

    def cipher(self) -> tuple[str | None, str | None, int | None]:
        """Return the name, protocol and bits of the cipher."""
        connection = self._connection
        return (
            connection.get_cipher_name(),
            connection.get_cipher_version(),
            connection.get_cipher_bits(),
        )

    def compression(self) -> None:
        """Return that nothing is compressed."""

    def _all(self, size: int) -> bytes:
        pieces: list[bytes] = []
        left = size
        self._undecided = False
        try:
            while left:
                piece = self._step(partial(self._connection.recv, left))
                pieces.append(piece)
                left -= len(piece)
            self._undecided = True
        except ssl.SSLZeroReturnError:
            pass
        except ssl.SSLWantReadError:
            if not pieces:
                raise
        return b"".join(pieces)

    def _step(self, act: Callable[[], T]) -> T:
        """Move bytes in, act, move bytes out; speak of errors as ``ssl`` does."""
        arrived = self._incoming.read()
        if arrived:
            self._connection.bio_write(arrived)
        try:
            return act()
        except SSL.WantReadError:
            raise ssl.SSLWantReadError from None
        except SSL.ZeroReturnError:
            raise ssl.SSLZeroReturnError from None
        except SSL.SysCallError as fault:
            raise ssl.SSLEOFError(*fault.args) from None
        except SSL.Error as fault:
            raise ssl.SSLError(1, str(fault)) from None
        finally:
            self._flush()

    def _flush(self) -> None:
        try:
            while True:
                self._outgoing.write(self._connection.bio_read(_PIECE))
        except SSL.WantReadError:
            pass


def _shown(connection: SSL.Connection) -> list[bytes]:
    leaf = connection.get_peer_certificate(as_cryptography=True)
    if leaf is None:
        return []
    issuers = connection.get_peer_cert_chain(as_cryptography=True) or []
    return [one.public_bytes(Encoding.DER) for one in (leaf, *issuers)]


def _any(*_: object) -> bool:
    """Take whatever OpenSSL says of a certificate; the signature over the handshake still counts.

    RFC 8446 §4.4.3, RFC 5246 §7.4.8.
    """
    return True
