"""What a client attestation and the proof of its possession must say.

draft-ietf-oauth-attestation-based-client-auth-10. Signatures are verified before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.settings import Issuer
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClientAttestation, InvalidClientMetadata

METHODS = ("attest_jwt_client_auth", "attest_jwt_client_auth_dpop")
"""With a proof of its own (§5.1), and with a DPoP proof that serves for both (§5.2)."""

ALGS = ("ES256", "PS256", "EdDSA")
"""FAPI 2.0 Security Profile §5.4.1; a MAC would make every issuer able to attest."""

ATTESTATION_TYP = "oauth-client-attestation+jwt"
PROOF_TYP = "oauth-client-attestation-pop+jwt"

LONGEST = 16_384
"""Characters of each of the two headers."""

LONGEST_CHAIN = 5
"""Certificates in the header of an attestation."""

LONGEST_ID = 512

SKEW = 30
"""Seconds that the clocks of attester, client and issuer may differ."""

OLDEST = 300
"""Seconds that a proof may be old; its ``jti`` is remembered until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Possession:
    """A proof that fits. ``id`` is good once between ``usable_since`` and ``expires_at``."""

    id: str
    usable_since: int
    expires_at: int
    challenge: str | None


def judge_attestation(claims: Mapping[str, Any], client_id: str, now: int) -> dict[str, Any]:
    """Return the key of the client instance (a JWK), or raise InvalidClientAttestation (§4)."""
    if claims.get("sub") != client_id:
        raise InvalidClientAttestation("sub of the attestation is not the client")
    expires_at = _time(claims.get("exp"))
    if expires_at is None:
        raise InvalidClientAttestation("the attestation has no exp")
    if expires_at <= now - SKEW:
        raise InvalidClientAttestation("the attestation expired")
    _check_begun(claims, now, "attestation")
    confirmation = claims.get("cnf")
    key = confirmation.get("jwk") if isinstance(confirmation, dict) else None
    if not isinstance(key, dict):
        raise InvalidClientAttestation("the attestation has no key in cnf")
    return key


def judge_proof(claims: Mapping[str, Any], issuer: str, now: int) -> Possession:
    """Return what the proof says, or raise InvalidClientAttestation (§5.1, §7.2)."""
    if claims.get("aud") not in (issuer, [issuer]):
        raise InvalidClientAttestation("aud of the attestation's proof is not this issuer")
    proof_id = claims.get("jti")
    if not isinstance(proof_id, str) or not 0 < len(proof_id) <= LONGEST_ID:
        raise InvalidClientAttestation("the attestation's proof has no usable jti")
    issued_at = _time(claims.get("iat"))
    if issued_at is None:
        raise InvalidClientAttestation("the attestation's proof has no iat")
    if issued_at < now - OLDEST:
        raise InvalidClientAttestation("the attestation's proof is too old")
    _check_begun(claims, now, "attestation's proof")
    expires_at = _time(claims.get("exp", now))
    if expires_at is None or expires_at <= now - SKEW:
        raise InvalidClientAttestation("the attestation's proof expired")
    challenge = claims.get("challenge")
    return Possession(
        id=proof_id,
        usable_since=int(issued_at) - SKEW,
        expires_at=int(issued_at) + OLDEST + 1,
        challenge=challenge if isinstance(challenge, str) else None,
    )


def check_registration(client: Client, issuer: Issuer) -> None:
    """Raise InvalidClientMetadata unless somebody is there whose attestations count."""
    method = client.token_endpoint_auth_method
    known = client.jwks is not None or client.jwks_uri is not None
    trusted = issuer.features.attesters or issuer.features.attester_ca
    if method in METHODS and not known and not trusted:
        raise InvalidClientMetadata(
            "attestations need a trusted attester: its keys in jwks or at jwks_uri"
        )


def metadata(issuer: Issuer) -> dict[str, Any]:
    """Return what is told of attestations (§8)."""
    told: dict[str, Any] = {
        "client_attestation_signing_alg_values_supported": list(ALGS),
        "client_attestation_pop_signing_alg_values_supported": list(ALGS),
    }
    if issuer.features.attestation_challenge:
        told["challenge_endpoint"] = f"{issuer.address.rstrip('/')}/challenge"
    return told


def _check_begun(claims: Mapping[str, Any], now: int, what: str) -> None:
    for name in ("iat", "nbf"):
        moment = _time(claims.get(name, 0))
        if moment is None or moment > now + SKEW:
            raise InvalidClientAttestation(f"{name} of the {what} lies in the future")


def _time(value: object) -> float | None:
    """Return a NumericDate (RFC 7519 §2); None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < 2**53 else None
