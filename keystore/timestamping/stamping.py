"""The time-stamp authority: its keys sign nothing but tokens that were written here."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.entropy import Entropy
from keystore.authority.authority import Authority, SignOwn
from keystore.authority.profiles import Kind
from keystore.der import cms, oids
from keystore.der.algorithms import HASHES, digest_identifier, signature_algorithm
from keystore.door import KeyServiceUnavailable
from keystore.purposes import OwnRing
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import MOST_ARCHIVED, Imprint
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


@dataclass(frozen=True, slots=True)
class Stamper:
    """A key that stamps: its ring, the kind of its certificate, and the algorithm's JWS name."""

    ring: OwnRing
    kind: Kind
    alg: str

    @property
    def hashed(self) -> HashAlgorithm:
        """Return how the content is hashed: as strong as the signature is (RFC 9882 §3.3)."""
        return HashAlgorithm(HASHES[signature_algorithm(self.alg).hash_oid])


USUAL = Stamper(OwnRing.STAMPING, Kind.STAMPING, "ES256")
LASTING = Stamper(OwnRing.ARCHIVE, Kind.ARCHIVE, "ML-DSA-65")
"""Of the key that is there where the settings want one for archives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamping:
    """Tokens under ``policy`` (an object identifier), while ``is_sure`` of the clock.

    ``archiving`` is who stamps what is kept for decades, under ``archive_policy``; whoever asks
    for a policy gets the key that stamps under it.
    """

    authority: Authority
    sign_own: SignOwn
    clock: Clock
    entropy: Entropy
    policy: str
    is_sure: Callable[[], Awaitable[bool]]
    archiving: Stamper = USUAL
    archive_policy: str = ""

    @property
    def archiver(self) -> bytes:
        """Return the certificate of the key for archives, empty where the usual one stamps."""
        if self.archiving is USUAL:
            return b""
        return self.authority.own(self.archiving.kind).certificate

    async def tokens(self, imprints: Sequence[Imprint], *, archive: bool = False) -> list[bytes]:
        """Return a TimeStampToken over each digest; raises KeyServiceUnavailable, ValueError.

        ``archive`` asks for those that have to last: over signatures and all that proves them.
        """
        for one in imprints:
            if len(one.digest) != one.hash_algorithm.length:
                raise ValueError("a digest has not the length of its algorithm")
        if archive and len(imprints) > MOST_ARCHIVED:
            raise ValueError(f"more than {MOST_ARCHIVED} time-stamps for archives at once")
        if not await self.is_sure():
            raise KeyServiceUnavailable("the clock cannot be stamped with now")
        by = self.archiving if archive else USUAL
        return await self._tokens([Asked(imprint=one) for one in imprints], by)

    async def respond(self, request: bytes) -> bytes:
        """Return the TimeStampResp to a TimeStampReq from anywhere; refusals are responses."""
        try:
            asked = read_request(request)
            by = self._under(asked.policy)
            if not await self.is_sure():
                raise Rejected(Failure.TIME_NOT_AVAILABLE, "the clock is not certain now")
        except Rejected as reason:
            return rejected(reason)
        [token] = await self._tokens([asked], by)
        return granted(token)

    def _under(self, policy: str) -> Stamper:
        if policy in ("", self.policy):
            return USUAL
        if policy == self.archive_policy:
            return self.archiving
        known = " and ".join(filter(None, (self.policy, self.archive_policy)))
        raise Rejected(Failure.UNACCEPTED_POLICY, f"policies are {known}")

    def _policy_of(self, by: Stamper) -> str:
        return self.policy if by is USUAL else self.archive_policy or self.policy

    async def _tokens(self, asked: Sequence[Asked], by: Stamper) -> list[bytes]:
        own, now = self.authority.own(by.kind), self.clock.now()
        above = self.authority.chain(own)[1:-1]
        contents = [
            stamped_statement(
                one,
                policy=self._policy_of(by),
                serial=int.from_bytes(self.entropy.bytes(16), "big") >> 1 | 1,
                at=now,
                accuracy=ACCURACY,
            )
            for one in asked
        ]
        attributes = [
            cms.SignedAttributes(
                content_type=oids.TST_INFO,
                digest=by.hashed.of(content),
                hash_oid=by.hashed.oid,
                certificate=own.certificate,
                signing_time=now,
            ).der()
            for content in contents
        ]
        signatures = await self.sign_own(by.ring, attributes)
        signers = [
            cms.SignerInfo(
                attributes=signed,
                signature=cms.signature_octets(by.alg, raw),
                alg=by.alg,
                certificate=own.certificate,
                hash_oid=by.hashed.oid,
            )
            for signed, raw in zip(attributes, signatures, strict=True)
        ]
        return [
            _token(signer, content, above if one.certificates else None)
            for one, content, signer in zip(asked, contents, signers, strict=True)
        ]


def _token(signer: cms.SignerInfo, content: bytes, above: Sequence[bytes] | None) -> bytes:
    """Return the token; without ``above`` it brings no certificate (RFC 3161 §2.4.1)."""
    return cms.SignedData(
        digest_algorithms=(digest_identifier(signer.hash_oid),),
        encapsulated=cms.encapsulated(oids.TST_INFO, content),
        certificates=() if above is None else (signer.certificate, *above),
        revocations=(),
        signers=(signer.der(),),
        version=3,
    ).der()
