"""Authorization codes: used once, whoever comes when (R2)."""

import asyncio
from dataclasses import replace

import pytest

from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.database.unit import Refused
from idp.protocol.claims_request import Asked, ClaimsRequest
from idp.protocol.grant import Authorization, Grant, IssuedCode, digest_of
from idp.stores.codes import Codes
from idp.stores.grants import Grants
from tests.servers import PATIENT

NOW = 1_800_000_000
AUTHORIZATION = Authorization(
    grant_id="g1",
    issuer="https://id.example",
    client_id="c1",
    resident_id="r1",
    subject="s1",
    scope=("openid",),
    claims=ClaimsRequest(userinfo={"name#ar": Asked(True, ("x", 1, None, {"a": [True]}))}),
    granted_claims=frozenset(("name",)),
    claims_locales=("ar",),
    session_id="session",
    auth_time=NOW,
    acr=None,
    amr=("otp",),
    nonce="n",
    auth_time_asked=True,
)
CODE = IssuedCode(
    digest=digest_of("code"),
    authorization=AUTHORIZATION,
    redirect_uri="https://rp.example/cb",
    code_challenge=None,
    expires_at=NOW + 60,
)


async def test_a_code_is_found_as_it_was_issued(database: OpenDatabase) -> None:
    codes = Codes(database)
    assert await codes.find(CODE.digest) is None
    await database.submit(codes.insert(CODE))
    assert await codes.find(CODE.digest) == CODE
    with pytest.raises(Refused):
        await database.submit(codes.insert(CODE))


async def test_a_used_code_stays_as_a_tombstone(database: OpenDatabase) -> None:
    codes = Codes(database)
    await database.submit(codes.insert(CODE))
    await database.submit(codes.use(CODE, NOW + 1, NOW + 1000))
    assert await codes.find(CODE.digest) == replace(CODE, used_at=NOW + 1)
    with pytest.raises(Refused):
        await database.submit(codes.use(CODE, NOW + 2, NOW + 1000))
    await database.submit(codes.prune(NOW + 999, 10))
    assert await codes.find(CODE.digest) is not None
    await database.submit(codes.prune(NOW + 1000, 10))
    assert await codes.find(CODE.digest) is None


async def test_pruning_takes_no_more_than_it_may(database: OpenDatabase) -> None:
    codes = Codes(database)
    several = [replace(CODE, digest=digest_of(str(n))) for n in range(5)]
    await database.submit(*(codes.insert(code) for code in several))
    await database.submit(codes.prune(NOW + 60, 3))
    left = [code for code in several if await codes.find(code.digest)]
    assert len(left) == 2


@pytest.mark.attack("A14")
async def test_of_64_redemptions_at_once_exactly_one_happens(
    database: OpenDatabase, database_url: str
) -> None:
    """Two openings of one database, as two processes have; each redemption makes its grant."""
    other = await open_database(database_url, PATIENT)
    await database.submit(Codes(database).insert(CODE))

    async def redeem(number: int) -> bool:
        opened = (database, other)[number % 2]
        authorization = replace(AUTHORIZATION, grant_id=f"g{number}")
        grant = Grant(
            authorization=authorization, created_at=NOW, updated_at=NOW, expires_at=NOW + 300
        )
        try:
            await opened.submit(
                Codes(opened).use(CODE, NOW, NOW + 300), Grants(opened).insert(grant)
            )
        except Refused:
            return False
        return True

    won = await asyncio.gather(*(redeem(number) for number in range(64)))
    assert won.count(True) == 1
    made = [n for n in range(64) if await Grants(database).find(f"g{n}") is not None]
    assert made == [won.index(True)]
    await other.close()
