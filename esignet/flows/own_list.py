"""A person reads what they signed, on a page of ours: they log in at the issuer for it each time.

Nothing of it is kept here, neither a session nor the token: the token is used where it arrives.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from esignet.flows.csc_approvals import Caller, NoToken
from esignet.flows.history import History, NotTheirs
from esignet.flows.hosted_login import HostedLogin, Login, LoginAway, NoName, NotRedeemed
from esignet.protocol.history import NEWEST, SCOPE, cursor

PATH = "/mine"
CALLBACK = f"{PATH}/callback"

PER_LIST = 10
"""Entries that are shown at once: a page stays within 14 kB."""

NOBODY = ""
"""The party where this service asks for itself."""


class ListAway(Exception):
    """The issuer cannot be reached, or did not take the request; the log says why."""


class NotShown(Exception):
    """The code was used or is too old, or the person did not come back with what is needed."""


class TokensOfPeople(Protocol):
    """Reads tokens that were given to this service itself."""

    async def of_person(self, token: str, now: int) -> Caller:
        """Return what a token says, and whose consent it stands on; raises NoToken."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """Entries as the person reads them, and where the next ones begin, "" for nowhere."""

    entries: Sequence[dict[str, Any]]
    following: str


@dataclass(frozen=True, slots=True)
class OwnList:
    """Leads people to the issuer and back to their list."""

    history: History
    login: HostedLogin
    tokens: TokensOfPeople

    async def begun(self, login: Login, now: int) -> str:
        """Return where the browser is sent, or raise ListAway; KeyServiceUnavailable comes through.

        ``login`` needs its scope and its way back.
        """
        wanted = replace(login, scope=f"openid {SCOPE}", callback=CALLBACK)
        try:
            return await self.login.begun(wanted, now)
        except LoginAway:
            raise ListAway from None

    async def listed(self, code: str, verifier: str, before: str, now: int) -> Listed:
        """Return what a code opens: entries behind a place, from the newest for none.

        Raises NotShown, ListAway; KeyServiceUnavailable and DatabaseUnavailable come through.
        """
        place = cursor(before) if before else NEWEST
        try:
            caller = await self._caller(code, verifier, now)
            entries, following = await self.history.page(caller, place or NEWEST, PER_LIST, now)
        except (NoToken, NotRedeemed, NoName, NotTheirs):
            raise NotShown from None
        except LoginAway:
            raise ListAway from None
        return Listed(entries, str(following) if following else "")

    async def _caller(self, code: str, verifier: str, now: int) -> Caller:
        token = await self.login.redeemed(NOBODY, code, verifier, now, CALLBACK)
        return await self.tokens.of_person(token, now)
