"""Whoever holds esignet's socket or breaks a step of signing gets no signature off the record."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from keystore.backends.backend import Algorithm, OneTimeKey, UnknownKey
from keystore.backends.software import SoftwareBackend
from keystore.door import KeyServiceUnavailable, NotPermitted
from keystore.jose import base64url, writer
from keystore.purposes import OwnRing, Role
from keystore.service import document_frames, frames
from keystore.service.run import socket_path
from keystore.signing import activation
from keystore.signing.door import ActivationKind, CertificateSubject, NotActivated
from keystore.signing.plans import CmsPlan
from tests.contracts.test_document_signing import DIGEST, OTHER, recorded, signed
from tests.contracts.test_seal_attacks import rotated
from tests.keyrings import software_backend
from tests.signing_house import SHA256, SigningHouse, approval, signing_house

pytestmark = pytest.mark.server

Claims = dict[str, Any]


@pytest.fixture
def backend(tmp_path: Path) -> SoftwareBackend:
    return software_backend(tmp_path)


@pytest.fixture
async def house(backend: SoftwareBackend, database: OpenDatabase) -> AsyncIterator[SigningHouse]:
    with tempfile.TemporaryDirectory() as sockets:
        async with signing_house(backend, database, Path(sockets)) as made:
            yield made
            assert backend.live == 0, "every one-time key is gone"


def claims(**changes: Any) -> Claims:
    """What an activation of DIGEST says, with ``changes``."""
    usual = json.loads(activation.claims_of(approval(DIGEST), "j-1", SystemClock().now()))
    return {**usual, **changes}


async def own_token(
    house: SigningHouse, said: Claims, ring: OwnRing = OwnRing.ACTIVATION, typ: str = activation.TYP
) -> str:
    """Sign ``said`` with a key of the key service, which only a test can reach."""
    await house.keys.ring.refresh()
    key = house.keys.ring.own(ring)
    header = writer.own_header(typ, key.algorithm, key.kid)
    octets = writer.signing_input(header, json.dumps(said).encode())
    [signature] = await house.keys.ring.sign_own(ring, [octets])
    return writer.compact(octets, signature)


async def refused(house: SigningHouse, token: str) -> None:
    with pytest.raises(NotActivated):
        await signed(house, activation=token)
    assert await recorded(house) == 0


def aged(seconds: int) -> Claims:
    now = SystemClock().now() - seconds
    return claims(iat=now, exp=now + activation.LIFETIME)


@pytest.mark.attack("A34")
@pytest.mark.parametrize(
    "said",
    [
        lambda: aged(activation.LIFETIME),
        lambda: aged(-60),
        lambda: claims(exp=SystemClock().now() + 100_000),
        lambda: claims(aud="https://sign.example"),
        lambda: claims(count=2),
        lambda: claims(hash_algorithm="sha384"),
        lambda: claims(kind="anybody"),
        lambda: {name: value for name, value in claims().items() if name != "jti"},
    ],
    ids=["expired", "future", "long", "audience", "count", "hash", "kind", "nameless"],
)
async def test_not_even_our_own_key_makes_any_other_activation_good(
    house: SigningHouse, said: Callable[[], Claims]
) -> None:
    await refused(house, await own_token(house, said()))


@pytest.mark.attack("A34")
async def test_an_activation_is_of_the_activation_key_alone(house: SigningHouse) -> None:
    assert await signed(house, activation=await own_token(house, claims(jti="honest")))
    for ring in set(OwnRing) - {OwnRing.ACTIVATION, OwnRing.ARCHIVE}:  # it has no key here
        with pytest.raises(NotActivated):
            await signed(house, activation=await own_token(house, claims(), ring))
    with pytest.raises(NotActivated):
        await signed(house, activation=await own_token(house, claims(), typ="JWT"))
    kid = house.keys.ring.own(OwnRing.ACTIVATION).kid
    header = {"alg": "ES256", "typ": activation.TYP, "kid": kid}
    mine = jws.serialize_compact(header, json.dumps(claims()), ECKey.generate_key("P-256"))
    with pytest.raises(NotActivated):
        await signed(house, activation=mine)
    assert await recorded(house) == 1


@pytest.mark.attack("A34")
@pytest.mark.parametrize("is_stuck", [False, True])
async def test_what_a_burnt_key_activated_signs_nothing(
    house: SigningHouse,
    backend: SoftwareBackend,
    monkeypatch: pytest.MonkeyPatch,
    is_stuck: bool,  # the token does not destroy the key now: it is not believed for that
) -> None:
    waiting = [await house.idp.activate(approval(DIGEST)), await own_token(house, claims())]

    async def away(ref: str) -> None:
        raise KeyServiceUnavailable

    with monkeypatch.context() as meanwhile:
        if is_stuck:
            meanwhile.setattr(backend, "destroy", away)
        with suppress(KeyServiceUnavailable):
            await rotated(house, OwnRing.ACTIVATION)
        for token in waiting:
            await refused(house, token)
        assert await signed(house)
    assert await recorded(house) == 1


@pytest.mark.attack("A34")
async def test_an_activation_that_was_altered_signs_nothing(house: SigningHouse) -> None:
    head, _, tail = (await house.idp.activate(approval(DIGEST))).split(".")
    other = approval(OTHER).digests
    for change in ({"jti": "j-2"}, {"digests": base64url.encode(other).decode()}):
        altered = base64url.encode(json.dumps(claims(**change)).encode()).decode()
        await refused(house, f"{head}.{altered}.{tail}")


@pytest.mark.attack("A34")
async def test_a_promise_or_another_approval_is_no_activation(house: SigningHouse) -> None:
    [one] = await signed(house)
    with pytest.raises(NotActivated):
        await signed(house, activation=one.promise.decode())
    with pytest.raises(NotActivated):
        await signed(house, activation=await house.idp.activate(approval(OTHER)))
    both = await house.idp.activate(approval(DIGEST, OTHER))
    with pytest.raises(NotActivated):
        await signed(house, activation=both)
    with pytest.raises(NotActivated):
        await signed(house, approved=(OTHER, DIGEST), activation=both)
    assert await recorded(house) == 1


@pytest.mark.attack("A34")
async def test_no_seal_of_an_organisation_comes_from_one_party_alone(house: SigningHouse) -> None:
    office = CertificateSubject(serial="o-1", country="UT", organization="Land Registry")
    changes: list[Claims] = [
        {"kind": ActivationKind.ORGANIZATION},
        {"holder": office},
        {"kind": ActivationKind.ORGANIZATION, "holder": office},
    ]
    for change in changes:
        with pytest.raises(NotPermitted):
            await house.idp.activate(approval(DIGEST, **change))


async def raw(house: SigningHouse, frame: Sequence[object]) -> bytes:
    """Send one frame of any shape over esignet's socket; return all that comes until its end."""
    reader, sink = await asyncio.open_unix_connection(socket_path(house.sockets, Role.ESIGNET))
    body = msgspec.msgpack.encode(frame)
    sink.write(len(body).to_bytes(4, "big") + body)
    async with asyncio.timeout(60):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            sink.close()


