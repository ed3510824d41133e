"""DPoP proofs of requests: verified, judged, and each good for one request (RFC 9449 §4.3)."""

from dataclasses import dataclass

from config.runtime.database.unit import Write
from idp.flows.dpop_nonces import DpopNonces
from idp.protocol.carried import Carried
from idp.protocol.dpop import ALGS, LONGEST_PROOF, TYP, Expected, judge
from idp.protocol.errors import InvalidDpopProof
from idp.protocol.grant import Confirmation
from idp.stores.used import Used
from keystore.jose import reader
from keystore.jose.embedded import EmbeddedKeys

_RULES = reader.Rules(algs=frozenset(ALGS), typs=frozenset((TYP,)))


@dataclass(frozen=True, slots=True)
class ProvenKey:
    """The key that a proof proves. ``write`` uses the proof up: put it into the unit.

    ``nonce`` is what the sender should use from now on, if it is not what it used.
    """

    confirmation: Confirmation
    write: Write
    nonce: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DpopProofs:
    """Proofs at the endpoints of one issuer. Without ``nonces`` none is demanded."""

    keys: EmbeddedKeys
    used: Used
    nonces: DpopNonces | None

    async def verify(
        self, carried: Carried, now: int, access_token: str | None = None
    ) -> ProvenKey:
        """Return the proven key, or raise InvalidDpopProof or UseDpopNonce.

        ``access_token`` is what the proof comes with at a resource.
        """
        if carried.proof is None:
            raise InvalidDpopProof("the request has no DPoP proof")
        if len(carried.proof) > LONGEST_PROOF:
            raise InvalidDpopProof("the proof is too long")
        try:
            parsed = reader.parse(carried.proof)
            verified, thumbprint = self.keys.verify(parsed, _RULES)
        except reader.BadToken as reason:
            raise InvalidDpopProof(
                "the proof is not a DPoP proof signed with the key in its jwk", detail=str(reason)
            ) from None
        expected = Expected(
            method=carried.method, address=carried.address, now=now, access_token=access_token
        )
        proof = judge(verified.claims, expected)
        nonce = None if self.nonces is None else await self.nonces.check(proof.nonce, now)
        write = self.used.once("dpop", thumbprint, proof.id, proof.expires_at, proof.usable_since)
        return ProvenKey(Confirmation(jkt=thumbprint), write, nonce)
