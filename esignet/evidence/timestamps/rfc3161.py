"""A time-stamp authority of somebody else, asked over HTTP (RFC 3161 §3.4)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from hmac import compare_digest
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from config.runtime.breaker import Breaker
from config.runtime.cache import Cache
from config.runtime.clock import Clock
from config.runtime.destinations import NotAllowed, Rules, destination
from config.runtime.entropy import Entropy
from config.runtime.outbound import Fetched, Fetcher, FetchFailed, Outgoing
from config.settings import SettingsError
from config.settings.esignet import TimestampSource
from esignet.evidence.timestamps.lists import KEPT, Lists
from esignet.evidence.timestamps.port import Ground, NotStamped, Stamped, Stamps
from esignet.evidence.timestamps.responders import KEPT as TOLD
from esignet.evidence.timestamps.responders import MOST_KEPT, NAMED, Responders
from esignet.evidence.timestamps.standing import Standing
from esignet.formats.format import Evidence
from keystore.checking.paths import TIME_STAMPING, NoPath, find, pem_certificates
from keystore.checking.paths import Path as CertificatePath
from keystore.checking.timestamp import BadTimestamp, Token, read_token
from keystore.der.reader import NotDer
from keystore.signing.door import Imprint
from keystore.timestamping.asking import Refused, request_of, token_of

LARGEST = 32 * 1024
"""Octets of a response that are read at most: a token with its certificates has about 6000."""

AT_ONCE = 8
"""Requests that one authority gets at the same time."""

SKEW = 300
"""Seconds by which the authority's time may differ from ours (RFC 3161 §2.4.2)."""

_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
_EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_WEB = frozenset((80, 443))
_NOTHING_NEW = frozenset(("busy", "open"))


def build(source: TimestampSource, ground: Ground) -> Stamps:
    """Return the source; raises SettingsError where the settings cannot work."""
    if not source.address or not source.anchors:
        raise SettingsError("esignet.timestamps: an external source needs address and anchors")
    try:
        anchors = tuple(pem_certificates(Path(source.anchors).read_bytes()))
    except (OSError, ValueError) as reason:
        raise SettingsError(
            f"esignet.timestamps: {source.anchors} holds no certificates in PEM"
        ) from reason
    rules = _rules((source.address,), ground)
    return ExternalStamps(
        source=source,
        anchors=anchors,
        fetcher=Fetcher(ground.clock, rules, keep=True),
        standing=Standing(_lists(source, ground), _responders(source, ground)),
        clock=ground.clock,
        entropy=ground.entropy,
        breaker=Breaker(ground.clock),
    )


def _rules(addresses: Sequence[str], ground: Ground, *, plain: bool = False) -> Rules:
    """Let them be where the operator says, also in the operator's own network."""
    try:
        parts = [urlsplit(one) for one in addresses]
        ports = frozenset(one.port or (80 if one.scheme == "http" else 443) for one in parts)
        rules = Rules(private=_EVERYWHERE, ports=ports, loopback=ground.loopback, plain=plain)
        for one in addresses:
            destination(one, rules)
    except (ValueError, NotAllowed) as reason:
        raise SettingsError(f"esignet.timestamps: an address cannot be asked: {reason}") from None
    return rules


def _lists(source: TimestampSource, ground: Ground) -> Lists:
    return Lists(
        addresses=source.lists,
        fetcher=Fetcher(ground.clock, _rules(source.lists, ground, plain=True)),
        clock=ground.clock,
        kept=Cache(ground.clock, entries=len(source.lists) + 1, seconds=KEPT),
        seconds=source.timeout,
    )


