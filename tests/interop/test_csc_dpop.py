"""Tokens bound to a key at the signing service: each proof once, with a nonce of its own making."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import pytest_asyncio
import uvicorn
from joserfc.jwk import ECKey

from config.runtime.entropy import SystemEntropy
from idp.flows.dpop_nonces import WINDOW
from idp.stores.clients import Clients
from tests.dpop import ath, sign
from tests.interop.scripted import driven
from tests.journeys.hosted_world import NOTARY, SECRET, SERVICE, House, hosted
from tests.journeys.login_world import ORIGIN

pytestmark = pytest.mark.asyncio(loop_scope="module")
BOUND = replace(
    NOTARY,
    client_id="bound",
    scope=frozenset({"openid", "signatures", "service"}),
    secret_digest=sha256(SECRET.encode()).digest(),
)
LIST = "/csc/v2/credentials/list"
SCHEMES = ['DPoP algs="ES256 PS256 EdDSA"', 'Bearer realm="Symbolon"']


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with hosted(tmp_path_factory.mktemp("nonces"), nonces=True) as made:
        await made.here.world.database.submit(Clients(made.here.world.database).insert(BOUND))
        yield made


@dataclass
class Sender:
    """Who holds a key. ``nonces`` are what each server told last, by its origin."""

    house: House
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", private=True))
    nonces: dict[str, str] = field(default_factory=dict)
    token: str = ""

    def proof(self, method: str, address: str, **changes: Any) -> str:
        parts = urlsplit(address)
        claims: dict[str, Any] = {
            "jti": SystemEntropy().token(16),
            "htm": method,
            "htu": address,
            "iat": self.house.here.clock.time,
            "nonce": self.nonces.get(f"{parts.scheme}://{parts.netloc}"),
        }
        if self.token:
            claims["ath"] = ath(self.token)
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.as_dict(private=False)}
        return sign(header, claims | changes, self.key)

    async def login(self) -> None:
        """Get a token of the client's own, bound to the key."""
        client = self.house.here.browser().client
        form = {"grant_type": "client_credentials", "scope": "service signatures"}
        self.token = ""
        for _ in range(2):
            proof = self.proof("POST", f"{ORIGIN}/token")
            answer = await client.post(
                "/token",
                data={**form, "resource": SERVICE},
                headers={"dpop": proof},
                auth=(BOUND.client_id, SECRET),
            )
            self.heard(ORIGIN, answer)
            if answer.status_code == 200:
                break
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]

    async def ask(
        self, path: str = LIST, method: str = "POST", proof: str = "", **headers: str
    ) -> httpx2.Response:
        sent = {
            "authorization": f"DPoP {self.token}",
            "dpop": proof or self.proof(method, SERVICE + path),
            **headers,
        }
        client = self.house.browser().client
        body = {} if method == "POST" else None
        answer = await client.request(method, path, json=body, headers=sent)
        self.heard(SERVICE, answer)
        return answer

    def heard(self, origin: str, answer: httpx2.Response) -> None:
        self.nonces[origin] = answer.headers.get("dpop-nonce", self.nonces.get(origin))


@pytest_asyncio.fixture(loop_scope="module")
async def sender(house: House) -> Sender:
    made = Sender(house)
    await made.login()
    return made


def challenges(answer: httpx2.Response) -> list[str]:
    return answer.headers.get_list("www-authenticate")


@pytest.mark.behaviour(41)
@pytest.mark.spec("RFC 9449 §9")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", LIST),
        ("GET", "/signature-requests/none"),
        ("GET", "/signature-requests/none/evidence"),
        ("GET", "/documents/none"),
        ("GET", "/signatures"),
        ("POST", "/signature-requests/none/links"),
        ("POST", "/seals"),
    ],
)
async def test_whoever_brings_no_nonce_is_told_one_and_comes_in(
    sender: Sender, method: str, path: str
) -> None:
    refused = await sender.ask(path, method)
    assert refused.status_code == 401
    assert refused.json()["error"] == "use_dpop_nonce"
    used, other = challenges(refused)
    assert used.startswith(f'{SCHEMES[0]}, error="use_dpop_nonce"')
    assert other == SCHEMES[1]
    assert len(refused.headers["dpop-nonce"]) == 22
    answer = await sender.ask(path, method)
    assert answer.status_code != 401, answer.text
    assert not challenges(answer) or answer.status_code == 403
    assert "dpop-nonce" not in answer.headers, "it is the newest"


