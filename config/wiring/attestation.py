"""Attestation-based client authentication of an issuer, plugged together."""

from pathlib import Path

from config.settings import Issuer, SettingsError
from config.wiring.world import World
from idp.client_auth.attest_jwt_client_auth import AttestJwtClientAuth
from idp.client_auth.attest_jwt_client_auth_dpop import AttestJwtClientAuthDpop
from idp.client_auth.attestation import Attestations
from idp.client_auth.keys import ClientKeys
from idp.client_auth.method import Method
from idp.endpoints.challenge import ChallengeEndpoint
from idp.flows.dpop_nonces import DpopNonces
from idp.stores.used import Used
from keystore.jose.embedded import EmbeddedKeys
from keystore.jose.jwk import JwkSet, KeyRefused, parse_set
from keystore.x509.authorities import Authorities
from keystore.x509.certificate import CertificateRefused


def attestation_methods(
    world: World, issuer: Issuer, keys: ClientKeys, used: Used
) -> tuple[Method, ...]:
    """Return both methods, or raise SettingsError for keys of attesters that are none."""
    attestations = Attestations(keys, _attesters(issuer), _authorities(issuer))
    challenges = _challenges(world, issuer) if issuer.features.attestation_challenge else None
    return (
        AttestJwtClientAuth(
            attestations=attestations, issuer=issuer.address, used=used, challenges=challenges
        ),
        AttestJwtClientAuthDpop(
            attestations=attestations, keys=EmbeddedKeys(), used=used, challenges=challenges
        ),
    )


def challenge_endpoint(world: World, issuer: Issuer) -> tuple[ChallengeEndpoint, ...]:
    """Return the endpoint, where challenges are demanded."""
    if not issuer.features.attestation_challenge:
        return ()
    newest = _challenges(world, issuer).newest
    return (ChallengeEndpoint(issuer.address, newest, world.clock),)


def _challenges(world: World, issuer: Issuer) -> DpopNonces:
    """The challenges are the nonces of DPoP: one proof may have to hold both (§5.2)."""
    return DpopNonces(issuer.address, world.door, world.clock)


def _attesters(issuer: Issuer) -> JwkSet | None:
    if not issuer.features.attesters:
        return None
    try:
        return parse_set(Path(issuer.features.attesters).read_bytes())
    except (OSError, KeyRefused) as reason:
        raise SettingsError(f"features.attesters: {reason}") from reason


def _authorities(issuer: Issuer) -> Authorities | None:
    if not issuer.features.attester_ca:
        return None
    try:
        pem = Path(issuer.features.attester_ca).read_bytes()
        return Authorities.load(pem, of_clients=False)
    except (OSError, CertificateRefused) as reason:
        raise SettingsError(f"features.attester_ca: {reason}") from reason
