"""What is to be sealed for an organisation: documents, and the organisation's own word."""

from dataclasses import dataclass

from esignet.protocol.asking import Asked, BadRequest, asked

AUTHORIZATION, TIME = "authorization", "signing_time"
_MEMBERS = frozenset(
    (*("format", "level", "envelope", "hashAlgorithmOID", "documents"), AUTHORIZATION, TIME)
)
_SKEW = 5
OLDEST = 300
"""Seconds that the claimed time of a PDF's seal may lie back: as long as an authorization lives."""


@dataclass(frozen=True, slots=True)
class Sealable:
    """What is asked, prepared ``at`` that time; without an ``authorization`` only prepared."""

    asked: Asked
    authorization: str
    at: int


def sealable(body: object, largest: int, now: int) -> Sealable:
    """Return what ``body`` asks for; its documents have ``largest`` octets together at most.

    Raises BadRequest.
    """
    if not isinstance(body, dict) or not body.keys() <= _MEMBERS:
        raise BadRequest(f"the body is an object with {', '.join(sorted(_MEMBERS))}")
    authorization, at = body.get(AUTHORIZATION, ""), body.get(TIME, now)
    if not isinstance(authorization, str) or not authorization.isascii():
        raise BadRequest(f"{AUTHORIZATION} is a compact JWS")
    if type(at) is not int or not now - OLDEST <= at <= now + _SKEW:
        raise BadRequest(f"{TIME} is the number that was answered, in the last {OLDEST} seconds")
    wanted = {name: value for name, value in body.items() if name not in (AUTHORIZATION, TIME)}
    found = asked(wanted, largest)
    if any(one.upload for one in found.documents):
        raise BadRequest("a document that is sealed has content or digest", 422)
    return Sealable(found, authorization, at)
