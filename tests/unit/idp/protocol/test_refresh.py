"""Refresh tokens as a state machine: an owner who loses replies, and a thief (behaviour 22)."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from config.runtime.audit.records import DatabaseAudit
from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.database.schema import metadata
from config.runtime.entropy import SystemEntropy
from config.runtime.journal import DatabaseJournal
from config.settings import Lifetimes
from idp.grants.grant_type import TokenRequest
from idp.grants.refresh_token import RefreshTokenGrant
from idp.grants.revocation import Revocation
from idp.protocol.errors import InvalidGrant
from idp.protocol.grant import Grant, digest_of
from idp.protocol.parameters import Parameters
from idp.protocol.refresh import RefreshToken, successor
from idp.residents.port import Resident, State
from idp.stores.grants import Grants
from idp.stores.records import Records
from idp.stores.refresh_tokens import RefreshTokens
from tests import servers
from tests.contracts.test_codes import AUTHORIZATION, NOW
from tests.unit.idp.protocol.test_checks import client

GRACE = 60


class Active:
    """An ID store in which everybody is active."""

    async def get(self, resident_id: str) -> Resident:
        return Resident(
            id=resident_id,
            state=State.ACTIVE,
            locked_factors=frozenset(),
            enrolled=frozenset(),
        )


class RefreshTokensAsMachine(RuleBasedStateMachine):
    """``chain`` is every token that was handed out; a model says what each is worth."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.now = NOW
        self.chain = ["the first token"]
        self.used: dict[str, int] = {}
        self.repeated: set[str] = set()
        self.dead = False

    @initialize()
    def begin(self) -> None:
        url = f"sqlite:///{self.directory / 'machine.db'}"
        servers.create_tables(url, metadata)
        self.runner.run(self._open(url))

    async def _open(self, url: str) -> None:
        self.database: OpenDatabase = await open_database(url)
        tokens, grants = RefreshTokens(self.database), Grants(self.database)
        records = Records(DatabaseJournal(), DatabaseAudit())
        self.grant = RefreshTokenGrant(
            grants=grants,
            refresh_tokens=tokens,
            residents=Active(),  # type: ignore[arg-type]
            records=records,
            entropy=SystemEntropy(),
            lifetimes=Lifetimes(refresh_grace=GRACE),
            revocation=Revocation(self.database, grants, records),
        )
        first = RefreshToken(
            digest=digest_of(self.chain[0]),
            grant_id=AUTHORIZATION.grant_id,
            issued_at=NOW,
            expires_at=NOW + 10**9,
        )
        grant = Grant(
            authorization=AUTHORIZATION, created_at=NOW, updated_at=NOW, expires_at=NOW + 10**9
        )
        await self.database.submit(tokens.insert(first), grants.insert(grant))

    @rule(seconds=st.sampled_from([0, 1, GRACE - 1, GRACE, GRACE + 1]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def the_owner_refreshes(self) -> None:
        self.presented(self.chain[-1])

    @rule()
    def the_reply_was_lost(self) -> None:
        self.presented(self.chain[max(0, len(self.chain) - 2)])

    @rule(place=st.integers(0, 20))
    def somebody_has_an_old_token(self, place: int) -> None:
        self.presented(self.chain[place % len(self.chain)])

    @rule()
    def somebody_guesses(self) -> None:
        assert self.runner.run(self._redeem("a guess")) is None

    def presented(self, token: str) -> None:
        following = self.runner.run(self._redeem(token))
        expected = self._model(token)
        assert (following is not None) is expected
        if following is not None and token == self.chain[-1]:
            self.chain.append(following)
        elif following is not None:
            assert following == self.chain[self.chain.index(token) + 1]

    def _model(self, token: str) -> bool:
        if self.dead:
            return False
        if token not in self.used:
            self.used[token] = self.now
            return True
        after = self.chain[self.chain.index(token) + 1]
        late = self.now - self.used[token] > GRACE
        if late or token in self.repeated or after in self.used:
            self.dead = True
            return False
        self.repeated.add(token)
        return True

    async def _redeem(self, token: str) -> str | None:
        asked = Parameters(refresh_token=token)
        try:
            redemption = await self.grant.redeem(
                TokenRequest(asked=asked, client=client(), sender=None), self.now
            )
        except InvalidGrant:
            return None
        await self.database.submit(*redemption.writes)
        return redemption.refresh_token

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.runner.run(self.database.close())
        self.runner.close()
        shutil.rmtree(self.directory)


TestRefreshTokensAsMachine = pytest.mark.long(
    pytest.mark.behaviour(22)(RefreshTokensAsMachine.TestCase)
)
TestRefreshTokensAsMachine.settings = settings(
    max_examples=30,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_a_successor_needs_both_the_token_and_the_salt() -> None:
    made = successor("token", b"salt")
    assert made == successor("token", b"salt")
    assert len(made) == 43
    assert "." not in made
    assert len({made, successor("token", b"salu"), successor("tokeo", b"salt")}) == 3
