"""Activations about credentials: signed by the key service for itself, as those of signatures.

They have a ``typ`` and claims of their own, so that what was approved for one thing is good for
nothing else: no approval of a signature makes a key, and none of a key makes a signature.
"""

import msgspec

from keystore.authority.profiles import name_of
from keystore.credentials.door import CredentialAct, CredentialApproval
from keystore.door import NotPermitted
from keystore.jose import base64url
from keystore.jose.jwk import JwkSet
from keystore.signing.activation import check_life, check_person, claims, opened
from keystore.signing.door import NotActivated

TYP = "credential-activation+jwt"


class CredentialActivation(CredentialApproval, frozen=True, kw_only=True):
    """An approval with the ``jti`` under which it is used once, and when it was made and ends."""

    aud: str
    jti: str
    iat: int
    exp: int


def claims_of(approval: CredentialApproval, jti: str, now: int) -> bytes:
    """Return the claims of the activation of ``approval``, or raise NotPermitted."""
    check_person(approval, now)
    if not 0 < len(approval.known_as) <= 256:
        raise NotPermitted("an approval lacks a name, or one is too long")
    if approval.holder.organization or approval.holder.organization_identifier:
        raise NotPermitted("a credential of people names no organisation")
    if bool(approval.credential) is (approval.act is CredentialAct.CREATE):
        raise NotPermitted("a new credential has no name yet, and another has one")
    try:
        name_of(approval.holder)
    except ValueError as reason:
        raise NotPermitted(f"no certificate can name this holder: {reason}") from None
    return claims(approval, jti, now)


def judged(token: str, keys: JwkSet, act: CredentialAct, now: int) -> CredentialActivation:
    """Return the activation that ``token`` is, for ``act`` alone, or raise NotActivated."""
    said = opened(token, keys, TYP)
    try:
        said["consent"] = base64url.decode(said["consent"])
        found = msgspec.convert(said, CredentialActivation)
    except (KeyError, ValueError, TypeError) as reason:
        raise NotActivated("this is no activation") from reason
    check_life(found, now)
    if found.act is not act:
        raise NotActivated(f"the activation is to {found.act} a credential")
    return found
