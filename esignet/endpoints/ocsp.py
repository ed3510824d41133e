"""The status of certificates for everybody (RFC 6960 Appendix A, RFC 5019): POST, and GET."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from hashlib import sha256
from typing import Protocol

from config.runtime.clock import Clock
from config.runtime.malformed import Malformed
from config.runtime.web.answer import Answer, bytes_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from keystore.authority.addresses import STATUS_PATH
from keystore.authority.responder import LONGEST_REQUEST
from keystore.door import KeyServiceUnavailable

REQUEST = "application/ocsp-request"
RESPONSE = "application/ocsp-response"
KEPT = 300
"""Seconds for which caches may keep an answer: what is revoked is known everywhere after that."""

_TRY_LATER = b"\x30\x03\x0a\x01\x03"  # RFC 6960 §4.2.1: OCSPResponseStatus 3 and nothing else


class Statuses(Protocol):
    """What of the key service is needed here (`keystore.signing.door.Documents`)."""

    async def status_response(self, request: bytes) -> bytes:
        """Return an OCSPResponse to an OCSPRequest, both in DER."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspEndpoint:
    """The responder at ``origins``."""

    responder: Statuses
    clock: Clock
    origins: Sequence[str] = ()
    budget: str = "tokens"

    def routes(self) -> list[Route]:
        """Return the address of questions in a body, and of those in the address itself."""
        return [
            Route(
                path=path,
                endpoints=endpoints,
                budget=self.budget,
                origins=self.origins,
                operations={
                    method: {"summary": "The status of a certificate (RFC 6960)"}
                    for method in endpoints
                },
            )
            for path, endpoints in (
                (STATUS_PATH, {"POST": self.post}),
                (f"{STATUS_PATH}/{{rest}}", {"GET": self.get}),
            )
        ]

    async def post(self, call: Call) -> Answer:
        """Answer a request in the body."""
        if call.header("content-type") != REQUEST:
            raise Malformed(f"a request is sent as {REQUEST}", 415)
        return bytes_answer(await self._response(await call.body(LONGEST_REQUEST)), RESPONSE)

    async def get(self, call: Call) -> Answer:
        """Answer a request in the address, in base64; caches may keep the answer (RFC 5019 §6)."""
        try:
            request = base64.b64decode(call.captured["rest"], validate=True)
        except binascii.Error:
            raise Malformed("what follows /ocsp/ is no base64") from None
        response = await self._response(request)
        if len(response) < 32:  # a refusal
            return bytes_answer(response, RESPONSE)
        now = self.clock.now()
        answer = bytes_answer(response, RESPONSE, no_store=False)
        lasting = f"max-age={KEPT}, public, no-transform, must-revalidate"
        answer.headers += [
            (b"cache-control", lasting.encode()),
            (b"last-modified", formatdate(now, usegmt=True).encode()),
            (b"expires", formatdate(now + KEPT, usegmt=True).encode()),
            (b"etag", f'"{sha256(response).hexdigest()}"'.encode()),
        ]
        return answer

    async def _response(self, request: bytes) -> bytes:
        try:
            return await self.responder.status_response(request)
        except KeyServiceUnavailable:
            return _TRY_LATER
