"""The door, answered in this process: KeyUse(caller, purpose, at) -> permitted -> recorded -> done.

Every use of every key passes ``KeyRing._use``. Uses of token, hash and seal keys are tallied and
written by ``flush``; what an operator does is recorded durably before it is done (R8).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from config.runtime.clock import Clock
from keystore.backends.backend import Sealing
from keystore.batches import Batches
from keystore.door import (
    BadSeal,
    Door,
    KeyServiceUnavailable,
    KeyState,
    Mac,
    MacPurpose,
    NotPermitted,
    Order,
    PublishedKey,
    SealPurpose,
)
from keystore.jose import writer
from keystore.jose.jwk import JwkSet
from keystore.orders import claims_of
from keystore.purposes import (
    Act,
    Administration,
    DocumentUse,
    OwnRing,
    OwnSecret,
    Purpose,
    Role,
    permits,
)
from keystore.rings import Rings, Signer, mac_ring, picture, seal_ring
from keystore.rotation import KeyVersion
from keystore.stores.interfaces import KeyRecords, KeyUse

MOST_SEALED = 8 * 1024
MOST_BOUND = 1024
_OWN = frozenset(OwnRing)
_SEAL_FORMAT = 1
_SEAL_HEADER = 3


class KeyRing:
    """All keys of a deployment. ``door`` gives one role's view of it."""

    def __init__(self, records: KeyRecords, batches: Batches, clock: Clock) -> None:
        self._records = records
        self._batches = batches
        self._clock = clock
        self._rings: Rings | None = None
        self._keys: frozenset[KeyVersion] = frozenset()
        self._listeners: list[Callable[[], None]] = []
        self._tally: Counter[tuple[Role, Act, Purpose, str]] = Counter()

    def door(self, role: Role) -> Door:
        """Return the door through which ``role`` asks."""
        return _RoleDoor(self, role)

    def on_change(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` whenever the keys changed."""
        self._listeners.append(tell)

    async def refresh(self) -> None:
        """Read the keys again, and tell who listens if they changed."""
        keys = frozenset(await self._records.versions())
        if keys == self._keys and self._rings is not None:
            return
        self._keys, self._rings = keys, picture(keys)
        for tell in self._listeners:
            tell()

    async def flush(self) -> None:
        """Write the tally of uses since the last flush; keep it if it cannot be written."""
        tally, self._tally = self._tally, Counter()
        if not tally:
            return
        now = self._clock.now()
        uses = [
            KeyUse(role=role, purpose=f"{act}:{purpose}", kid=kid, at=now, count=count)
            for (role, act, purpose, kid), count in tally.items()
        ]
        try:
            await self._records.record(uses)
        except BaseException:
            self._tally += tally
            raise

    async def sign(self, role: Role, issuer: str, orders: Sequence[Order]) -> list[str]:
        """Return a compact JWS per order."""
        rings = self._read()
        inputs: list[bytes] = []
        signers: list[Signer] = []
        for order in orders:
            signer = rings.signers.get((issuer, order.alg))
            if signer is None:
                raise NotPermitted(f"no active {order.alg} key of {issuer}")
            self._use(role, Act.SIGN, order.kind, signer.key.kid)
            claims = claims_of(issuer, order.claims, order.kind)
            signers.append(signer)
            inputs.append(writer.signing_input(signer.headers[order.kind], claims))
        signatures = await self._signatures(signers, inputs)
        return [writer.compact(*pair) for pair in zip(inputs, signatures, strict=True)]

    def own(self, ring: OwnRing) -> KeyVersion:
        """Return the active key of one of our own rings, or raise KeyServiceUnavailable."""
        return _active(self.kept(ring), ring)

    def kept(self, ring: OwnRing) -> Sequence[KeyVersion]:
        """Return every version of one of our own rings from published to retiring, newest first."""
        return self._read().own.get(ring, ())

    def sealer(self, organization: str) -> KeyVersion:
        """Return the key with which an organisation seals, or raise KeyServiceUnavailable."""
        return _active(self.sealers().get(organization, ()), organization)

    def sealers(self) -> Mapping[str, Sequence[KeyVersion]]:
        """Return the same of every organisation."""
        return self._read().sealers

    def own_keys(self, ring: OwnRing) -> JwkSet:
        """Return the public keys of one of our own rings, as long as what they signed counts."""
        return self._read().own_keys.get(ring, JwkSet(()))

    async def sign_own(
        self, ring: OwnRing, messages: Sequence[bytes], role: Role = Role.ESIGNET
    ) -> list[bytes]:
        """Return the signature (r || s) of each message that the key service made itself.

        ``role`` is on whose behalf.
        """
        return await self.sign_by(self.own(ring), messages, role)

    async def sign_by(
        self, key: KeyVersion, messages: Sequence[bytes], role: Role = Role.ESIGNET
    ) -> list[bytes]:
        """Return the same by this key of ours or of an organisation, which may be retiring."""
        use = OwnRing(key.ring) if key.ring in _OWN else DocumentUse.SEAL
        self._tally[role, Act.SIGN, use, key.kid] += len(messages)
        return await self._batches.sign(key, messages)

    def secret(self, ring: OwnSecret) -> KeyVersion:
        """Return the active key of one of our own secrets, or raise KeyServiceUnavailable."""
        key = self._read().makers.get(ring)
        if key is None:
            raise KeyServiceUnavailable(f"no active key in {ring}")
        return key

    def secrets(self, ring: OwnSecret) -> tuple[KeyVersion, ...]:
        """Return every version of one of our own secrets that still reads, newest first."""
        return self._read().readers.get(ring, ())

    async def mac_own(
        self, ring: OwnSecret, key: KeyVersion, messages: Sequence[bytes]
    ) -> list[bytes]:
        """Return HMAC-SHA-256 of each message under a version of one of our own secrets."""
        self.note(Act.MAC, ring, key, len(messages))
        return await self._batches.mac(key, messages)

    def note(self, act: Act, ring: OwnSecret, key: KeyVersion, count: int = 1) -> None:
        """Tally uses of one of our own secrets, which are all on behalf of esignet."""
        self._tally[Role.ESIGNET, act, ring, key.kid] += count

    def use(self, role: Role, use: DocumentUse) -> None:
        """Return if ``role`` may ask for this, or raise NotPermitted."""
        self._use(role, Act.ASK, use, "")

    async def published(self, issuer: str) -> list[PublishedKey]:
        """Return every key of the issuer from published to retiring."""
        try:
            return list(self._read().published[issuer])
        except KeyError:
            raise NotPermitted(f"no keys of {issuer}") from None

    async def macs(
        self, role: Role, purpose: MacPurpose, messages: Sequence[bytes]
    ) -> list[tuple[Mac, ...]]:
        """Return keyed hashes under each version in use, the one that makes new ones first."""
        rings, ring = self._read(), mac_ring(purpose)
        maker = rings.makers.get(ring)
        if maker is None:
            raise NotPermitted(f"no active key for {purpose}")
        self._use(role, Act.MAC, purpose, maker.kid, len(messages))
        bound = [purpose.value.encode() + b"\0" + message for message in messages]
        older = [key for key in rings.readers[ring] if key.version < maker.version]
        versions = (maker, *older)
        if older:
            made = await asyncio.gather(*(self._batches.mac(key, bound) for key in versions))
        else:  # as nearly always: no task for a single call
            made = [await self._batches.mac(maker, bound)]
        numbers = [key.version for key in versions]
        return [tuple(map(Mac, numbers, values)) for values in zip(*made, strict=True)]

    async def seal(
        self, role: Role, purpose: SealPurpose, plaintext: bytes, bound_to: bytes
    ) -> bytes:
        """Return format, key version, nonce, ciphertext and tag."""
        if len(plaintext) > MOST_SEALED or len(bound_to) > MOST_BOUND:
            raise NotPermitted("too long to be sealed")
        key = self._read().makers.get(seal_ring(purpose))
        if key is None:
            raise NotPermitted(f"no active key for {purpose}")
        self._use(role, Act.SEAL, purpose, key.kid)
        header = bytes([_SEAL_FORMAT]) + key.version.to_bytes(_SEAL_HEADER - 1, "big")
        associated = _associated(header, purpose, bound_to)
        return header + await self._batches.encrypt(key, Sealing(plaintext, associated))

    async def open(self, role: Role, purpose: SealPurpose, sealed: bytes, bound_to: bytes) -> bytes:
        """Return what ``seal`` was given, or raise BadSeal."""
        header, body = sealed[:_SEAL_HEADER], sealed[_SEAL_HEADER:]
        version = int.from_bytes(header[1:], "big")
        readers = self._read().readers.get(seal_ring(purpose), ())
        key = next((key for key in readers if key.version == version), None)
        self._use(role, Act.OPEN, purpose, key.kid if key else "")
        if key is None or header[:1] != bytes([_SEAL_FORMAT]) or len(body) > 2 * MOST_SEALED:
            raise BadSeal("not sealed by a key in use")
        associated = _associated(header, purpose, bound_to)
        plain = await self._batches.decrypt(key, Sealing(body, associated))
        if plain is None:
            raise BadSeal("altered, or bound to something else")
        return plain

    async def _signatures(self, signers: Sequence[Signer], inputs: Sequence[bytes]) -> list[bytes]:
        places: dict[str, list[int]] = {}
        for place, signer in enumerate(signers):
            places.setdefault(signer.key.kid, []).append(place)
        if len(places) == 1:
            return await self._batches.sign(signers[0].key, inputs)
        made = await asyncio.gather(
            *(
                self._batches.sign(signers[mine[0]].key, [inputs[place] for place in mine])
                for mine in places.values()
            )
        )
        signatures = [b""] * len(inputs)
        for mine, some in zip(places.values(), made, strict=True):
            for place, signature in zip(mine, some, strict=True):
                signatures[place] = signature
        return signatures

    def permit(self, role: Role, administration: Administration) -> None:
        """Return if ``role`` may administer keys so, or raise NotPermitted."""
        self._use(role, Act.ADMINISTER, administration, "")

    def _read(self) -> Rings:
        if self._rings is None:
            raise KeyServiceUnavailable("the keys were not read yet")
        return self._rings

    def _use(self, role: Role, act: Act, purpose: Purpose, kid: str, count: int = 1) -> None:
        if not permits(role, act, purpose):
            raise NotPermitted(f"{role} may not {act} {purpose}")
        self._tally[role, act, purpose, kid] += count


class _RoleDoor(Door):
    def __init__(self, ring: KeyRing, role: Role) -> None:
        self._ring = ring
        self._role = role

    async def sign(self, issuer: str, orders: Sequence[Order]) -> list[str]:
        return await self._ring.sign(self._role, issuer, orders)

    async def published(self, issuer: str) -> list[PublishedKey]:
        return await self._ring.published(issuer)

    async def macs(self, purpose: MacPurpose, messages: Sequence[bytes]) -> list[tuple[Mac, ...]]:
        return await self._ring.macs(self._role, purpose, messages)

    async def seal(self, purpose: SealPurpose, plaintext: bytes, bound_to: bytes) -> bytes:
        return await self._ring.seal(self._role, purpose, plaintext, bound_to)

    async def open(self, purpose: SealPurpose, sealed: bytes, bound_to: bytes) -> bytes:
        return await self._ring.open(self._role, purpose, sealed, bound_to)


def _active(versions: Sequence[KeyVersion], ring: str) -> KeyVersion:
    found = next((key for key in versions if key.state is KeyState.ACTIVE), None)
    if found is None:
        raise KeyServiceUnavailable(f"no active key in {ring}")
    return found


def _associated(header: bytes, purpose: SealPurpose, bound_to: bytes) -> bytes:
    # The purpose has no NUL and the header has a fixed length, so no two triples look alike.
    return b"symbolon seal\0" + header + purpose.value.encode() + b"\0" + bound_to
