"""Signing answers to authorization requests, before anything is committed (JARM, R1)."""

from dataclasses import dataclass, replace

from config.settings import Issuer
from idp.flows.nesting import Nesting
from idp.protocol import jarm
from idp.protocol.authorization import Reply
from idp.protocol.client import Client
from keystore.door import Door, Order, TokenKind


@dataclass(frozen=True, slots=True)
class AnswerSigning:
    """Signs the answers of one issuer, and encrypts them where the client registered that."""

    issuer: Issuer
    door: Door
    nesting: Nesting

    async def sealed(self, reply: Reply, client: Client, now: int) -> Reply:
        """Return the answer as it travels: one ``response`` where it is to be signed (JARM §2.3).

        Raises KeyServiceUnavailable, or an OAuthError when there is no key to encrypt to.
        """
        if not reply.signed:
            return reply
        address = self.issuer.address
        order = Order(
            TokenKind.AUTHORIZATION_RESPONSE,
            jarm.signing_alg(client, self.issuer.signing_algs),
            jarm.claims(reply, client, address, now),
        )
        [token] = await self.door.sign(address, [order])
        response = await self.nesting.nest(
            token,
            client,
            client.authorization_encrypted_response_alg,
            client.authorization_encrypted_response_enc,
        )
        return replace(reply, fields=(("response", response),))
