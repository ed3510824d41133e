"""Keys are rotated while clients log in, on software keys and on SoftHSM (R7).

Clients keep the JWKS as long as its ``max-age`` allows, and no longer; a minute of safety is a
second here.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from config.runtime.database.connect import OpenDatabase
from keystore.purposes import Role
from keystore.rings import issuer_ring
from keystore.service.client import KeyOperator
from keystore.service.run import socket_path
from tests.deployment import (
    Deployment,
    codes,
    deployment,
    migrated,
    redeem,
    register,
    until,
)
from tests.softhsm import LABEL, start_softhsm

pytestmark = pytest.mark.server
MAX_AGE = 2
SHORT = (("keystore.rotation.MARGIN", 1),)


@dataclass(slots=True)
class RelyingParty:
    """Redeems codes and verifies each ID token with the JWKS that it has."""

    place: Deployment
    database: OpenDatabase
    http: httpx2.AsyncClient
    keys: KeySet = field(default_factory=lambda: KeySet([]))
    stale_at: float = 0.0
    kids: list[str] = field(default_factory=list)
    last: str = ""

    async def jwks(self) -> None:
        """Fetch the JWKS."""
        asked_at = time.monotonic()
        answer = await self.http.get("/jwks")
        age = re.search(r"max-age=(\d+)", answer.headers["cache-control"])
        assert age is not None
        self.keys = KeySet.import_key_set(answer.json())
        self.stale_at = asked_at + int(age.group(1))

    async def log_in(self, *, looks_again: bool = False) -> None:
        """Redeem a code and verify its ID token; ``looks_again`` when the key is unknown."""
        (code,) = await codes(self.database, self.place.issuer, 1)
        answer = await redeem(self.http, self.place.issuer, code)
        assert answer.status_code == 200, answer.text
        self.last = answer.json()["id_token"]
        if time.monotonic() >= self.stale_at:
            await self.jwks()
        if looks_again and self.kid not in self.shown:
            await self.jwks()
        jwt.decode(self.last, self.keys, algorithms=["ES256"])
        self.kids.append(self.kid)

    @property
    def kid(self) -> str:
        return str(extract_compact(self.last.encode()).headers()["kid"])

    @property
    def shown(self) -> set[str]:
        return {str(key.kid) for key in self.keys}


@pytest.fixture(params=["software", "softhsm"])
def laid_out(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment whose keys lie in a file, or on a token."""
    keys: dict[str, Any] = {}
    variables: dict[str, str] = {}
    if request.param == "softhsm":
        hsm = start_softhsm(tmp_path / "token")
        variables = hsm.variables
        keys = {"backend": "pkcs11", "module": hsm.module, "token": LABEL}
        keys |= {"pin_file": str(hsm.pin_file), "software_allowed": False}
    short = {"metadata": MAX_AGE, "id_token": 60, "access_token": 60}
    with deployment(environment=variables, keys=keys, lifetimes=short) as place:
        yield place


@asynccontextmanager
async def parties(place: Deployment, count: int) -> AsyncIterator[list[RelyingParty]]:
    await migrated(place)
    await place.keys_up(constants=SHORT)
    await register(place)
    await place.web_up()
    async with place.database() as database, place.http() as http:
        yield [RelyingParty(place, database, http) for _ in range(count)]


async def states(place: Deployment) -> dict[str, str]:
    """Return the state of each signing key, by its kid."""
    listed = json.loads(await place.run("keys", "list", "--json"))
    ring = issuer_ring(place.issuer)
    return {key["kid"]: key["state"] for key in listed if key["ring"] == ring}


async def rotate(place: Deployment, *more: str) -> str:
    """Rotate the issuer's key by the command line; return the new one's kid."""
    said = await place.run("keys", "rotate", issuer_ring(place.issuer), "ES256", *more)
    return said.split()[0]


async def test_no_client_fails_to_verify_while_a_key_is_rotated(laid_out: Deployment) -> None:
    place = laid_out
    async with parties(place, 4) as clients:
        stop = asyncio.Event()

        async def keep_logging_in(client: RelyingParty) -> None:
            while not stop.is_set():
                await client.log_in()

        load = [asyncio.create_task(keep_logging_in(client)) for client in clients]
        await until(lambda: all(len(client.kids) > 2 for client in clients))
        old_tokens, (old,) = [client.last for client in clients], await states(place)
        new = await rotate(place)
        assert (await states(place))[old] == "active", "a key is shown before it is used"

        async def is_in_use() -> bool:
            await _advance(place)
            assert not any(task.done() for task in load), [t for t in load if t.done()]
            return all(client.kids[-1] == new for client in clients)

        await until(is_in_use)
        stop.set()
        await asyncio.gather(*load)
        assert all(set(client.kids) == {old, new} for client in clients)
        assert await states(place) == {old: "retiring", new: "active"}
        await clients[0].jwks()
        assert clients[0].shown == {old, new}, "the old key stays as long as what it signed"
        for token in old_tokens:
            jwt.decode(token, clients[0].keys, algorithms=["ES256"])


async def _advance(place: Deployment) -> None:
    """Have the key service look now for what it else looks for every few seconds."""
    operator = KeyOperator(socket_path(Path(place.settings.keys.sockets), Role.OPERATOR))
    try:
        await operator.advance()
    finally:
        await operator.close()


async def test_in_an_emergency_the_old_key_is_out_at_once(laid_out: Deployment) -> None:
    place = laid_out
    async with parties(place, 3) as clients:
        for client in clients:
            await client.log_in()
        burnt, old_token = clients[0].kid, clients[0].last
        new = await rotate(place, "--emergency")
        await asyncio.gather(*(client.log_in(looks_again=True) for client in clients))
        for client in clients:
            assert client.kid == new, "nothing more is signed by the burnt key"
            assert client.shown == {new}
            with pytest.raises((JoseError, ValueError)):
                jwt.decode(old_token, client.keys, algorithms=["ES256"])
        assert burnt not in await states(place)
