"""Activations: what idp says that a person approved, signed by the key service for itself.

An activation is made for the socket of idp alone, names everything that a signature may be about,
lives for 300 seconds and is used once. Whoever holds one and asks for anything else gets nothing.
"""

import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from keystore.authority.profiles import name_of
from keystore.door import NotPermitted
from keystore.jose import base64url, reader
from keystore.jose.jwk import JwkSet
from keystore.jose.reader import BadToken, Parsed, Rules, Verified
from keystore.signing.digests import MOST, HashAlgorithm, list_hash
from keystore.signing.door import ActivationKind, Approval, NotActivated

TYP = "activation+jwt"
AUDIENCE = "key-service"
LIFETIME = 300
"""Seconds for which an activation is good."""

LONGEST = 16 * 1024
LONGEST_TEXT = 256
_TOLD = (
    *("kind", "client_id", "subject", "credential", "acr", "amr", "auth_time"),
    *("transaction", "consent", "hash_algorithm", "count", "digests", "raw", "commitment"),
)
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,9})){2,20}", re.ASCII)
_ALGS = frozenset(["ES256"])

Judge = Callable[[Parsed, JwkSet, Rules], Verified]
"""Judges the signature of a token that was parsed."""


class Activation(Approval, frozen=True, kw_only=True):
    """An approval with the ``jti`` under which it is used once, and when it was made and ends."""

    aud: str
    jti: str
    iat: int
    exp: int

    def told(self) -> dict[str, object]:
        """Return what is told of it as evidence: who approved what, and how they were proven."""
        members = {name: _written(getattr(self, name)) for name in _TOLD}
        return {**members, "activation": self.jti}


def claims_of(approval: Approval, jti: str, now: int) -> bytes:
    """Return the claims of the activation of ``approval``.

    Raises NotPermitted for what could never be signed: so it is told before anybody agreed.
    """
    _check(approval, now)
    return claims(approval, jti, now)


def claims(approval: msgspec.Struct, jti: str, now: int) -> bytes:
    """Return the members of ``approval`` as claims, with those of an activation."""
    members = {
        **msgspec.structs.asdict(approval),
        **{"aud": AUDIENCE, "jti": jti, "iat": now, "exp": now + LIFETIME},
    }
    return msgspec.json.encode({name: _written(value) for name, value in members.items()})


class Made:
    """Activations that this very key service signed, by their SHA-256: as many as may be waiting.

    One that comes back is not verified again; another key service's is.
    """

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._made: OrderedDict[bytes, None] = OrderedDict()

    def add(self, token: str) -> None:
        """Remember ``token``, which was signed just now."""
        self._made[reader.fingerprint(token)] = None
        if len(self._made) > self._most:
            self._made.popitem(last=False)

    def judge(self, token: str) -> Judge:
        """Return how the signature of ``token`` is judged."""
        return reader.recognise if reader.fingerprint(token) in self._made else reader.verify


def judged(token: str, keys: JwkSet, now: int, judge: Judge = reader.verify) -> Activation:
    """Return the activation that ``token`` is, or raise NotActivated. Use is judged elsewhere."""
    said = opened(token, keys, TYP, judge)
    try:
        for name in ("digests", "consent"):
            said[name] = base64url.decode(said[name])
        found = msgspec.convert(said, Activation)
    except (KeyError, ValueError, TypeError) as reason:
        raise NotActivated("this is no activation") from reason
    check_life(found, now)
    return found


def opened(token: str, keys: JwkSet, typ: str, judge: Judge = reader.verify) -> dict[str, Any]:
    """Return the claims of a token of ours of this ``typ`` alone, or raise NotActivated."""
    if len(token) > LONGEST:
        raise NotActivated("this is no activation")
    rules = Rules(algs=_ALGS, typs=frozenset([typ]))
    try:
        return dict(judge(reader.parse(token), keys, rules).claims)
    except (BadToken, ValueError) as reason:
        raise NotActivated("this is no activation") from reason


class Lived(Protocol):
    """What an activation of any ``typ`` says of its life."""

    @property
    def aud(self) -> str: ...
    @property
    def iat(self) -> int: ...
    @property
    def exp(self) -> int: ...


def check_life(found: Lived, now: int) -> None:
    """Raise NotActivated unless the activation is for the key service, and for now."""
    if found.aud != AUDIENCE:
        raise NotActivated("this activation is for somebody else")
    if not found.iat - 5 <= now < found.exp or found.exp - found.iat > LIFETIME:
        raise NotActivated("the activation has expired")


def check_digests(
    activation: Activation, algorithm: HashAlgorithm, digests: Sequence[bytes]
) -> None:
    """Raise NotActivated unless exactly these digests, in this order, were approved."""
    try:
        mine = list_hash(algorithm, digests)
    except ValueError as reason:
        raise NotActivated(str(reason)) from None
    same = hmac.compare_digest(mine, activation.digests)
    if not same or (algorithm, len(digests)) != (activation.hash_algorithm, activation.count):
        raise NotActivated("these are not the digests that were approved")


class Approving(Protocol):
    """What every approval says of the person and the login."""

    @property
    def transaction(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def acr(self) -> str: ...
    @property
    def amr(self) -> tuple[str, ...]: ...
    @property
    def auth_time(self) -> int: ...
    @property
    def consent(self) -> bytes: ...


def check_person(approval: Approving, now: int) -> None:
    """Raise NotPermitted unless person and login are named, and the page that was agreed to."""
    texts = (approval.transaction, approval.subject, approval.client_id, approval.acr)
    if not all(0 < len(text) <= LONGEST_TEXT for text in texts):
        raise NotPermitted("an approval lacks a name, or one is too long")
    if len(approval.amr) > 16 or any(len(word) > 32 for word in approval.amr):
        raise NotPermitted("an approval names too many methods")
    if len(approval.consent) != 32 or approval.auth_time > now + 5:
        raise NotPermitted("an approval holds the hash of a page, and is of a past login")


def _check(approval: Approval, now: int) -> None:
    check_person(approval, now)
    if len(approval.digests) != 32:
        raise NotPermitted("an approval holds hashes of 32 octets")
    if not 0 < approval.count <= MOST:
        raise NotPermitted(f"an approval covers 1 to {MOST} digests")
    if approval.kind is not ActivationKind.PERSON or approval.holder.organization:
        # A seal takes the organisation's own word beside that of idp, and nothing here reads it.
        raise NotPermitted("no seals of organisations are made here")
    if approval.raw and not approval.credential:
        raise NotPermitted("only stored credentials sign hashes as they are")
    if approval.commitment and not _OID.fullmatch(approval.commitment):
        raise NotPermitted("a commitment is an object identifier")
    try:
        name_of(approval.holder)
    except ValueError as reason:
        raise NotPermitted(f"no certificate can name this holder: {reason}") from None


def _written(value: object) -> object:
    return base64url.encode(value).decode() if isinstance(value, bytes) else value