@pytest.mark.attack("A34")
async def test_raw_frames_with_finished_octets_are_hung_up_on(house: SigningHouse) -> None:
    token = await house.idp.activate(approval(DIGEST))
    evil = b"\x31\x82 finished attributes"
    plans: list[object] = [
        evil,
        ["raw", evil],
        ["cms", evil],
        ["cms", 0.5],
        ["xml", "S", [evil]],
        ["jws", 0],
        [],
        None,
    ]
    for plan in plans:
        frame = ["sign_documents", 1, token, "sha256", [DIGEST], [plan], True]
        assert await raw(house, frame) == b""
    for verb in ("sign_octets", "sign_own", "certify", "one_time", "sign_and_destroy"):
        assert await raw(house, [verb, 1, "ca:issuing", [evil]]) == b""
    for weak in ("sha1", "md5"):
        frame = ["sign_documents", 1, token, weak, [DIGEST], [["cms", 0]], True]
        assert await raw(house, frame) == b""
    assert await recorded(house) == 0
    assert await signed(house, activation=token)


async def test_the_record_stands_before_anything_is_signed(
    house: SigningHouse, backend: SoftwareBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, seen = backend.sign_and_destroy, list[int]()

    async def watched(handle: str, alg: Algorithm, messages: Sequence[bytes]) -> list[bytes]:
        seen.append(await recorded(house))
        return await honest(handle, alg, messages)

    monkeypatch.setattr(backend, "sign_and_destroy", watched)
    plans = (CmsPlan(0), CmsPlan(1))
    await signed(house, *plans, approved=(DIGEST, OTHER), one_key=False)
    assert seen == [2, 2]


async def test_what_fails_after_the_record_is_used_up_and_signed_never(
    house: SigningHouse, backend: SoftwareBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(handle: str, alg: Algorithm, messages: Sequence[bytes]) -> list[bytes]:
        raise UnknownKey("the token restarted")

    token = await house.idp.activate(approval(DIGEST))
    with monkeypatch.context() as broken:
        broken.setattr(backend, "sign_and_destroy", lost)
        with pytest.raises(KeyServiceUnavailable):
            await signed(house, activation=token)
    assert backend.live == 0
    with pytest.raises(NotActivated, match="used"):
        await signed(house, activation=token)
    assert await recorded(house) == 1


async def test_a_token_that_is_full_in_the_middle_keeps_no_key_and_uses_nothing_up(
    house: SigningHouse, backend: SoftwareBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, calls = backend.one_time, list[int]()

    async def full(alg: Algorithm) -> OneTimeKey:
        calls.append(1)
        if len(calls) == 2:
            raise KeyServiceUnavailable("the token is full")
        return await honest(alg)

    approved = (DIGEST, OTHER, bytes(32))
    token = await house.idp.activate(approval(*approved))
    plans = (CmsPlan(0), CmsPlan(1), CmsPlan(2))
    with monkeypatch.context() as broken:
        broken.setattr(backend, "one_time", full)
        with pytest.raises(KeyServiceUnavailable):
            await signed(house, *plans, approved=approved, activation=token, one_key=False)
    assert (backend.live, await recorded(house)) == (0, 0)
    assert await signed(house, *plans, approved=approved, activation=token, one_key=False)


async def test_what_a_caller_began_ends_when_they_hang_up_and_leaves_no_key(
    house: SigningHouse, backend: SoftwareBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, waits, gate = backend.one_time, asyncio.Event(), asyncio.Event()

    async def slow(alg: Algorithm) -> OneTimeKey:
        if backend.live:
            waits.set()
            await gate.wait()
        return await honest(alg)

    monkeypatch.setattr(backend, "one_time", slow)
    token = await house.idp.activate(approval(DIGEST, OTHER))
    digests, plans = [DIGEST, OTHER], [CmsPlan(0), CmsPlan(1)]
    order = document_frames.SignDocuments(1, token, SHA256, digests, list(plans), False)
    _, sink = await asyncio.open_unix_connection(socket_path(house.sockets, Role.ESIGNET))
    sink.write(frames.encode(order))
    async with asyncio.timeout(60):
        await waits.wait()
        sink.close()
        await sink.wait_closed()
        await house.idp.activate(approval(DIGEST))  # asked later, so the end was seen before it
        gate.set()
        while backend.live:
            await asyncio.sleep(0.01)
    made = await signed(house, *plans, approved=digests, activation=token, one_key=False)
    assert (len(made), await recorded(house), backend.live) == (2, 2, 0)


@pytest.mark.parametrize("place", ["head", "claims", "signature"])
async def test_an_activation_of_this_very_key_service_is_refused_once_an_octet_is_another(
    house: SigningHouse, place: str
) -> None:
    parts = (await house.idp.activate(approval(DIGEST))).split(".")
    number = ("head", "claims", "signature").index(place)
    octets = bytearray(base64url.decode(parts[number]))
    octets[-1] ^= 1
    parts[number] = base64url.encode(bytes(octets)).decode()
    await refused(house, ".".join(parts))
