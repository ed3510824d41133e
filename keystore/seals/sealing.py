"""Sealing: with an organisation's key, on the organisation's own word, asked for by our service.

The order is the guarantee, as for people: the authorization is judged and the plans are tried; one
unit uses the authorization up, counts the documents and writes the audit entries; then it is
signed. Nothing is ever sealed without all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from config.runtime.audit.records import AuditEntry, DatabaseAudit
from config.runtime.clock import Clock
from config.runtime.database.unit import Refused
from keystore.authority.authority import Authority, expires_at
from keystore.door import KeyServiceUnavailable, NotPermitted
from keystore.keyring import KeyRing
from keystore.purposes import OwnRing, Role
from keystore.rotation import KeyVersion
from keystore.seals import authorization
from keystore.seals.authorization import Authorization
from keystore.signing import log
from keystore.signing.door import NotActivated, Signed, SigningOrder, UsedBefore
from keystore.signing.recording import Recording
from keystore.signing.structures.building import build
from keystore.signing.structures.structure import BadPlan, Built, Ground
from keystore.stores.activations import use
from keystore.stores.authority import AuthorityRecords, OwnCertificate
from keystore.stores.organizations import Enrolled, Organizations
from keystore.x509.parsed import parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """``address`` is the signing service's: whom an authorization must be for."""

    store: Organizations
    issued: AuthorityRecords
    ring: KeyRing
    authority: Authority
    recording: Recording
    clock: Clock
    address: str

    async def sign(self, order: SigningOrder) -> list[Signed]:
        """Return a seal per plan; the order's activation is an organisation's authorization.

        Raises NotActivated, NotPermitted, KeyServiceUnavailable.
        """
        now = self.clock.now()
        said = await self._judged(order.activation, now)
        key = self.ring.sealer(said.iss)
        own = await self._certificate(key, now)
        chain = self.authority.chain(own)[1:]
        ground = Ground(
            hash_algorithm=order.hash_algorithm,
            digests=order.digests,
            certificate=own.certificate,
            chain=chain[:-1],
            alg=key.algorithm.value,
            now=now,
        )
        try:
            built = _built(said, order, ground)
        except BadPlan as reason:
            raise NotPermitted(str(reason)) from reason
        word = order.activation
        entries = [_entry(said, word, number, key.kid, now) for number in range(len(built))]
        await self._use_up(said, entries, now)
        values = await self.ring.sign_by(key, [one.signed for one in built])
        promises = await self._promises(said, entries, now)
        return [
            Signed(
                parts=one.parts,
                value=value,
                alg=key.algorithm.value,
                certificate=own.certificate,
                chain=chain,
                signed_at=now,
                promise=promise.encode(),
            )
            for one, value, promise in zip(built, values, promises, strict=True)
        ]

    async def _judged(self, token: str, now: int) -> Authorization:
        claimed = authorization.parsed(token)
        name = claimed.claims.get("iss")
        found: Enrolled | None = None
        if isinstance(name, str) and name.isascii() and name.isprintable():
            found = await self.store.find(name)
        if found is None or found.organization.disabled_at is not None:
            raise NotActivated("no organisation that may seal says this")
        return authorization.judged(claimed, found.organization, self.address, now)

    async def _certificate(self, key: KeyVersion, now: int) -> OwnCertificate:
        """Return the certificate of the key that seals, while it counts."""
        own = self.authority.of(key.kid)
        if own is None or expires_at(own) <= now:
            raise KeyServiceUnavailable("the organisation has no certificate yet")
        issued = await self.issued.issued(f"{parsed(own.certificate).serial_number:x}")
        if issued is None or issued.revoked_at is not None:
            raise NotActivated("the certificate of the organisation was revoked")
        return own

    async def _promises(
        self, said: Authorization, entries: Sequence[AuditEntry], now: int
    ) -> list[str]:
        claims = [log.promise_claims(entry, now, said.told()) for entry in entries]
        return await self.recording.tokens(OwnRing.AUDIT, log.PROMISE, claims)

    async def _use_up(self, said: Authorization, entries: Sequence[AuditEntry], now: int) -> None:
        using, audit = use(said.name, said.exp), DatabaseAudit()
        counting = self.store.counted(said.iss, said.count, now)
        try:
            await self.store.database.submit(
                using, counting, *(audit.write(one) for one in entries)
            )
        except Refused as reason:
            if reason.write is using:
                raise UsedBefore("the authorization was used before") from None
            raise NotActivated("the organisation has sealed as much as it may today") from None


def _built(said: Authorization, order: SigningOrder, ground: Ground) -> list[Built]:
    authorization.check_order(said, order)
    return [build(plan, ground) for plan in order.plans]


def _entry(said: Authorization, word: str, number: int, kid: str, now: int) -> AuditEntry:
    return AuditEntry(
        at=now,
        actor=Role.ESIGNET,
        action="document.sealed",
        about=f"{said.name}.{number}",
        details={
            "organization": said.iss,
            "authorized": said.list_hash.hex(),
            "word": sha256(word.encode()).hexdigest(),
            "count": said.count,
            "key": kid,
        },
    )
