"""OCSP responders of somebody else's authority (RFC 6960), asked about its certificates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from config.runtime.cache import Cache
from config.runtime.clock import Clock
from config.runtime.entropy import Entropy
from config.runtime.outbound import Fetcher, FetchFailed, Outgoing
from esignet.evidence.timestamps.port import NotStamped
from keystore.checking.status import Link, NoStatus, judge_status, responders_of, status_request

NAMED = "certificate"
"""What stands among addresses for those that a certificate names itself."""

KEPT = 43_200.0
"""Seconds for which an answer is taken from memory at most; less where the next is due before."""

MOST_KEPT = 32
"""Answers in memory: one for each certificate of a path, and those of keys that were replaced."""

LARGEST = 32 * 1024
"""Octets of an answer: it goes into every signature that is meant to last."""

_NONCE = 32  # RFC 9654 §2.1

_REQUEST, _RESPONSE = "application/ocsp-request", "application/ocsp-response"


@dataclass(frozen=True, slots=True)
class Told:
    """An OCSPResponse in DER that tells until then (NumericDate) that a certificate is good."""

    response: bytes
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Responders:
    """Those at ``addresses``; each answers within ``seconds``."""

    addresses: Sequence[str]
    fetcher: Fetcher
    clock: Clock
    entropy: Entropy
    kept: Cache[Link, Told]
    seconds: float

    async def good(self, link: Link) -> bytes:
        """Return what tells that a certificate is good now, or raise NotStamped (``revocation``).

        It is asked for when the one of before is overdue; one that is good is not asked again.
        """
        load = partial(self._asked, link)
        told = await self.kept.get(link, load)
        if told.until <= self.clock.now():
            self.kept.forget(link)
            told = await self.kept.get(link, load)
        return told.response

    async def _asked(self, link: Link) -> Told:
        lack = NotStamped("revocation", "a certificate names no responder")
        for address in self._addresses(link):
            try:
                return await self._told(address, link)
            except FetchFailed as failure:
                lack = NotStamped("revocation", f"a responder is not there: {failure.reason}")
            except NoStatus as fault:
                lack = NotStamped("revocation", str(fault))
        raise lack

    def _addresses(self, link: Link) -> Iterator[str]:
        for one in self.addresses:
            yield from responders_of(link) if one == NAMED else (one,)

    async def _told(self, address: str, link: Link) -> Told:
        nonce = self.entropy.bytes(_NONCE)
        request = Outgoing(url=address, body=status_request(link, nonce), content_type=_REQUEST)
        fetched = await self.fetcher.post(request, LARGEST, self.seconds)
        if fetched.status != 200:
            raise FetchFailed("status", str(fetched.status))
        if fetched.content_type != _RESPONSE:
            raise FetchFailed("type")
        until = judge_status(fetched.body, link, nonce, self.clock.now())
        return Told(fetched.body, until)
