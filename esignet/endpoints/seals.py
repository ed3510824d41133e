"""The addresses at which documents are sealed for organisations, and long ones are fetched."""

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from config.runtime.clock import Clock
from config.runtime.malformed import Malformed
from config.runtime.strict_json import strict_json
from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from esignet.endpoints.admission import Bearers
from esignet.endpoints.client_calls import ClientCalls, Refusal, described
from esignet.endpoints.request_answers import downloaded, refused
from esignet.flows.csc_approvals import Caller
from esignet.flows.sealed_documents import NoSuchSeal, Sealed
from esignet.flows.seals import Appended, Seals, ToAuthorize
from esignet.formats.format import FormatError
from esignet.pdf.pool import PdfBusy
from esignet.protocol.asking import BadRequest, encoded
from esignet.protocol.seals import Sealable, sealable
from keystore.signing.door import NotActivated

SCOPE = "seals"
"""What a client's own token needs to have documents sealed."""

_BESIDE = 256 * 1024
"""Octets of a body beside its documents: names, media types, digests, the authorization."""

_PATH = "/seals"
_REFUSALS: dict[type[Exception], Refusal] = {
    PdfBusy: Refusal(503, "temporarily_unavailable", "something is away; try again", passes=True),
    NoSuchSeal: Refusal(404, "not_found", "there is no such sealed document of this client"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SealsEndpoint:
    """``/seals``. ``largest`` is the octets of all documents that come in a call."""

    seals: Seals
    bearers: Bearers
    clock: Clock
    largest: int
    origins: Sequence[str] = ()

    def routes(self) -> list[Route]:
        """Return the two addresses."""
        calls = ClientCalls(bearers=self.bearers, clock=self.clock, refusals=_REFUSALS, scope=SCOPE)
        return [
            Route(
                path=_PATH,
                endpoints={"POST": calls.endpoint(self._served)},
                budget="logins",
                origins=self.origins,
                operations={"POST": described("Seal documents for an organisation")},
            ),
            Route(
                path=f"{_PATH}/{{seal_id}}",
                endpoints={"GET": calls.endpoint(self._give)},
                budget="logins",
                origins=self.origins,
                operations={"GET": described("A sealed document as a file")},
            ),
        ]

    async def _served(self, call: Call, caller: Caller) -> Answer:
        given = (call.header("content-type") or "").partition(";")[0]
        if given.strip().lower() != "application/json":
            raise Malformed("the content type must be application/json", 415)
        body, now = await call.body(self.largest * 4 // 3 + _BESIDE), self.clock.now()
        try:
            wanted = await asyncio.to_thread(lambda: sealable(strict_json(body), self.largest, now))
            if not wanted.authorization:
                found = await self.seals.prepared(caller.client_id, wanted)
                return json_answer(_to_authorize(wanted, found))
            made = await self.seals.sealed(caller.client_id, wanted)
            return await asyncio.to_thread(lambda: json_answer(_sealed(made)))
        except BadRequest as reason:
            return refused(reason.status, "invalid_request", reason.description)
        except NotActivated as reason:
            return refused(403, "not_authorized", str(reason))
        except FormatError as reason:
            return refused(422, "unsignable", str(reason))

    async def _give(self, call: Call, caller: Caller) -> Answer:
        elsewhere = self.seals.elsewhere
        document = await elsewhere.find(call.captured["seal_id"], caller.client_id)
        return downloaded(call, document, await elsewhere.octets(document))


def _to_authorize(wanted: Sealable, found: ToAuthorize) -> dict[str, Any]:
    """Return what an organisation is to authorize, in the words of its authorization."""
    return {
        "signing_time": wanted.at,
        "hash_algorithm": wanted.asked.algorithm.value,
        "count": len(found.documents),
        "list_hash": encoded(found.list_hash),
        "plans": found.plans,
        "plan_hash": encoded(found.plan_hash),
        "documentDigests": [
            {"label": one.label, "hash": encoded(one.digest), **_shown(appended)}
            for one, appended in zip(found.documents, found.appended, strict=True)
        ],
    }


def _shown(appended: Appended | None) -> dict[str, list[str]]:
    if appended is None:
        return {}
    return {"appended": [_text(appended.before), _text(appended.after)]}


def _sealed(made: Sequence[Sealed]) -> dict[str, Any]:
    """Return sealed documents, or where they are fetched, and the promises of the audit log."""
    documents = [
        {"name": one.document.name, "href": f"{_PATH}/{one.id}"}
        if one.id
        else {"name": one.document.name, "content": _text(one.document.content)}
        for one in made
    ]
    promises = [one.document.promise.decode() for one in made]
    return {"documents": documents, "promises": promises}


def _text(octets: bytes) -> str:
    return b64encode(octets).decode()
