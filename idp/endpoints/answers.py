"""How refusals travel to machines (RFC 6749 §5.2, RFC 6750 §3)."""

import logging

from config.runtime.web.answer import Answer, json_answer
from idp.protocol.errors import InvalidClient, OAuthError

RETRY_AFTER = b"1"
"""Seconds after which something that is away may be back."""

_log = logging.getLogger("symbolon.oauth")


def refusal_answer(refusal: OAuthError, *, basic: bool = False) -> Answer:
    """Answer ``refusal`` as JSON. ``basic``: the client tried HTTP Basic and is told so again."""
    _note(refusal)
    body = {"error": refusal.code}
    if refusal.description:
        body["error_description"] = refusal.description
    answer = json_answer(body, refusal.status)
    if basic and isinstance(refusal, InvalidClient):  # RFC 6749 §5.2
        answer.headers.append((b"www-authenticate", b'Basic realm="Symbolon", charset="UTF-8"'))
    if refusal.status == 503:
        answer.headers.append((b"retry-after", RETRY_AFTER))
    return answer


def bearer_challenge(refusal: OAuthError | None, scope: str = "") -> Answer:
    """Answer whoever has no good access token (RFC 6750 §3); None: there was no token at all.

    §3.1: without any credentials nothing is said about an error.
    """
    fields = ['realm="Symbolon"']
    if refusal is None:
        answer = Answer(401, [(b"cache-control", b"no-store")])
    else:
        answer = refusal_answer(refusal)
        fields.append(f'error="{refusal.code}"')
        if refusal.description:
            fields.append(f'error_description="{refusal.description}"')
    if scope:
        fields.append(f'scope="{scope}"')
    challenge = "Bearer " + ", ".join(fields)
    answer.headers.append((b"www-authenticate", challenge.encode()))
    return answer


def _note(refusal: OAuthError) -> None:
    if refusal.detail:
        _log.info("%s: %s", refusal.code, refusal.detail)
