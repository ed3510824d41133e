"""Grants: who can end which, and that what ended stays ended."""

import asyncio
from dataclasses import replace

import pytest

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Refused, Write
from idp.protocol.grant import Grant
from idp.stores.grants import Grants
from tests.contracts.test_codes import AUTHORIZATION, NOW


def grant(name: str, **changes: object) -> Grant:
    authorization = replace(AUTHORIZATION, grant_id=name, **changes)  # type: ignore[arg-type]
    return Grant(authorization=authorization, created_at=NOW, updated_at=NOW, expires_at=NOW + 100)


ALL = (
    grant("mine"),
    grant("offline", scope=("openid", "offline_access")),
    grant("other client", client_id="c2", session_id="s2"),
    grant("other person", resident_id="r2", session_id="s3"),
)


async def test_a_grant_is_found_as_it_was_made(database: OpenDatabase) -> None:
    grants = Grants(database)
    await database.submit(grants.insert(ALL[0]))
    assert await grants.find("mine") == ALL[0]
    assert await grants.find("nothing") is None
    with pytest.raises(Refused):
        await database.submit(grants.insert(ALL[0]))


async def test_each_way_of_ending_ends_what_it_says(database: OpenDatabase) -> None:
    grants = Grants(database)
    ways: list[tuple[Write, set[str]]] = [
        (grants.revoke("mine", NOW), {"mine"}),
        (grants.revoke("nothing", NOW), set()),
        (grants.revoke_session("session", "r1", NOW), {"mine"}),
        (grants.revoke_session("session", "somebody else", NOW), set()),
        (grants.revoke_consent("r1", "c1", NOW), {"mine", "offline"}),
        (grants.revoke_client("c2", NOW), {"other client"}),
        (
            grants.revoke_at_issuer("r1", AUTHORIZATION.issuer, NOW),
            {"mine", "offline", "other client"},
        ),
    ]
    for write, ended in ways:
        await database.submit(*(grants.insert(each) for each in ALL))
        await database.submit(write)
        found = [await grants.find(each.authorization.grant_id) for each in ALL]
        dead = {g.authorization.grant_id for g in found if g and not g.is_live(NOW)}
        assert dead == ended
        await database.submit(grants.prune(NOW + 100, 100))


async def test_whose_a_grant_is_while_it_lives(database: OpenDatabase) -> None:
    grants = Grants(database)
    await database.submit(*(grants.insert(each) for each in ALL))
    assert await grants.owner("other person", NOW, NOW + 99) == "r2"
    assert await grants.owner("other person", NOW, NOW + 100) is None
    assert await grants.owner("nothing", NOW, NOW) is None
    await database.submit(grants.revoke("other person", NOW))
    assert await grants.owner("other person", NOW, NOW) is None


async def test_the_moment_of_ending_stays(database: OpenDatabase) -> None:
    grants = Grants(database)
    await database.submit(grants.insert(ALL[0]))
    await database.submit(grants.revoke("mine", NOW + 1))
    await database.submit(grants.revoke("mine", NOW + 2))
    found = await grants.find("mine")
    assert found is not None
    assert found.revoked_at == NOW + 1


async def test_a_person_sees_the_grants_that_live(database: OpenDatabase) -> None:
    grants = Grants(database)
    await database.submit(*(grants.insert(each) for each in ALL))
    await database.submit(grants.revoke("offline", NOW))
    names = [g.authorization.grant_id for g in await grants.of_resident("r1", NOW)]
    assert names == ["mine", "other client"]
    assert await grants.of_resident("r1", NOW + 100) == []


@pytest.mark.spec("Grant Management for OAuth 2.0 §5.2")
async def test_a_grant_is_amended_by_one_of_many(database: OpenDatabase) -> None:
    grants = Grants(database)
    first = grant("g1")
    await database.submit(grants.insert(first))
    wider = replace(first.authorization, scope=("openid", "email"))
    after = replace(first, authorization=wider, updated_at=NOW + 5, narrowed_at=NOW + 5, revision=1)
    outcomes = await asyncio.gather(
        *(database.submit(grants.amend(first, after)) for _ in range(8)), return_exceptions=True
    )
    assert len([one for one in outcomes if isinstance(one, Refused)]) == 7
    assert await grants.find("g1") == after
    assert await grants.owner("g1", NOW + 4, NOW + 6) is None, "a token of before"
    assert await grants.owner("g1", NOW + 5, NOW + 6) == first.authorization.resident_id
    await database.submit(grants.revoke("g1", NOW + 7))
    with pytest.raises(Refused):
        await database.submit(grants.amend(after, replace(after, revision=2)))
