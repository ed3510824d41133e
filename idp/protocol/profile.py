"""Profiles: what is demanded of a client, as one value for each.

FAPI 2.0 Security Profile (Final), FAPI 2.0 Message Signing (Final), OpenID Connect Core 1.0.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

STRONG_ALGS = frozenset(("ES256", "PS256", "EdDSA"))
"""FAPI 2.0 Security Profile §5.4.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a client must do, and what it may.

    ``auth_methods`` and ``signing_algs`` are what it may use, None for whatever the issuer offers.
    ``issuer_is_only_audience``: the ``aud`` of its assertions is the issuer as one string.
    ``longest_assertion`` is in seconds. ``rotates_refresh_tokens`` says whether a confidential
    client gets a new refresh token at each use.
    """

    name: str
    strictness: int
    auth_methods: frozenset[str] | None = None
    signing_algs: frozenset[str] | None = None
    response_types: frozenset[str] | None = None
    pushed_requests_only: bool = False
    signed_requests: bool = False
    signed_answers: bool = False
    sender_constrained: bool = False
    pkce_always: bool = False
    https_redirects: bool = False
    issuer_is_only_audience: bool = False
    longest_assertion: int = 3600
    rotates_refresh_tokens: bool = True

    def allows_method(self, method: str) -> bool:
        """Return whether a client may authenticate with ``method``."""
        return self.auth_methods is None or method in self.auth_methods

    def allows_alg(self, alg: str) -> bool:
        """Return whether something may be signed with ``alg``."""
        return self.signing_algs is None or alg in self.signing_algs

    def algs_among(self, offered: Iterable[str], registered: str | None) -> frozenset[str]:
        """Return what a client may sign with; ``registered`` is the one that it chose, if any."""
        allowed = frozenset(alg for alg in offered if self.allows_alg(alg))
        return allowed if registered is None else allowed & {registered}


OIDC = Profile(name="oidc", strictness=0)

FAPI2 = Profile(
    name="fapi2",
    strictness=1,
    auth_methods=frozenset(  # §5.3.2.1 (6): confidential clients, asymmetric methods
        (
            "private_key_jwt",
            "tls_client_auth",
            "self_signed_tls_client_auth",
            "attest_jwt_client_auth",
            "attest_jwt_client_auth_dpop",
        )
    ),
    signing_algs=STRONG_ALGS,
    response_types=frozenset(("code",)),
    pushed_requests_only=True,
    sender_constrained=True,
    pkce_always=True,
    https_redirects=True,  # §5.3.2.2 (8): http on loopback is for native applications alone
    issuer_is_only_audience=True,
    longest_assertion=600,
    rotates_refresh_tokens=False,  # §5.3.2.1 (9)
)

MESSAGE_SIGNING = replace(
    FAPI2, name="fapi2-message-signing", strictness=2, signed_requests=True, signed_answers=True
)

PROFILES = {profile.name: profile for profile in (OIDC, FAPI2, MESSAGE_SIGNING)}
"""From the name in settings and registrations."""


def stricter(one: str, other: str) -> str:
    """Return the name of the stricter of two profiles."""
    return max(one, other, key=lambda name: PROFILES[name].strictness)
