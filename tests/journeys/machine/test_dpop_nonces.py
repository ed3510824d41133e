"""Nonces of DPoP proofs: told where one is missing, rotating, and stored nowhere (RFC 9449 §8)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.runtime.database.connect import OpenDatabase
from config.settings import Features
from idp.flows.dpop_nonces import AHEAD, WINDOW, DpopNonces
from idp.flows.registration import Registered
from idp.protocol.errors import UseDpopNonce
from keystore.backends.backend import Algorithm
from keystore.door import Door, KeyServiceUnavailable, Mac, MacPurpose
from keystore.rings import mac_ring
from tests.dpop import Holder
from tests.keyrings import ISSUER as ADDRESS
from tests.keyrings import TOKENS, HandClock, keys_in_process
from tests.oauth import ISSUER, Ground, Provider, provider

NOW = 1_800_000_000 // WINDOW * WINDOW
NONCES = msgspec.structs.replace(ISSUER, features=Features(dpop_nonce=True))


@pytest.fixture
async def op(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Provider]:
    """A provider that demands nonces, at the beginning of a window."""
    ground = Ground(database=database, directory=tmp_path, clock=HandClock(NOW), issuer=NONCES)
    made = await provider(ground)
    yield made
    await made.http.aclose()


async def registered(op: Provider) -> Registered:
    return await op.register("private_key_jwt", dpop_bound_access_tokens=True)


@pytest.mark.behaviour(41)
@pytest.mark.spec("RFC 9449 §8")
async def test_the_token_endpoint_tells_a_nonce_and_takes_it(op: Provider) -> None:
    holder, client = Holder(op=op), await registered(op)
    code = await op.code(client.client)
    refused = await holder.redeem(client, code)
    assert refused.status_code == 400
    assert refused.json()["error"] == "use_dpop_nonce"
    assert refused.headers["cache-control"] == "no-store"
    assert "DPoP-Nonce" in refused.headers["access-control-expose-headers"]
    nonce = refused.headers["dpop-nonce"]
    assert len(nonce) == 22
    answer = await holder.redeem(client, code)
    assert answer.status_code == 200
    assert "dpop-nonce" not in answer.headers  # it is the newest


@pytest.mark.spec("RFC 9449 §8")
async def test_the_assertion_of_a_request_without_nonce_is_still_good(op: Provider) -> None:
    holder, client = Holder(op=op), await registered(op)
    form = op.credentials(client)["form"] | {"grant_type": "authorization_code", "code": "x"}
    for error in ("use_dpop_nonce", "invalid_grant", "invalid_client"):
        answer = await op.http.post(
            "/token", data=form, headers={"DPoP": holder.proof("POST", "/token")}
        )
        holder.heard(answer)
        assert answer.json()["error"] == error


@pytest.mark.behaviour(41)
@pytest.mark.spec("RFC 9449 §9")
async def test_a_resource_tells_a_nonce_and_takes_it(op: Provider) -> None:
    holder, client = Holder(op=op), await registered(op)
    await holder.redeem(client, "none")
    token = (await holder.tokens(client))["access_token"]
    for nonce in (None, "made-up", ""):
        wrong = holder.proof("GET", "/userinfo", token, nonce=nonce)
        refused = await op.http.get(
            "/userinfo", headers={"authorization": f"DPoP {token}", "dpop": wrong}
        )
        assert refused.status_code == 401
        used, other = refused.headers.get_list("www-authenticate")
        assert used.startswith('DPoP algs="ES256 PS256 EdDSA", error="use_dpop_nonce"')
        assert other == 'Bearer realm="Symbolon"'
        assert refused.headers["dpop-nonce"] == holder.nonce[0]
    assert (await holder.userinfo(token)).status_code == 200


@pytest.mark.behaviour(41)
@pytest.mark.spec("RFC 9449 §8.2")
async def test_whoever_comes_once_in_a_window_is_never_refused(op: Provider) -> None:
    holder, client = Holder(op=op), await registered(op)
    await holder.redeem(client, "none")
    seen = {holder.nonce[0]}
    for _ in range(5):
        op.clock.at += WINDOW
        answer = await holder.redeem(client, await op.code(client.client))
        assert answer.status_code == 200
        assert answer.headers["dpop-nonce"] == holder.nonce[0]
        seen.add(holder.nonce[0])
        answer = await holder.userinfo(answer.json()["access_token"])
        assert answer.status_code == 200
        assert "dpop-nonce" not in answer.headers
    assert len(seen) == 6


@pytest.mark.behaviour(41)
async def test_an_old_nonce_is_refused_with_the_new_one(op: Provider) -> None:
    holder, client = Holder(op=op), await registered(op)
    await holder.redeem(client, "none")
    old = holder.nonce[0]
    op.clock.at += 2 * WINDOW
    refused = await holder.redeem(client, await op.code(client.client))
    assert refused.json()["error"] == "use_dpop_nonce"
    assert holder.nonce[0] not in (None, old)


async def test_without_the_setting_no_nonce_is_told_or_looked_at(
    database: OpenDatabase, tmp_path: Path
) -> None:
    plain = await provider(Ground(database=database, directory=tmp_path, clock=HandClock(NOW)))
    holder, client = Holder(op=plain), await registered(plain)
    proof = holder.proof("POST", "/token", nonce="of somebody else")
    answer = await holder.redeem(client, await plain.code(client.client), proof)
    assert answer.status_code == 200
    assert "dpop-nonce" not in answer.headers
    await plain.http.aclose()


class Counting:
    """The door, which counts how often it is asked and may be shut."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.asked = 0
        self.shut = False

    async def macs(self, purpose: MacPurpose, messages: Any) -> list[tuple[Mac, ...]]:
        if self.shut:
            raise KeyServiceUnavailable
        self.asked += 1
        return await self.door.macs(purpose, messages)


