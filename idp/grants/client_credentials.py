"""Client credentials: a token for the client itself, and nobody else (RFC 6749 §4.4)."""

from dataclasses import dataclass

from config.runtime.entropy import Entropy
from idp.grants.grant_type import Redemption, TokenRequest
from idp.grants.opening import Opening
from idp.protocol.claims import SCOPES
from idp.protocol.claims_request import NOTHING
from idp.protocol.client import Client
from idp.protocol.errors import InvalidScope, UnauthorizedClient
from idp.protocol.grant import Authorization
from idp.protocol.parameters import Parameters
from idp.protocol.resources import check_asked


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """``client_credentials``.

    Each token has a grant of its own, of nobody: so that it can be revoked, goes with its client,
    and stands in the audit.
    """

    issuer: str
    opening: Opening
    entropy: Entropy

    name = "client_credentials"

    async def redeem(self, request: TokenRequest, now: int) -> Redemption:
        """See GrantType.redeem. There is neither an ID token nor a refresh token (§4.4.3)."""
        client = request.client
        if client.is_public:  # §4.4: anybody could ask
            raise UnauthorizedClient("a client that cannot authenticate has no token of its own")
        authorization = Authorization(
            grant_id=self.entropy.token(16),
            issuer=self.issuer,
            client_id=client.client_id,
            resident_id="",
            subject=client.client_id,  # RFC 9068 §2.2
            scope=_scope(request.asked, client),
            claims=NOTHING,
            granted_claims=frozenset(),
            claims_locales=(),
            session_id="",
            auth_time=None,
            acr=None,
            amr=(),
            nonce=None,
            auth_time_asked=False,
            resources=_resources(request.asked, client),
        )
        opened = await self.opening.open(authorization, client, now)
        return Redemption(
            authorization=authorization,
            scope=authorization.scope,
            fresh=True,
            refresh_token=None,
            writes=opened.writes,
        )


def machine_scope(client: Client) -> frozenset[str]:
    """Return the scope values that ``client`` may use for itself: none is about a person."""
    return client.scope - frozenset(SCOPES)


def _scope(asked: Parameters, client: Client) -> tuple[str, ...]:
    allowed, wanted = machine_scope(client), asked.words("scope")
    if not allowed.issuperset(wanted):
        raise InvalidScope("scope is not among what this client may do for itself")
    return wanted or tuple(sorted(allowed))


def _resources(asked: Parameters, client: Client) -> tuple[str, ...]:
    """Return whom the token is for: where nothing is asked, the only one that there can be."""
    wanted = asked.words("resource")
    check_asked(wanted, client)
    return wanted or (client.resources if len(client.resources) == 1 else ())
