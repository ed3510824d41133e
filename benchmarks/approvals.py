"""What persons approved, made ahead: an access token with an activation, and the request it opens.

The generator plays idp's part through idp's own socket. What that costs the key service is before
the slice; it is printed apart (``benchmarks.signing``).
"""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from benchmarks.processes import BenchFailed
from benchmarks.wire import post_json
from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from config.wiring.world import World
from idp.protocol.claims_request import NOTHING
from idp.protocol.grant import Authorization, Grant
from idp.protocol.signing import SigningApproval
from idp.protocol.tokens import AccessToken, access_token_claims
from idp.stores.grants import Grants
from keystore.door import Order, TokenKind
from keystore.signing.digests import HashAlgorithm, list_hash
from keystore.signing.door import ActivationKind, Approval, CertificateSubject

LIFETIME = 300
SHA256 = HashAlgorithm.SHA256
CLIENT = "office"
TYPE = "https://cloudsignatureconsortium.org/2025/credential"
QUALIFIER = "zz_national_aes"
Details = tuple[dict[str, object], ...]
TOGETHER = 64
"""Approvals that are made in one turn."""


@dataclass(slots=True)
class Approvals:
    """Requests of signatures at B-LT over ``count`` digests each, with what opens them."""

    world: World
    resident_id: str
    host: str = ""
    count: int = 1
    _ready: list[bytes] = field(default_factory=list)

    @classmethod
    async def opened(cls, world: World) -> "Approvals":
        """Return the approvals of a resident who is there."""
        found = await world.residents.find("1000000000", world.clock.now())
        if found is None:
            raise BenchFailed("nobody is there to approve")
        return cls(world, found.id)

    def begin(self, count: int) -> None:
        """Have ``count`` digests under each approval from now on."""
        self.count = count
        self._ready.clear()

    async def sign_ahead(self, count: int) -> None:
        """Have ``count`` requests that were not used yet."""
        self._ready.clear()
        while len(self._ready) < count:
            await self._more(min(TOGETHER, count - len(self._ready)))

    async def next(self) -> bytes:
        """Return a request that was not used yet."""
        if not self._ready:
            await self._more(1)
        return self._ready.pop()

    async def _more(self, number: int) -> None:
        listed = [[SystemEntropy().bytes(32) for _ in range(self.count)] for _ in range(number)]
        tokens = await self.approved(listed)
        self._ready += [
            post_json(self.host, "/csc/v2/signatures/signDoc", _asked(digests), token)
            for digests, token in zip(listed, tokens, strict=True)
        ]

    async def approved(self, listed: Sequence[Sequence[bytes]]) -> list[str]:
        """Return an access token for each list of digests, which it approves."""
        now, made = SystemClock().now(), list[tuple[Authorization, Details]]()
        for digests in listed:
            allowed = self._authorization(self.resident_id, "ana-as-the-office-knows-her", now)
            made.append((allowed, (await self._activation(allowed, digests, now),)))
        return await self._tokens(made, now)

    async def own(self) -> str:
        """Return a token of the client itself, with which it makes signature requests."""
        now = SystemClock().now()
        [token] = await self._tokens([(self._authorization("", CLIENT, now), ())], now)
        return token

    async def _tokens(self, made: Sequence[tuple[Authorization, Details]], now: int) -> list[str]:
        world, issuer = self.world, self.world.settings.issuers[0]
        service = world.settings.esignet.address
        grants = [
            Grant(authorization=allowed, created_at=now, updated_at=now, expires_at=now + LIFETIME)
            for allowed, _ in made
        ]
        await world.database.submit(*map(Grants(world.database).insert, grants))
        orders = [
            Order(
                TokenKind.ACCESS_TOKEN,
                "ES256",
                access_token_claims(allowed, _token(allowed, service, details, now)),
            )
            for allowed, details in made
        ]
        return await world.door.sign(issuer.address, orders)

    async def _activation(
        self, allowed: Authorization, digests: Sequence[bytes], now: int
    ) -> dict[str, object]:
        approval = SigningApproval(
            type=TYPE,
            transaction=SystemEntropy().token(16),
            page=bytes(32),
            algorithm=SHA256.value,
            oid=SHA256.oid,
            count=len(digests),
            digests=list_hash(SHA256, digests),
            credential="",
            qualifier=QUALIFIER,
            named=False,
        )
        assert self.world.activations is not None
        activation = await self.world.activations.activate(
            Approval(
                kind=ActivationKind.PERSON,
                transaction=approval.transaction,
                subject=allowed.subject,
                client_id=allowed.client_id,
                holder=CertificateSubject(
                    serial=hashlib.sha256(allowed.subject.encode()).hexdigest()[:32],
                    country="XX",
                    pseudonym=allowed.subject,
                ),
                hash_algorithm=SHA256,
                count=approval.count,
                digests=approval.digests,
                acr="level2",
                amr=("otp", "pin"),
                auth_time=now - 10,
                consent=approval.page,
            )
        )
        return approval.told(activation)

    def _authorization(self, resident_id: str, subject: str, now: int) -> Authorization:
        return Authorization(
            grant_id=SystemEntropy().token(16),
            issuer=self.world.settings.issuers[0].address,
            client_id=CLIENT,
            resident_id=resident_id,
            subject=subject,
            scope=("openid", "credential", "signatures"),
            claims=NOTHING,
            granted_claims=frozenset(),
            claims_locales=(),
            session_id=SystemEntropy().token(16),
            auth_time=now - 10,
            acr="level2",
            amr=("otp", "pin"),
            nonce=None,
            auth_time_asked=False,
        )


def _token(allowed: Authorization, service: str, details: Details, now: int) -> AccessToken:
    return AccessToken(
        issuer=allowed.issuer,
        audience=(service,),
        subject=allowed.subject,
        client_id=allowed.client_id,
        grant_id=allowed.grant_id,
        scope=allowed.scope,
        id=SystemEntropy().token(16),
        issued_at=now,
        expires_at=now + LIFETIME,
        details=details,
        auth_time=allowed.auth_time,
        acr=allowed.acr,
    )


def _asked(digests: Sequence[bytes]) -> bytes:
    return msgspec.json.encode(
        {
            "signatureQualifier": QUALIFIER,
            "documentDigests": [
                {
                    "hashes": [b64encode(digest).decode() for digest in digests],
                    "hashAlgorithmOID": SHA256.oid,
                    "signAlgo": "1.2.840.10045.4.3.2",
                    "signature_format": "C",
                    "conformance_level": "Ades-B-LT",
                }
            ],
        }
    )
