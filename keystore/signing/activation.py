"""Activations: what idp says that a person approved, signed by the key service for itself.

An activation is made for the socket of idp alone, names everything that a signature may be about,
lives for 300 seconds and is used once. Whoever holds one and asks for anything else gets nothing.
"""

import hmac
from collections.abc import Sequence

import msgspec

from keystore.authority.profiles import name_of
from keystore.door import NotPermitted
from keystore.jose import base64url, reader
from keystore.jose.jwk import JwkSet
from keystore.jose.reader import BadToken, Rules
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
    *("transaction", "consent", "hash_algorithm", "count", "digests"),
)
_RULES = Rules(algs=frozenset(["ES256"]), typs=frozenset([TYP]))


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
    members = {
        **msgspec.structs.asdict(approval),
        **{"aud": AUDIENCE, "jti": jti, "iat": now, "exp": now + LIFETIME},
    }
    return msgspec.json.encode({name: _written(value) for name, value in members.items()})


def judged(token: str, keys: JwkSet, now: int) -> Activation:
    """Return the activation that ``token`` is, or raise NotActivated. Use is judged elsewhere."""
    if len(token) > LONGEST:
        raise NotActivated("this is no activation")
    try:
        claims = dict(reader.verify(reader.parse(token), keys, _RULES).claims)
        for name in ("digests", "consent"):
            claims[name] = base64url.decode(claims[name])
        found = msgspec.convert(claims, Activation)
    except (BadToken, KeyError, ValueError, TypeError) as reason:
        raise NotActivated("this is no activation") from reason
    if found.aud != AUDIENCE:
        raise NotActivated("this activation is for somebody else")
    if not found.iat - 5 <= now < found.exp or found.exp - found.iat > LIFETIME:
        raise NotActivated("the activation has expired")
    return found


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


def _check(approval: Approval, now: int) -> None:
    texts = (approval.transaction, approval.subject, approval.client_id, approval.acr)
    if not all(0 < len(text) <= LONGEST_TEXT for text in texts):
        raise NotPermitted("an approval lacks a name, or one is too long")
    if len(approval.amr) > 16 or any(len(word) > 32 for word in approval.amr):
        raise NotPermitted("an approval names too many methods")
    if len(approval.digests) != 32 or len(approval.consent) != 32:
        raise NotPermitted("an approval holds hashes of 32 octets")
    if not 0 < approval.count <= MOST or approval.auth_time > now + 5:
        raise NotPermitted(f"an approval covers 1 to {MOST} digests, of a past login")
    if approval.kind is not ActivationKind.PERSON or approval.holder.organization:
        # A seal takes the organisation's own word beside that of idp, and nothing here reads it.
        raise NotPermitted("no seals of organisations are made here")
    if approval.credential:
        raise NotPermitted("there are no stored credentials here")
    try:
        name_of(approval.holder)
    except ValueError as reason:
        raise NotPermitted(f"no certificate can name this holder: {reason}") from None


def _written(value: object) -> object:
    return base64url.encode(value).decode() if isinstance(value, bytes) else value
