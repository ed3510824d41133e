"""What the endpoints for authenticated clients have in common: a form in, JSON out."""

from collections.abc import Awaitable, Callable

from config.runtime.web.answer import Answer
from config.runtime.web.call import Call
from idp.endpoints.answers import refusal_answer
from idp.protocol.carried import Carried
from idp.protocol.errors import OAuthError, TemporarilyUnavailable
from idp.protocol.parameters import Parameters
from keystore.door import KeyServiceUnavailable

Act = Callable[[Parameters, Carried], Awaitable[Answer]]
"""Takes what was asked and what came beside it."""


def carried(call: Call) -> Carried:
    """Return what the request brings beside its form."""
    certificate = call.client_certificate()
    return Carried(
        method=call.method,
        address=call.origin + call.path,
        authorization=call.header("authorization"),
        proof=call.header("dpop"),
        certificate=certificate.leaf if certificate else None,
        certificate_issuers=certificate.issuers if certificate else (),
        attestation=call.header("oauth-client-attestation"),
        attestation_proof=call.header("oauth-client-attestation-pop"),
    )


async def answered(call: Call, act: Act) -> Answer:
    """Read the form, act, and answer what ``act`` answers or why it refused."""
    brought = carried(call)
    try:
        return await act(Parameters.parse(await call.form()), brought)
    except OAuthError as refusal:
        return refusal_answer(refusal, call, basic=brought.authorization is not None)
    except KeyServiceUnavailable:
        return refusal_answer(TemporarilyUnavailable("the key service is away"), call)
