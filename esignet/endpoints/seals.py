"""The address at which documents are sealed for organisations."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from config.runtime.clock import Clock
from config.runtime.malformed import Malformed
from config.runtime.strict_json import strict_json
from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from esignet.endpoints.client_calls import ClientCalls, Refusal, described
from esignet.endpoints.csc import Bearers
from esignet.endpoints.request_answers import refused, signed
from esignet.flows.csc_approvals import Caller
from esignet.flows.seals import Seals, ToAuthorize
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
    PdfBusy: Refusal(503, "temporarily_unavailable", "something is away; try again", passes=True)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SealsEndpoint:
    """``/seals``. ``largest`` is the octets of all documents of a call."""

    seals: Seals
    bearers: Bearers
    clock: Clock
    largest: int
    origins: Sequence[str] = ()

    def routes(self) -> list[Route]:
        """Return the address."""
        calls = ClientCalls(bearers=self.bearers, clock=self.clock, refusals=_REFUSALS, scope=SCOPE)
        return [
            Route(
                path=_PATH,
                endpoints={"POST": calls.endpoint(self._served)},
                budget="logins",
                origins=self.origins,
                operations={"POST": described("Seal documents for an organisation")},
            )
        ]

    async def _served(self, call: Call, caller: Caller) -> Answer:
        given = (call.header("content-type") or "").partition(";")[0]
        if given.strip().lower() != "application/json":
            raise Malformed("the content type must be application/json", 415)
        body, now = await call.body(self.largest * 4 // 3 + _BESIDE), self.clock.now()
        try:
            wanted = await asyncio.to_thread(lambda: sealable(strict_json(body), self.largest, now))
            if not wanted.authorization:
                return json_answer(_told(wanted, await self.seals.prepared(wanted)))
            return json_answer(signed(await self.seals.sealed(wanted), _PATH))
        except BadRequest as reason:
            return refused(reason.status, "invalid_request", reason.description)
        except NotActivated as reason:
            return refused(403, "not_authorized", str(reason))
        except FormatError as reason:
            return refused(422, "unsignable", str(reason))


def _told(wanted: Sealable, found: ToAuthorize) -> dict[str, Any]:
    """Return what an organisation is to authorize, in the words of its authorization."""
    return {
        "signing_time": wanted.at,
        "hash_algorithm": wanted.asked.algorithm.value,
        "count": len(found.documents),
        "list_hash": encoded(found.list_hash),
        "documentDigests": [
            {"label": one.label, "hash": encoded(one.digest)} for one in found.documents
        ],
    }
