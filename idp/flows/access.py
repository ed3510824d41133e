"""Whether an access token is good now: its signature, its grant and its person (R1, A20)."""

from config.runtime.cache import Cache
from config.runtime.clock import Clock
from idp.flows.issuer_keys import IssuerKeys
from idp.protocol.errors import InvalidToken
from idp.protocol.grant import Authorization, Grant
from idp.protocol.tokens import AccessToken
from idp.residents.port import Residents, State
from idp.stores.grants import Grants

GLANCE = 0.5
"""Seconds that the state of a person may be old where only somebody else asks about a token."""

MOST_GLANCES = 20_000


class Access:
    """Judges access tokens of one issuer against what is true at this moment."""

    def __init__(
        self, keys: IssuerKeys, grants: Grants, residents: Residents, clock: Clock
    ) -> None:
        self.keys = keys
        self.grants = grants
        self.residents = residents
        self._active: Cache[str, bool] = Cache(clock, entries=MOST_GLANCES, seconds=GLANCE)

    async def granted(self, token: str, now: int) -> tuple[AccessToken, Authorization]:
        """Return the token and what was granted, or raise InvalidToken.

        Whether the person is active is left to who looks at the person next.
        """
        access_token = await self.keys.access_token(token, now)
        grant = await self.grants.find(access_token.grant_id)
        if grant is None or not grant.is_live(now):
            raise InvalidToken("the access token was revoked")
        return access_token, grant.authorization

    async def glance(self, token: str, now: int) -> AccessToken:
        """Return the token, or raise InvalidToken: for resource servers, which ask often.

        The grant is read each time; that the person was locked may be known half a second later.
        """
        access_token = await self.keys.access_token(token, now)
        resident_id = await self.grants.owner(access_token.grant_id, now)
        if resident_id is None:
            raise InvalidToken("the access token was revoked")
        if resident_id == "":  # no person's: a client's own
            return access_token
        if not await self._active.get(resident_id, lambda: self._is_active(resident_id)):
            raise InvalidToken("the access token was revoked")
        return access_token

    async def lives(self, grant: Grant, now: int) -> bool:
        """Return whether the grant is neither revoked nor over, and its person active."""
        if not grant.is_live(now):
            return False
        authorization = grant.authorization
        return not authorization.has_person or await self._is_active(authorization.resident_id)

    async def _is_active(self, resident_id: str) -> bool:
        resident = await self.residents.get(resident_id)
        return resident is not None and resident.state is State.ACTIVE
