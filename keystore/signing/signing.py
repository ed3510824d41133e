"""Signing what a person approved, with a key that lives for that alone.

The order is the guarantee: the activation is judged; keys are made; one unit uses the activation
up, gives out the serial numbers and writes the audit entries; only then are certificates and
documents signed, and the keys destroyed. Whatever fails after the unit, the activation is used up
and the record stands; nothing is ever signed without both.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from config.runtime.audit.records import AuditEntry
from config.runtime.clock import Clock
from config.runtime.entropy import Entropy
from keystore.authority.authority import Authority, Draft
from keystore.authority.profiles import Kind
from keystore.backends.backend import Algorithm, Backend, OneTimeKey, UnknownKey
from keystore.credentials.using import StoredSigning
from keystore.door import KeyServiceUnavailable, NotPermitted
from keystore.keyring import KeyRing
from keystore.purposes import OwnRing, Role
from keystore.signing import activation, log
from keystore.signing.activation import Activation
from keystore.signing.covering import check_plans
from keystore.signing.door import Approval, Signed, SigningOrder
from keystore.signing.recording import Recording
from keystore.signing.structures.building import build
from keystore.signing.structures.structure import BadPlan, Built, Ground

_NOT_YET = b"\x01" * 64
"""Stands for a signature of the authority while a plan is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSigning:
    """The key service's own hand; ``maker`` makes the one-time keys.

    ``stored`` signs with people's stored credentials; None where there are none.
    """

    ring: KeyRing
    maker: Backend
    authority: Authority
    recording: Recording
    clock: Clock
    entropy: Entropy
    stored: StoredSigning | None = None
    made: activation.Made = field(default_factory=activation.Made)

    async def activate(self, approval: Approval) -> str:
        """Return the activation of ``approval``; raises NotPermitted, KeyServiceUnavailable."""
        now = self.clock.now()
        if approval.credential:
            await self._stored().usable(approval, now)
        claims = activation.claims_of(approval, self.entropy.token(16), now)
        [token] = await self.recording.tokens(
            OwnRing.ACTIVATION, activation.TYP, [claims], Role.IDP
        )
        self.made.add(token)
        return token

    async def sign(self, order: SigningOrder) -> list[Signed]:
        """Return a signature per plan. Raises NotActivated, NotPermitted, KeyServiceUnavailable."""
        now = self.clock.now()
        judge = self.made.judge(order.activation)
        keys_of_ours = self.ring.own_keys(OwnRing.ACTIVATION)
        approved = activation.judged(order.activation, keys_of_ours, now, judge)
        activation.check_digests(approved, order.hash_algorithm, order.digests)
        check_plans(order, approved)
        if approved.credential:
            return await self._stored().signed(order, approved, now)
        try:
            return await self._with_new_keys(order, approved, now)
        except BadPlan as reason:
            raise NotPermitted(str(reason)) from reason
        except UnknownKey as reason:
            raise KeyServiceUnavailable("the token lost a one-time key") from reason

    async def _with_new_keys(
        self, order: SigningOrder, approved: Activation, now: int
    ) -> list[Signed]:
        keys = await self._keys(1 if order.one_key else len(order.plans))
        try:
            return await self._signed(order, approved, keys, now)
        except BaseException:  # keys that signed are gone already
            await asyncio.shield(self._discard(keys))
            raise

    def _stored(self) -> StoredSigning:
        if self.stored is None:
            raise NotPermitted("there are no stored credentials here")
        return self.stored

    async def _signed(
        self, order: SigningOrder, approved: Activation, keys: Sequence[OneTimeKey], now: int
    ) -> list[Signed]:
        drafts = [
            self.authority.draft(key.public, approved.holder, Kind.ONE_TIME, now) for key in keys
        ]
        whose = [0] * len(order.plans) if order.one_key else list(range(len(order.plans)))
        for plan, place in zip(order.plans, whose, strict=True):  # a bad plan uses nothing up
            trial = drafts[place].unsigned.finished(_NOT_YET)
            build(plan, _ground(order, trial, drafts[place], now))
        entries = [
            _entry(approved, number, drafts[place], now) for number, place in enumerate(whose)
        ]
        issued = [self.authority.issued_write(draft) for draft in drafts]
        await self.recording.use_up(approved.jti, approved.exp, issued, entries)
        made = await self.ring.sign_by(
            drafts[0].issuer, [draft.unsigned.signed for draft in drafts]
        )
        certificates = [
            draft.unsigned.finished(raw) for draft, raw in zip(drafts, made, strict=True)
        ]
        built = [
            build(plan, _ground(order, certificates[place], drafts[place], now))
            for plan, place in zip(order.plans, whose, strict=True)
        ]
        values = await self._values(keys, whose, built)
        promises = await self.recording.promises(entries, approved, now)
        return [
            Signed(
                parts=one.parts,
                value=value,
                alg=Algorithm.ES256.value,
                certificate=certificates[place],
                chain=drafts[place].chain,
                signed_at=now,
                promise=promise.encode(),
            )
            for one, value, place, promise in zip(built, values, whose, promises, strict=True)
        ]

    async def _keys(self, count: int) -> list[OneTimeKey]:
        if count == 1:  # as nearly always: no task for a single one
            return [await self.maker.one_time(Algorithm.ES256)]
        making = [asyncio.ensure_future(self.maker.one_time(Algorithm.ES256)) for _ in range(count)]
        try:
            await asyncio.wait(making)
            return [one.result() for one in making]
        except BaseException:  # also of a caller that hung up while the token was at work
            await asyncio.shield(self._discard_made(making))
            raise

    async def _discard_made(self, making: Sequence[asyncio.Future[OneTimeKey]]) -> None:
        made = await asyncio.gather(*making, return_exceptions=True)
        await self._discard([one for one in made if isinstance(one, OneTimeKey)])

    async def _values(
        self, keys: Sequence[OneTimeKey], whose: Sequence[int], built: Sequence[Built]
    ) -> list[bytes]:
        if len(keys) == 1:  # as nearly always
            octets = [one.signed for one in built]
            return await self.maker.sign_and_destroy(keys[0].handle, Algorithm.ES256, octets)
        per_key: list[list[int]] = [[] for _ in keys]
        for number, place in enumerate(whose):
            per_key[place].append(number)
        found = await asyncio.gather(
            *(
                self.maker.sign_and_destroy(
                    key.handle, Algorithm.ES256, [built[number].signed for number in numbers]
                )
                for key, numbers in zip(keys, per_key, strict=True)
            )
        )
        values = [b""] * len(built)
        for numbers, some in zip(per_key, found, strict=True):
            for number, value in zip(numbers, some, strict=True):
                values[number] = value
        return values

    async def checkpoint(self, text: bytes) -> bytes:
        """Return the token that signs a checkpoint of the key service's own audit log."""
        claims = log.checkpoint_claims(text)
        [token] = await self.recording.tokens(
            OwnRing.AUDIT, log.CHECKPOINT, [claims], Role.OPERATOR
        )
        return token.encode()

    async def _discard(self, keys: Sequence[OneTimeKey]) -> None:
        await asyncio.gather(
            *(self.maker.discard(key.handle) for key in keys), return_exceptions=True
        )


def _ground(order: SigningOrder, certificate: bytes, draft: Draft, now: int) -> Ground:
    return Ground(
        hash_algorithm=order.hash_algorithm,
        digests=order.digests,
        certificate=certificate,
        chain=draft.chain[:-1],
        alg=Algorithm.ES256.value,
        now=now,
    )


def _entry(approved: Activation, number: int, draft: Draft, now: int) -> AuditEntry:
    return AuditEntry(
        at=now,
        actor=Role.ESIGNET,
        action="document.signed",
        about=f"{approved.jti}.{number}",
        details={
            "client": approved.client_id,
            "approved": approved.digests.hex(),
            "count": approved.count,
            "serial": draft.issued.serial,
        },
    )
