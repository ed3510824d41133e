"""The door to every private key: what other packages may ask, typed by purpose.

There is no "sign this digest" verb. A caller names what it wants made (an ID token of an issuer, a
keyed hash for looking up a resident ...); the key service decides which key makes it and builds the
bytes that are signed. ``keystore.service.client`` asks the key service over a socket;
``keystore.keyring`` answers in its own process (the key service itself, and tests).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class TokenKind(StrEnum):
    """What a signed token is for; it fixes the token's ``typ`` header."""

    ID_TOKEN = "id_token"  # typ: JWT (OpenID Connect Core 1.0 §2)
    ACCESS_TOKEN = "access_token"  # typ: at+jwt (RFC 9068 §2.1)
    USERINFO = "userinfo"  # typ: JWT (OpenID Connect Core 1.0 §5.3.2)
    LOGOUT_TOKEN = "logout_token"  # typ: logout+jwt (OpenID Back-Channel Logout §2.4)
    AUDIT_CHECKPOINT = "audit_checkpoint"  # typ: audit-checkpoint+jwt (ours)
    AUTHORIZATION_RESPONSE = "authorization_response"  # typ: JWT (JARM §2.1 names none)
    INTROSPECTION = "introspection"  # typ: token-introspection+jwt (RFC 9701 §5)
    SIGNATURE_EVENT = "signature_event"  # typ: secevent+jwt (RFC 8417 §2.3)
    CLIENT_ASSERTION = "client_assertion"  # typ: client-authentication+jwt (rfc7523bis §4)


SIGNING_CLIENT = "signing:"
"""What the client_id of the signing service begins with, before that of whom it acts for."""


class MacPurpose(StrEnum):
    """What a keyed hash is for; each purpose has a key of its own."""

    LOOKUP = "lookup"  # finding a resident by an identifier
    SUBJECT = "subject"  # pairwise subjects (OpenID Connect Core 1.0 §8.1)
    ONE_TIME_CODE = "one_time_code"  # a code bound to its login
    DEVICE = "device"  # a browser that proved a resident before
    NONCE = "nonce"  # what a sender must repeat to show that it is here now (RFC 9449 §8)
    SERVICE_NONCE = "service_nonce"  # the same, at the signing service
    USER_CODE = "user_code"  # a code that a person copies from another device (RFC 8628 §6.1)


class SealPurpose(StrEnum):
    """What authenticated encryption is for; each purpose has a key of its own."""

    PERSON = "person"  # the key of one person's attributes
    OUTBOX = "outbox"  # a message that waits to be sent
    CLIENT_SECRET = "client_secret"  # a secret that must be read again (client_secret_jwt)
    DOCUMENT = "document"  # the key of one document that was given to us
    NOTIFICATION = "notification"  # what a client wants to be told with, until it is
    HISTORY = "history"  # the key of what one person signed, as they alone read it


class KeyState(StrEnum):
    """R7: published before use, kept as long as what it signed."""

    PENDING = "pending"
    PUBLISHED = "published"
    ACTIVE = "active"
    RETIRING = "retiring"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Order:
    """One token to be signed. ``claims`` is a JSON object in UTF-8 whose ``iss`` is the issuer,
    or for a CLIENT_ASSERTION the client_id of the signing service.
    """

    kind: TokenKind
    alg: str
    claims: bytes


@dataclass(frozen=True, slots=True)
class Mac:
    """A keyed hash (HMAC-SHA-256, 32 bytes) and the version of the key that made it."""

    version: int
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedKey:
    """A public signing key: what the JWKS shows (RFC 7517)."""

    kid: str
    alg: str
    state: KeyState
    jwk: bytes


class KeyServiceUnavailable(Exception):
    """The key service or its token did not answer within the deadline (1 s). Nothing was signed."""


class NotCertified(KeyServiceUnavailable):
    """The certificate authority cannot certify now: who stands above it has to do something."""


class NotPermitted(Exception):
    """This caller may not use that purpose, no active key serves it, or the order is malformed."""


class BadSeal(Exception):
    """What was to be opened was not sealed for this purpose and this row, or was altered."""


class Door(Protocol):
    """What a package may ask of the keys. Every method may raise KeyServiceUnavailable."""

    async def sign(self, issuer: str, orders: Sequence[Order]) -> list[str]:
        """Return a compact JWS (RFC 7515 §7.1) per order, signed by the issuer's active key."""
        ...

    async def published(self, issuer: str) -> list[PublishedKey]:
        """Return every key of the issuer from published to retiring."""
        ...

    async def macs(self, purpose: MacPurpose, messages: Sequence[bytes]) -> list[tuple[Mac, ...]]:
        """Return for each message its keyed hash under each version in use, newest first."""
        ...

    async def mac(self, purpose: MacPurpose, message: bytes) -> tuple[Mac, ...]:
        """Return the keyed hash of one message under each version in use, newest first."""
        [made] = await self.macs(purpose, [message])
        return made

    async def seal(self, purpose: SealPurpose, plaintext: bytes, bound_to: bytes) -> bytes:
        """Return ``plaintext`` (8 KiB at most) encrypted, readable only with this ``bound_to``."""
        ...

    async def open(self, purpose: SealPurpose, sealed: bytes, bound_to: bytes) -> bytes:
        """Return what ``seal`` was given, or raise BadSeal."""
        ...
