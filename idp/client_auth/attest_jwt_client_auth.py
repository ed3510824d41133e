"""An attested instance of a client, which proves its key by a token of its own.

draft-ietf-oauth-attestation-based-client-auth-10 §5.1, §7.2.
"""

from dataclasses import dataclass, replace

from config.runtime.database.unit import Write
from idp.client_auth.attestation import Attestations, Challenges, check_challenge, parsed_header
from idp.client_auth.method import Carrier, Presented
from idp.protocol.attestation import ALGS, PROOF_TYP, judge_proof
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClientAttestation
from idp.stores.used import Used
from keystore.jose import reader
from keystore.jose.jwk import JwkSet

_RULES = reader.Rules(algs=frozenset(ALGS), typs=frozenset((PROOF_TYP,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestJwtClientAuth:
    """``attest_jwt_client_auth``. Without ``challenges`` none is demanded."""

    attestations: Attestations
    issuer: str
    used: Used
    challenges: Challenges | None

    name = "attest_jwt_client_auth"
    carrier = Carrier.NONE

    async def prove(self, presented: Presented, client: Client, now: int) -> tuple[Write, ...]:
        """Return the write that uses the proof up, or raise InvalidClientAttestation."""
        carried = presented.carried
        key = await self.attestations.verify(carried, client, now)
        if carried.attestation_proof is None:
            raise InvalidClientAttestation("the request has no OAuth-Client-Attestation-PoP")
        try:
            parsed = parsed_header(carried.attestation_proof)
            verified = reader.verify(parsed, JwkSet((replace(key, kid=None),)), _RULES)
        except reader.BadToken as reason:
            raise InvalidClientAttestation(
                "the proof is not signed with the attested key", detail=str(reason)
            ) from reason
        proof = judge_proof(verified.claims, self.issuer, now)
        await check_challenge(self.challenges, proof.challenge, now)
        owner, until = key.thumbprint(), proof.expires_at
        return (self.used.once("attestation", owner, proof.id, until, proof.usable_since),)