@pytest.mark.behaviour(41)
@pytest.mark.spec("RFC 9449 §8.2")
async def test_who_comes_once_in_a_window_is_never_refused(sender: Sender) -> None:
    await sender.ask()
    seen = {sender.nonces[SERVICE]}
    for method, path in (("GET", "/documents/none"), ("POST", LIST), ("POST", "/seals")):
        sender.house.here.clock.time += WINDOW
        await sender.login()
        for _ in range(2):  # what is refused for another reason tells it, too
            answer = await sender.ask(path, method)
            assert answer.status_code in (200, 403, 404), answer.text
        seen.add(sender.nonces[SERVICE])
    assert len(seen) == 4
    sender.house.here.clock.time += 2 * WINDOW
    await sender.login()
    assert (await sender.ask()).json()["error"] == "use_dpop_nonce"
    assert (await sender.ask()).status_code == 200


@pytest.mark.attack("A20")
async def test_a_nonce_of_the_issuer_is_none_of_the_signing_service(sender: Sender) -> None:
    await sender.ask()
    assert sender.nonces[ORIGIN] != sender.nonces[SERVICE]
    wrong = sender.proof("POST", SERVICE + LIST, nonce=sender.nonces[ORIGIN])
    assert (await sender.ask(proof=wrong)).json()["error"] == "use_dpop_nonce"


@pytest.mark.attack("A20")
async def test_a_proof_is_good_once_for_its_own_request(sender: Sender) -> None:
    await sender.ask()
    proof = sender.proof("POST", SERVICE + LIST)
    first, *others = await asyncio.gather(*(sender.ask(proof=proof) for _ in range(3)))
    statuses = sorted(one.status_code for one in (first, *others))
    assert statuses == [200, 401, 401]
    for wrong in (
        sender.proof("GET", SERVICE + LIST),
        sender.proof("POST", f"{SERVICE}/signature-requests"),
        sender.proof("POST", SERVICE + LIST, ath=ath("another")),
        "no.proof.atall",
    ):
        refused = await sender.ask(proof=wrong)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_dpop_proof")
        used, other = challenges(refused)
        assert re.match(f'{SCHEMES[0]}, error="invalid_dpop_proof", error_description="', used)
        assert other == SCHEMES[1]


async def test_without_its_proof_a_bound_token_opens_nothing(sender: Sender) -> None:
    refused = await sender.ask(authorization=f"Bearer {sender.token}")
    assert refused.status_code == 401
    used, other = challenges(refused)
    assert used.startswith(f'{SCHEMES[1]}, error="invalid_token"')
    assert other == SCHEMES[0]
    thief = Sender(sender.house, nonces=sender.nonces, token=sender.token)
    await thief.ask()
    assert (await thief.ask()).status_code == 401
    bare = await sender.house.browser().client.get("/signature-requests/none")
    assert bare.status_code == 401
    assert challenges(bare) == SCHEMES[::-1], "RFC 6750 §3.1: of no error"


@dataclass
class Gate:
    """Lets programs in by one port, to the server whose host they name, at the time that it is."""

    house: House

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.house.here.clock.time = int(time.time())
        wanted = dict(scope["headers"])[b"x-host"]
        kept = [pair for pair in scope["headers"] if pair[0] != b"host"]
        server = self.house.sign if SERVICE.endswith(wanted.decode()) else self.house.here.web
        await server({**scope, "headers": [*kept, (b"host", wanted)]}, receive, send)


@pytest_asyncio.fixture(loop_scope="module")
async def gate(house: House) -> AsyncIterator[str]:
    config = uvicorn.Config(Gate(house), port=0, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(30):
        while not server.started:
            await asyncio.sleep(0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await running


@pytest.mark.server
@pytest.mark.behaviour(41)
@pytest.mark.parametrize("script", ["csc_dpop_oauth4webapi.mjs", "csc_dpop_openid_client.mjs"])
async def test_clients_that_others_wrote_are_served(gate: str, script: str) -> None:
    asked = {"issuer": ORIGIN, "service": SERVICE, "gate": gate, "clientId": "bound"}

    async def nothing(_: str) -> str:
        raise AssertionError("the script asks for nothing")

    told = await driven(script, {**asked, "secret": SECRET}, nothing)
    assert told["token_type"].lower() == "dpop"
    assert told["listed"] == [200, {"credentialIDs": []}]
    assert told["created"] == 201
    if "oauth4webapi" in script:
        [[dpop, bearer]] = told["nonces"]
        assert (dpop["scheme"], dpop["error"]) == ("dpop", "use_dpop_nonce")
        assert dpop["algs"] == "ES256 PS256 EdDSA"
        assert bearer["scheme"] == "bearer"
    else:
        assert told["nonces"] == 1, "the second call has what the first was told"
