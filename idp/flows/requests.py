"""What an authorization request asks: as it stands, in an object, or as it was pushed before."""

from collections.abc import Mapping
from dataclasses import dataclass

from config.settings import Issuer
from idp.flows.issuer_keys import IssuerKeys
from idp.flows.request_objects import RequestObjects
from idp.protocol import checks, jar, par
from idp.protocol.authorization import AuthorizationRequest, ReplyTo
from idp.protocol.case import Case, Endpoint, Source
from idp.protocol.client import Client
from idp.protocol.details import DetailType
from idp.protocol.parameters import Parameters
from idp.protocol.ways import must_push
from idp.stores.pushed_requests import PushedRequests


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """``asked`` is what is to be judged; ``signed`` says that all of it stood in a verified
    request object. ``pushed`` is the digest of the pushed request that it is.
    """

    asked: Parameters
    source: Source = Source.PLAIN
    signed: bool = False
    pushed: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Authorization requests of clients of one issuer."""

    issuer: Issuer
    keys: IssuerKeys
    objects: RequestObjects
    pushed: PushedRequests
    detail_types: Mapping[str, DetailType]

    async def resolve(
        self, asked: Parameters, client: Client, endpoint: Endpoint, now: int
    ) -> Resolved:
        """Return what the client asks, or raise an OAuthError.

        Of a request that was pushed, everything beside ``client_id`` and ``request_uri`` is ignored
        (RFC 9126 §4, RFC 9101 §6.3).
        """
        in_front = endpoint is Endpoint.AUTHORIZATION
        if in_front and par.is_pushed(asked):
            return await self._opened(asked["request_uri"], client, now)
        if not self._reads_object(asked) or (in_front and must_push(client)):
            return Resolved(asked=asked)  # the checks say what is wrong with it
        inner = await self.objects.read(asked, client, now)
        if in_front and not jar.is_strict(client):
            return Resolved(asked=jar.completed(asked, inner), source=Source.OBJECT)
        return Resolved(asked=inner, source=Source.OBJECT, signed=True)

    async def judged(
        self, resolved: Resolved, client: Client, reply_to: ReplyTo, endpoint: Endpoint
    ) -> AuthorizationRequest:
        """Return the request that passed every check of ``endpoint``, or raise an OAuthError."""
        hint = None
        if "id_token_hint" in resolved.asked:
            hint = await self.keys.hint(resolved.asked["id_token_hint"])
        return checks.authorization_request(
            Case(
                asked=resolved.asked,
                client=client,
                reply_to=reply_to,
                hint=hint,
                endpoint=endpoint,
                source=resolved.source,
                signed=resolved.signed,
                pushed=resolved.pushed,
                detail_types=self.detail_types,
                features=self.issuer.features,
            )
        )

    def _reads_object(self, asked: Parameters) -> bool:
        features = self.issuer.features
        return (features.request_objects and "request" in asked) or (
            features.request_uris and "request_uri" in asked
        )

    async def _opened(self, request_uri: str, client: Client, now: int) -> Resolved:
        found = await self.pushed.find(par.secret_of(request_uri))
        pushed = par.opened(found, client.client_id, now)
        return Resolved(
            asked=Parameters(pushed.asked),
            source=Source.PUSHED,
            signed=pushed.signed,
            pushed=pushed.digest,
        )
