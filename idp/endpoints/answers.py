"""How refusals travel to machines (RFC 6749 §5.2, RFC 6750 §3)."""

import logging
from collections.abc import Iterator

from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import Call
from idp.protocol.errors import InvalidClient, OAuthError

RETRY_AFTER = b"1"
"""Seconds after which something that is away may be back."""

_log = logging.getLogger("symbolon.oauth")


def refusal_answer(refusal: OAuthError, call: Call, *, basic: bool = False) -> Answer:
    """Answer ``refusal`` as JSON. ``basic``: the client tried HTTP Basic and is told so again."""
    _note(refusal)
    answer = json_answer(dict(_told(refusal, call)), refusal.status)
    if basic and isinstance(refusal, InvalidClient):  # RFC 6749 §5.2
        answer.headers.append((b"www-authenticate", b'Basic realm="Symbolon", charset="UTF-8"'))
    if refusal.status == 503:
        answer.headers.append((b"retry-after", RETRY_AFTER))
    return answer


def bearer_challenge(refusal: OAuthError | None, call: Call, scope: str = "") -> Answer:
    """Answer whoever has no good access token (RFC 6750 §3); None: there was no token at all.

    §3.1: without any credentials nothing is said about an error.
    """
    fields = ['realm="Symbolon"']
    if refusal is None:
        answer = Answer(401, [(b"cache-control", b"no-store")])
    else:
        answer = refusal_answer(refusal, call)
        fields += [f'{name}="{value}"' for name, value in _told(refusal, call)]
    if scope:
        fields.append(f'scope="{scope}"')
    challenge = "Bearer " + ", ".join(fields)
    answer.headers.append((b"www-authenticate", challenge.encode()))
    return answer


def _told(refusal: OAuthError, call: Call) -> Iterator[tuple[str, str]]:
    yield "error", refusal.code
    if refusal.description:
        yield "error_description", refusal.description
    if explained := call.error_uri(refusal.code):
        yield "error_uri", explained


def _note(refusal: OAuthError) -> None:
    if refusal.detail:
        _log.info("%s: %s", refusal.code, refusal.detail)
