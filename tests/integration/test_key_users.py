"""Who may ask the key service for what is decided by the user of the process that connects."""

import asyncio
import os
import pwd
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from config.settings import Settings, SettingsError, anchored
from config.wiring.keys import serve_keys
from config.wiring.migrations import KEYSTORE, migrate
from keystore.door import KeyServiceUnavailable, MacPurpose
from keystore.purposes import Role
from keystore.service.client import KeyOperator, KeyServiceClient
from keystore.service.run import socket_path

pytestmark = pytest.mark.long

ME = pwd.getpwuid(os.getuid()).pw_name
SOMEBODY_ELSE = next(user.pw_name for user in pwd.getpwall() if user.pw_uid != os.getuid())


def settings(directory: Path, users: dict[str, tuple[str, ...]]) -> Settings:
    made = msgspec.convert({"demo": True, "keys": {"software_allowed": True}}, Settings)
    keys = msgspec.structs.replace(made.keys, users=users)
    return anchored(msgspec.structs.replace(made, keys=keys), directory)


@asynccontextmanager
async def served(chosen: Settings) -> AsyncIterator[Path]:
    await asyncio.to_thread(migrate, chosen.keys.database, KEYSTORE)
    ready = asyncio.Event()
    service = asyncio.create_task(serve_keys(chosen, SystemClock(), SystemEntropy(), ready.set))
    await asyncio.wait_for(ready.wait(), 30)
    try:
        yield Path(chosen.keys.sockets)
    finally:
        service.cancel()
        await asyncio.gather(service, return_exceptions=True)


async def test_a_role_is_open_to_its_own_users_alone(tmp_path: Path) -> None:
    chosen = settings(tmp_path, {"idp": (ME,), "operator": (SOMEBODY_ELSE,)})
    async with served(chosen) as sockets:
        idp = KeyServiceClient(socket_path(sockets, Role.IDP), SystemClock())
        assert await idp.mac(MacPurpose.LOOKUP, b"8747870537")
        await idp.close()
        operator = KeyOperator(socket_path(sockets, Role.OPERATOR))
        with pytest.raises(KeyServiceUnavailable):
            await operator.keys()
        await operator.close()


@pytest.mark.parametrize("users", [{"idp": ("nobody-of-this-name",)}, {"idpp": (ME,)}])
async def test_users_and_roles_that_do_not_exist_are_told(
    tmp_path: Path, users: dict[str, tuple[str, ...]]
) -> None:
    chosen = settings(tmp_path, users)
    with pytest.raises(SettingsError, match=r"keys\.users"):
        await serve_keys(chosen, SystemClock(), SystemEntropy(), lambda: None)
