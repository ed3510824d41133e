"""Whether an access token is good now: its signature, its grant and its person (R1, A20)."""

from dataclasses import dataclass

from idp.flows.issuer_keys import IssuerKeys
from idp.protocol.errors import InvalidToken
from idp.protocol.grant import Authorization, Grant
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
        if grant is None or not await self.lives(grant, now):
            raise InvalidToken("the access token was revoked")
        return access_token, grant.authorization

    async def lives(self, grant: Grant, now: int) -> bool:
        """Return whether the grant is neither revoked nor over, and its person active."""
        if not grant.is_live(now):
            return False
        resident = await self.residents.get(grant.authorization.resident_id)
        return resident is not None and resident.state is State.ACTIVE
