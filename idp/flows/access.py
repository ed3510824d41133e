"""Whether an access token is good now: its signature, its grant and its person (R1, A20)."""

from dataclasses import dataclass

from idp.flows.issuer_keys import IssuerKeys
from idp.protocol.errors import InvalidToken
from idp.protocol.grant import Authorization
from idp.protocol.tokens import AccessToken
from idp.residents.port import Residents, State
from idp.stores.grants import Grants


@dataclass(frozen=True, slots=True)
class Access:
    """Judges access tokens of one issuer against what is true at this moment."""

    keys: IssuerKeys
    grants: Grants
    residents: Residents

    async def judge(self, token: str, now: int) -> tuple[AccessToken, Authorization]:
        """Return the token and what was granted, or raise InvalidToken."""
        access_token = await self.keys.access_token(token, now)
        grant = await self.grants.find(access_token.grant_id)
        if grant is None or not grant.is_live(now):
            raise InvalidToken("the access token was revoked")
        authorization = grant.authorization
        resident = await self.residents.get(authorization.resident_id)
        if resident is None or resident.state is not State.ACTIVE:
            raise InvalidToken("the access token was revoked")
        return access_token, authorization
