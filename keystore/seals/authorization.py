"""An organisation's own word: which documents are to be sealed with its key.

It is a JWS by a key that the operator enrolled, whose private part this service never had. It names
the digests and all that is written around them, is for this service, lives for 300 seconds and is
used once. Whoever holds the service and not that key seals nothing.
"""

import hmac
import re

import msgspec

from keystore.jose import base64url, reader
from keystore.jose.reader import BadToken, Parsed, Rules
from keystore.seals.organization import ALGORITHMS, Organization
from keystore.seals.wording import plan_hash, text_of
from keystore.signing.digests import HashAlgorithm, list_hash
from keystore.signing.door import NotActivated, SigningOrder
from keystore.signing.plans import RawPlan
from keystore.signing.structures.building import places
from keystore.signing.structures.structure import BadPlan

TYP = "seal-authorization+jwt"
LIFETIME = 300
"""Seconds for which an authorization may be good."""

LONGEST = 8 * 1024
_SKEW = 5
_JTI = re.compile(r"[A-Za-z0-9_~.-]{8,64}", re.ASCII)
_RULES = Rules(algs=ALGORITHMS, typs=frozenset([TYP]))


class Authorization(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an organisation says. ``list_hash`` is that of the ``count`` digests, in their order.

    ``plan_hash`` is that of what is written around them (`keystore.seals.wording`). A claim that is
    not known is refused: it could be a restriction.
    """

    iss: str
    aud: str
    jti: str
    iat: int
    exp: int
    hash_algorithm: HashAlgorithm
    count: int
    list_hash: bytes
    plan_hash: bytes

    @property
    def name(self) -> str:
        """Return under which name it is used once: no activation has such a one."""
        return f"seal:{self.iss}:{self.jti}"

    def told(self) -> dict[str, object]:
        """Return what is told of it as evidence."""
        return {
            "kind": "organization",
            "organization": self.iss,
            "authorization": self.jti,
            "hash_algorithm": self.hash_algorithm,
            "count": self.count,
            "digests": base64url.encode(self.list_hash).decode(),
            "plans": base64url.encode(self.plan_hash).decode(),
        }


def parsed(token: str) -> Parsed:
    """Return the authorization as it claims to be, or raise NotActivated. Nothing is proven."""
    if len(token) > LONGEST:
        raise NotActivated("this is no authorization")
    try:
        return reader.parse(token)
    except BadToken as reason:
        raise NotActivated("this is no authorization") from reason


def judged(token: Parsed, organization: Organization, address: str, now: int) -> Authorization:
    """Return what ``organization`` authorized, or raise NotActivated. Use is judged elsewhere.

    ``address`` is the signing service's, which the audience must name alone.
    """
    try:
        claims = dict(reader.verify(token, organization.keys, _RULES).claims)
        for name in ("list_hash", "plan_hash"):
            claims[name] = base64url.decode(claims[name])
        found = msgspec.convert(claims, Authorization)
    except (BadToken, KeyError, ValueError, TypeError) as reason:
        raise NotActivated("this is no authorization of the organisation") from reason
    if (found.iss, found.aud) != (organization.said.id, address):
        raise NotActivated("this authorization is for somebody else")
    if not _JTI.fullmatch(found.jti):
        raise NotActivated("a jti has 8 to 64 letters, digits and -_.~")
    if not found.iat - _SKEW <= now < found.exp or not 0 < found.exp - found.iat <= LIFETIME:
        raise NotActivated(f"the authorization is not of the last {LIFETIME} seconds")
    return found


def check_order(said: Authorization, order: SigningOrder) -> None:
    """Raise unless exactly what was authorized is asked for: NotActivated, BadPlan."""
    try:
        mine = list_hash(order.hash_algorithm, order.digests)
    except ValueError as reason:
        raise NotActivated(str(reason)) from None
    same = hmac.compare_digest(mine, said.list_hash)
    asked = (order.hash_algorithm, len(order.digests))
    if not same or asked != (said.hash_algorithm, said.count):
        raise NotActivated("these are not the digests that were authorized")
    written = plan_hash(text_of(order.plans, order.hash_algorithm))
    if not hmac.compare_digest(written, said.plan_hash):
        raise NotActivated("this is not what was authorized to be written around the digests")
    if any(isinstance(plan, RawPlan) for plan in order.plans):
        raise BadPlan("a seal is over a structure that is written here")
    named = sorted(place for plan in order.plans for place in places(plan))
    if named != list(range(len(order.digests))):
        raise BadPlan("every authorized digest is sealed once")