def _responders(source: TimestampSource, ground: Ground) -> Responders:
    rules = Rules(ports=_WEB, loopback=ground.loopback, plain=True)  # an address of others' choice
    if source.responders != (NAMED,):
        rules = _rules(source.responders, ground, plain=True)
    return Responders(
        addresses=source.responders,
        fetcher=Fetcher(ground.clock, rules),
        clock=ground.clock,
        entropy=ground.entropy,
        kept=Cache(ground.clock, entries=MOST_KEPT, seconds=TOLD),
        seconds=source.timeout,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalStamps:
    """Asks the authority at ``source.address``, and believes no more than what it proves."""

    source: TimestampSource
    anchors: tuple[bytes, ...]
    fetcher: Fetcher
    standing: Standing
    clock: Clock
    entropy: Entropy
    breaker: Breaker
    is_ours: bool = False
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    @property
    def name(self) -> str:
        """Return the host, which is no secret; the rest of an address may hold one."""
        return urlsplit(self.source.address).hostname or "external"

    async def stamped(self, imprints: Sequence[Imprint], *, archive: bool = False) -> Stamped:
        """Return a token over each imprint, or raise NotStamped for the first that has none.

        What its key is, the authority decides: ``archive`` changes nothing.
        """
        tries = self.breaker.open
        if not self.breaker.allows():
            raise NotStamped("open")
        try:
            made = await self._every(imprints, tries)
            paths = {path.der(): path for _, path in made}
            about = [await self.standing.about(path) for path in paths.values()]
        except NotStamped as lack:
            if lack.reason not in _NOTHING_NEW:
                self.breaker.failed()
            raise
        self.breaker.succeeded()
        return Stamped(tokens=[token for token, _ in made], evidence=_together(about))

    async def close(self) -> None:
        """Close the connections."""
        await self.fetcher.close()
        await self.standing.close()

    async def _every(
        self, imprints: Sequence[Imprint], tries: bool
    ) -> list[tuple[bytes, CertificatePath]]:
        try:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(self._one(imprint, tries)) for imprint in imprints]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return [task.result() for task in asked]

    async def _one(self, imprint: Imprint, tries: bool) -> tuple[bytes, CertificatePath]:
        nonce = int.from_bytes(self.entropy.bytes(16))
        async with self.places:
            if self.breaker.open and not tries:  # it went away while others stood in line
                raise NotStamped("open")
            response = await self._response(request_of(imprint, nonce, self.source.policy))
        try:
            token = token_of(response)
            said = read_token(token)
        except Refused as reason:
            raise NotStamped("refused", str(reason)) from None
        except NotDer as fault:
            raise NotStamped("malformed", str(fault)) from None
        except BadTimestamp as fault:
            raise NotStamped("token", str(fault)) from None
        self._check(said, imprint, nonce)
        return token, self._path(said)

    async def _response(self, request: bytes) -> bytes:
        outgoing = Outgoing(url=self.source.address, body=request, content_type=_QUERY)
        try:
            fetched: Fetched = await self.fetcher.post(outgoing, LARGEST, self.source.timeout)
        except FetchFailed as failure:
            raise NotStamped(failure.reason) from None
        if fetched.status != 200:
            raise NotStamped("status", str(fetched.status))
        if fetched.content_type != _REPLY:
            raise NotStamped("type")
        return fetched.body

    def _check(self, said: Token, imprint: Imprint, nonce: int) -> None:
        """Raise NotStamped unless the token says what was asked, now (RFC 3161 §2.4.2)."""
        if said.hash_oid != imprint.hash_algorithm.oid or not compare_digest(
            said.imprint, imprint.digest
        ):
            raise NotStamped("imprint")
        if said.nonce != nonce:
            raise NotStamped("nonce")
        if self.source.policy and said.policy != self.source.policy:
            raise NotStamped("policy", said.policy)
        if abs(said.at - self.clock.now()) > SKEW:
            raise NotStamped("time", "its clock and ours differ by more than five minutes")

    def _path(self, said: Token) -> CertificatePath:
        try:
            path = find(said.certificate, said.certificates, self.anchors, usage=TIME_STAMPING)
            path.check_times(said.at)
        except NoPath as fault:
            raise NotStamped("authority", str(fault)) from None
        return path


def _together(about: Sequence[Evidence]) -> Evidence:
    """Return what came about several paths, each piece once."""
    return Evidence(
        certificates=tuple(dict.fromkeys(each for one in about for each in one.certificates)),
        ocsp=tuple(dict.fromkeys(each for one in about for each in one.ocsp)),
        crls=tuple(dict.fromkeys(each for one in about for each in one.crls)),
    )
