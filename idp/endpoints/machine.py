"""What the endpoints for authenticated clients have in common: a form in, JSON out."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from config.runtime.malformed import Malformed
from config.runtime.web.answer import Answer
from config.runtime.web.call import LARGEST_BODY, Call
from idp.endpoints.answers import refusal_answer
from idp.protocol.carried import Carried
from idp.protocol.errors import InvalidDpopProof, OAuthError, TemporarilyUnavailable
from idp.protocol.parameters import NOTHING_LONGER, Parameters
from keystore.door import KeyServiceUnavailable

Act = Callable[[Parameters, Carried], Awaitable[Answer]]
"""Takes what was asked and what came beside it."""


def carried(call: Call) -> Carried:
    """Return what the request brings beside its form, or raise InvalidDpopProof for two proofs."""
    certificate = call.client_certificate()
    return Carried(
        method=call.method,
        address=call.origin + call.path,
        authorization=call.header("authorization"),
        proof=_proof(call),
        certificate=certificate.leaf if certificate else None,
        certificate_issuers=certificate.issuers if certificate else (),
        attestation=call.header("oauth-client-attestation"),
        attestation_proof=call.header("oauth-client-attestation-pop"),
    )


@dataclass(frozen=True, slots=True)
class Room:
    """How large a form may be, in bytes, and which parameters may be longer than others."""

    body: int = LARGEST_BODY
    longer: Mapping[str, int] = field(default_factory=lambda: NOTHING_LONGER)


USUAL = Room()


async def answered(call: Call, act: Act, room: Room = USUAL) -> Answer:
    """Read the form, act, and answer what ``act`` answers or why it refused."""
    basic = call.header("authorization") is not None
    try:
        asked = Parameters.parse(await call.form(room.body), room.longer)
        return await act(asked, carried(call))
    except OAuthError as refusal:
        return refusal_answer(refusal, call, basic=basic)
    except KeyServiceUnavailable:
        return refusal_answer(TemporarilyUnavailable("the key service is away"), call)


def _proof(call: Call) -> str | None:
    try:
        return call.header("dpop")
    except Malformed:  # RFC 9449 §4.3 (1)
        raise InvalidDpopProof("more than one DPoP proof") from None
