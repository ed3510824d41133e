"""What an operator does with keys: make the first ones, rotate, move them on, list them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from config.runtime.clock import Clock
from keystore import rotation
from keystore.backends.backend import Algorithm, Unsupported
from keystore.backends.registry import Backends
from keystore.door import (
    KeyServiceUnavailable,
    KeyState,
    MacPurpose,
    NotPermitted,
    SealPurpose,
)
from keystore.jose import public
from keystore.keyring import KeyRing
from keystore.purposes import Administration, OwnRing, OwnSecret, Role
from keystore.rings import issuer_ring, mac_ring, seal_ring
from keystore.rotation import KeyVersion, Policy
from keystore.stores.interfaces import KeyRecords, KeysChanged, KeyUse

_TRIES = 5
_ALGORITHMS: dict[str, Algorithm] = {
    OwnRing.ARCHIVE: Algorithm.ML_DSA_65,
    OwnSecret.WRAPPING: Algorithm.KWP,
    OwnSecret.BINDING: Algorithm.HMAC,
}


@dataclass(frozen=True, slots=True)
class Policies:
    """The policy of each ring: ``tokens`` for every issuer, and one per hash and seal."""

    tokens: Policy
    secrets: Mapping[str, Policy]

    def of(self, ring: str) -> Policy:
        """Return the policy of ``ring``, or of all whose names begin with the same word."""
        return self.secrets.get(ring) or self.secrets.get(ring.partition(":")[0], self.tokens)


class KeyAdministration:
    """Changes keys: decides purely, records the use, writes one unit, then shows it to the ring."""

    def __init__(
        self,
        ring: KeyRing,
        records: KeyRecords,
        backends: Backends,
        policies: Policies,
        clock: Clock,
    ) -> None:
        self._ring = ring
        self._records = records
        self._backends = backends
        self._policies = policies
        self._clock = clock

    async def ensure(
        self, issuers: Mapping[str, Iterable[str]], own: Iterable[OwnRing | OwnSecret] = ()
    ) -> None:
        """Make the first key of every issuer's algorithms, of every hash and seal, and of ``own``.

        A first key is active at once: nobody can hold an older JWKS that should have had it.
        """
        wanted = [
            *((issuer_ring(name), Algorithm(alg)) for name in issuers for alg in issuers[name]),
            *((mac_ring(purpose), Algorithm.HMAC) for purpose in MacPurpose),
            *((seal_ring(purpose), Algorithm.AES) for purpose in SealPurpose),
            *((ring, _ALGORITHMS.get(ring, Algorithm.ES256)) for ring in own),
        ]
        for ring, algorithm in wanted:
            try:
                await self.begin(ring, algorithm)
            except Unsupported:  # who stores keys of people finds out, and tells it
                if ring is not OwnSecret.WRAPPING:
                    raise

    async def begin(self, ring: str, algorithm: Algorithm) -> None:
        """Make the first key of ``ring``, active at once, where it has none of ``algorithm``.

        A ring whose keys wait for somebody has one that waits.
        """
        if not _family(await self._records.versions(), ring, algorithm):
            with suppress(KeysChanged):  # another key service made it first
                await self._add(ring, algorithm, self._first(ring))
        await self._ring.refresh()

    async def choose(self, key: KeyVersion) -> None:
        """Make a key that waited the active one of its ring, unless somebody was quicker."""
        family = _family(await self._records.versions(), key.ring, key.algorithm)
        moves = rotation.chosen(family, key, self._clock.now())
        with suppress(KeysChanged):
            await self._note(Administration.ADVANCE, *(move.after for move in moves))
            await self._records.change((), moves)
        await self._ring.refresh()

    def _first(self, ring: str) -> KeyState:
        return KeyState.PUBLISHED if self._policies.of(ring).waits else KeyState.ACTIVE

    async def keys(self) -> list[KeyVersion]:
        """Return every version that was not destroyed."""
        return await self._records.versions()

    async def refresh(self) -> None:
        """Read the keys again, and change none."""
        await self._ring.refresh()

    async def wake(self) -> None:
        """Let every backend get ready before anybody waits for it; one that is down comes later."""
        backends = self._backends.by_scheme.values()
        await asyncio.gather(*(one.health() for one in backends), return_exceptions=True)

    async def health(self) -> None:
        """Return if every backend in use can use its keys; raise KeyServiceUnavailable."""
        for backend in self._backends.by_scheme.values():
            await backend.health()

    async def rotate(self, ring: str, algorithm: Algorithm, *, emergency: bool) -> KeyVersion:
        """Begin a new version; in an emergency it is active at once. Raises NotPermitted.

        One that waits for somebody still waits then, and nothing of the ring signs meanwhile.
        """
        if not _family(await self._records.versions(), ring, algorithm):
            raise NotPermitted(f"no {algorithm} key in {ring}")
        state = self._first(ring) if emergency else KeyState.PENDING
        fresh = await self._add(ring, algorithm, state)
        await self.advance()
        return fresh

    async def retire(self, ring: str) -> None:
        """End every version of ``ring`` for good, and destroy its keys.

        What cannot be destroyed now is by ``advance``.
        """
        for _ in range(_TRIES):
            now, keys = self._clock.now(), await self._records.versions()
            mine = [key for key in keys if key.ring == ring and key.state is not KeyState.RETIRED]
            moves = [key.moved(KeyState.RETIRED, now) for key in mine]
            if not moves:
                break
            with suppress(KeysChanged):  # another key service moved them, and they are read again
                await self._note(Administration.ADVANCE, *(move.after for move in moves))
                await self._records.change((), moves)
        await self._ring.refresh()
        with suppress(KeyServiceUnavailable):
            await self._clean()

    async def end(self, key: KeyVersion) -> None:
        """End a version for good on which nothing depends any more, unless it moved meanwhile."""
        move = key.moved(KeyState.RETIRED, self._clock.now())
        with suppress(KeysChanged):
            await self._note(Administration.ADVANCE, move.after)
            await self._records.change((), (move,))
        await self._ring.refresh()  # first: what a burnt key signed counts no more, come what may
        await self._clean()

    async def advance(self) -> None:
        """Make every move that is due, and begin a successor for every key that served its time."""
        for _ in range(_TRIES):
            try:
                await self._advance()
                break
            except KeysChanged:
                continue
        await self._ring.refresh()  # first: what a burnt key signed counts no more, come what may
        await self._clean()

    async def _advance(self) -> None:
        keys = await self._records.versions()
        now = self._clock.now()
        for ring in sorted({key.ring for key in keys}):
            mine = [key for key in keys if key.ring == ring]
            policy = self._policies.of(ring)
            for key in rotation.due(mine, now, policy):
                await self._add(ring, key.algorithm, KeyState.PENDING)
            moves = rotation.advance(mine, now, policy)
            if moves:
                await self._note(Administration.ADVANCE, *(move.after for move in moves))
                await self._records.change((), moves)

    async def _add(self, ring: str, algorithm: Algorithm, state: KeyState) -> KeyVersion:
        family = _family(await self._records.versions(), ring, algorithm)
        version = rotation.next_version(family)
        backend = self._backends.maker_of(algorithm)
        made = await backend.generate(algorithm, f"{ring[:48]} {version}")
        fresh = KeyVersion(
            kid=_kid(ring, version, made.public),
            ring=ring,
            algorithm=algorithm,
            version=version,
            ref=made.ref,
            public=made.public,
            state=state,
            since=self._clock.now(),
        )
        moves = () if state is KeyState.PENDING else rotation.emergency(family, fresh)
        try:
            await self._note(Administration.ROTATE, fresh)
            await self._records.change((fresh,), moves)
        except BaseException:
            await backend.destroy(made.ref)
            raise
        return fresh

    async def _clean(self) -> None:
        for key in await self._records.versions():
            if key.state is KeyState.RETIRED:
                await self._backends.of(key.ref).destroy(key.ref)
                await self._records.destroyed(key)

    async def _note(self, administration: Administration, *keys: KeyVersion) -> None:
        await self._records.record(
            [
                KeyUse(
                    role=Role.OPERATOR,
                    purpose=f"administer:{administration}:{key.state}",
                    kid=key.kid,
                    at=self._clock.now(),
                )
                for key in keys
            ]
        )


def _family(keys: Sequence[KeyVersion], ring: str, algorithm: Algorithm) -> list[KeyVersion]:
    return [key for key in keys if key.ring == ring and key.algorithm is algorithm]


def _kid(ring: str, version: int, spki: bytes) -> str:
    return public.thumbprint(public.members(spki)) if spki else f"{ring}.{version}"
