"""Device secrets: good while their session lives, and gone with the person."""

from dataclasses import replace

from config.runtime.database.connect import OpenDatabase
from idp.protocol.grant import digest_of
from idp.protocol.native_sso import DeviceSecret
from idp.protocol.session import Proof, Session
from idp.stores.device_secrets import DeviceSecrets
from idp.stores.forgetting import forget
from idp.stores.sessions import Sessions

NOW = 1_800_000_000
ISSUER = "https://id.example"
SESSION = Session(
    id="s1",
    issuer=ISSUER,
    digest=b"d" * 32,
    browser=b"b" * 32,
    resident_id="r1",
    proofs=(Proof("otp", NOW),),
    begun_at=NOW,
    expires_at=NOW + 3600,
    csrf="x",
)
SECRET = DeviceSecret(
    digest=digest_of("secret"),
    issuer=ISSUER,
    sso_group="example",
    session_id="s1",
    resident_id="r1",
    auth_time=NOW,
    acr=None,
    amr=("otp",),
    expires_at=NOW + 3600,
)


async def kept(database: OpenDatabase) -> DeviceSecrets:
    secrets = DeviceSecrets(database)
    await database.submit(Sessions(database, ISSUER).add(SESSION), secrets.add(SECRET))
    return secrets


async def test_it_is_found_with_what_its_session_rests_on(database: OpenDatabase) -> None:
    secrets = await kept(database)
    assert await secrets.find(SECRET.digest, NOW) == (SECRET, SESSION.proofs)
    assert await secrets.find(SECRET.digest, NOW + 3600) is None
    assert await secrets.find(digest_of("other"), NOW) is None
    sessions = Sessions(database, ISSUER)
    assert await sessions.ends_at("s1", "r1", NOW) == NOW + 3600
    assert await sessions.ends_at("s1", "r2", NOW) is None


async def test_it_dies_with_its_session(database: OpenDatabase) -> None:
    secrets, sessions = await kept(database), Sessions(database, ISSUER)
    await database.submit(sessions.end("s1", "r1", NOW + 1))
    assert await secrets.find(SECRET.digest, NOW + 2) is None
    assert await sessions.ends_at("s1", "r1", NOW + 2) is None


async def test_one_without_a_session_is_worth_nothing(database: OpenDatabase) -> None:
    secrets = await kept(database)
    stray = replace(SECRET, digest=digest_of("stray"), session_id="s2")
    await database.submit(secrets.add(stray))
    assert await secrets.find(stray.digest, NOW) is None


async def test_it_leaves_in_time_and_with_the_person(database: OpenDatabase) -> None:
    secrets = await kept(database)
    other = replace(SECRET, digest=digest_of("other"), expires_at=NOW + 60)
    await database.submit(secrets.add(other))
    assert len(await database.take(secrets.prune(NOW + 60, 10))) == 1
    assert await secrets.find(other.digest, NOW) is None
    await database.submit(*forget("r1"))
    assert len(await database.take(secrets.prune(NOW + 9999, 10))) == 0
