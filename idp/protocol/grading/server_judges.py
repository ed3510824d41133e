"""How an issuer is judged: what it publishes, what its profile demands, what is always so."""

from collections.abc import Sequence

from idp.protocol.grading.client_judges import KEYED
from idp.protocol.grading.rule import Ground
from idp.protocol.profile import STRONG_ALGS

LONGEST_CODE = 60
"""Seconds; FAPI 2.0 Security Profile §5.3.2.1 (11)."""


def is_always_so(ground: Ground) -> bool | None:
    """What no setting can switch off; the rule names the test that shows it."""
    return True


def is_https(ground: Ground) -> bool | None:
    """Whether everything under the issuer's address is asked over TLS."""
    return ground.issuer.address.startswith("https://")


def knows_no_password_grant(ground: Ground) -> bool | None:
    """Whether no client may ask people for what they sign in with."""
    return "password" not in ground.offers("grant_types_supported")


def gives_no_token_in_front(ground: Ground) -> bool | None:
    """Whether no response type brings an access token through the browser."""
    types = ground.offers("response_types_supported")
    return not any("token" in one.split() for one in types)


def answers_with_code_only(ground: Ground) -> bool | None:
    """Whether ``code`` is the only response type."""
    return list(ground.offers("response_types_supported")) == ["code"]


def takes_s256_only(ground: Ground) -> bool | None:
    """Whether PKCE is there and ``plain`` is not."""
    return list(ground.offers("code_challenge_methods_supported")) == ["S256"]


def demands_s256(ground: Ground) -> bool | None:
    """The same, of every client."""
    return takes_s256_only(ground) and ground.profile.pkce_always


def names_itself(ground: Ground) -> bool | None:
    """Whether every answer says whose it is (RFC 9207)."""
    return bool(ground.metadata.get("authorization_response_iss_parameter_supported"))


def can_bind_tokens(ground: Ground) -> bool | None:
    """Whether tokens can be bound to a DPoP key or a certificate."""
    return bool(
        ground.offers("dpop_signing_alg_values_supported")
        or ground.metadata.get("tls_client_certificate_bound_access_tokens")
    )


def binds_every_token(ground: Ground) -> bool | None:
    """Whether nobody gets a token that is not bound."""
    return can_bind_tokens(ground) and ground.profile.sender_constrained


def binds_codes(ground: Ground) -> bool | None:
    """Whether a code can be bound to a DPoP key; None without DPoP."""
    return True if ground.offers("dpop_signing_alg_values_supported") else None


def is_for_confidential_clients(ground: Ground) -> bool | None:
    """Whether nobody may come without credentials."""
    return "none" not in ground.offers("token_endpoint_auth_methods_supported")


def demands_keys(ground: Ground) -> bool | None:
    """Whether clients authenticate with keys of their own only."""
    methods = set(ground.offers("token_endpoint_auth_methods_supported"))
    return bool(methods) and methods <= KEYED


def offers_keys(ground: Ground) -> bool | None:
    """Whether clients may authenticate with keys of their own."""
    return bool(set(ground.offers("token_endpoint_auth_methods_supported")) & KEYED)


def is_the_only_audience(ground: Ground) -> bool | None:
    """Whether assertions for other addresses than the issuer are refused."""
    return ground.profile.issuer_is_only_audience


def leaves_refresh_tokens(ground: Ground) -> bool | None:
    """Whether a refresh leaves the refresh token as it is; None without refresh tokens."""
    if "refresh_token" not in ground.offers("grant_types_supported"):
        return None
    return not ground.profile.rotates_refresh_tokens


def codes_are_short_lived(ground: Ground) -> bool | None:
    """Whether a code ends within a minute."""
    return ground.code_lifetime <= LONGEST_CODE


def takes_pushed_requests(ground: Ground) -> bool | None:
    """Whether there is an endpoint for them (RFC 9126)."""
    return "pushed_authorization_request_endpoint" in ground.metadata


def demands_pushed_requests(ground: Ground) -> bool | None:
    """Whether other requests are refused."""
    demanded = ground.metadata.get("require_pushed_authorization_requests") is True
    return bool(takes_pushed_requests(ground)) and demanded and ground.profile.pushed_requests_only


def pushed_requests_are_safe(ground: Ground) -> bool | None:
    """What always holds for pushed requests, if whoever pushes can authenticate."""
    return is_for_confidential_clients(ground) if takes_pushed_requests(ground) else None


def algs_are_strong(ground: Ground) -> bool | None:
    """Whether no weak algorithm is published anywhere, nor used by the issuer."""
    published = (
        set(ground.offers(name))
        for name in ground.metadata
        if name.endswith(("signing_alg_values_supported", "signed_response_alg_values_supported"))
    )
    return set().union(*published, ground.issuer.signing_algs) <= STRONG_ALGS


def demands_signed_requests(ground: Ground) -> bool | None:
    """Whether a request without a signed object is refused."""
    demanded = ground.metadata.get("require_signed_request_object") is True
    return _strong(ground.offers("request_object_signing_alg_values_supported")) and (
        demanded and ground.profile.signed_requests
    )


def judges_signed_requests(ground: Ground) -> bool | None:
    """Whether all claims that protect a signed request are demanded; None without such requests.

    Plain OpenID Connect leaves them to the client (Core 1.0 §6.1).
    """
    if not ground.offers("request_object_signing_alg_values_supported"):
        return None
    return ground.profile.strictness > 0


def demands_signed_answers(ground: Ground) -> bool | None:
    """Whether every answer through the browser is signed (JARM)."""
    return _strong(ground.offers("authorization_signing_alg_values_supported")) and (
        ground.profile.signed_answers
    )


def signs_introspection(ground: Ground) -> bool | None:
    """Whether introspection can be answered with a signed token (RFC 9701)."""
    return _strong(ground.offers("introspection_signing_alg_values_supported"))


def _strong(algs: Sequence[str]) -> bool:
    return bool(algs) and set(algs) <= STRONG_ALGS
