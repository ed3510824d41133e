"""Pushing an authorization request: every check runs while the client is still there (RFC 9126)."""

from dataclasses import dataclass
from typing import Any

from config.runtime.database.unit import Database, Refused
from config.runtime.entropy import Entropy
from config.settings import Lifetimes
from idp.flows.clients import ClientAuthentication, Proven
from idp.flows.public_pace import PublicPace
from idp.flows.requests import Requests
from idp.flows.senders import Sender, Senders
from idp.protocol import par
from idp.protocol.authorization import ReplyTo
from idp.protocol.carried import Carried
from idp.protocol.case import Endpoint
from idp.protocol.errors import InvalidClient, InvalidDpopProof, OAuthError, UseDpopNonce
from idp.protocol.grant import digest_of
from idp.protocol.par import PushedRequest
from idp.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Pushed:
    """The ``answer`` to the client; ``nonce`` goes with it as ``DPoP-Nonce``."""

    answer: dict[str, Any]
    nonce: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushing:
    """The pushed authorization requests of one issuer."""

    authentication: ClientAuthentication
    senders: Senders
    requests: Requests
    database: Database
    entropy: Entropy
    lifetimes: Lifetimes
    pace: PublicPace

    async def push(self, asked: Parameters, carried: Carried, network: str, now: int) -> Pushed:
        """Keep the request and return what it is called, or raise an OAuthError.

        ``network`` is where the client is.
        """
        proven = await self.authentication.prove(asked, carried, now)
        await self.pace.begin(proven.client, network, now)
        try:
            return await self._push(asked, carried, proven, now)
        except OAuthError as refusal:
            # After a 503, and to bring a nonce, the client may repeat the very same request.
            if refusal.status != 503 and not isinstance(refusal, UseDpopNonce | InvalidClient):
                await self.authentication.spend(proven)
            raise

    async def _push(self, asked: Parameters, carried: Carried, proven: Proven, now: int) -> Pushed:
        client = proven.client
        par.refuse_references(asked)
        resolved = await self.requests.resolve(asked, client, Endpoint.PUSHED, now)
        sender = await self.senders.pushed(resolved.asked, carried, now)
        if sender.confirmation is not None and sender.confirmation.jkt is not None:
            resolved.asked["dpop_jkt"] = sender.confirmation.jkt
        reply_to = ReplyTo.for_client(client, resolved.asked, client.issuer)
        await self.requests.judged(resolved, client, reply_to, Endpoint.PUSHED)
        secret, lifetime = self.entropy.token(), self.lifetimes.pushed_request
        request = PushedRequest(
            digest=digest_of(secret),
            client_id=client.client_id,
            asked=par.kept(resolved.asked),
            signed=resolved.signed,
            opened_by=now + lifetime,
            expires_at=now + lifetime + self.lifetimes.login,
        )
        await self._keep(secret, request, sender, proven)
        return Pushed(par.answer(secret, lifetime), sender.nonce)

    async def _keep(
        self, secret: str, request: PushedRequest, sender: Sender, proven: Proven
    ) -> None:
        kept = self.requests.pushed.add(secret, request)
        try:
            await self.database.submit(kept, *sender.writes, *proven.writes)
        except Refused as refused:
            if any(refused.write is write for write in sender.writes):
                raise InvalidDpopProof("the proof was used before") from None
            raise InvalidClient("the assertion was used before") from None
