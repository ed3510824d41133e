"""The addresses of documents that clients give: streamed in, streamed back, destroyed."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.runtime.clock import Clock
from config.runtime.malformed import Malformed
from config.runtime.web.answer import Answer, empty, json_answer
from config.runtime.web.call import Call
from config.runtime.web.ranges import download
from config.runtime.web.sites import Route
from esignet.endpoints.admission import Bearers
from esignet.endpoints.client_calls import ClientCalls, Refusal, Serve, described
from esignet.flows.csc_approvals import Caller
from esignet.flows.documents import (
    Bound,
    EmptyDocument,
    NoSuchDocument,
    OverQuota,
    TooManyAtOnce,
    Uploads,
)
from esignet.stores.documents import Upload

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,100}", re.ASCII)
_PATH = "/documents"
_REFUSALS = {
    NoSuchDocument: Refusal(404, "not_found", "there is no such document of this client"),
    Bound: Refusal(409, "conflict", "a signature request has the document; end that"),
    EmptyDocument: Refusal(400, "invalid_request", "the document is empty"),
    TooManyAtOnce: Refusal(
        429, "too_many_requests", "other documents of this client come already", passes=True
    ),
    OverQuota: Refusal(
        413, "quota_exceeded", "the client keeps too much here; delete documents, or wait"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentsEndpoint:
    """``/documents``."""

    uploads: Uploads
    bearers: Bearers
    clock: Clock
    origins: Sequence[str] = ()

    def routes(self) -> list[Route]:
        """Return the two addresses."""
        return [
            self._route(_PATH, {"POST": (self._take, "Give a document, as the body")}, "uploads"),
            self._route(
                f"{_PATH}/{{document_id}}",
                {
                    "GET": (self._give, "Get a document back, or a range of it"),
                    "DELETE": (self._destroy, "Destroy a document's key"),
                },
                "tokens",
            ),
        ]

    def _route(self, path: str, methods: Mapping[str, tuple[Serve, str]], budget: str) -> Route:
        calls = ClientCalls(bearers=self.bearers, clock=self.clock, refusals=_REFUSALS)
        return Route(
            path=path,
            endpoints={method: calls.endpoint(serve) for method, (serve, _) in methods.items()},
            budget=budget,
            origins=self.origins,
            streamed=True,
            operations={method: described(said) for method, (_, said) in methods.items()},
        )

    async def _take(self, call: Call, caller: Caller) -> Answer:
        media_type, largest = _media_type(call), self.uploads.allowance.largest
        announced = call.announced(largest)
        await self.uploads.room(caller.client_id, announced or 0)
        upload = await self.uploads.taken(caller.client_id, media_type, call.pieces(largest))
        answer = json_answer(_told(upload), 201)
        answer.headers.append((b"location", f"{_PATH}/{upload.id}".encode()))
        return answer

    async def _give(self, call: Call, caller: Caller) -> Answer:
        upload = await self.uploads.find(call.captured["document_id"], caller.client_id)
        answer = download(call, await self.uploads.octets(upload), upload.media_type)
        answer.headers.append((b"content-disposition", b"attachment"))
        return answer

    async def _destroy(self, call: Call, caller: Caller) -> Answer:
        await self.uploads.destroy(call.captured["document_id"], caller.client_id)
        return empty()


def _media_type(call: Call) -> str:
    given = (call.header("content-type") or "").partition(";")[0].strip().lower()
    if not _MEDIA_TYPE.fullmatch(given):
        raise Malformed(
            "the content type is that of the document, or application/octet-stream", 415
        )
    return given


def _told(upload: Upload) -> dict[str, Any]:
    return {
        "id": upload.id,
        "media_type": upload.media_type,
        "size": upload.size,
        "digests": {
            algorithm.oid: urlsafe_b64encode(digest).rstrip(b"=").decode()
            for algorithm, digest in upload.digests.items()
        },
        "expires_at": upload.expires_at,
    }
