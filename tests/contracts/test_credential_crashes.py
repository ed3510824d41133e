"""A key service that dies between any two steps of making a key: what is left, what sweeps it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config.runtime.audit.records import entries
from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement
from config.runtime.entropy import SystemEntropy
from config.wiring.documents import DocumentGround, document_desk
from keystore.backends.backend import Algorithm
from keystore.credentials.door import CredentialAct, StoredCredential
from keystore.credentials.keeping import ABANDONED, SHOWN_FOR, StoredKeys
from keystore.credentials.record import CredentialState
from keystore.door import NotPermitted
from keystore.purposes import OwnSecret
from keystore.service.document_desk import DocumentDesk
from keystore.signing.door import SigningOrder, UsedBefore
from keystore.signing.plans import CmsPlan
from keystore.stores.authority_tables import issued_certificate
from keystore.stores.credentials import credential
from tests.keyrings import HandClock, Keys, only, software_backend
from tests.signing_house import SHA256, STORING, approval
from tests.stored_keys import KNOWN_AS, OFFICE, about

DIGEST = bytes(32)


class Dies(BaseException):
    """The process is gone: nothing after this runs."""


@dataclass
class World:
    """A key service in this process, whose clock the test moves."""

    keys: Keys
    desk: DocumentDesk
    clock: HandClock
    database: OpenDatabase

    @property
    def stored(self) -> StoredKeys:
        assert self.desk.credentials.keys is not None
        return self.desk.credentials.keys

    async def token(self, act: CredentialAct = CredentialAct.CREATE, name: str = "") -> str:
        wish = about(act, credential=name, auth_time=self.clock.now() - 10)
        return await self.stored.activate(wish)

    async def made(self) -> StoredCredential:
        return await self.stored.create(await self.token())

    async def rows(self) -> list[str]:
        found = await self.database.rows(Statement(select(credential.c.state)))
        return [str(row[0]) for row in found]

    async def actions(self) -> list[str]:
        asked = select(entries.c.action).order_by(entries.c.number)
        return [str(row[0]) for row in await self.database.rows(Statement(asked))]

    async def revoked(self) -> list[bool]:
        asked = select(issued_certificate.c.revoked_at).where(
            issued_certificate.c.kind == "long_term"
        )
        return [row[0] is not None for row in await self.database.rows(Statement(asked))]


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """What a unit is, the other contracts hold for both."""
    return str(request.param)


@pytest.fixture
async def world(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[World]:
    keys, clock = only(software_backend(tmp_path)), HandClock(SystemClock().now())
    ground = DocumentGround(
        database=database, backends=keys.backends, clock=clock, entropy=SystemEntropy()
    )
    make = document_desk(STORING, ground)
    assert make is not None
    desk = make(keys.ring, keys.administration)
    await keys.administration.ensure({}, desk.rings)
    await desk.authority.refresh()
    yield World(keys, desk, clock, database)
    await keys.backends.close()


def dying(patch: pytest.MonkeyPatch, owner: object, name: str, *, after: bool) -> None:
    """Let the process die before the method does anything, or right after it did."""
    honest = getattr(type(owner), name)

    async def dies(self: Any, *given: Any, **named: Any) -> None:
        if after:
            await honest(self, *given, **named)
        raise Dies

    patch.setattr(type(owner), name, dies)


@pytest.mark.parametrize(
    ("step", "after", "left"),
    [
        ("wrapped", False, []),
        ("wrapped", True, []),
        ("use_up", False, []),
        ("use_up", True, ["pending"]),
        ("sign", False, ["pending"]),
        ("sign", True, ["pending"]),
        ("bound", True, []),
    ],
)
async def test_no_key_is_left_without_its_record(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str, after: bool, left: list[str]
) -> None:
    stored = world.stored
    owners: dict[str, object] = {
        "wrapped": world.keys.backends.maker,
        "use_up": stored.recording,
        "sign": stored.authority,
        "bound": stored.finding.binding,
    }
    token = await world.token()
    with monkeypatch.context() as patch:
        dying(patch, owners[step], step, after=after)
        with pytest.raises(Dies):
            await stored.create(token)
    assert await world.rows() == left
    assert await world.actions() == ["credential.created"] * len(left)
    assert await stored.finding.shown(OFFICE, KNOWN_AS) == []
    if left:
        with pytest.raises(UsedBefore):
            await stored.create(token)
    else:
        await stored.create(token)
        left = [*left, "active"]
    await world.desk.keep()
    assert await world.rows() == left, "what may still be under way is left alone"
    world.clock.at += ABANDONED
    await world.desk.keep()
    swept = left.count("pending")
    assert await world.rows() == ["active"] * left.count("active")
    assert (await world.actions()).count("credential.swept") == swept
    assert (await world.revoked()).count(True) == swept, "a certificate that is somewhere is void"


async def test_a_sweep_that_overtakes_the_maker_wins(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = world.stored
    honest = type(stored.authority).sign

    async def slow(self: Any, draft: Any) -> bytes:
        world.clock.at += ABANDONED
        await stored.keep()
        return await honest(self, draft)

    token = await world.token()
    monkeypatch.setattr(type(stored.authority), "sign", slow)
    with pytest.raises(Exception, match="swept"):
        await stored.create(token)
    assert await world.rows() == []


@pytest.mark.parametrize("after", [False, True])
async def test_an_end_happens_whole_or_not_at_all(
    world: World, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    one = await world.made()
    token = await world.token(CredentialAct.DELETE, one.id)
    with monkeypatch.context() as patch:
        dying(patch, world.stored.recording, "use_up", after=after)
        with pytest.raises(Dies):
            await world.stored.delete(token)
    gone = int(after)
    assert await world.rows() == ["active"] * (1 - gone)
    assert (await world.revoked()).count(True) == gone
    assert (await world.actions()).count("credential.deleted") == gone


async def test_two_who_end_the_same_key_end_it_once(world: World) -> None:
    one = await world.made()
    tokens = [await world.token(CredentialAct.DELETE, one.id) for _ in range(4)]
    ends = (world.stored.delete(token) for token in tokens)
    answers = await asyncio.gather(*ends, return_exceptions=True)
    assert answers.count(None) == 1
    assert (await world.actions()).count("credential.deleted") == 1


async def test_a_key_whose_certificate_ended_signs_no_more_and_leaves_in_time(
    world: World,
) -> None:
    one = await world.made()
    world.clock.at = one.expires_at
    wish = approval(DIGEST, credential=one.id, auth_time=world.clock.now() - 10)
    with pytest.raises(NotPermitted, match="expired"):
        await world.desk.signing.activate(wish)
    await world.desk.keep()
    assert [found.id for found in await world.stored.finding.shown(OFFICE, KNOWN_AS)] == [one.id]
    world.clock.at += SHOWN_FOR
    await world.desk.keep()
    assert await world.rows() == []
    assert await world.revoked() == [False], "what ended by itself is not revoked"


async def test_another_wrapping_key_and_another_binding_key_leave_older_ones_readable(
    world: World,
) -> None:
    first = await world.made()
    for ring, algorithm in (
        (OwnSecret.WRAPPING, Algorithm.KWP),
        (OwnSecret.BINDING, Algorithm.HMAC),
    ):
        await world.keys.administration.rotate(ring, algorithm, emergency=True)
    second = await world.made()
    shown = await world.stored.finding.shown(OFFICE, KNOWN_AS)
    assert {one.id for one in shown} == {first.id, second.id}
    for one in (first, second):
        wish = approval(DIGEST, credential=one.id, auth_time=world.clock.now() - 10)
        assert await world.desk.signing.activate(wish)
    assert CredentialState.ACTIVE in await world.rows()


async def test_a_key_that_ends_while_it_is_about_to_sign_signs_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await world.made()
    wish = approval(DIGEST, credential=one.id, auth_time=world.clock.now() - 10)
    token = await world.desk.signing.activate(wish)
    order = SigningOrder(
        activation=token, hash_algorithm=SHA256, digests=[DIGEST], plans=[CmsPlan(0)]
    )
    recording, ends = type(world.stored.recording), [world.token(CredentialAct.DELETE, one.id)]
    honest = recording.use_up

    async def overtaken(self: Any, *given: Any) -> None:
        while ends:
            await world.stored.delete(await ends.pop())
        await honest(self, *given)

    monkeypatch.setattr(recording, "use_up", overtaken)
    with pytest.raises(NotPermitted, match="no such credential"):
        await world.desk.signing.sign(order)
    assert await world.actions() == ["credential.created", "credential.deleted"]
    with pytest.raises(NotPermitted, match="no such credential"):
        await world.desk.signing.sign(order)
