"""Who sends a request: the key that the sender proves to hold (RFC 9449, RFC 8705 §3)."""

from dataclasses import dataclass

from config.runtime.database.unit import Write
from idp.flows.dpop_proofs import DpopProofs
from idp.protocol.carried import Carried
from idp.protocol.client import Client
from idp.protocol.errors import InvalidDpopProof, InvalidRequest
from idp.protocol.grant import Confirmation
from idp.protocol.mtls import certificate_confirmation
from idp.protocol.parameters import Parameters
from idp.protocol.profile import PROFILES


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """``confirmation`` is the key that was proven, if any; ``writes`` use the proof up.

    ``nonce`` is what the next DPoP proof of this sender should hold: it goes into the answer.
    """

    confirmation: Confirmation | None
    writes: tuple[Write, ...] = ()
    nonce: str | None = None


NOBODY = Sender(confirmation=None)
"""A sender that proved no key, and need not."""


@dataclass(frozen=True, slots=True)
class Senders:
    """Proves the senders of requests to one issuer. Without ``proofs`` DPoP is switched off."""

    proofs: DpopProofs | None

    async def prove(self, carried: Carried, client: Client, now: int) -> Sender:
        """Return the sender, or raise an OAuthError where the client owes a proof.

        A client that is bound to a certificate is bound by nothing else; any other that sends a
        proof is bound to its key, though it need not be.
        """
        if client.tls_client_certificate_bound_access_tokens:
            return _by_certificate(carried)
        if carried.proof is not None:
            return await self._by_proof(carried, now)
        if client.dpop_bound_access_tokens or PROFILES[client.profile].sender_constrained:
            raise InvalidDpopProof("the request has no DPoP proof, which this client owes")
        return NOBODY

    async def pushed(self, asked: Parameters, carried: Carried, now: int) -> Sender:
        """Return the key that the code of a pushed request is bound to (RFC 9449 §10.1).

        It is that of the proof, which is the one in ``dpop_jkt`` if both are there.
        """
        wished = asked.get("dpop_jkt")
        if carried.proof is None:
            return NOBODY if wished is None else Sender(confirmation=Confirmation(jkt=wished))
        sender = await self._by_proof(carried, now)
        if wished is not None and sender.confirmation != Confirmation(jkt=wished):
            raise InvalidDpopProof("dpop_jkt is not the key of the proof")
        return sender

    async def _by_proof(self, carried: Carried, now: int) -> Sender:
        if self.proofs is None:
            raise InvalidRequest("DPoP is not offered by this issuer")
        proven = await self.proofs.verify(carried, now)
        return Sender(confirmation=proven.confirmation, writes=(proven.write,), nonce=proven.nonce)


def _by_certificate(carried: Carried) -> Sender:
    if carried.proof is not None:
        raise InvalidRequest("tokens of this client are bound to its certificate, not to a proof")
    if carried.certificate is None:
        raise InvalidRequest("the connection has no client certificate, which this client owes")
    return Sender(confirmation=certificate_confirmation(carried.certificate))
