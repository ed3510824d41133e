"""What a client is told of its signature requests: a Security Event Token (RFC 8417).

It says which request moved where, and which signer signed: no digest, no name, no person.
"""

from typing import Any

import msgspec

from esignet.protocol.signature_request import Event

TYPE = "urn:symbolon:signature-request"
"""The identifier of the one kind of event (RFC 8417 §2.2)."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What happened at ``at`` (NumericDate), under an ``id`` that is the same however often it is
    sent. ``signed`` counts who has signed of ``signers``; ``reason`` is a word, or empty.
    """

    id: str
    issuer: str
    client_id: str
    url: str
    request: str
    event: Event
    state: str
    signed: int
    signers: int
    at: int
    reason: str = ""


def claims_of(notice: Notice) -> bytes:
    """Return the claims of the token (RFC 8417 §2.2): the same octets at each attempt."""
    told: dict[str, Any] = {
        "id": notice.request,
        "event": notice.event.value,
        "state": notice.state,
        "signed": notice.signed,
        "signers": notice.signers,
    }
    if notice.reason:
        told["reason"] = notice.reason
    claims = {
        "iss": notice.issuer,
        "aud": notice.client_id,
        "iat": notice.at,
        "jti": notice.id,
        "events": {TYPE: told},
    }
    return msgspec.json.encode(claims)
