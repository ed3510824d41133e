"""Issuers: an address, a profile and a key ring each; and the ladder of authentication levels."""

import re
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from config.settings.features import Features
from config.settings.trust import TrustedIssuer

Profile = Literal["fapi2", "fapi2-message-signing", "oidc"]

RESPONSE_TYPES = (
    "code",
    "id_token",
    "id_token token",
    "code id_token",
    "code token",
    "code id_token token",
)
"""The words of each are in alphabetical order, whatever order they are asked in."""


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

    profile: Profile = "fapi2"
    """What the issuer demands of every client: ``fapi2`` (FAPI 2.0 Security Profile),
    ``fapi2-message-signing`` (signed requests and answers on top), or ``oidc`` (plain OpenID
    Connect). A client may be held to a stricter one."""

    algorithms: tuple[str, ...] = ()
    """Algorithms in which the issuer has signing keys; the first is the default. Empty takes
    ES256, PS256 and EdDSA, and RS256 too where the profile allows it."""

    features: Features = Features()
    """What the issuer offers."""

    mtls_address: str = ""
    """Address under which clients with certificates find the issuer's endpoints, named in
    ``mtls_endpoint_aliases`` (RFC 8705 §5): another host or port, the same path. Empty where they
    come to ``address`` itself."""

    ladder: tuple[Acr, ...] = LADDER
    """Authentication levels from the least to the highest."""

    trusted_issuers: tuple[TrustedIssuer, ...] = ()
    """Issuers of others whose assertions are worth tokens (RFC 7523); the grant type jwt-bearer
    must be among ``features.grant_types`` as well."""

    service_documentation: str = ""
    """Address of documentation for relying parties, shown in the metadata when set."""

    @property
    def signing_algs(self) -> tuple[str, ...]:
        """Return the algorithms in which the issuer signs, the default first.

        RS256 is every plain OpenID Connect client's default (Discovery 1.0 §3), and forbidden by
        FAPI 2.0 Security Profile §5.4.
        """
        if self.algorithms:
            return self.algorithms
        return ("ES256", "PS256", "EdDSA", *(("RS256",) if self.profile == "oidc" else ()))

    def __post_init__(self) -> None:
        if self.profile != "oidc" and set(self.algorithms) - {"ES256", "PS256", "EdDSA"}:
            raise ValueError("under FAPI 2.0 an issuer signs with ES256, PS256 and EdDSA only")
        if unknown := set(self.features.response_types) - set(RESPONSE_TYPES):
            raise ValueError(f"unknown response types: {', '.join(sorted(unknown))}")
        if self.profile != "oidc" and self.features.response_types != ("code",):
            raise ValueError("under FAPI 2.0 the only response type is code")
        if self.profile != "oidc" and not self.features.pushed_requests:
            raise ValueError("FAPI 2.0 demands pushed_requests")
        if self.features.enrolment_url and not self.features.enrolment_url.startswith("https://"):
            raise ValueError("enrolment_url is an https address")
        self._check_signing()
        if self.mtls_address:
            own, other = urlsplit(self.address), urlsplit(self.mtls_address)
            if other.scheme != "https" or other.netloc == own.netloc:
                raise ValueError("mtls_address is an https address with another host or port")
            if other._replace(scheme=own.scheme, netloc=own.netloc) != own:
                raise ValueError("mtls_address has the path of the issuer's address")

    def _check_signing(self) -> None:
        features = self.features
        if {"credential", "credential_v2"} & set(features.authorization_details):
            raise ValueError("details for signatures come with signing_service, not by their names")
        if features.signing_acr and features.signing_acr not in {one.name for one in self.ladder}:
            raise ValueError("signing_acr is a level of the ladder")
        if features.signing_max_age < 0:
            raise ValueError("signing_max_age is 0 or more")
        if not re.fullmatch(r"[A-Z]{2}", features.signing_country):
            raise ValueError("signing_country has two capital letters")
        if features.signing_service == self.address:
            raise ValueError("signing_service is another address than the issuer's")
