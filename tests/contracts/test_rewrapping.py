"""Stored keys come under new keys of the key service one by one; the old end with the last."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement, Write
from keystore.backends.backend import Algorithm
from keystore.backends.pkcs11 import Pkcs11Backend
from keystore.credentials.door import CredentialAct, StoredCredential
from keystore.credentials.keeping import ABANDONED
from keystore.credentials.rewrapping import GRACE, Rewrapping
from keystore.door import KeyServiceUnavailable, KeyState
from keystore.purposes import OwnSecret, Role
from keystore.service.client import KeyOperator
from keystore.service.run import socket_path
from keystore.signing.door import SigningOrder
from keystore.signing.plans import CmsPlan
from keystore.stores.credentials import credential
from tests.contracts.test_credential_crashes import DIGEST, Dies, World, dying, world
from tests.contracts.test_wrapped_keys import WRAPPING
from tests.key_backends import running
from tests.signing_house import SHA256, STORING, SigningHouse, approval, signing_house
from tests.stored_keys import created, deleted, signed_with

pytestmark = pytest.mark.server
__all__ = ["world"]

BOTH = ((OwnSecret.WRAPPING, Algorithm.KWP), (OwnSecret.BINDING, Algorithm.HMAC))


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """What a unit is, the other contracts hold for both."""
    return str(request.param)


async def rotate(one: World, *rings: tuple[OwnSecret, Algorithm]) -> None:
    for ring, algorithm in rings or BOTH:
        await one.keys.administration.rotate(ring, algorithm, emergency=True)


async def column(one: World, name: str) -> list[Any]:
    rows = await one.database.rows(Statement(select(credential.c[name]).order_by(credential.c.id)))
    return [row[0] for row in rows]


async def versions(one: World, ring: OwnSecret) -> dict[str, KeyState]:
    return {key.kid: key.state for key in await one.keys.records.versions() if key.ring == ring}


def rewrapping(one: World) -> Rewrapping:
    assert one.desk.credentials.rewrapping is not None
    return one.desk.credentials.rewrapping


async def signs(one: World, stored: StoredCredential) -> bool:
    """Whether a person signs with it."""
    wish = approval(DIGEST, credential=stored.id, auth_time=one.clock.now() - 10)
    token = await one.desk.signing.activate(wish)
    return bool(await one.desk.signing.sign(order(token)))


def order(token: str) -> SigningOrder:
    return SigningOrder(
        activation=token, hash_algorithm=SHA256, digests=[DIGEST], plans=[CmsPlan(0)]
    )


async def test_rows_come_under_the_new_keys_and_the_old_wrapping_key_ends(world: World) -> None:
    stored = [await world.made() for _ in range(3)]
    before = await column(world, "blob")
    await rotate(world)
    new = {ring: world.keys.ring.secret(ring).kid for ring, _ in BOTH}
    await world.desk.keep()
    assert set(await column(world, "wrapped_by")) == {new[OwnSecret.WRAPPING]}
    assert set(await column(world, "bound_by")) == {new[OwnSecret.BINDING]}
    assert not set(before) & set(await column(world, "blob"))
    assert len(await versions(world, OwnSecret.WRAPPING)) == 2, "kept for who read a row before"
    world.clock.at += GRACE
    await world.desk.keep()
    assert list(await versions(world, OwnSecret.WRAPPING)) == [new[OwnSecret.WRAPPING]]
    assert len(await versions(world, OwnSecret.BINDING)) == 2, "it still finds whose rows they are"
    for one in stored:
        assert await signs(world, one)
    assert (await world.actions()).count("credential.rewrapped") == 3
    await world.stored.delete(await world.token(CredentialAct.DELETE, stored[0].id))
    for one in stored[1:]:
        await world.stored.delete(await world.token(CredentialAct.DELETE, one.id))
    await world.desk.keep()
    world.clock.at += GRACE
    await world.desk.keep()
    assert len(await versions(world, OwnSecret.BINDING)) == 1, "none needs it any more"


async def test_a_key_that_is_gone_was_destroyed_in_its_backend(world: World) -> None:
    stored, kek = await world.made(), world.keys.ring.secret(OwnSecret.WRAPPING)
    [blob] = await column(world, "blob")
    await rotate(world)
    await world.desk.keep()
    world.clock.at += GRACE
    await world.desk.keep()
    with pytest.raises(Exception, match="no KWP key"):
        await world.keys.backends.maker.sign_wrapped(kek.ref, blob, Algorithm.ES256, [b""])
    assert await signs(world, stored)


async def test_who_is_killed_leaves_the_rest_to_whoever_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = [await world.made() for _ in range(4)]
    old = world.keys.ring.secret(OwnSecret.WRAPPING).kid
    await rotate(world)
    backend, count = type(world.keys.backends.maker), [0]
    honest = backend.rewrapped

    async def dies(self: Any, *given: Any) -> bytes:
        count[0] += 1
        if count[0] == 3:
            raise Dies
        return await honest(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(backend, "rewrapped", dies)
        with pytest.raises(Dies):
            await world.desk.keep()
    assert (await column(world, "wrapped_by")).count(old) == 2
    for one in stored:
        assert await signs(world, one), "half way, each signs under the key that has it"
    held = await rewrapping(world).held(await world.keys.records.versions())
    assert held[old] == 2 and old in await versions(world, OwnSecret.WRAPPING)
    world.clock.at += GRACE
    await world.desk.keep()
    assert old not in await column(world, "wrapped_by")


@pytest.mark.parametrize("after", [False, True])
async def test_who_is_killed_around_the_write_leaves_a_whole_row(
    world: World, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    stored = await world.made()
    await rotate(world)
    with monkeypatch.context() as patch:
        dying(patch, world.database, "submit", after=after)
        with pytest.raises(Dies):
            await rewrapping(world).keep()
    assert await signs(world, stored)
    await world.desk.keep()
    assert await signs(world, stored)
    assert (await world.actions()).count("credential.rewrapped") == 1


async def test_who_signs_while_a_row_moves_signs_once_and_waits_for_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = await world.made()
    wish = approval(DIGEST, credential=stored.id, auth_time=world.clock.now() - 10)
    token = await world.desk.signing.activate(wish)
    recording, moves = type(world.stored.recording), [True]
    honest = recording.use_up

    async def overtaken(self: Any, *given: Any) -> None:
        if moves:
            moves.clear()
            await rotate(world)
            await rewrapping(world).keep()
        await honest(self, *given)

    monkeypatch.setattr(recording, "use_up", overtaken)
    assert await world.desk.signing.sign(order(token))
    assert (await world.actions()).count("document.signed") == 1


async def test_who_read_a_row_before_it_moved_still_signs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = await world.made()
    wish = approval(DIGEST, credential=stored.id, auth_time=world.clock.now() - 10)
    token = await world.desk.signing.activate(wish)
    backend = type(world.keys.backends.maker)
    honest = backend.sign_wrapped

    async def late(self: Any, *given: Any) -> list[bytes]:
        monkeypatch.setattr(backend, "sign_wrapped", honest)
        await rotate(world)
        await world.desk.keep()
        return await honest(self, *given)

    monkeypatch.setattr(backend, "sign_wrapped", late)
    assert await world.desk.signing.sign(order(token))


async def test_a_row_that_is_still_being_made_is_left_alone_and_keeps_the_key(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = type(world.stored.authority)
    honest = authority.sign

    async def late(self: Any, *given: Any) -> bytes:
        await rotate(world)
        await world.desk.keep()
        world.clock.at += min(GRACE, ABANDONED - 1)
        await world.desk.keep()
        return await honest(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(authority, "sign", late)
        stored = await world.made()
    assert await signs(world, stored)
    await world.desk.keep()
    assert await column(world, "wrapped_by") == [world.keys.ring.secret(OwnSecret.WRAPPING).kid]


@pytest.mark.attack("A4")
async def test_a_row_that_was_altered_is_left_as_it_is_and_told_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.made()
    good = await world.made()
    [first, _] = await column(world, "id")
    other = first if first != good.id else (await column(world, "id"))[1]
    spoiled = update(credential).where(credential.c.id == other).values(client_id="thief")
    await world.database.submit(Write(Statement(spoiled), {}))
    old = world.keys.ring.secret(OwnSecret.WRAPPING).kid
    await rotate(world)
    for _ in range(3):
        await world.desk.keep()
        world.clock.at += GRACE
    assert caplog.text.count("stays as it is") == 1 and other in caplog.text
    assert await signs(world, good)
    assert old in await versions(world, OwnSecret.WRAPPING), "it is evidence, and may be restored"


async def test_a_token_that_is_away_costs_no_row(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = await world.made()
    await rotate(world)

    async def away(*_: object) -> bytes:
        raise KeyServiceUnavailable("the token does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(type(world.keys.backends.maker), "rewrapped", away)
        with pytest.raises(KeyServiceUnavailable):
            await rewrapping(world).keep()
    assert await signs(world, stored)
    await world.desk.keep()
    assert (await world.actions()).count("credential.rewrapped") == 1


@pytest.mark.parametrize("kind", WRAPPING)
async def test_on_every_backend_people_sign_while_their_keys_move(
    kind: str, database: OpenDatabase, tmp_path: Path
) -> None:
    async with running(kind, tmp_path) as backend:
        with tempfile.TemporaryDirectory() as sockets:
            async with signing_house(backend, database, Path(sockets), STORING) as house:
                await moves_under_use(house)
                assert backend.live == 0
                if isinstance(backend, Pkcs11Backend):
                    assert await backend.session_keys() == 0


async def moves_under_use(house: SigningHouse) -> None:
    """Sign with two keys while they come under another one, over real sockets."""
    stored = [await created(house) for _ in range(2)]
    operator = KeyOperator(socket_path(house.sockets, Role.OPERATOR))
    old = await held(operator)
    signing = [asyncio.create_task(signed_with(house, one, DIGEST)) for one in stored * 3]
    await operator.rotate(OwnSecret.WRAPPING, Algorithm.KWP, emergency=True)
    assert all(made[0].value for made in await asyncio.gather(*signing))
    async with asyncio.timeout(60):
        while (await held(operator)).get(next(iter(old))):
            await operator.advance()
            await asyncio.sleep(0.05)
    assert list((await held(operator)).values()) == [2]
    for one in stored:
        assert (await signed_with(house, one, DIGEST))[0].certificate == one.chain[0]
        await deleted(house, one)
    await operator.close()


async def held(operator: KeyOperator) -> dict[str, int]:
    """How many stored keys each wrapping key holds, as an operator sees it."""
    listed = [key for key in await operator.keys() if key.ring == OwnSecret.WRAPPING]
    return {key.kid: key.holds for key in listed if key.holds}
