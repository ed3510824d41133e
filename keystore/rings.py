"""A still picture of every key in use, made once per change and read on every request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keystore.backends.backend import SIGNING
from keystore.door import KeyState, MacPurpose, PublishedKey, SealPurpose, TokenKind
from keystore.jose import public, writer
from keystore.jose.jwk import Jwk, JwkSet, key_of
from keystore.purposes import OwnRing
from keystore.rotation import KeyVersion

_OWN = frozenset(OwnRing)
_OF_TOKENS = (OwnRing.ACTIVATION, OwnRing.AUDIT)
ORGANIZATION = "organization"
"""The word before an organisation's name in the name of its ring."""

_SHOWN = (KeyState.PUBLISHED, KeyState.ACTIVE, KeyState.RETIRING)


def issuer_ring(issuer: str) -> str:
    """Return the name of the ring that signs for ``issuer``."""
    return f"issuer:{issuer}"


def mac_ring(purpose: MacPurpose) -> str:
    """Return the name of the ring of a keyed hash."""
    return f"mac:{purpose}"


def seal_ring(purpose: SealPurpose) -> str:
    """Return the name of the ring of a seal."""
    return f"seal:{purpose}"


def organization_ring(organization: str) -> str:
    """Return the name of the ring with which an organisation seals."""
    return f"{ORGANIZATION}:{organization}"


@dataclass(frozen=True, slots=True)
class Signer:
    """The active signing key of an issuer and algorithm, with its prepared headers."""

    key: KeyVersion
    headers: Mapping[TokenKind, bytes]


@dataclass(frozen=True, slots=True)
class Rings:
    """Every key in use. ``readers`` are the versions of a secret that still read, newest first.

    ``own`` are the versions of our own rings, ``sealers`` those of organisations, newest first;
    ``own_keys`` are the public keys of those of our own that sign tokens.
    """

    signers: Mapping[tuple[str, str], Signer]
    own: Mapping[OwnRing, tuple[KeyVersion, ...]]
    sealers: Mapping[str, tuple[KeyVersion, ...]]
    own_keys: Mapping[OwnRing, JwkSet]
    published: Mapping[str, tuple[PublishedKey, ...]]
    makers: Mapping[str, KeyVersion]
    readers: Mapping[str, tuple[KeyVersion, ...]]


def picture(keys: Iterable[KeyVersion]) -> Rings:
    """Return the rings that ``keys`` make."""
    signers: dict[tuple[str, str], Signer] = {}
    published: dict[str, list[PublishedKey]] = {}
    own: dict[OwnRing, list[KeyVersion]] = {}
    sealers: dict[str, list[KeyVersion]] = {}
    own_keys: dict[OwnRing, list[Jwk]] = {}
    makers: dict[str, KeyVersion] = {}
    readers: dict[str, list[KeyVersion]] = {}
    for key in sorted(keys, key=_newest_first):
        if key.state not in _SHOWN:
            continue
        if key.ring in _OWN:
            own.setdefault(OwnRing(key.ring), []).append(key)
            if key.ring in _OF_TOKENS:
                mine = own_keys.setdefault(OwnRing(key.ring), [])
                mine.append(key_of(key.public, key.algorithm, key.kid))
            continue
        kind, _, name = key.ring.partition(":")
        if kind == ORGANIZATION:  # nothing but documents is signed with it
            sealers.setdefault(name, []).append(key)
            continue
        if key.algorithm in SIGNING:
            issuer = key.ring.removeprefix("issuer:")
            published.setdefault(issuer, []).append(_published(key))
            if key.state is KeyState.ACTIVE:
                signers[issuer, key.algorithm.value] = _signer(key)
            continue
        readers.setdefault(key.ring, []).append(key)
        if key.state is KeyState.ACTIVE:
            makers[key.ring] = key
    return Rings(
        signers,
        {ring: tuple(versions) for ring, versions in own.items()},
        {name: tuple(versions) for name, versions in sealers.items()},
        {ring: JwkSet(tuple(found)) for ring, found in own_keys.items()},
        {issuer: tuple(shown) for issuer, shown in published.items()},
        makers,
        {ring: tuple(versions) for ring, versions in readers.items()},
    )


def _newest_first(key: KeyVersion) -> tuple[str, str, int]:
    return key.ring, key.algorithm, -key.version


def _published(key: KeyVersion) -> PublishedKey:
    shown = public.jwk(key.public, key.algorithm, key.kid)
    return PublishedKey(kid=key.kid, alg=key.algorithm.value, state=key.state, jwk=shown)


def _signer(key: KeyVersion) -> Signer:
    prepared = {kind: writer.header(kind, key.algorithm, key.kid) for kind in TokenKind}
    return Signer(key, prepared)
