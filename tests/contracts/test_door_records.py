"""The contract of key records, in memory and in the key service's own database; races included."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement
from config.runtime.entropy import SystemEntropy
from keystore.backends.backend import Algorithm
from keystore.door import KeyState
from keystore.purposes import Role
from keystore.rotation import KeyVersion
from keystore.stores.database import DatabaseKeyRecords
from keystore.stores.interfaces import KeyRecords, KeysChanged, KeyUse
from keystore.stores.memory import MemoryKeyRecords
from keystore.stores.tables import key_use
from tests.conftest import BOTH

KEY = KeyVersion(
    kid="one",
    ring="issuer:https://id.example",
    algorithm=Algorithm.ES256,
    version=1,
    ref="software:abc",
    public=b"\x30\x00",
    state=KeyState.ACTIVE,
    since=1_800_000_000,
)


@pytest.fixture(params=["memory", *BOTH])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Where the records are: ``database`` asks it too."""
    return str(request.param)


@pytest.fixture
def records(database_kind: str, request: pytest.FixtureRequest) -> KeyRecords:
    if database_kind == "memory":
        return MemoryKeyRecords()
    return DatabaseKeyRecords(request.getfixturevalue("database"), SystemEntropy())


async def test_versions_are_kept_as_they_are(records: KeyRecords) -> None:
    second = replace(KEY, kid="two", version=2, state=KeyState.PENDING, public=b"")
    await records.change((KEY, second), ())
    assert sorted(await records.versions(), key=lambda key: key.version) == [KEY, second]


async def test_a_unit_of_moves_happens_whole_or_not(records: KeyRecords) -> None:
    second = replace(KEY, kid="two", version=2, state=KeyState.PUBLISHED)
    await records.change((KEY, second), ())
    out, up = (
        KEY.moved(KeyState.RETIRING, 1_800_000_600),
        second.moved(KeyState.ACTIVE, 1_800_000_600),
    )
    stale = replace(second, since=5).moved(KeyState.ACTIVE, 1_800_000_600)
    with pytest.raises(KeysChanged):
        await records.change((), (out, stale))
    assert KEY in await records.versions()
    await records.change((), (out, up))
    assert {key.kid: key.state for key in await records.versions()} == {
        "one": KeyState.RETIRING,
        "two": KeyState.ACTIVE,
    }
    with pytest.raises(KeysChanged):
        await records.change((), (out, up))


async def test_a_version_begins_once(records: KeyRecords) -> None:
    begun = await asyncio.gather(
        *(records.change((replace(KEY, kid=f"k{number}"),), ()) for number in range(16)),
        return_exceptions=True,
    )
    assert sorted(str(type(result).__name__) for result in begun) == [
        *["KeysChanged"] * 15,
        "NoneType",
    ]
    assert len(await records.versions()) == 1


async def test_a_destroyed_version_is_no_longer_shown(records: KeyRecords) -> None:
    await records.change((KEY, replace(KEY, kid="two", version=2)), ())
    await records.change((), (KEY.moved(KeyState.RETIRED, 1_800_000_001),))
    (retired,) = [key for key in await records.versions() if key.kid == "one"]
    await records.destroyed(retired)
    await records.destroyed(retired)
    assert [key.kid for key in await records.versions()] == ["two"]


@pytest.mark.parametrize("database_kind", BOTH, indirect=True)
async def test_uses_are_rows(database: OpenDatabase) -> None:
    records = DatabaseKeyRecords(database, SystemEntropy())
    use = KeyUse(role=Role.IDP, purpose="sign:id_token", kid="one", at=1_800_000_000, count=7)
    await records.record([use, use])
    rows = await database.rows(Statement(select(key_use)))
    assert [(row["role"], row["purpose"], row["kid"], row["uses"]) for row in rows] == [
        ("idp", "sign:id_token", "one", 7)
    ] * 2
