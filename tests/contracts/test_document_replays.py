"""The same order again gets the same signatures from the key service; never a second one."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement
from keystore.backends.backend import Algorithm
from keystore.backends.software import SoftwareBackend
from keystore.purposes import Role
from keystore.service.document_client import DocumentClient
from keystore.service.run import socket_path
from keystore.signing import activation
from keystore.signing.door import NotActivated
from keystore.signing.plans import CmsPlan
from keystore.stores.kept_signatures import KeptSignatures, kept_signatures
from tests.contracts.test_document_signing import DIGEST, recorded, signed
from tests.keyrings import software_backend
from tests.signing_house import SigningHouse, approval, signing_house

pytestmark = pytest.mark.server


@pytest.fixture
def backend(tmp_path: Path) -> SoftwareBackend:
    return software_backend(tmp_path)


@pytest.fixture
async def house(backend: SoftwareBackend, database: OpenDatabase) -> AsyncIterator[SigningHouse]:
    with tempfile.TemporaryDirectory() as sockets:
        async with signing_house(backend, database, Path(sockets)) as made:
            yield made
            assert backend.live == 0, "every one-time key is gone"


async def test_an_activation_is_used_once_however_often_the_order_comes(
    house: SigningHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await house.idp.activate(approval(DIGEST))
    made = await asyncio.gather(*(signed(house, activation=token) for _ in range(12)))
    assert made == [made[0]] * 12, "one signature, told to everybody who brought the activation"
    assert await signed(house, activation=token) == made[0]
    assert await recorded(house) == 1
    others: list[dict[str, Any]] = [
        {"one_key": False},
        {"plans": (CmsPlan(0, signing_time=False),)},
    ]
    for changes in others:
        with pytest.raises(NotActivated, match="used"):
            await signed(house, activation=token, **changes)
    later = SystemClock().now() + activation.LIFETIME + 1
    monkeypatch.setattr(SystemClock, "now", lambda _: later)
    with pytest.raises(NotActivated, match="expired"):
        await signed(house, activation=token)


async def test_of_many_different_orders_of_one_activation_one_is_signed(
    house: SigningHouse,
) -> None:
    token = await house.idp.activate(approval(DIGEST))
    plans = [CmsPlan(0, media_type=f"text/x{number}") for number in range(12)]
    tries = [signed(house, plan, activation=token) for plan in plans]
    made = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, list) for one in made) == 1
    assert sum(isinstance(one, NotActivated) for one in made) == 11
    assert await recorded(house) == 1


async def test_who_hangs_up_finds_the_signature_when_he_comes_back(
    house: SigningHouse, backend: SoftwareBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, may, real = asyncio.Event(), asyncio.Event(), backend.sign_and_destroy

    async def slowly(handle: str, alg: Algorithm, messages: Sequence[bytes]) -> list[bytes]:
        reached.set()
        await may.wait()
        return await real(handle, alg, messages)

    monkeypatch.setattr(backend, "sign_and_destroy", slowly)
    token = await house.idp.activate(approval(DIGEST))
    other = DocumentClient(socket_path(house.sockets, Role.ESIGNET), 20)
    first = asyncio.create_task(signed(replace(house, esignet=other), activation=token))
    await reached.wait()
    first.cancel()
    await asyncio.wait([first])
    await other.close()
    again = asyncio.create_task(signed(house, activation=token))
    may.set()
    assert await again
    assert (await recorded(house), backend.live) == (1, 0)


async def test_what_is_kept_opens_with_the_activation_alone(house: SigningHouse) -> None:
    [one] = await signed(house)
    [row] = await house.database.rows(Statement(select(kept_signatures)))
    for part in (one.value, one.certificate, one.promise):
        assert part not in bytes(row["answer"])


async def test_what_was_kept_is_forgotten_with_its_activation(database: OpenDatabase) -> None:
    kept = KeptSignatures(database)
    await kept.keep(b"old", b"1", 100)
    await kept.keep(b"young", b"2", 101)
    await kept.keep(b"young", b"3", 999)
    assert (await kept.find(b"old", 99), await kept.find(b"old", 100)) == (b"1", None)
    await kept.forget(100)
    rows = await database.rows(Statement(select(kept_signatures)))
    assert [bytes(row["answer"]) for row in rows] == [b"2"], "what lies there stays as it is"
