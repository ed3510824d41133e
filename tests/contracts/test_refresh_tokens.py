"""Refresh tokens: each is used once, and repeated once within the grace."""

import asyncio
from dataclasses import replace

import pytest

from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.database.unit import Refused, Write
from idp.protocol.grant import Grant
from idp.protocol.refresh import RefreshToken
from idp.stores.grants import Grants
from idp.stores.refresh_tokens import RefreshTokens
from tests.contracts.test_codes import AUTHORIZATION
from tests.servers import PATIENT

NOW = 1_800_000_000


def token(name: str) -> RefreshToken:
    return RefreshToken(
        digest=name.encode().ljust(32), grant_id="g", issued_at=NOW, expires_at=NOW + 1000
    )


FIRST, SECOND = token("first"), token("second")


async def happens(database: OpenDatabase, *writes: Write) -> bool:
    try:
        await database.submit(*writes)
    except Refused:
        return False
    return True


async def test_use_and_one_repetition(database: OpenDatabase) -> None:
    tokens = RefreshTokens(database)
    await database.submit(tokens.insert(FIRST))
    assert not await happens(database, tokens.repeat(FIRST, SECOND.digest, NOW, 60))
    assert await happens(database, tokens.use(FIRST, b"salt", NOW), tokens.insert(SECOND))
    assert not await happens(database, tokens.use(FIRST, b"other", NOW))
    found = await tokens.find(FIRST.digest)
    assert found is not None
    assert (found.used_at, found.salt, found.repeated_at) == (NOW, b"salt", None)
    assert not await happens(database, tokens.repeat(FIRST, SECOND.digest, NOW + 61, 60))
    assert await happens(database, tokens.repeat(FIRST, SECOND.digest, NOW + 60, 60))
    assert not await happens(database, tokens.repeat(FIRST, SECOND.digest, NOW + 60, 60))


async def test_a_token_is_found_with_its_grant_in_one_look(database: OpenDatabase) -> None:
    tokens, grants = RefreshTokens(database), Grants(database)
    authorization = replace(AUTHORIZATION, grant_id="g")
    grant = Grant(authorization=authorization, created_at=NOW, updated_at=NOW, expires_at=NOW + 500)
    await database.submit(tokens.insert(FIRST))
    assert await tokens.with_grant(FIRST.digest) is None, "its grant is gone"
    await database.submit(grants.insert(grant))
    assert await tokens.with_grant(FIRST.digest) == (FIRST, grant)
    assert await tokens.with_grant(SECOND.digest) is None
    await database.submit(grants.revoke("g", NOW + 1), tokens.use(FIRST, b"salt", NOW))
    found = await tokens.with_grant(FIRST.digest)
    assert found is not None
    assert (found[0].used_at, found[1].revoked_at) == (NOW, NOW + 1)


async def test_no_repetition_once_the_successor_was_used(database: OpenDatabase) -> None:
    tokens = RefreshTokens(database)
    await database.submit(tokens.insert(FIRST))
    await database.submit(tokens.use(FIRST, b"salt", NOW), tokens.insert(SECOND))
    await database.submit(tokens.use(SECOND, b"salt", NOW), tokens.insert(token("third")))
    assert not await happens(database, tokens.repeat(FIRST, SECOND.digest, NOW, 60))


@pytest.mark.attack("A20")
async def test_of_64_uses_at_once_exactly_one_happens(
    database: OpenDatabase, database_url: str
) -> None:
    other = await open_database(database_url, PATIENT)
    await database.submit(RefreshTokens(database).insert(FIRST))

    async def use(number: int) -> bool:
        opened = (database, other)[number % 2]
        tokens = RefreshTokens(opened)
        successor = token(f"next {number}")
        return await happens(
            opened, tokens.use(FIRST, b"%d" % number, NOW), tokens.insert(successor)
        )

    won = await asyncio.gather(*(use(number) for number in range(64)))
    assert won.count(True) == 1
    tokens = RefreshTokens(database)
    made = [n for n in range(64) if await tokens.find(token(f"next {n}").digest) is not None]
    assert made == [won.index(True)]
    await other.close()


async def test_old_tokens_leave(database: OpenDatabase) -> None:
    tokens = RefreshTokens(database)
    await database.submit(tokens.insert(FIRST))
    await database.submit(tokens.prune(NOW + 999, 10))
    assert await tokens.find(FIRST.digest) == FIRST
    await database.submit(tokens.prune(NOW + 1000, 10))
    assert await tokens.find(FIRST.digest) is None
