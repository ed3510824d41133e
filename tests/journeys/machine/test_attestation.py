"""Clients whose instances are attested (draft-ietf-oauth-attestation-based-client-auth-10)."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from config.runtime.database.connect import OpenDatabase
from config.runtime.entropy import SystemEntropy
from config.settings import Features, Issuer
from idp.client_auth.attestation import claimed_client
from idp.flows.registration import Registered
from idp.protocol.attestation import OLDEST
from idp.protocol.errors import InvalidClientMetadata
from tests.certificates import Holder, Wanted, authority, name
from tests.certificates import made as issued
from tests.keyrings import HandClock
from tests.oauth import CALLBACK, VERIFIER, Ground, Provider, provider

ATTESTER = ECKey.generate_key("P-256", {"kid": "attester"}, private=True)
TRUSTED = ECKey.generate_key("P-256", {"kid": "trusted"}, private=True)
STRANGER = ECKey.generate_key("P-256", {"kid": "attester"}, private=True)
ROOT = authority("Attesters")
METHODS = ("attest_jwt_client_auth", "attest_jwt_client_auth_dpop")
SCOPE = ("openid", "profile", "email", "offline_access")


def jwks(*keys: ECKey) -> bytes:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()


def signed(key: ECKey, header: dict[str, Any], claims: dict[str, Any]) -> str:
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "ES256"} | header, kept, key)


@dataclass(frozen=True, slots=True)
class Wallet:
    """An instance of a client: a key of its own, and what an attester says of it."""

    op: Provider
    client_id: str
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", private=True))

    def attestation(self, by: ECKey = ATTESTER, typ: str | None = None, **claims: Any) -> str:
        said = {
            "sub": self.client_id,
            "exp": self.op.clock.now() + 3600,
            "cnf": {"jwk": self.key.as_dict(private=False)},
        } | claims
        header = {"kid": by.kid or "attester", "typ": typ or "oauth-client-attestation+jwt"}
        return signed(by, header, said)

    def proof(self, by: ECKey | None = None, typ: str | None = None, **claims: Any) -> str:
        said = {
            "aud": self.op.issuer.address,
            "jti": SystemEntropy().token(16),
            "iat": self.op.clock.now(),
        } | claims
        header = {"typ": typ or "oauth-client-attestation-pop+jwt"}
        return signed(by or self.key, header, said)

    def dpop(self, by: ECKey | None = None, **claims: Any) -> str:
        key = by or self.key
        said = {
            "htm": "POST",
            "htu": f"{self.op.issuer.address}/token",
            "jti": SystemEntropy().token(16),
            "iat": self.op.clock.now(),
        } | claims
        return signed(key, {"typ": "dpop+jwt", "jwk": key.as_dict(private=False)}, said)

    def headers(self, attestation: str | None = None, proof: str | None = None) -> dict[str, str]:
        return {
            "OAuth-Client-Attestation": attestation or self.attestation(),
            "OAuth-Client-Attestation-PoP": proof or self.proof(),
        }

    async def ask(self, headers: dict[str, str], **form: str) -> httpx2.Response:
        return await self.op.http.post("/token", data=form, headers=headers)

    async def redeem(
        self, registered: Registered, headers: dict[str, str], **form: str
    ) -> httpx2.Response:
        code = await self.op.code(registered.client, scope=SCOPE)
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return await self.ask(headers, **(asked | form))


async def made(ground: Ground, **features: Any) -> Provider:
    (ground.directory / "attesters.json").write_bytes(jwks(TRUSTED))
    (ground.directory / "ca.pem").write_bytes(ROOT.pem)
    offered = Features(
        auth_methods=(*METHODS, "client_secret_basic"),
        attesters=str(ground.directory / "attesters.json"),
        attester_ca=str(ground.directory / "ca.pem"),
        **features,
    )
    issuer = Issuer(
        address="https://id.example", profile="oidc", algorithms=("ES256",), features=offered
    )
    return await provider(replace(ground, issuer=issuer))


@pytest.fixture
async def op(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Provider]:
    """A provider that takes attestations."""
    op = await made(Ground(database=database, directory=tmp_path, clock=HandClock()))
    yield op
    await op.http.aclose()


@pytest.fixture
async def registered(op: Provider) -> Registered:
    return await op.register("attest_jwt_client_auth", jwks=jwks(ATTESTER))


@pytest.fixture
def wallet(op: Provider, registered: Registered) -> Wallet:
    return Wallet(op, registered.client.client_id)


def refused(answer: httpx2.Response) -> bool:
    wrong = ("invalid_client", "invalid_client_attestation")
    return answer.status_code == 401 and answer.json()["error"] in wrong


async def test_an_attested_instance_proves_the_client(
    wallet: Wallet, registered: Registered
) -> None:
    answer = await wallet.redeem(registered, wallet.headers())
    assert answer.status_code == 200, answer.text
    named = await wallet.redeem(registered, wallet.headers(), client_id=wallet.client_id)
    assert named.status_code == 200


async def test_another_client_id_in_the_form_is_not_whom_it_attests(
    op: Provider, wallet: Wallet, registered: Registered
) -> None:
    other = await op.register("attest_jwt_client_auth", jwks=jwks(ATTESTER))
    answer = await wallet.redeem(other, wallet.headers(), client_id=other.client.client_id)
    assert refused(answer)
    assert (await wallet.redeem(other, wallet.headers())).json()["error"] == "invalid_grant"


@pytest.mark.attack("A19")
@pytest.mark.behaviour(56)
@pytest.mark.parametrize(
    "claims",
    [
        {"sub": None},
        {"sub": "somebody else"},
        {"exp": None},
        {"exp": 1_799_999_000},
        {"exp": "tomorrow"},
        {"iat": 1_800_000_100},
        {"nbf": 1_800_000_100},
        {"cnf": None},
        {"cnf": {}},
        {"cnf": {"jwk": "text"}},
        {"cnf": {"jkt": "x"}},
        {"cnf": {"jwk": {"kty": "oct", "k": "AAAA"}}},
        {"cnf": {"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}}},
        {"cnf": {"jwk": {"kty": "new"}}},
        {"cnf": {"jwk": ATTESTER.as_dict(private=True)}},
    ],
)
async def test_attestations_that_say_something_else(
    wallet: Wallet, registered: Registered, claims: dict[str, Any]
) -> None:
    headers = wallet.headers(attestation=wallet.attestation(**claims))
    assert refused(await wallet.redeem(registered, headers, client_id=wallet.client_id))


@pytest.mark.attack("A19")
@pytest.mark.behaviour(56)
async def test_attestations_of_others(wallet: Wallet, registered: Registered) -> None:
    good = wallet.attestation()
    for attestation in (
        wallet.attestation(by=STRANGER),
        wallet.attestation(by=TRUSTED),  # the client named an attester of its own
        wallet.attestation(by=wallet.key),
        wallet.attestation(typ="JWT"),
        good[:-4] + "AAAA",
        good.replace(good.split(".")[0], "eyJhbGciOiJub25lIn0"),
        "x",
        "a" * 20_000,
    ):
        headers = wallet.headers(attestation=attestation)
        assert refused(await wallet.redeem(registered, headers, client_id=wallet.client_id))


@pytest.mark.attack("A19")
@pytest.mark.behaviour(56)
@pytest.mark.parametrize(
    "claims",
    [
        {"aud": None},
        {"aud": "https://other.example"},
        {"aud": "https://id.example/token"},
        {"aud": ["https://id.example", "https://other.example"]},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"iat": None},
        {"iat": "now"},
        {"iat": 1_800_000_000 - OLDEST - 1},
        {"iat": 1_800_000_100},
        {"exp": 1_799_999_900},
    ],
)
async def test_proofs_that_say_something_else(
    wallet: Wallet, registered: Registered, claims: dict[str, Any]
) -> None:
    headers = wallet.headers(proof=wallet.proof(**claims))
    assert refused(await wallet.redeem(registered, headers))


@pytest.mark.attack("A19")
@pytest.mark.behaviour(56)
async def test_proofs_of_others(wallet: Wallet, registered: Registered) -> None:
    thief = Wallet(wallet.op, wallet.client_id)
    for proof in (
        thief.proof(),
        wallet.proof(typ="JWT"),
        wallet.proof(by=ATTESTER),
        wallet.proof()[:-4] + "AAAA",
        "x",
    ):
        assert refused(await wallet.redeem(registered, wallet.headers(proof=proof)))
    alone = {"OAuth-Client-Attestation": wallet.attestation()}
    assert refused(await wallet.redeem(registered, alone))
    without = {"OAuth-Client-Attestation-PoP": wallet.proof()}
    assert refused(await wallet.redeem(registered, without, client_id=wallet.client_id))
    assert refused(await wallet.redeem(registered, {}, client_id=wallet.client_id))


async def test_two_attestations_are_none(wallet: Wallet, registered: Registered) -> None:
    name = b"oauth-client-attestation"
    twice = [(name, wallet.attestation().encode()), (name, wallet.attestation().encode())]
    body = f"grant_type=authorization_code&client_id={wallet.client_id}"
    kind = (b"content-type", b"application/x-www-form-urlencoded")
    answer = await wallet.op.http.post("/token", content=body, headers=[*twice, kind])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.attack("A19")
async def test_a_proof_is_good_once(wallet: Wallet, registered: Registered) -> None:
    headers = wallet.headers()
    assert (await wallet.redeem(registered, headers)).status_code == 200
    assert refused(await wallet.redeem(registered, headers))
    again = headers | {"OAuth-Client-Attestation-PoP": wallet.proof()}
    assert (await wallet.redeem(registered, again)).status_code == 200  # the attestation is not


async def test_an_attester_that_is_trusted_for_all_attests_whom_no_own_one_does(
    op: Provider, registered: Registered
) -> None:
    other = await op.register("attest_jwt_client_auth")
    wallet = Wallet(op, other.client.client_id)
    headers = wallet.headers(attestation=wallet.attestation(by=TRUSTED))
    assert (await wallet.redeem(other, headers)).status_code == 200
    assert refused(await wallet.redeem(other, wallet.headers()))


def certified(wallet: Wallet, chain: list[Any], holder: Holder) -> str:
    """An attestation that brings the certificate of its attester."""
    said = {
        "sub": wallet.client_id,
        "exp": wallet.op.clock.now() + 3600,
        "cnf": {"jwk": wallet.key.as_dict(private=False)},
    }
    header = {"typ": "oauth-client-attestation+jwt", "x5c": chain}
    assert isinstance(holder.key, ec.EllipticCurvePrivateKey)
    return signed(ECKey.import_key(holder.key), header, said)


async def test_an_authority_may_vouch_for_attesters(op: Provider, registered: Registered) -> None:
    """§9.8: the chain is in ``x5c``, and leads to an authority that the operator trusts."""
    other = await op.register("attest_jwt_client_auth")
    wallet = Wallet(op, other.client.client_id)
    middle = authority("middle", ROOT)
    attester = issued(Wanted(subject=name("attester"), usages=None), middle)
    stranger = issued(Wanted(subject=name("attester"), usages=None), authority("Attesters"))
    good, above, bad = (b64encode(one.der).decode() for one in (attester, middle, stranger))

    async def redeem(attestation: str) -> httpx2.Response:
        headers = wallet.headers(attestation=attestation)
        return await wallet.redeem(other, headers, client_id=wallet.client_id)

    assert (await redeem(certified(wallet, [good, above], attester))).status_code == 200
    for chain, holder in (
        ([good], attester),  # the middle is missing
        ([bad], stranger),
        ([good, above], stranger),
        ([bad, good, above], stranger),
        ([good, above, *[above] * 4], attester),
    ):
        assert refused(await redeem(certified(wallet, chain, holder)))
    own = Wallet(op, registered.client.client_id)  # it named an attester of its own
    headers = own.headers(attestation=certified(own, [good, above], attester))
    assert refused(await own.redeem(registered, headers))


async def test_no_attestation_proves_a_client_with_another_method(
    op: Provider, registered: Registered
) -> None:
    other = await op.register("client_secret_basic", jwks=jwks(ATTESTER))
    wallet = Wallet(op, other.client.client_id)
    assert refused(await wallet.redeem(other, wallet.headers()))
    credentials = (other.client.client_id, other.secret or "")
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    beside = await op.http.post("/token", data=form, headers=wallet.headers(), auth=credentials)
    assert beside.json()["error"] == "invalid_grant"  # §7.6: beside another method it may stand


@pytest.mark.behaviour(43)
async def test_refresh_tokens_belong_to_the_instance(
    wallet: Wallet, registered: Registered
) -> None:
    """§9.3: another instance of the same client cannot use them."""
    tokens = (await wallet.redeem(registered, wallet.headers())).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    other = Wallet(wallet.op, wallet.client_id)
    assert (await other.ask(other.headers(), **form)).json()["error"] == "invalid_grant"
    fresh = await wallet.ask(wallet.headers(), **form)
    assert fresh.status_code == 200, fresh.text


@pytest.fixture
async def combined(op: Provider) -> tuple[Registered, Wallet]:
    registered = await op.register("attest_jwt_client_auth_dpop", jwks=jwks(ATTESTER))
    return registered, Wallet(op, registered.client.client_id)


async def test_one_dpop_proof_serves_for_both(combined: tuple[Registered, Wallet]) -> None:
    """§5.2, §7.3: the key of the attestation is the key that tokens are bound to."""
    registered, wallet = combined
    headers = {"OAuth-Client-Attestation": wallet.attestation(), "DPoP": wallet.dpop()}
    answer = await wallet.redeem(registered, headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "DPoP"
    assert (await wallet.redeem(registered, headers)).status_code in (400, 401)


@pytest.mark.attack("A19")
async def test_a_dpop_proof_of_another_key_does_not(combined: tuple[Registered, Wallet]) -> None:
    registered, wallet = combined
    attestation = {"OAuth-Client-Attestation": wallet.attestation()}
    thief = Wallet(wallet.op, wallet.client_id)
    for proof in (
        thief.dpop(),
        wallet.dpop(htu="https://id.example/other"),
        wallet.dpop(htm="GET"),
        wallet.dpop(iat=wallet.op.clock.now() - 3600),
        "x",
    ):
        answer = await wallet.redeem(registered, attestation | {"DPoP": proof})
        assert answer.status_code in (400, 401)
    assert refused(await wallet.redeem(registered, attestation))
    both = wallet.headers() | {"DPoP": wallet.dpop()}
    assert (await wallet.redeem(registered, both)).json()["error"] == "invalid_request"


@pytest.mark.parametrize("method", METHODS)
async def test_challenges_are_told_demanded_and_fresh(
    database: OpenDatabase, tmp_path: Path, method: str
) -> None:
    op = await made(
        Ground(database=database, directory=tmp_path, clock=HandClock()),
        attestation_challenge=True,
        dpop_nonce=True,
    )
    registered = await op.register(method, jwks=jwks(ATTESTER))
    wallet = Wallet(op, registered.client.client_id)

    def headers(challenge: str | None) -> dict[str, str]:
        if method == METHODS[0]:
            return wallet.headers(proof=wallet.proof(challenge=challenge))
        attestation = wallet.attestation()
        return {"OAuth-Client-Attestation": attestation, "DPoP": wallet.dpop(nonce=challenge)}

    document = (await op.http.get("/.well-known/openid-configuration")).json()
    told = await op.http.post(document["challenge_endpoint"])
    assert told.headers["cache-control"] == "no-store"
    challenge = told.json()["attestation_challenge"]
    assert (await wallet.redeem(registered, headers(challenge))).status_code == 200
    for wrong in (None, "x", "", 7):
        answer = await wallet.redeem(registered, headers(wrong))  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["error"]) == (400, "use_attestation_challenge")
        assert answer.headers["oauth-client-attestation-challenge"] == challenge
    op.clock.at += 600
    stale = await wallet.redeem(registered, headers(challenge))
    assert stale.json()["error"] == "use_attestation_challenge"
    new = stale.headers["oauth-client-attestation-challenge"]
    assert new != challenge
    assert (await wallet.redeem(registered, headers(new))).status_code == 200
    await op.http.aclose()


async def test_the_metadata_tell_what_is_taken(op: Provider) -> None:
    document = (await op.http.get("/.well-known/openid-configuration")).json()
    assert set(METHODS) <= set(document["token_endpoint_auth_methods_supported"])
    for what in ("client_attestation", "client_attestation_pop"):
        assert document[f"{what}_signing_alg_values_supported"] == ["ES256", "PS256", "EdDSA"]
    assert "challenge_endpoint" not in document
    assert (await op.http.post("/challenge")).status_code == 404


async def test_without_a_trusted_attester_nobody_is_registered(
    database: OpenDatabase, tmp_path: Path
) -> None:
    issuer = Issuer(
        address="https://id.example",
        profile="oidc",
        algorithms=("ES256",),
        features=Features(auth_methods=METHODS),
    )
    ground = Ground(database=database, directory=tmp_path, clock=HandClock(), issuer=issuer)
    op = await provider(ground)
    with pytest.raises(InvalidClientMetadata, match="trusted attester"):
        await op.register("attest_jwt_client_auth")
    await op.http.aclose()


@given(st.text(max_size=200))
def test_any_header_names_a_client_or_none(text: str) -> None:
    assert claimed_client(text) is None
