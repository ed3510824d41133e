"""Certificates of our authorities, and lists of what they took back, where certificates say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from config.runtime.web.answer import Answer, bytes_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from keystore.authority.addresses import files
from keystore.door import KeyServiceUnavailable
from keystore.signing.door import AuthorityShown

_TYPES = {"crt": "application/pkix-cert", "crl": "application/pkix-crl"}  # RFC 2585 §4
_KEPT = {"crt": 86_400, "crl": 600}
RETRY_AFTER = b"5"


class Authorities(Protocol):
    """What of the key service is needed here (`keystore.signing.door.Documents`)."""

    async def authority(self) -> AuthorityShown:
        """Return the certificates and revocation lists of our authority."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatesEndpoint:
    """``/ca/{key identifier}.crt`` and ``.crl`` of every authority at ``origins``."""

    documents: Authorities
    origins: Sequence[str] = ()
    budget: str = "tokens"

    def routes(self) -> list[Route]:
        """Return the address of both kinds."""
        return [
            Route(
                path="/ca/{file}",
                endpoints={"GET": self.get},
                budget=self.budget,
                origins=self.origins,
                operations={
                    "GET": {"summary": "An authority's certificate or revocation list (DER)"}
                },
            )
        ]

    async def get(self, call: Call) -> Answer:
        """Answer the file in DER, or 404."""
        try:
            octets = files(await self.documents.authority()).get(call.path)
        except KeyServiceUnavailable:
            return Answer(503, [(b"retry-after", RETRY_AFTER)])
        if octets is None:
            return Answer(404, [])
        kind = call.path[-3:]
        answer = bytes_answer(octets, _TYPES[kind], no_store=False)
        answer.headers.append((b"cache-control", f"public, max-age={_KEPT[kind]}".encode()))
        return answer
