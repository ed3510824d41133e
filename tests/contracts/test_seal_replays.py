"""Whoever dies while a seal is made: it is made once or never, and its record is there."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import DatabaseUnavailable, Write
from keystore.door import KeyServiceUnavailable
from keystore.rings import organization_ring
from keystore.signing.door import NotActivated
from tests.contracts.test_seal_attacks import DIGEST, recorded, sealed
from tests.keyrings import software_backend
from tests.sealing import REGISTRY, Office, enrolled
from tests.signing_house import SigningHouse, signing_house

pytestmark = [
    pytest.mark.server,
    pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True),
]


@dataclass
class Failing:
    """A database that is lost around the unit which writes to the table ``around``."""

    real: OpenDatabase
    around: str = ""
    is_before: bool = False

    async def submit(self, *writes: Write) -> None:
        fails = any(self.around and self.around in str(one.statement.clause) for one in writes)
        if fails and self.is_before:
            raise DatabaseUnavailable("it is lost")
        await self.real.submit(*writes)
        if fails:
            raise DatabaseUnavailable("it is lost")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@asynccontextmanager
async def house_on(database: Any, tmp_path: Path) -> AsyncIterator[SigningHouse]:
    with tempfile.TemporaryDirectory() as sockets:
        async with signing_house(software_backend(tmp_path), database, Path(sockets)) as made:
            yield made


async def test_a_seal_is_made_once_or_never_whenever_the_key_service_stops(
    database: OpenDatabase, tmp_path: Path
) -> None:
    failing, office = Failing(database), Office()
    async with house_on(failing, tmp_path) as house:
        await enrolled(house, office)
        word = office.authorizes(DIGEST)
        failing.around, failing.is_before = "used_activation", True
        with pytest.raises(KeyServiceUnavailable):
            await sealed(house, word)
        assert await recorded(house) == 0
        failing.around = ""
        [made] = await sealed(house, word)
        assert await recorded(house) == 1, "nothing was used up"

        word = office.authorizes(DIGEST)
        failing.around, failing.is_before = "used_activation", False
        with pytest.raises(KeyServiceUnavailable):
            await sealed(house, word)
        failing.around = ""
        with pytest.raises(NotActivated, match="used"):
            await sealed(house, word)
        assert await recorded(house) == 2, "there is a record, and no seal"

        word = office.authorizes(DIGEST)
        failing.around = "kept_signatures"
        [first] = await sealed(house, word)
        failing.around = ""
        [again] = await sealed(house, word)
        assert (again.value, again.promise) == (first.value, first.promise)
        assert await recorded(house) == 3 and first.value != made.value

        word = office.authorizes(DIGEST)
        failing.around, failing.is_before = "kept_signatures", True
        assert await sealed(house, word), "it was made, so it is given out"
        failing.around = ""
        with pytest.raises(NotActivated, match="used"):
            await sealed(house, word)
        assert await recorded(house) == 4


async def test_there_is_a_record_before_there_is_a_seal(
    database: OpenDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, signed = Office(), list[int]()
    async with house_on(database, tmp_path) as house:
        await enrolled(house, office)
        backend, keys = house.keys.backends.maker, await house.keys.administration.keys()
        [mine] = [key.ref for key in keys if key.ring == organization_ring(REGISTRY)]
        sign = backend.sign

        async def watched(ref: str, *more: Any) -> Any:
            if ref != mine:
                return await sign(ref, *more)
            signed.append(await recorded(house))
            raise KeyServiceUnavailable("it was unplugged")

        monkeypatch.setattr(backend, "sign", watched)
        word = office.authorizes(DIGEST)
        with pytest.raises(KeyServiceUnavailable):
            await sealed(house, word)
        monkeypatch.setattr(backend, "sign", sign)
        assert signed == [1]
        with pytest.raises(NotActivated, match="used"):
            await sealed(house, word)
        assert await sealed(house, office.authorizes(DIGEST))
