"""Stored keys on a token that wraps none: told once, refused by name; all else goes on."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from config.runtime.entropy import SystemEntropy
from config.settings import DatabaseSettings, KeySettings, Settings
from config.settings.esignet import Esignet
from config.wiring.doctor import Finding, examine
from config.wiring.documents import DocumentGround, document_desk
from config.wiring.production import open_world
from keystore.backends.backend import Algorithm, NewKey, Unsupported
from keystore.backends.registry import Backends
from keystore.backends.software import SoftwareBackend
from keystore.credentials.ability import LACK
from keystore.credentials.door import CredentialAct
from keystore.door import NotPermitted
from keystore.purposes import OwnSecret, Role
from keystore.service.client import KeyOperator
from keystore.service.run import socket_path
from keystore.signing.door import SigningOrder
from keystore.signing.plans import CmsPlan
from tests.key_backends import REMOTE, running
from tests.keyrings import Keys, only, software_backend
from tests.signing_house import SHA256, STORING, approval, signing_house
from tests.stored_keys import about

pytestmark = pytest.mark.server
REMEDY = f"{LACK}: switch esignet.stored_keys off, or take another token"


class MakesNoWrappingKey(SoftwareBackend):
    """As a token that refuses a key for wrapping when it is to be made."""

    async def generate(self, algorithm: Algorithm, label: str) -> NewKey:
        if algorithm is Algorithm.KWP:
            raise Unsupported("no key for wrapping is made")
        return await super().generate(algorithm, label)


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """What the rows are does not matter: there are none."""
    return str(request.param)


@pytest.fixture(params=["makes no wrapping key", "wraps nothing"])
async def keys(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Keys]:
    """Keys whose wrapping key refuses to be made, or is in a real token without AES-KWP."""
    async with AsyncExitStack() as stack:
        soft = software_backend(tmp_path)
        if request.param == "wraps nothing":
            remote = await stack.enter_async_context(running(REMOTE, tmp_path))
            both = {soft.scheme: soft, remote.scheme: remote}
            yield Keys(Backends(both, soft, {Algorithm.KWP: remote}))
        else:
            yield only(MakesNoWrappingKey(soft._file, SystemEntropy(), allowed=True))
        await soft.close()


async def test_it_is_told_once_and_everything_else_signs(
    keys: Keys, database: OpenDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    ground = DocumentGround(
        database=database, backends=keys.backends, clock=SystemClock(), entropy=SystemEntropy()
    )
    make = document_desk(STORING, ground)
    assert make is not None
    desk = make(keys.ring, keys.administration)
    await keys.administration.ensure({}, desk.rings)
    for _ in range(3):
        await keys.administration.advance()
        await desk.keep()
    told = [one.getMessage() for one in caplog.records if one.levelname != "INFO"]
    assert told == [REMEDY]
    digest = bytes(32)
    token = await desk.signing.activate(approval(digest))
    order = SigningOrder(
        activation=token, hash_algorithm=SHA256, digests=[digest], plans=[CmsPlan(0)]
    )
    assert await desk.signing.sign(order)


async def test_a_new_key_is_refused_before_anybody_agrees_and_the_doctor_says_why(
    keys: Keys, database: OpenDatabase, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory() as sockets:
        async with signing_house(keys, database, Path(sockets), STORING) as house:
            with pytest.raises(NotPermitted, match="wraps no keys"):
                await house.idp.activate_credential(about(CredentialAct.CREATE))
            with pytest.raises(NotPermitted, match="wraps no keys"):
                await house.esignet.create_credential("whatever it is")
            found = await examined(sockets, tmp_path, STORING)
            assert Finding("stored keys", REMEDY) in found
            operator = KeyOperator(socket_path(Path(sockets), Role.OPERATOR))
            listed = [one for one in await operator.keys() if one.ring == OwnSecret.WRAPPING]
            assert all(one.trouble == LACK for one in listed)
            await operator.close()


async def test_where_keys_are_wrapped_nothing_is_told(
    database: OpenDatabase, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory() as sockets:
        backend = software_backend(tmp_path)
        async with signing_house(backend, database, Path(sockets), STORING) as house:
            found = await examined(sockets, tmp_path, STORING)
            assert Finding("stored keys") in found and Finding("fonts") in found
            absent = msgspec.structs.replace(STORING, fonts=(f"{tmp_path}/absent.ttf",))
            said = f"esignet.fonts: {tmp_path}/absent.ttf: No such file or directory"
            assert Finding("fonts", said) in await examined(sockets, tmp_path, absent)
            assert await house.idp.activate_credential(about(CredentialAct.CREATE))


async def examined(sockets: str, directory: Path, esignet: Esignet) -> list[Finding]:
    """What `symbolon doctor` finds."""
    chosen = Settings(
        demo=True,
        keys=KeySettings(sockets=sockets),
        database=DatabaseSettings(url=f"sqlite:///{directory}/web.db"),
        esignet=esignet,
    )
    async with open_world(chosen, Role.OPERATOR) as world:
        return await examine(world)
