"""An organisation that seals: how certificates name it, and whose word counts as its own."""

import re
from dataclasses import dataclass

import msgspec

from config.shown_text import hidden
from keystore.authority.profiles import name_of
from keystore.door import NotPermitted
from keystore.jose import jwk
from keystore.jose.jwk import JwkSet, KeyRefused
from keystore.signing.door import CertificateSubject

ALGORITHMS = frozenset(["ES256", "ES384", "PS256", "EdDSA"])
"""With which an organisation signs its authorizations."""

LARGEST_KEYS = 64 * 1024
"""Octets of the set of an organisation's public keys."""

_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?", re.ASCII)
_MOST_A_DAY = 10**9


class NewOrganization(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """What an operator enrols. ``id`` is what its authorizations have as ``iss``.

    ``identifier`` is as ETSI EN 319 412-1 §5.1.4 writes it (``NTRUT-12345``), ``jwks`` the set of
    its public keys (RFC 7517 §5), ``per_day`` how many documents it may seal in a day of UTC, 0
    for any number.
    """

    id: str
    name: str
    identifier: str
    country: str
    jwks: bytes
    per_day: int = 0

    @property
    def subject(self) -> CertificateSubject:
        """Return how its certificate names it (ETSI EN 319 412-3 §4.2.1)."""
        return CertificateSubject(
            serial="",
            country=self.country,
            organization=self.name,
            organization_identifier=self.identifier,
        )


class OrganizationChange(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """What an operator changes: other keys for its authorizations, another limit; None stays.

    Who an organisation is never changes: that is what its certificate says.
    """

    id: str
    jwks: bytes | None = None
    per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """One that is enrolled. ``disabled_at`` is None while it may seal."""

    said: NewOrganization
    keys: JwkSet
    enrolled_at: int
    disabled_at: int | None = None


class ShownOrganization(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """What an operator sees. ``certificate`` (DER) and ``kid`` are of the key that seals now."""

    said: NewOrganization
    enrolled_at: int
    disabled_at: int | None
    kid: str
    certificate: bytes
    sealed_today: int


def check(asked: NewOrganization) -> None:
    """Raise NotPermitted, with the reason, for an organisation that could not seal."""
    if not _ID.fullmatch(asked.id):
        raise NotPermitted("an organisation's id has 1 to 48 letters, digits and hyphens")
    _check_limit(asked.per_day)
    if not asked.name or not asked.identifier:
        raise NotPermitted("an organisation has a name and the identifier of its registration")
    if reason := hidden(asked.name):
        raise NotPermitted(f"the name {reason}")
    if not _COUNTRY.fullmatch(asked.country):
        raise NotPermitted("a country is two capital letters")
    try:
        name_of(asked.subject)
    except ValueError as reason:
        raise NotPermitted(f"no certificate can name this organisation: {reason}") from None
    keys_of(asked.jwks)


def check_change(asked: OrganizationChange) -> None:
    """Raise NotPermitted, with the reason, for a change after which nobody could seal."""
    if asked.jwks is None and asked.per_day is None:
        raise NotPermitted("nothing is to be changed")
    if asked.jwks is not None:
        keys_of(asked.jwks)
    if asked.per_day is not None:
        _check_limit(asked.per_day)


def _check_limit(per_day: int) -> None:
    if not 0 <= per_day <= _MOST_A_DAY:
        raise NotPermitted("a limit per day is 0 or more")


def keys_of(jwks: bytes) -> JwkSet:
    """Return the keys of a set with which authorizations may be signed, or raise NotPermitted.

    Every key must name itself and be able to sign: whoever enrols the wrong set learns it now.
    """
    if len(jwks) > LARGEST_KEYS:
        raise NotPermitted(f"a key set has {LARGEST_KEYS} octets at most")
    try:
        keys = jwk.parse_set(jwks)
    except KeyRefused as reason:
        raise NotPermitted(str(reason)) from None
    if not keys.keys or any(not one.algs & ALGORITHMS for one in keys.keys):
        raise NotPermitted(f"every key must be for one of {', '.join(sorted(ALGORITHMS))}")
    if any(one.kid is None for one in keys.keys):
        raise NotPermitted("every key needs a kid")
    return keys
