"""What the endpoints for authenticated clients have in common: a form in, JSON out."""

from collections.abc import Awaitable, Callable

from config.runtime.web.answer import Answer
from config.runtime.web.call import Call
from idp.endpoints.answers import refusal_answer
from idp.protocol.errors import OAuthError, TemporarilyUnavailable
from idp.protocol.parameters import Parameters
from keystore.door import KeyServiceUnavailable

Act = Callable[[Parameters, str | None], Awaitable[Answer]]
"""Takes what was asked and the Authorization header."""


async def answered(call: Call, act: Act) -> Answer:
    """Read the form, act, and answer what ``act`` answers or why it refused."""
    authorization = call.header("authorization")
    try:
        return await act(Parameters.parse(await call.form()), authorization)
    except OAuthError as refusal:
        return refusal_answer(refusal, basic=authorization is not None)
    except KeyServiceUnavailable:
        return refusal_answer(TemporarilyUnavailable("the key service is away"))
