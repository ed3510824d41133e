"""What goes over the key service's sockets: a length of four octets, then one msgpack array.

The array's first element names the verb; every field has a type, and what does not fit is refused
by the decoder. There is no verb that signs octets of the caller's making.
"""

from typing import TypeVar

import msgspec

from keystore.backends.backend import Algorithm
from keystore.door import KeyState, MacPurpose, SealPurpose, TokenKind
from keystore.service.credential_frames import CredentialRequest, CredentialsAre
from keystore.service.document_frames import DocumentReply, DocumentRequest
from keystore.service.numbered import Numbered

LONGEST_FRAME = 4 << 20
"""Octets: 500 signatures under one approval, with certificates and structures, take two MiB."""
CHUNK = 64 * 1024
"""Octets that are read from a socket at a time."""
_LENGTH = 4
CHANGED = 0
"""The id of the one frame that answers nothing: it says that published keys changed."""


class BadFrame(Exception):
    """The other side does not speak this protocol; the connection is closed."""


class Sign(Numbered, tag="sign", frozen=True):
    """Sign tokens: kind, algorithm and claims of each."""

    issuer: str
    orders: list[tuple[TokenKind, str, bytes]]


class Published(Numbered, tag="published", frozen=True):
    """Show the public keys of an issuer."""

    issuer: str


class MakeMacs(Numbered, tag="mac", frozen=True):
    """Make the keyed hash of each message."""

    purpose: MacPurpose
    messages: list[bytes]


class Seal(Numbered, tag="seal", frozen=True):
    """Encrypt for a purpose and a row."""

    purpose: SealPurpose
    plaintext: bytes
    bound_to: bytes


class Open(Numbered, tag="open", frozen=True):
    """Decrypt for a purpose and a row."""

    purpose: SealPurpose
    sealed: bytes
    bound_to: bytes


class ListKeys(Numbered, tag="list", frozen=True):
    """Show every version (operator)."""


class Rotate(Numbered, tag="rotate", frozen=True):
    """Begin a new version (operator)."""

    ring: str
    algorithm: Algorithm
    emergency: bool


class Advance(Numbered, tag="advance", frozen=True):
    """Make the moves that are due (operator)."""


class Health(Numbered, tag="health", frozen=True):
    """Say whether keys can be used (any role)."""


class Signed(Numbered, tag="signed", frozen=True):
    """The tokens, in the order of the orders."""

    tokens: list[str]


class ShownKey(msgspec.Struct, array_like=True, frozen=True):
    """A public key as the JWKS shows it."""

    kid: str
    alg: str
    state: KeyState
    jwk: bytes


class Shown(Numbered, tag="shown", frozen=True):
    """The public keys of an issuer."""

    keys: list[ShownKey]


class Macs(Numbered, tag="macs", frozen=True):
    """Keyed hashes of each message: version and value of each."""

    macs: list[list[tuple[int, bytes]]]


class Octets(Numbered, tag="octets", frozen=True):
    """What was sealed or opened."""

    value: bytes


class ListedKey(msgspec.Struct, frozen=True):
    """One version as an operator sees it."""

    kid: str
    ring: str
    algorithm: Algorithm
    version: int
    state: KeyState
    since: int
    backend: str
    holds: int = 0
    """Stored keys of people that need this version: it ends when there are none."""

    trouble: str = ""
    """What this version cannot do, as an operator is told it."""


class Listed(Numbered, tag="listed", frozen=True):
    """Versions."""

    keys: list[ListedKey]


class Done(Numbered, tag="done", frozen=True):
    """It is so; with the id CHANGED: published keys changed, ask for them again."""


class Refused(Numbered, tag="refused", frozen=True):
    """It is not so: ``not_permitted``, ``not_activated``, ``bad_seal`` or ``unavailable``."""

    kind: str
    reason: str


KeyRequest = Sign | Published | MakeMacs | Seal | Open | ListKeys | Rotate | Advance | Health
Request = KeyRequest | DocumentRequest | CredentialRequest
Reply = Signed | Shown | Macs | Octets | Listed | Done | Refused | DocumentReply | CredentialsAre
Frame = TypeVar("Frame", Request, Reply)

REQUESTS: "msgspec.msgpack.Decoder[Request]" = msgspec.msgpack.Decoder(Request)
REPLIES: "msgspec.msgpack.Decoder[Reply]" = msgspec.msgpack.Decoder(Reply)
_ENCODER = msgspec.msgpack.Encoder()


def encode(message: Request | Reply) -> bytes:
    """Return the frame of ``message``; raise BadFrame if it is longer than 4 MiB."""
    frame = bytearray(_LENGTH)
    _ENCODER.encode_into(message, frame, _LENGTH)
    length = len(frame) - _LENGTH
    if length > LONGEST_FRAME:
        raise BadFrame("longer than 4 MiB")
    frame[:_LENGTH] = length.to_bytes(_LENGTH, "big")
    return bytes(frame)


class FrameReader:
    """Cuts a stream of octets into messages, however it arrives."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes, decoder: "msgspec.msgpack.Decoder[Frame]") -> list[Frame]:
        """Return every message that is complete now, or raise BadFrame."""
        held = self._rest + chunk if self._rest else chunk
        messages: list[Frame] = []
        start, end = 0, len(held)
        while end - start >= _LENGTH:
            length = int.from_bytes(held[start : start + _LENGTH], "big")
            if length > LONGEST_FRAME:
                raise BadFrame("longer than 4 MiB")
            if end - start - _LENGTH < length:
                break
            start += _LENGTH
            try:
                messages.append(decoder.decode(memoryview(held)[start : start + length]))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as reason:
                raise BadFrame("not a message of this protocol") from reason
            start += length
        self._rest = held[start:]
        return messages
