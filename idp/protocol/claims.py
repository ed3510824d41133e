"""Claims about a person: which were asked for, and which of their values are told.

OpenID Connect Core 1.0: the standard claims §5.1, languages §5.2, by scope §5.4, singly §5.5.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from idp.protocol.authorization import AuthorizationRequest
from idp.protocol.claims_request import Asked
from idp.protocol.grant import Authorization

CLAIMS_OF_SCOPE: Mapping[str, tuple[str, ...]] = {
    "profile": (
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}
"""§5.4."""

SCOPES = ("openid", *CLAIMS_OF_SCOPE, "offline_access")

STANDARD = frozenset(name for names in CLAIMS_OF_SCOPE.values() for name in names)
"""Every claim about a person that can be asked for (§5.1); others are ignored (§5.5)."""

VERIFIED = {"email_verified": "email", "phone_number_verified": "phone_number"}
"""Claims that tell whether another one was verified."""


class Attribute(Protocol):
    """One value of one claim, as ``idp.residents.port.Attribute`` says."""

    @property
    def name(self) -> str: ...

    @property
    def locale(self) -> str: ...

    @property
    def value(self) -> Any: ...

    @property
    def verified_at(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class RequestedClaim:
    """A claim that the client would like to have. ``essential``: the service needs it (§5.5.1)."""

    name: str
    essential: bool


def requested_claims(request: AuthorizationRequest) -> tuple[RequestedClaim, ...]:
    """Return each claim about the person that is asked for, once, in the order of §5.1.

    Names have no language tag: a person agrees to share a name, in whatever language. What a scope
    asks for is voluntary (§5.4).
    """
    essential = dict.fromkeys(_of_scope(request.scope), False)
    for asked in (request.claims.userinfo, request.claims.id_token):
        for name, how in asked.items():
            base = name.partition("#")[0]
            if base in STANDARD:
                essential[base] = essential.get(base, False) or how.essential
    ordered = (name for names in CLAIMS_OF_SCOPE.values() for name in names)
    return tuple(RequestedClaim(name, essential[name]) for name in ordered if name in essential)


def userinfo_claims(
    authorization: Authorization, scope: Sequence[str] | None = None
) -> dict[str, Asked]:
    """Return what userinfo tells, by name (perhaps with a language tag) and how it was asked for.

    ``scope`` is that of the access token, which may be narrower than what was granted.
    """
    granted = authorization.scope if scope is None else scope
    asked = {name: Asked() for name in _of_scope(granted)}
    asked.update(authorization.claims.userinfo)
    return _released(authorization, asked)


def id_token_claims(authorization: Authorization) -> dict[str, Asked]:
    """Return what the ID token tells about the person: what was asked for there (§5.4, §5.5)."""
    return _released(authorization, authorization.claims.id_token)


def attribute_names(asked: Iterable[str]) -> frozenset[str]:
    """Return the attributes to read for claims that may carry language tags."""
    names = {name.partition("#")[0] for name in asked}
    return frozenset(names | {VERIFIED[name] for name in names if name in VERIFIED})


def told(
    attributes: Iterable[Attribute], asked: Mapping[str, Asked], locales: Sequence[str]
) -> dict[str, Any]:
    """Return the claims with their values (§5.2).

    ``name#ar`` is told in that language or not at all. Without a tag it is told in the first of
    ``locales`` (``claims_locales``) that there is, else in the default one, and besides once for
    each of ``locales`` that there is. A claim that was asked for with a value is told when it has
    that value (§5.5.1).
    """
    values: dict[str, dict[str, Any]] = {}
    for attribute in attributes:
        values.setdefault(attribute.name, {})[attribute.locale] = attribute.value
        for name, of in VERIFIED.items():
            if of == attribute.name:
                values.setdefault(name, {}).setdefault("", attribute.verified_at is not None)
    claims: dict[str, Any] = {}
    for name, how in asked.items():
        base, _, tag = name.partition("#")
        for told_name, value in _spoken(base, tag, values.get(base, {}), locales):
            if not how.values or value in how.values:
                claims[told_name] = value
    return claims


def _of_scope(scope: Iterable[str]) -> Iterable[str]:
    return (name for value in scope for name in CLAIMS_OF_SCOPE.get(value, ()))


def _released(authorization: Authorization, asked: Mapping[str, Asked]) -> dict[str, Asked]:
    """Keep what the person agreed to share."""
    granted = authorization.granted_claims & STANDARD
    return {name: how for name, how in asked.items() if name.partition("#")[0] in granted}


def _spoken(
    base: str, tag: str, by_locale: Mapping[str, Any], locales: Sequence[str]
) -> list[tuple[str, Any]]:
    if not by_locale:
        return []
    if tag:
        found = _nearest(tag, by_locale)
        return [] if found is None else [(f"{base}#{tag}", by_locale[found])]
    wished = [(tag, found) for tag in locales if (found := _nearest(tag, by_locale)) is not None]
    default = "" if "" in by_locale else min(by_locale)
    plain = wished[0][1] if wished else default
    tagged = [(f"{base}#{found}", by_locale[found]) for _, found in wished if found]
    return [(base, by_locale[plain]), *tagged]


def _nearest(tag: str, by_locale: Mapping[str, Any]) -> str | None:
    """Return the locale there is that matches ``tag`` (RFC 4647 §3.4), without regard to case."""
    known = {locale.lower(): locale for locale in by_locale if locale}
    wanted = tag.lower()
    while wanted:
        if wanted in known:
            return known[wanted]
        wanted = wanted.rpartition("-")[0]
    return None
