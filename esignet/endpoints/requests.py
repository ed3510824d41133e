"""The addresses of signature requests: who calls, what is asked, and every refusal as JSON."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Protocol

from config.runtime.clock import Clock
from config.runtime.malformed import Malformed
from config.runtime.strict_json import strict_json
from config.runtime.web.answer import Answer, empty, json_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Endpoint, Route
from esignet.endpoints.admission import Admission, Bearers
from esignet.endpoints.request_answers import (
    REFUSALS,
    SCOPE,
    created,
    downloaded,
    refusal,
    shown,
    signed,
)
from esignet.flows.csc_approvals import Caller
from esignet.flows.requests import Requests
from esignet.protocol.asking import BadRequest, asked
from esignet.protocol.signature_request import SignatureRequest
from esignet.stores.creation_keys import Once

_BESIDE = 256 * 1024
"""Octets of a body beside its documents: names, media types, digests."""

_PATH = "/signature-requests"
_KEY = re.compile("[\x20-\x7e]{1,255}")
_WORD = re.compile("[a-z0-9_]{1,40}")
_PLACE = re.compile("0|[1-9][0-9]{0,5}", re.ASCII)
Serve = Callable[[Call, Caller, int], Awaitable[Answer]]


class Links(Protocol):
    """Makes links with which people sign on our pages (`esignet.flows.hosted`)."""

    async def judge(self, client_id: str, return_to: str) -> None:
        """Raise BadRequest unless people of this client may be sent back to that address."""
        ...

    async def every(self, request: SignatureRequest, return_to: str, now: int) -> list[str]:
        """Return the address of a new link for each signer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRequestsEndpoint:
    """``/signature-requests``. ``largest`` is the octets of all documents of a request."""

    requests: Requests
    bearers: Bearers
    clock: Clock
    largest: int
    links: Links
    origins: Sequence[str] = ()

    def routes(self) -> list[Route]:
        """Return the addresses."""
        one = f"{_PATH}/{{request_id}}"
        return [
            self._route(_PATH, "logins", POST=(self._create, "Ask for a signature of documents")),
            self._route(
                one,
                "tokens",
                GET=(self._show, "Where a request stands"),
                DELETE=(self._cancel, "Give a request up and destroy its documents"),
            ),
            self._route(
                f"{one}/rejection",
                "tokens",
                POST=(self._reject, "Say that a person would not sign, and destroy the documents"),
            ),
            self._route(
                f"{one}/signatures",
                "logins",
                scope="",  # the token is the signer's, and carries the approval
                POST=(self._sign, "Sign with the access token that carries the approval"),
            ),
            self._route(
                f"{one}/documents/{{place}}",
                "logins",
                GET=(self._download, "A signed document as a file, or a range of it"),
            ),
        ]

    def _route(
        self, path: str, budget: str, scope: str = SCOPE, **methods: tuple[Serve, str]
    ) -> Route:
        endpoints: dict[str, Endpoint] = {
            method: partial(self._answered, serve, scope) for method, (serve, _) in methods.items()
        }
        return Route(
            path=path,
            endpoints=endpoints,
            budget=budget,
            origins=self.origins,
            operations={method: _described(summary) for method, (_, summary) in methods.items()},
        )

    async def _answered(self, serve: Serve, scope: str, call: Call) -> Answer:
        admission = Admission(bearers=self.bearers, clock=self.clock, scope=scope)
        return await admission.answered(call, partial(_served, serve, call))

    async def _create(self, call: Call, caller: Caller, now: int) -> Answer:
        given = (call.header("content-type") or "").partition(";")[0]
        if given.strip().lower() != "application/json":
            raise Malformed("the content type must be application/json", 415)
        body = await call.body(self.largest * 4 // 3 + _BESIDE)
        once = await asyncio.to_thread(_once, call, body)
        wanted = await asyncio.to_thread(lambda: asked(strict_json(body), self.largest))
        if wanted.return_to:
            await self.links.judge(caller.client_id, wanted.return_to)
        made = await self.requests.create(caller.client_id, wanted, now, once)
        told = created(made)
        if wanted.return_to:
            told["sign_urls"] = await self.links.every(made.request, wanted.return_to, now)
        return json_answer(told, 201)

    async def _show(self, call: Call, caller: Caller, now: int) -> Answer:
        found = await self.requests.shown(call.captured["request_id"], caller.client_id, now)
        return json_answer(shown(found, now))

    async def _cancel(self, call: Call, caller: Caller, now: int) -> Answer:
        await self.requests.cancel(call.captured["request_id"], caller.client_id, now)
        return empty()

    async def _reject(self, call: Call, caller: Caller, now: int) -> Answer:
        told = await _members(call, "reason")
        reason = told.get("reason", "declined")
        if not isinstance(reason, str) or not _WORD.fullmatch(reason):
            raise BadRequest("reason is a word of at most 40 letters, digits and underscores")
        await self.requests.reject(call.captured["request_id"], caller.client_id, reason, now)
        return empty()

    async def _sign(self, call: Call, caller: Caller, now: int) -> Answer:
        told = await _members(call, "signer")
        wanted = told.get("signer")
        if wanted is not None and type(wanted) is not int:
            raise BadRequest("signer is the place of a signer, from 0")
        made = await self.requests.sign(call.captured["request_id"], caller, now, wanted)
        return json_answer(signed(made, f"{_PATH}/{call.captured['request_id']}"))

    async def _download(self, call: Call, caller: Caller, now: int) -> Answer:
        place = call.captured["place"]
        number = int(place) if _PLACE.fullmatch(place) else -1
        identifier = call.captured["request_id"]
        document = await self.requests.document(identifier, caller.client_id, number)
        return downloaded(call, document, await self.requests.octets(document))


async def _served(serve: Serve, call: Call, caller: Caller, now: int) -> Answer:
    try:
        return await serve(call, caller, now)
    except REFUSALS as reason:
        return refusal(reason)


async def _members(call: Call, *known: str) -> dict[str, object]:
    """Return the members of a small JSON body, which may be empty."""
    body = await call.body()
    told = strict_json(body) if body.strip() else {}
    if not isinstance(told, dict) or not told.keys() <= set(known):
        raise BadRequest(f"the body is empty, or an object with {', '.join(known)}")
    return told


def _once(call: Call, body: bytes) -> Once | None:
    key = call.header("idempotency-key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise BadRequest("Idempotency-Key has 1 to 255 printable characters of ASCII")
    return Once(key, sha256(body).digest())


def _described(summary: str) -> dict[str, Any]:
    refusal = "A refusal: error and error_description"
    return {"summary": summary, "responses": {"default": {"description": refusal}}}
