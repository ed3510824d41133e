"""Opening a grant: what every grant type does with an authorization that was given just now."""

from dataclasses import dataclass, replace
from typing import Any

from config.runtime.database.unit import Write
from config.runtime.entropy import Entropy
from config.runtime.journal import Fact
from config.settings import Lifetimes
from idp.protocol.client import Client
from idp.protocol.grant import Authorization, Grant, digest_of
from idp.protocol.grant_management import GrantAction, amended, check_owner
from idp.protocol.refresh import RefreshToken
from idp.stores.grants import Grants
from idp.stores.records import Records
from idp.stores.refresh_tokens import RefreshTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A grant that is there once ``writes`` have happened, until ``ends_at``.

    ``answer`` are members of the token endpoint's answer.
    """

    authorization: Authorization
    refresh_token: str | None
    ends_at: int
    writes: tuple[Write, ...]
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Opens grants, or amends the one that the client named (Grant Management §5.2)."""

    grants: Grants
    refresh_tokens: RefreshTokens
    records: Records
    entropy: Entropy
    lifetimes: Lifetimes

    async def open(self, authorization: Authorization, client: Client, now: int) -> Opened:
        """Return the grant of ``authorization``; a refresh token comes with offline access.

        Raises InvalidGrantId when the grant to be amended ended meanwhile.
        """
        authorization = replace(authorization, signature=None)  # approved once, held by no grant
        refreshable = authorization.is_offline and "refresh_token" in client.grant_types
        ends_at = now + (self.lifetimes.grant if refreshable else self.lifetimes.access_token)
        grant = Grant(
            authorization=authorization, created_at=now, updated_at=now, expires_at=ends_at
        )
        if authorization.grant_action in (GrantAction.MERGE, GrantAction.REPLACE):
            grant, writes = await self._amended(grant, now)
        else:
            writes = [self.grants.insert(grant), *self._recorded("grant.created", grant, now)]
        token = None
        if refreshable:
            token = self.entropy.token()
            writes.append(
                self.refresh_tokens.insert(
                    RefreshToken(
                        digest=digest_of(token),
                        grant_id=authorization.grant_id,
                        issued_at=now,
                        expires_at=grant.expires_at,
                    )
                )
            )
        managed = authorization.grant_action != ""
        return Opened(
            authorization=grant.authorization,
            refresh_token=token,
            ends_at=grant.expires_at,
            writes=tuple(writes),
            answer={"grant_id": authorization.grant_id} if managed else {},
        )

    async def _amended(self, new: Grant, now: int) -> tuple[Grant, list[Write]]:
        """Return the grant as it will be. Refresh tokens of before are dropped (§5.2)."""
        wanted = new.authorization
        before = check_owner(
            await self.grants.find(wanted.grant_id), wanted.client_id, wanted.resident_id, now
        )
        after = replace(
            before,
            authorization=amended(before.authorization, wanted),
            updated_at=now,
            narrowed_at=now if wanted.grant_action == GrantAction.REPLACE else before.narrowed_at,
            revision=before.revision + 1,
            expires_at=max(before.expires_at, new.expires_at),
        )
        return after, [
            self.grants.amend(before, after),
            self.refresh_tokens.drop(wanted.grant_id),
            *self._recorded("grant.amended", after, now),
        ]

    def _recorded(self, name: str, grant: Grant, now: int) -> tuple[Write, ...]:
        authorization = grant.authorization
        details = {"client": authorization.client_id, "resident": authorization.resident_id}
        fact = Fact(name=name, at=now, about=authorization.grant_id, details=details)
        return self.records.write(fact, authorization.client_id)
