"""The contract of the door: in process and over a socket, on every backend, it keeps its word."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from joserfc import jws
from joserfc.jwk import JWKRegistry

from config.runtime.clock import SystemClock
from keystore.door import (
    BadSeal,
    Door,
    KeyState,
    MacPurpose,
    NotPermitted,
    Order,
    SealPurpose,
    TokenKind,
)
from keystore.jose.own import OwnTokens
from keystore.jose.reader import BadSignature, BadToken
from keystore.purposes import Role
from keystore.service.client import KeyServiceClient
from keystore.service.run import socket_path
from tests.keyrings import ISSUER, OTHER_ISSUER, Keys, key_service, only, serving, software_backend
from tests.softhsm import pkcs11_backend, start_softhsm

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALGS = ["ES256", "RS256", "PS256", "EdDSA"]
ISSUERS = {ISSUER: ALGS, OTHER_ISSUER: ["ES256"]}
TYPS = {
    TokenKind.ID_TOKEN: "JWT",
    TokenKind.ACCESS_TOKEN: "at+jwt",
    TokenKind.USERINFO: "JWT",
    TokenKind.LOGOUT_TOKEN: "logout+jwt",
    TokenKind.INTROSPECTION: "token-introspection+jwt",
    TokenKind.AUDIT_CHECKPOINT: "audit-checkpoint+jwt",
    TokenKind.AUTHORIZATION_RESPONSE: "JWT",
    TokenKind.SIGNATURE_EVENT: "secevent+jwt",
    TokenKind.CLIENT_ASSERTION: "client-authentication+jwt",
}
OF_THE_WORKER = (TokenKind.AUDIT_CHECKPOINT, TokenKind.SIGNATURE_EVENT)
CLIENT = (TokenKind.CLIENT_ASSERTION,)
HASHES_OF_IDP = [one for one in MacPurpose if one is not MacPurpose.SERVICE_NONCE]


@dataclass(frozen=True, slots=True)
class House:
    """The doors of every role on the same keys."""

    keys: Keys
    doors: dict[Role, Door]

    @property
    def door(self) -> Door:
        return self.doors[Role.IDP]


def made_keys(backend: str, directory: Path) -> Keys:
    if backend == "software":
        return only(software_backend(directory))
    return only(pkcs11_backend(start_softhsm(directory / "hsm")))


# Making keys takes longer than any test here, and none changes them: each house is built once.
@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=[
        "in process, software",
        "over a socket, software",
        pytest.param("in process, pkcs11", marks=pytest.mark.server),
        pytest.param("over a socket, pkcs11", marks=pytest.mark.server),
    ],
)
async def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    way, backend = request.param.split(", ")
    keys = made_keys(backend, tmp_path_factory.mktemp("keys"))
    if way == "in process":
        await keys.administration.ensure(ISSUERS)
        yield House(keys, {role: keys.door(role) for role in Role})
        await keys.backends.close()
        return
    with tempfile.TemporaryDirectory() as directory:  # the name of a socket has 107 octets at most
        service = key_service(keys, Path(directory), ISSUERS)
        async with serving(service):
            clients = {
                role: KeyServiceClient(socket_path(Path(directory), role), SystemClock())
                for role in Role
            }
            await keys.ring.refresh()
            yield House(keys, dict(clients))
            await asyncio.gather(*(client.close() for client in clients.values()))


def claims(issuer: str = ISSUER, **more: object) -> bytes:
    return json.dumps({"iss": issuer, "sub": "ada", **more}).encode()


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # the library's own opinion
async def test_every_kind_in_every_algorithm_verifies_elsewhere(house: House) -> None:
    shown = {key.kid: key for key in await house.door.published(ISSUER)}
    for alg in ALGS:
        orders = [Order(kind, alg, claims(kind=kind.value)) for kind in TYPS if kind not in CLIENT]
        mine = [order for order in orders if order.kind not in OF_THE_WORKER]
        theirs = [order for order in orders if order.kind in OF_THE_WORKER]
        proof = Order(TokenKind.CLIENT_ASSERTION, alg, claims(iss="signing:clinic"))
        tokens = await house.door.sign(ISSUER, mine)
        tokens += await house.doors[Role.WORKER].sign(ISSUER, theirs)
        tokens += await house.doors[Role.ESIGNET].sign(ISSUER, [proof])
        for order, token in zip([*mine, *theirs, proof], tokens, strict=True):
            kid = jws.extract_compact(token.encode()).headers()["kid"]
            key = JWKRegistry.import_key(json.loads(shown[kid].jwk))
            read = jws.deserialize_compact(token, key, algorithms=[alg])
            assert read.headers() == {"alg": alg, "typ": TYPS[order.kind], "kid": kid}
            assert read.payload == order.claims
            assert shown[kid].alg == alg and shown[kid].state is KeyState.ACTIVE


@pytest.mark.spec("RFC 7638 §3")
@pytest.mark.spec("RFC 7517 §4")
async def test_the_key_set_shows_one_key_per_algorithm(house: House) -> None:
    shown = await house.door.published(ISSUER)
    assert sorted(key.alg for key in shown) == sorted(ALGS)
    for key in shown:
        jwk = json.loads(key.jwk)
        assert JWKRegistry.import_key(jwk).thumbprint() == key.kid == jwk["kid"]
        assert (jwk["alg"], jwk["use"]) == (key.alg, "sig")
        assert not jwk.keys() & {"d", "p", "q", "k"}


async def test_issuers_have_keys_of_their_own(house: House) -> None:
    mine = {key.kid for key in await house.door.published(ISSUER)}
    theirs = {key.kid for key in await house.door.published(OTHER_ISSUER)}
    assert len(theirs) == 1 and not mine & theirs
    with pytest.raises(NotPermitted):
        await house.door.sign(OTHER_ISSUER, [Order(TokenKind.ID_TOKEN, "RS256", claims())])
    with pytest.raises(NotPermitted):
        await house.door.published("https://elsewhere.example")


@pytest.mark.attack("A4")
@pytest.mark.attack("A34")
@pytest.mark.parametrize(
    "refused",
    [
        b"",
        b"\x00" * 32,
        b"null",
        b"[]",
        b'"a string"',
        b'{"sub":"ada"}',
        b'{"iss":"https://fapi.example"}',
        b'{"iss":"https://id.example/"}',
        b'{"iss":["https://id.example"]}',
        b'{"iss":null}',
        b'{"iss":"https://fapi.example","iss":"https://id.example"}',
        b'{"\\u0069ss":"https://fapi.example","iss":"https://id.example"}',
        b'{"iss":"https://id.example"} {}',
        b'{"iss":"https://id.example","sub":"\xff"}',
        b'{"iss":"https://id.example","pad":"' + b"x" * 66000 + b'"}',
        b'{"iss":"https://id.example","deep":' + b"[" * 30000 + b"]" * 30000 + b"}",
    ],
)
async def test_only_claims_of_the_issuer_are_signed(house: House, refused: bytes) -> None:
    good = Order(TokenKind.ID_TOKEN, "ES256", claims())
    with pytest.raises(NotPermitted):
        await house.door.sign(ISSUER, [good, Order(TokenKind.ID_TOKEN, "ES256", refused)])
    assert await house.door.sign(ISSUER, [good])


@pytest.mark.spec("RFC 7523 §3")
async def test_the_signing_service_proves_itself_and_nobody_else(house: House) -> None:
    esignet = house.doors[Role.ESIGNET]
    mine = Order(TokenKind.CLIENT_ASSERTION, "ES256", claims(iss="signing:clinic"))
    assert await esignet.sign(ISSUER, [mine])
    for iss in (ISSUER, "clinic", "https://signing:clinic", ""):
        refused = Order(TokenKind.CLIENT_ASSERTION, "ES256", claims(iss=iss))
        with pytest.raises(NotPermitted):
            await esignet.sign(ISSUER, [refused])
    for kind in TokenKind:
        if kind not in CLIENT:
            for iss in (ISSUER, "signing:clinic"):
                with pytest.raises(NotPermitted):
                    await esignet.sign(ISSUER, [Order(kind, "ES256", claims(iss=iss))])
    for role in (Role.IDP, Role.WORKER, Role.OPERATOR):
        with pytest.raises(NotPermitted):
            await house.doors[role].sign(ISSUER, [mine])


async def test_a_nested_issuer_is_no_second_issuer(house: House) -> None:
    nested = claims(token_introspection={"iss": OTHER_ISSUER, "active": True})  # RFC 9701 §5
    assert await house.door.sign(ISSUER, [Order(TokenKind.INTROSPECTION, "ES256", nested)])


async def test_our_own_tokens_are_read_back(house: House) -> None:
    shown = await house.door.published(ISSUER)
    (token,) = await house.door.sign(ISSUER, [Order(TokenKind.ACCESS_TOKEN, "ES256", claims())])
    own = OwnTokens()
    for _ in range(2):
        assert own.verify(token, TokenKind.ACCESS_TOKEN, shown).claims["sub"] == "ada"
    with pytest.raises(BadToken):
        own.verify(token, TokenKind.ID_TOKEN, shown)
    with pytest.raises(BadToken):
        own.verify(token, TokenKind.ACCESS_TOKEN, await house.door.published(OTHER_ISSUER))
    head, body, signature = token.split(".")
    other = "A" if signature[9] != "A" else "B"
    with pytest.raises(BadSignature):
        altered = f"{head}.{body}.{signature[:9]}{other}{signature[10:]}"
        own.verify(altered, TokenKind.ACCESS_TOKEN, shown)
    just_made = OwnTokens()
    just_made.made(token, TokenKind.ACCESS_TOKEN)
    with pytest.raises(BadSignature):
        just_made.verify(altered, TokenKind.ACCESS_TOKEN, shown)
    with pytest.raises(BadToken):
        just_made.verify(token, TokenKind.ID_TOKEN, shown)
    with pytest.raises(BadToken):  # the key that signed it is not published (any more)
        just_made.verify(token, TokenKind.ACCESS_TOKEN, await house.door.published(OTHER_ISSUER))
    for _ in range(2):
        assert just_made.verify(token, TokenKind.ACCESS_TOKEN, shown).claims["sub"] == "ada"


async def test_hashes_differ_by_purpose_and_stay_the_same(house: House) -> None:
    made = {purpose: await house.door.mac(purpose, b"1234567890") for purpose in HASHES_OF_IDP}
    nonce = MacPurpose.SERVICE_NONCE
    made[nonce] = await house.doors[Role.ESIGNET].mac(nonce, b"1234567890")
    assert {len(macs) for macs in made.values()} == {1}
    assert len({macs[0].value for macs in made.values()}) == len(MacPurpose)
    for purpose in HASHES_OF_IDP:
        macs = made[purpose]
        assert await house.door.mac(purpose, b"1234567890") == macs
        assert await house.door.mac(purpose, b"1234567891") != macs


async def test_hashes_of_several_messages_are_those_of_each(house: House) -> None:
    messages = [b"", b"b", b"a", b"b", *(b"%d" % number for number in range(100))]
    together = await house.door.macs(MacPurpose.LOOKUP, messages)
    alone = [await house.door.mac(MacPurpose.LOOKUP, message) for message in messages]
    assert together == alone
    assert await house.door.macs(MacPurpose.LOOKUP, []) == []


@pytest.mark.attack("A6")
async def test_a_seal_opens_for_its_purpose_and_row_only(house: House) -> None:
    sealed = await house.door.seal(SealPurpose.PERSON, b"a key", b"resident 7")
    assert b"a key" not in sealed
    assert await house.door.open(SealPurpose.PERSON, sealed, b"resident 7") == b"a key"
    with pytest.raises(BadSeal):
        await house.door.open(SealPurpose.PERSON, sealed, b"resident 8")
    with pytest.raises(BadSeal):
        await house.door.open(SealPurpose.CLIENT_SECRET, sealed, b"resident 7")
    for place in range(len(sealed)):
        altered = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(BadSeal):
            await house.door.open(SealPurpose.PERSON, altered, b"resident 7")
    for cut in (b"", sealed[:1], sealed[:3], sealed[:20], sealed[:-1], sealed + b"\0"):
        with pytest.raises(BadSeal):
            await house.door.open(SealPurpose.PERSON, cut, b"resident 7")


async def test_the_most_that_is_sealed(house: House) -> None:
    most = b"x" * 8192
    sealed = await house.door.seal(SealPurpose.PERSON, most, b"row")
    assert await house.door.open(SealPurpose.PERSON, sealed, b"row") == most
    with pytest.raises(NotPermitted):
        await house.door.seal(SealPurpose.PERSON, most + b"x", b"row")


@pytest.mark.attack("A36")
@pytest.mark.parametrize("role", [Role.ESIGNET, Role.WALLET_BRIDGE, Role.WORKER, Role.OPERATOR])
async def test_a_role_uses_its_own_purposes_only(house: House, role: Role) -> None:
    door = house.doors[role]
    with pytest.raises(NotPermitted):
        await door.sign(ISSUER, [Order(TokenKind.ID_TOKEN, "ES256", claims())])
    with pytest.raises(NotPermitted):
        await door.mac(MacPurpose.SUBJECT, b"sector")
    with pytest.raises(NotPermitted):
        await door.open(SealPurpose.CLIENT_SECRET, b"\x01\x00\x01" + b"x" * 40, b"row")
    assert await door.published(ISSUER), "public keys are for everybody"


async def test_nobody_makes_the_nonces_of_another_server(house: House) -> None:
    with pytest.raises(NotPermitted):
        await house.door.mac(MacPurpose.SERVICE_NONCE, b"dpop")
    with pytest.raises(NotPermitted):
        await house.doors[Role.ESIGNET].mac(MacPurpose.NONCE, b"dpop")


async def test_the_worker_opens_what_the_provider_sealed_for_it(house: House) -> None:
    sealed = await house.door.seal(SealPurpose.OUTBOX, b"your code is ...", b"message 1")
    assert await house.doors[Role.WORKER].open(SealPurpose.OUTBOX, sealed, b"message 1")
    with pytest.raises(NotPermitted):
        await house.door.open(SealPurpose.OUTBOX, sealed, b"message 1")


async def test_many_at_once_get_their_own(house: House) -> None:
    orders = [Order(TokenKind.ID_TOKEN, "ES256", claims(number=number)) for number in range(200)]
    tokens = await asyncio.gather(*(house.door.sign(ISSUER, [order]) for order in orders))
    shown = await house.door.published(ISSUER)
    own = OwnTokens()
    numbers = [own.verify(*token, TokenKind.ID_TOKEN, shown).claims["number"] for token in tokens]
    assert numbers == list(range(200))


async def test_an_order_for_nothing_makes_nothing(house: House) -> None:
    assert await house.door.sign(ISSUER, []) == []
