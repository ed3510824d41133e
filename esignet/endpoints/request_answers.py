"""How signature requests are told in JSON, and every refusal of theirs."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.malformed import Malformed
from config.runtime.readable import Readable
from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import Call
from config.runtime.web.ranges import download
from esignet.endpoints.csc import RETRY_AFTER
from esignet.flows.request_contents import SignedDocument
from esignet.flows.request_creating import KeyReused, NoSuchRequest, Shown, TooMany
from esignet.flows.request_signing import Busy, NotApproved
from esignet.formats.format import FormatError
from esignet.pdf.pool import PdfBusy
from esignet.protocol.asking import BadRequest, encoded
from esignet.protocol.details import told_document
from esignet.protocol.signature_request import (
    IllegalMove,
    SignedAlready,
    State,
)
from keystore.door import KeyServiceUnavailable

SCOPE = "signatures"
"""What a client's own token needs to make requests and to see them."""

_CONFLICTS = {
    State.OPEN: "it is the turn of another signer",
    State.SIGNING: "another approval is being signed",
    State.COMPLETING: "another approval is being signed",
    State.FAILED: "the request has failed; begin anew",
}
_FROM_TABLE: tuple[tuple[type[Exception], int, str, str], ...] = (
    (NoSuchRequest, 404, "not_found", "there is no such request or document of this client"),
    (
        NotApproved,
        403,
        "not_approved",
        "the token does not approve these digests, or no more",
    ),
    (SignedAlready, 403, "signed_already", "this person has signed in another signer's place"),
    (KeyReused, 422, "key_reused", "the idempotency key belongs to another request"),
)
_AWAY = (KeyServiceUnavailable, DatabaseUnavailable, PdfBusy)
REFUSALS: tuple[type[Exception], ...] = (
    *(BadRequest, Malformed, IllegalMove, FormatError, Busy, TooMany),
    *(row[0] for row in _FROM_TABLE),
    *_AWAY,
)
"""What ``refusal`` answers."""


def refusal(reason: Exception) -> Answer:
    """Return the answer to what ended in ``reason``, one of REFUSALS."""
    match reason:
        case BadRequest() | Malformed():
            return refused(reason.status, "invalid_request", reason.description)
        case IllegalMove(expired=True):
            return refused(410, "expired", "the request is past its time; begin anew")
        case IllegalMove(state=state):
            why = _CONFLICTS.get(state) if state else None
            return refused(409, "conflict", why or f"the request is {state or 'over'}")
        case FormatError():
            return refused(422, "unsignable", str(reason))
        case Busy():
            return _later(503, "temporarily_unavailable", "it is being worked on; try again")
        case TooMany():
            return _later(429, "too_many_requests", "too many requests of this client wait")
    for kind, status, error, description in _FROM_TABLE:
        if isinstance(reason, kind):
            return refused(status, error, description)
    return _later(503, "temporarily_unavailable", "something is away; try again")


def refused(status: int, error: str, description: str) -> Answer:
    """Return a refusal with its word and a sentence."""
    return json_answer({"error": error, "error_description": description}, status)


def created(made: Shown) -> dict[str, Any]:
    """Return what the client is told of its new request."""
    request = made.request
    return {
        "id": request.id,
        "expires_at": request.expires_at,
        "hashAlgorithmOID": request.algorithm.oid,
        "documentDigests": [told_document(request, one) for one in made.to_approve],
    }


def shown(found: Shown, now: int) -> dict[str, Any]:
    """Return where a request stands. What is approved next is told while it is open."""
    request = found.request
    told: dict[str, Any] = {
        "id": request.id,
        "state": request.told_state(now).value,
        "format": request.format,
        "level": request.level,
        "hashAlgorithmOID": request.algorithm.oid,
        "hashes": [encoded(digest) for digest in request.digests],
        "created_at": request.created_at,
        "expires_at": request.expires_at,
        "order": request.order.value,
        "signers": _signers(found),
    }
    if found.to_approve:
        told["documentDigests"] = [told_document(request, one) for one in found.to_approve]
    return {**told, "reason": request.reason} if request.reason else told


def signed(made: Sequence[SignedDocument], path: str) -> dict[str, Any]:
    """Return signed documents with the promises of the audit log.

    Those that are too long for JSON are told by where they are got, below the request's ``path``.
    """
    documents = [
        {"name": one.name, "href": f"{path}/documents/{number}"}
        if one.upload
        else {"name": one.name, "content": _text(one.content)}
        for number, one in enumerate(made)
    ]
    return {"documents": documents, "promises": [one.promise.decode() for one in made]}


def downloaded(call: Call, document: SignedDocument, octets: Readable) -> Answer:
    """Return a document as a file, or the range of it that was asked for."""
    return as_file(download(call, octets, document.media_type), document.file_name)


def as_file(answer: Answer, file_name: str) -> Answer:
    """Return the answer as one that is saved under that name.

    RFC 6266 §4; the name in UTF-8 as RFC 8187 §3.2 writes it.
    """
    plain = "".join(
        character if character.isascii() and character not in '"\\%' else "_"
        for character in file_name
    )
    name = f"filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
    answer.headers.append((b"content-disposition", f"attachment; {name}".encode()))
    return answer


def _signers(found: Shown) -> list[dict[str, str]]:
    labels = found.signers or ("",) * len(found.request.slots)
    told = []
    for place, (slot, label) in enumerate(zip(found.request.slots, labels, strict=True)):
        is_here = found.request.state.is_underway and place == found.request.place
        underway = found.request.state.value if is_here else "waiting"
        told.append({"label": label, "state": "signed" if slot.signed_at else underway})
    return told


def _later(status: int, error: str, description: str) -> Answer:
    answer = refused(status, error, description)
    answer.headers.append((b"retry-after", str(RETRY_AFTER).encode()))
    return answer


def _text(octets: bytes) -> str:
    return b64encode(octets).decode()
