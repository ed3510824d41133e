"""The addresses of signature requests: who calls, what is asked, and every refusal as JSON."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from config.runtime.clock import Clock
from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.malformed import Malformed
from config.runtime.strict_json import strict_json
from config.runtime.web.answer import Answer, empty, json_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Endpoint, Route
from esignet.endpoints.csc import RETRY_AFTER, Bearers
from esignet.flows.csc_approvals import Caller, NoToken
from esignet.flows.requests import Created, NoSuchRequest, NotApproved, Requests, ToApprove
from esignet.formats.format import FormatError
from esignet.pdf.pool import PdfBusy
from esignet.protocol.signature_request import (
    BadRequest,
    IllegalMove,
    SignatureRequest,
    asked,
    encoded,
)
from keystore.door import KeyServiceUnavailable

SCOPE = "signatures"
"""What a client's own token needs to make requests and to see them."""

_BESIDE = 256 * 1024
"""Octets of a body beside its documents: names, media types, digests."""

_PATH = "/signature-requests"
Serve = Callable[[Call, Caller, int], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRequestsEndpoint:
    """``/signature-requests``. ``largest`` is the octets of all documents of a request."""

    requests: Requests
    bearers: Bearers
    clock: Clock
    largest: int
    origins: Sequence[str] = ()

    def routes(self) -> list[Route]:
        """Return the three addresses."""
        create, show, cancel = self._scoped(self._create), self._scoped(self._show), self._cancel
        return [
            self._route(_PATH, "logins", POST=(create, "Ask for a signature of documents")),
            self._route(
                f"{_PATH}/{{request_id}}",
                "tokens",
                GET=(show, "Where a request stands"),
                DELETE=(self._scoped(cancel), "Give a request up and destroy its documents"),
            ),
            self._route(
                f"{_PATH}/{{request_id}}/signatures",
                "logins",
                POST=(self._sign, "Sign with the access token that carries the approval"),
            ),
        ]

    def _route(self, path: str, budget: str, **methods: tuple[Serve, str]) -> Route:
        endpoints: dict[str, Endpoint] = {
            method: partial(self._answered, serve) for method, (serve, _) in methods.items()
        }
        return Route(
            path=path,
            endpoints=endpoints,
            budget=budget,
            origins=self.origins,
            operations={method: _described(summary) for method, (_, summary) in methods.items()},
        )

    async def _answered(self, serve: Serve, call: Call) -> Answer:
        now = self.clock.now()
        try:
            presented = await self.bearers.presented(call, now)
        except NoToken:
            return _challenged("invalid_token", "the access token is not good for this service")
        if presented is None:
            return _challenged("", "an access token is needed")
        try:
            return await serve(call, presented.caller, now)
        except (BadRequest, Malformed) as reason:
            return _refused(reason.status, "invalid_request", reason.description)
        except NoSuchRequest:
            return _refused(404, "not_found", "there is no such request of this client")
        except NotApproved:
            return _refused(
                403, "not_approved", "the token does not approve these digests, or no more"
            )
        except IllegalMove as refusal:
            if refusal.expired:
                return _refused(410, "expired", "the request is past its time; begin anew")
            return _refused(409, "conflict", "the request was signed or cancelled")
        except FormatError as reason:
            return _refused(422, "unsignable", str(reason))
        except (KeyServiceUnavailable, DatabaseUnavailable, PdfBusy):
            answer = _refused(503, "temporarily_unavailable", "something is away; try again")
            answer.headers.append((b"retry-after", str(RETRY_AFTER).encode()))
            return answer

    def _scoped(self, serve: Serve) -> Serve:
        async def scoped(call: Call, caller: Caller, now: int) -> Answer:
            if SCOPE not in caller.scope:
                return _challenged("insufficient_scope", f"the scope {SCOPE} is needed", 403)
            return await serve(call, caller, now)

        return scoped

    async def _create(self, call: Call, caller: Caller, now: int) -> Answer:
        given = (call.header("content-type") or "").partition(";")[0]
        if given.strip().lower() != "application/json":
            raise Malformed("the content type must be application/json", 415)
        body = await call.body(self.largest * 4 // 3 + _BESIDE)
        wanted = await asyncio.to_thread(lambda: asked(strict_json(body), self.largest))
        created = await self.requests.create(caller.client_id, wanted, now)
        return json_answer(_told(created), 201)

    async def _show(self, call: Call, caller: Caller, now: int) -> Answer:
        found = await self.requests.status(call.captured["request_id"], caller.client_id)
        return json_answer(_shown(found, now))

    async def _cancel(self, call: Call, caller: Caller, now: int) -> Answer:
        await self.requests.cancel(call.captured["request_id"], caller.client_id, now)
        return empty()

    async def _sign(self, call: Call, caller: Caller, now: int) -> Answer:
        made = await self.requests.sign(call.captured["request_id"], caller, now)
        documents = [{"name": one.name, "content": _text(one.content)} for one in made]
        promises = [one.promise.decode() for one in made]
        return json_answer({"documents": documents, "promises": promises})


def _told(created: Created) -> dict[str, Any]:
    request = created.request
    return {
        "id": request.id,
        "expires_at": request.expires_at,
        "hashAlgorithmOID": request.algorithm.oid,
        "documentDigests": [_detail(request, one) for one in created.to_approve],
    }


def _detail(request: SignatureRequest, one: ToApprove) -> dict[str, str]:
    """Return a document as an authorization detail names it.

    ``sodr`` is the digest of the document itself; ``sdr`` is that of what a signature covers of it,
    beside which ``checksum`` (W3C SRI) tells that of the document if we know it.
    """
    told = {"hash": encoded(one.digest), "label": one.label, "hashType": "sodr"}
    if one.digest != one.file:
        checksum = f"{request.algorithm.value}-{_text(one.file)}"
        return {**told, "hashType": "sdr", "checksum": checksum}
    return {**told, "hashType": "sdr"} if request.format == "pades" else told


def _shown(request: SignatureRequest, now: int) -> dict[str, Any]:
    is_over = request.state == "open" and request.is_expired(now)
    return {
        "id": request.id,
        "state": "expired" if is_over else request.state.value,
        "format": request.format,
        "level": request.level,
        "hashAlgorithmOID": request.algorithm.oid,
        "hashes": [encoded(digest) for digest in request.digests],
        "created_at": request.created_at,
        "expires_at": request.expires_at,
    }


def _described(summary: str) -> dict[str, Any]:
    refusal = "A refusal: error and error_description"
    return {"summary": summary, "responses": {"default": {"description": refusal}}}


def _refused(status: int, error: str, description: str) -> Answer:
    return json_answer({"error": error, "error_description": description}, status)


def _challenged(error: str, description: str, status: int = 401) -> Answer:
    """Refuse with a challenge (RFC 6750 §3), which names no error where no token came."""
    answer = _refused(status, error or "invalid_token", description)
    challenge = f'Bearer error="{error}", scope="{SCOPE}"' if error else "Bearer"
    answer.headers.append((b"www-authenticate", challenge.encode()))
    return answer


def _text(octets: bytes) -> str:
    return b64encode(octets).decode()
