"""The time-stamp authority: its key signs nothing but tokens that were written here."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.entropy import Entropy
from keystore.authority.authority import Authority, SignOwn
from keystore.authority.profiles import Kind
from keystore.der import cms, oids
from keystore.der.algorithms import digest_identifier
from keystore.door import KeyServiceUnavailable
from keystore.purposes import OwnRing
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Imprint
from keystore.timestamping.messages import (
    Asked,
    Failure,
    Rejected,
    granted,
    read_request,
    rejected,
    stamped_statement,
)

ACCURACY = 1
"""Seconds by which a time-stamp may be wrong (ETSI EN 319 421 §7.7.1)."""

_HASH = HashAlgorithm.SHA256


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamping:
    """Tokens under ``policy`` (an object identifier), while ``is_sure`` of the clock."""

    authority: Authority
    sign_own: SignOwn
    clock: Clock
    entropy: Entropy
    policy: str
    is_sure: Callable[[], Awaitable[bool]]

    async def tokens(self, imprints: Sequence[Imprint]) -> list[bytes]:
        """Return a TimeStampToken over each digest; raises KeyServiceUnavailable, ValueError."""
        for one in imprints:
            if len(one.digest) != one.hash_algorithm.length:
                raise ValueError("a digest has not the length of its algorithm")
        if not await self.is_sure():
            raise KeyServiceUnavailable("the clock cannot be stamped with now")
        return await self._tokens([Asked(imprint=one) for one in imprints])

    async def respond(self, request: bytes) -> bytes:
        """Return the TimeStampResp to a TimeStampReq from anywhere; refusals are responses."""
        try:
            asked = read_request(request)
            if asked.policy not in ("", self.policy):
                raise Rejected(Failure.UNACCEPTED_POLICY, f"the only policy is {self.policy}")
            if not await self.is_sure():
                raise Rejected(Failure.TIME_NOT_AVAILABLE, "the clock is not certain now")
        except Rejected as reason:
            return rejected(reason)
        [token] = await self._tokens([asked])
        return granted(token)

    async def _tokens(self, asked: Sequence[Asked]) -> list[bytes]:
        own, now = self.authority.own(Kind.STAMPING), self.clock.now()
        above = self.authority.chain(own)[1:-1]
        contents = [
            stamped_statement(
                one,
                policy=self.policy,
                serial=int.from_bytes(self.entropy.bytes(16), "big") >> 1 | 1,
                at=now,
                accuracy=ACCURACY,
            )
            for one in asked
        ]
        attributes = [
            cms.SignedAttributes(
                content_type=oids.TST_INFO,
                digest=_HASH.of(content),
                hash_oid=_HASH.oid,
                certificate=own.certificate,
                signing_time=now,
            ).der()
            for content in contents
        ]
        signatures = await self.sign_own(OwnRing.STAMPING, attributes)
        return [
            _token(own.certificate, above if one.certificates else None, *parts)
            for one, *parts in zip(asked, contents, attributes, signatures, strict=True)
        ]


def _token(
    certificate: bytes,
    above: Sequence[bytes] | None,
    content: bytes,
    attributes: bytes,
    raw: bytes,
) -> bytes:
    """Return the token; without ``above`` it brings no certificate (RFC 3161 §2.4.1)."""
    signer = cms.SignerInfo(
        attributes=attributes,
        signature=cms.ecdsa_der(raw),
        alg="ES256",
        certificate=certificate,
        hash_oid=_HASH.oid,
    )
    return cms.SignedData(
        digest_algorithms=(digest_identifier(_HASH.oid),),
        encapsulated=cms.encapsulated(oids.TST_INFO, content),
        certificates=() if above is None else (certificate, *above),
        revocations=(),
        signers=(signer.der(),),
        version=3,
    ).der()
