"""Issuers: an address, a profile and a key ring each; and the ladder of authentication levels."""

from typing import Literal

import msgspec


class Acr(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rung of the ladder: a level and the combinations of factors that reach it."""

    name: str
    """The value of the ``acr`` claim."""

    factors: tuple[tuple[str, ...], ...]
    """Each inner list is a combination of factors that together reach this level."""


LADDER = (
    Acr(name="mosip:idp:acr:generated-code", factors=(("otp",),)),
    Acr(name="mosip:idp:acr:static-code", factors=(("pin",),)),
    Acr(name="mosip:idp:acr:time-code", factors=(("totp",),)),
    Acr(
        name="urn:symbolon:acr:two-factor",
        factors=(("otp", "pin"), ("totp", "pin"), ("otp", "totp")),
    ),
)


class Issuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One OpenID provider of this deployment."""

    address: str
    """The issuer identifier: an https address without query or fragment (http on loopback)."""

    name: dict[str, str] = msgspec.field(default_factory=lambda: {"": "Symbolon"})
    """What the service is called, by language; "" is the default."""

    profile: Literal["oidc"] = "oidc"
    """What the issuer demands of clients. There is one so far: ``oidc``, plain OpenID Connect."""

    algorithms: tuple[str, ...] = ("ES256", "RS256", "PS256", "EdDSA")
    """Algorithms in which the issuer has signing keys; the first is the default."""

    ladder: tuple[Acr, ...] = LADDER
    """Authentication levels from the least to the highest."""

    service_documentation: str = ""
    """Address of documentation for relying parties, shown in the metadata when set."""
