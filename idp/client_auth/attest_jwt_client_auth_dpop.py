"""An attested instance of a client, which proves its key by the DPoP proof of the request.

draft-ietf-oauth-attestation-based-client-auth-10 §5.2, §7.3.
"""

from dataclasses import dataclass

from config.runtime.database.unit import Write
from idp.client_auth.attestation import Attestations, Challenges, check_challenge
from idp.client_auth.method import Carrier, Presented
from idp.protocol.client import Client
from idp.protocol.dpop import ALGS, LONGEST_PROOF, TYP, Expected, judge
from idp.protocol.errors import InvalidClientAttestation, InvalidRequest
from idp.stores.used import Used
from keystore.jose import reader
from keystore.jose.embedded import EmbeddedKeys

_RULES = reader.Rules(algs=frozenset(ALGS), typs=frozenset((TYP,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestJwtClientAuthDpop:
    """``attest_jwt_client_auth_dpop``. Without ``challenges`` none is demanded."""

    attestations: Attestations
    keys: EmbeddedKeys
    used: Used
    challenges: Challenges | None

    name = "attest_jwt_client_auth_dpop"
    carrier = Carrier.NONE

    async def prove(self, presented: Presented, client: Client, now: int) -> tuple[Write, ...]:
        """Return the write that uses the proof up, or raise InvalidClientAttestation.

        It is used up in a room of its own: the sender's proof is judged for itself, and once.
        """
        carried = presented.carried
        key = await self.attestations.verify(carried, client, now)
        if carried.attestation_proof is not None:
            raise InvalidRequest("the client proves its attested key by DPoP alone")
        if carried.proof is None or len(carried.proof) > LONGEST_PROOF:
            raise InvalidClientAttestation("the request has no DPoP proof of the attested key")
        try:
            verified, thumbprint = self.keys.verify(reader.parse(carried.proof), _RULES)
        except reader.BadToken as reason:
            raise InvalidClientAttestation(
                "the request has no DPoP proof of the attested key", detail=str(reason)
            ) from reason
        if thumbprint != key.thumbprint():
            raise InvalidClientAttestation("the DPoP proof is of another key than the attested one")
        expected = Expected(method=carried.method, address=carried.address, now=now)
        proof = judge(verified.claims, expected)
        await check_challenge(self.challenges, proof.nonce, now)
        until, since = proof.expires_at, proof.usable_since
        return (self.used.once("attestation", thumbprint, proof.id, until, since),)