async def told(nonces: DpopNonces, now: int) -> str:
    with pytest.raises(UseDpopNonce) as refusal:
        await nonces.check(None, now)
    return refusal.value.nonce


async def test_web_servers_agree_and_ask_the_key_service_once_in_a_window(tmp_path: Path) -> None:
    keys = await keys_in_process(tmp_path)
    doors: list[Any] = [Counting(keys.door()) for _ in range(2)]
    one, other = (DpopNonces(ADDRESS, door, keys.clock) for door in doors)
    elsewhere = DpopNonces("https://other.example", keys.door(), keys.clock)
    nonce = await told(one, NOW)
    for _ in range(50):
        assert await other.check(nonce, NOW + WINDOW - 1) is None
    assert await one.check(await told(other, NOW + WINDOW), NOW) is None  # a clock that runs ahead
    assert await told(elsewhere, NOW) != nonce
    assert [door.asked for door in doors] == [1, 2]


async def test_while_the_key_service_is_away_nonces_go_on_for_a_while(tmp_path: Path) -> None:
    keys = await keys_in_process(tmp_path)
    door: Any = Counting(keys.door())
    nonces = DpopNonces(ADDRESS, door, keys.clock)
    nonce = await told(nonces, NOW)
    door.shut = True
    for window in range(1, AHEAD + 1):
        newer = await nonces.check(nonce, NOW + window * WINDOW)
        assert newer is not None
        nonce = newer
    with pytest.raises(KeyServiceUnavailable):
        await nonces.check(nonce, NOW + (AHEAD + 1) * WINDOW)


async def test_a_nonce_survives_the_rotation_of_its_key(tmp_path: Path) -> None:
    keys = await keys_in_process(tmp_path)
    before = await told(DpopNonces(ADDRESS, keys.door(), keys.clock), NOW)
    await keys.administration.rotate(mac_ring(MacPurpose.NONCE), Algorithm.HMAC, emergency=False)
    for _ in range(2):  # published, then active
        keys.clock.at += TOKENS.publish_for
        await keys.administration.advance()
    after = DpopNonces(ADDRESS, keys.door(), keys.clock)
    assert await after.check(before, NOW) not in (None, before)
