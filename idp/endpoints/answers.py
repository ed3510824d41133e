"""How refusals travel to machines (RFC 6749 §5.2, RFC 6750 §3)."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import Call
from idp.protocol.errors import InvalidClient, OAuthError, UseAttestationChallenge, UseDpopNonce

RETRY_AFTER = b"1"
"""Seconds after which something that is away may be back."""

NOTHING: Mapping[str, Any] = {}

_log = logging.getLogger("symbolon.oauth")


def refusal_answer(
    refusal: OAuthError, call: Call, *, basic: bool = False, more: Mapping[str, Any] = NOTHING
) -> Answer:
    """Answer ``refusal`` as JSON, with ``more`` members.

    ``basic``: the client tried HTTP Basic and is told so again.
    """
    _note(refusal)
    answer = json_answer({**dict(refusal_fields(refusal, call)), **more}, refusal.status)
    if basic and isinstance(refusal, InvalidClient):  # RFC 6749 §5.2
        answer.headers.append((b"www-authenticate", b'Basic realm="Symbolon", charset="UTF-8"'))
    if isinstance(refusal, UseDpopNonce):
        answer.headers.append((b"dpop-nonce", refusal.nonce.encode()))
    if isinstance(refusal, UseAttestationChallenge):
        challenge = refusal.challenge.encode()
        answer.headers.append((b"oauth-client-attestation-challenge", challenge))
    if refusal.status == 503:
        answer.headers.append((b"retry-after", RETRY_AFTER))
    return answer


def refusal_fields(refusal: OAuthError, call: Call) -> Iterator[tuple[str, str]]:
    """Yield what is told of ``refusal``, as JSON and in challenges alike."""
    yield "error", refusal.code
    if refusal.description:
        yield "error_description", refusal.description
    if explained := call.error_uri(refusal.code):
        yield "error_uri", explained


def _note(refusal: OAuthError) -> None:
    if refusal.detail:
        _log.info("%s: %s", refusal.code, refusal.detail)
