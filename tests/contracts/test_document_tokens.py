"""Documents are signed on real tokens, and no key of a person stays in one."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from config.runtime.database.connect import OpenDatabase
from keystore.backends.pkcs11 import Pkcs11Backend
from keystore.signing.door import NotActivated
from keystore.signing.plans import CmsPlan
from tests.contracts.test_document_signing import DIGEST, recorded, signed
from tests.key_backends import NSS, SOFTHSM, running
from tests.signing_house import approval, signing_house

pytestmark = pytest.mark.server

SEVERAL = tuple(number.to_bytes(32, "big") for number in range(24))


@pytest.mark.server
@pytest.mark.parametrize("kind", [SOFTHSM, NSS])
async def test_a_token_keeps_nothing_of_what_it_signed(
    kind: str, database: OpenDatabase, tmp_path: Path
) -> None:
    async with running(kind, tmp_path) as backend:
        assert isinstance(backend, Pkcs11Backend)
        with tempfile.TemporaryDirectory() as sockets:
            async with signing_house(backend, database, Path(sockets)) as house:
                plans = [CmsPlan(place) for place in range(len(SEVERAL))]
                for one_key in (True, False):
                    made = await signed(house, *plans, approved=SEVERAL, one_key=one_key)
                    assert len({one.certificate for one in made}) == (1 if one_key else 24)
                    assert (backend.live, await backend.session_keys()) == (0, 0)
                token = await house.idp.activate(approval(DIGEST))
                plans = [CmsPlan(0, media_type=f"text/x{number}") for number in range(6)]
                tries = [signed(house, plan, activation=token) for plan in plans]
                answers = await asyncio.gather(*tries, return_exceptions=True)
                assert sum(isinstance(one, NotActivated) for one in answers) == 5
                assert (backend.live, await backend.session_keys()) == (0, 0)
                assert await recorded(house) == 2 * len(SEVERAL) + 1
