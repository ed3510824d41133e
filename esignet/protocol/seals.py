"""What is to be sealed for an organisation: documents, and the organisation's own word."""

from dataclasses import dataclass, replace

from esignet.protocol.asking import Asked, BadRequest, asked

AUTHORIZATION, TIME, COMMITMENT = "authorization", "signing_time", "commitment"
_OWN = (AUTHORIZATION, TIME, COMMITMENT)
_MEMBERS = frozenset(
    (*("format", "level", "envelope", "hashAlgorithmOID", "documents", "appearance"), *_OWN)
)
_SKEW = 5
OLDEST = 300
"""Seconds that the claimed time of a PDF's seal may lie back: as long as an authorization lives."""

_COMMITMENTS = frozenset(f"1.2.840.113549.1.9.16.6.{number}" for number in range(1, 7))
"""Origin, receipt, delivery, sender, approval and creation (ETSI TS 119 172-1 Annex B)."""


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
    commitment = body.get(COMMITMENT, "")
    if COMMITMENT in body and commitment not in tuple(_COMMITMENTS):
        raise BadRequest(f"{COMMITMENT} is among {', '.join(sorted(_COMMITMENTS))}", 422)
    found = asked({name: value for name, value in body.items() if name not in _OWN}, largest)
    return Sealable(replace(found, commitment=commitment), authorization, at)
