"""Clients that prove themselves by certificate, and tokens that are bound to one (RFC 8705)."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from config.runtime.database.connect import OpenDatabase
from config.runtime.entropy import SystemEntropy
from config.runtime.web.certificates import client_cert
from config.settings import Features, Issuer
from config.settings import Web as WebSettings
from idp.flows.registration import Registered
from idp.protocol.errors import InvalidClientMetadata
from tests.certificates import Holder, Wanted, authority, expired, made, name
from tests.keyrings import HandClock
from tests.oauth import CALLBACK, Ground, Provider, provider

MTLS = "https://mtls.id.example"
ROOT = authority("Client CA")
SUBJECT = "CN=bank,O=Agency,C=KE"
NAMES = (
    x509.DNSName("bank.example"),
    x509.UniformResourceIdentifier("https://bank.example/client"),
    x509.RFC822Name("ops@bank.example"),
    x509.IPAddress(ip_address("2001:db8::7")),
)
BANK = made(Wanted(subject=name("bank"), names=NAMES), ROOT)
OTHER = made(Wanted(subject=name("other")), ROOT)


@dataclass(frozen=True, slots=True)
class World:
    """A provider behind a proxy that passes certificates on."""

    op: Provider

    def by(self, holder: Holder | None, *above: Holder, **options: Any) -> httpx2.AsyncClient:
        """Return a client whose certificate the proxy tells."""
        headers = {}
        if holder is not None:
            headers["client-cert"] = client_cert(holder.der)
        if above:
            headers["client-cert-chain"] = ", ".join(client_cert(one.der) for one in above)
        transport = httpx2.ASGITransport(app=self.op.web, client=("10.0.0.1", 4711))
        settings = {"transport": transport, "base_url": MTLS, "headers": headers} | options
        return httpx2.AsyncClient(**settings)

    async def redeem(
        self, registered: Registered, holder: Holder | None, *above: Holder, **options: Any
    ) -> httpx2.Response:
        """Exchange a fresh code at the alias of the token endpoint."""
        op = replace(self.op, http=self.by(holder, *above, **options))
        return await op.redeem(registered, await op.code(registered.client, scope=SCOPE))


SCOPE = ("openid", "profile", "email", "offline_access")


@pytest.fixture
async def world(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[World]:
    """The provider of this file, with authorities for tls_client_auth."""
    (tmp_path / "ca.pem").write_bytes(ROOT.pem)
    web = WebSettings(
        trusted_proxies=("10.0.0.0/8",),
        certificates_from_proxies=True,
        client_ca=str(tmp_path / "ca.pem"),
    )
    issuer = Issuer(
        address="https://id.example",
        mtls_address=MTLS,
        profile="oidc",
        algorithms=("ES256",),
        features=Features(),
    )
    ground = Ground(
        database=database, directory=tmp_path, clock=HandClock(), issuer=issuer, web=web
    )
    op = await provider(ground)
    yield World(op)
    await op.http.aclose()


async def by_subject(world: World, **subject: str) -> Registered:
    subject = subject or {"tls_client_auth_subject_dn": SUBJECT}
    return await world.op.register("tls_client_auth", **subject)


def jwks_of(*holders: Holder, x5c: bool) -> bytes:
    keys = []
    for holder in holders:
        assert isinstance(holder.key, ec.EllipticCurvePrivateKey)
        key: dict[str, Any] = dict(ECKey.import_key(holder.key.public_key()).as_dict(private=False))
        if x5c:
            key["x5c"] = [base64.b64encode(holder.der).decode()]
        keys.append(key)
    return json.dumps({"keys": keys}).encode()


def refused(answer: httpx2.Response) -> bool:
    return answer.status_code == 401 and answer.json()["error"] == "invalid_client"


@pytest.mark.spec("RFC 8705 §2.1")
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("subject_dn", SUBJECT),
        ("subject_dn", "2.5.4.3=BANK, o=agency, c=ke"),
        ("san_dns", "Bank.Example"),
        ("san_uri", "https://bank.example/client"),
        ("san_ip", "2001:0db8:0::0007"),
        ("san_email", "ops@BANK.example"),
    ],
)
async def test_a_certificate_for_the_registered_subject_proves_the_client(
    world: World, kind: str, value: str
) -> None:
    registered = await by_subject(world, **{f"tls_client_auth_{kind}": value})
    answer = await world.redeem(registered, BANK)
    assert answer.status_code == 200, answer.text
    assert refused(await world.redeem(registered, OTHER))


async def test_the_certificate_may_come_by_an_authority_between(world: World) -> None:
    middle = authority("middle", ROOT)
    holder = made(Wanted(subject=name("bank")), middle)
    registered = await by_subject(world)
    assert (await world.redeem(registered, holder, middle)).status_code == 200
    assert refused(await world.redeem(registered, holder))


@pytest.mark.attack("A19")
async def test_no_other_certificate_proves_it(world: World) -> None:
    registered = await by_subject(world)
    stranger = authority("Client CA")
    wanted = Wanted(subject=name("bank"))
    for holder in (
        None,
        made(wanted),  # signed by itself
        made(wanted, stranger),
        made(expired(wanted, world.op.clock.now()), ROOT),
        made(wanted, made(Wanted(subject=name("Client CA")), ROOT)),  # by a client of ours
    ):
        above = (stranger,) if holder else ()
        assert refused(await world.redeem(registered, holder, *above))


@pytest.mark.attack("A19")
@pytest.mark.spec("RFC 9440 §4")
async def test_a_header_of_ones_own_making_proves_nothing(world: World) -> None:
    """Whoever reaches us past the proxy may write into a request what he likes."""
    registered = await by_subject(world)
    outside = httpx2.ASGITransport(app=world.op.web, client=("203.0.113.9", 4711))
    assert refused(await world.redeem(registered, BANK, transport=outside))
    lied = {"client-cert": client_cert(BANK.der), "x-forwarded-for": "10.0.0.1"}
    assert refused(await world.redeem(registered, None, transport=outside, headers=lied))


@pytest.mark.attack("A19")
async def test_what_a_proxy_garbles_is_no_request_of_anybody(world: World) -> None:
    registered = await by_subject(world)
    for garbled in ("x", "::", ":AAAA:", client_cert(BANK.der)[:-1], "a" * 30_000):
        answer = await world.redeem(registered, None, headers={"client-cert": garbled})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    noise = {"client-cert": client_cert(b"\x30" + BANK.der[7:])}
    assert refused(await world.redeem(registered, None, headers=noise))


@pytest.mark.spec("RFC 8705 §2.2")
@pytest.mark.parametrize("x5c", [True, False])
async def test_a_self_signed_certificate_is_known_by_what_was_registered(
    world: World, x5c: bool
) -> None:
    own, next_one = made(Wanted(subject=name("me"))), made(Wanted(subject=name("me")))
    jwks = jwks_of(own, next_one, x5c=x5c)
    registered = await world.op.register("self_signed_tls_client_auth", jwks=jwks)
    for holder in (own, next_one):
        assert (await world.redeem(registered, holder)).status_code == 200
    stranger = made(Wanted(subject=name("me")))
    for other in (stranger, BANK, None):
        assert refused(await world.redeem(registered, other))
    assert isinstance(own.key, ec.EllipticCurvePrivateKey)
    again = made(Wanted(subject=name("another certificate"), key=own.key))
    assert ((await world.redeem(registered, again)).status_code == 200) is not x5c
    old = made(replace(expired(Wanted(subject=name("me")), world.op.clock.now()), key=own.key))
    assert refused(await world.redeem(registered, old))


@pytest.mark.spec("RFC 8705 §2.2.2")
async def test_new_certificates_are_fetched_from_jwks_uri(world: World) -> None:
    uri = "https://rp.example/jwks"
    old, new = made(Wanted(subject=name("me"))), made(Wanted(subject=name("me")))
    world.op.pages[uri] = json.loads(jwks_of(old, x5c=True))
    registered = await world.op.register("self_signed_tls_client_auth", jwks_uri=uri)
    assert (await world.redeem(registered, old)).status_code == 200
    world.op.pages[uri] = json.loads(jwks_of(new, x5c=True))
    world.op.clock.at += 11
    assert (await world.redeem(registered, new)).status_code == 200
    assert refused(await world.redeem(registered, old))


@pytest.mark.behaviour(39)
@pytest.mark.spec("RFC 8705 §3.1")
async def test_tokens_are_bound_to_the_certificate(world: World) -> None:
    registered = await by_subject_bound(world)
    assert (await world.redeem(registered, None)).json()["error"] == "invalid_client"
    answer = await world.redeem(registered, BANK)
    token = answer.json()["access_token"]
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    thumb = base64.urlsafe_b64encode(hashlib.sha256(BANK.der).digest()).rstrip(b"=").decode()
    assert claims["cnf"] == {"x5t#S256": thumb}
    assert answer.json()["token_type"].lower() == "bearer"
    inspected = await replace(world.op, http=world.by(BANK)).post(
        "/introspect", registered, token=token
    )
    assert inspected.json().get("cnf") == {"x5t#S256": thumb}


async def by_subject_bound(world: World) -> Registered:
    return await world.op.register(
        "tls_client_auth",
        tls_client_auth_subject_dn=SUBJECT,
        tls_client_certificate_bound_access_tokens=True,
    )


@pytest.mark.behaviour(39)
@pytest.mark.spec("RFC 8705 §3")
async def test_a_bound_token_is_worth_nothing_without_the_certificate(world: World) -> None:
    registered = await by_subject_bound(world)
    token = (await world.redeem(registered, BANK)).json()["access_token"]
    for scheme in ("Bearer", "bearer", "BEARER"):
        bearer = {"authorization": f"{scheme} {token}"}
        got = await world.by(BANK).get("/userinfo", headers=bearer)
        assert got.status_code == 200, got.text
    renewed = made(Wanted(subject=name("bank")), ROOT)
    for holder in (None, OTHER, renewed):
        got = await world.by(holder).get("/userinfo", headers=bearer)
        assert got.status_code == 401
        assert 'error="invalid_token"' in got.headers["www-authenticate"]
    query = await world.by(BANK).get("/userinfo", params={"access_token": token})
    assert query.status_code in (400, 401)


@pytest.mark.behaviour(39)
async def test_a_client_with_another_method_is_bound_to_any_certificate(world: World) -> None:
    """RFC 8705 §3, §7.2: who signed it says nothing; only the key does."""
    registered = await world.op.register(
        "private_key_jwt", tls_client_certificate_bound_access_tokens=True
    )
    answer = await world.redeem(registered, None)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    own = made(Wanted(subject=name("anything")))
    token = (await world.redeem(registered, own)).json()["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    assert (await world.by(own).get("/userinfo", headers=bearer)).status_code == 200
    assert (await world.by(BANK).get("/userinfo", headers=bearer)).status_code == 401


@pytest.mark.behaviour(43)
@pytest.mark.spec("RFC 8705 §4")
async def test_refresh_tokens_of_public_clients_are_bound_as_well(world: World) -> None:
    registered = await world.op.register("none", tls_client_certificate_bound_access_tokens=True)
    own, thief = made(Wanted(subject=name("phone"))), made(Wanted(subject=name("thief")))
    tokens = (await world.redeem(registered, own)).json()

    async def refresh(holder: Holder | None) -> httpx2.Response:
        op = replace(world.op, http=world.by(holder))
        token = tokens["refresh_token"]
        return await op.post("/token", registered, grant_type="refresh_token", refresh_token=token)

    assert (await refresh(None)).status_code in (400, 401)
    assert (await refresh(thief)).json()["error"] == "invalid_grant"
    assert (await refresh(own)).status_code == 200


@pytest.mark.behaviour(43)
async def test_a_confidential_client_may_renew_its_certificate(world: World) -> None:
    """RFC 8705 §3: the refresh token belongs to the client, the access token to the certificate."""
    registered = await by_subject_bound(world)
    tokens = (await world.redeem(registered, BANK)).json()
    renewed = made(Wanted(subject=name("bank")), ROOT)
    op = replace(world.op, http=world.by(renewed))
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    fresh = await op.post("/token", registered, **form)
    assert fresh.status_code == 200, fresh.text
    bearer = {"authorization": f"Bearer {fresh.json()['access_token']}"}
    assert (await world.by(renewed).get("/userinfo", headers=bearer)).status_code == 200
    assert (await world.by(BANK).get("/userinfo", headers=bearer)).status_code == 401


@pytest.mark.spec("RFC 8705 §5")
async def test_the_metadata_name_the_addresses_for_certificates(world: World) -> None:
    document = (await world.op.http.get("/.well-known/openid-configuration")).json()
    assert document["tls_client_certificate_bound_access_tokens"] is True
    for method in ("tls_client_auth", "self_signed_tls_client_auth"):
        assert method in document["token_endpoint_auth_methods_supported"]
    aliases = document["mtls_endpoint_aliases"]
    assert {"token_endpoint", "userinfo_endpoint", "revocation_endpoint"} <= set(aliases)
    assert not {"authorization_endpoint", "end_session_endpoint"} & set(aliases)
    for kind, address in aliases.items():
        assert address == document[kind].replace("https://id.example", MTLS)
        here, there = await world.op.http.post(document[kind]), await world.by(None).post(address)
        assert here.status_code == there.status_code not in (405, 421), kind
    assert (await world.by(None).get("/grants/x")).status_code == 401


async def test_pages_are_not_where_browsers_would_be_asked_for_a_certificate(world: World) -> None:
    assert (await world.by(None).get("/.well-known/openid-configuration")).status_code == 404
    assert (await world.by(None).get("/authorize")).status_code == 404


async def test_without_a_way_in_certificates_are_not_offered(op: Provider) -> None:
    document = (await op.http.get("/.well-known/openid-configuration")).json()
    assert not {"mtls_endpoint_aliases", "tls_client_certificate_bound_access_tokens"} & set(
        document
    )
    assert not [
        method for method in document["token_endpoint_auth_methods_supported"] if "tls" in method
    ]


@pytest.mark.spec("RFC 8705 §2.1.2")
@pytest.mark.parametrize(
    ("method", "changes", "said"),
    [
        ("tls_client_auth", {}, "needs one of"),
        (
            "tls_client_auth",
            {"tls_client_auth_san_dns": "a.example", "tls_client_auth_subject_dn": "CN=a"},
            "needs one of",
        ),
        ("tls_client_auth", {"tls_client_auth_subject_dn": "bank"}, "subject_dn"),
        ("tls_client_auth", {"tls_client_auth_san_dns": "*.example"}, "san_dns"),
        ("tls_client_auth", {"tls_client_auth_san_ip": "300.1.1.1"}, "san_ip"),
        ("tls_client_auth", {"tls_client_auth_san_uri": "a b"}, "san_uri"),
        ("tls_client_auth", {"tls_client_auth_san_email": ""}, "san_email"),
        ("self_signed_tls_client_auth", {}, "needs jwks"),
        ("none", {"tls_client_auth_san_dns": "a.example"}, "is for clients of"),
    ],
)
async def test_registrations_that_no_certificate_can_meet_are_refused(
    world: World, method: str, changes: dict[str, str], said: str
) -> None:
    with pytest.raises(InvalidClientMetadata, match=said):
        await world.op.register(method, **changes)


async def test_the_code_survives_a_wrong_certificate(world: World) -> None:
    registered = await by_subject(world)
    code = await world.op.code(registered.client)
    for holder, status in ((OTHER, 401), (None, 401), (BANK, 200)):
        op = replace(world.op, http=world.by(holder))
        assert (await op.redeem(registered, code, redirect_uri=CALLBACK)).status_code == status


@pytest.mark.behaviour(39)
async def test_a_certificate_proves_the_client_and_dpop_binds_its_tokens(world: World) -> None:
    """The proof names the address that was asked: the alias (RFC 9449 §4.3, RFC 8705 §5)."""
    key = ECKey.generate_key("P-256", private=True)
    registered = await world.op.register(
        "tls_client_auth", tls_client_auth_subject_dn=SUBJECT, dpop_bound_access_tokens=True
    )

    def proof(address: str) -> dict[str, str]:
        said = {
            "htm": "POST",
            "htu": address,
            "jti": SystemEntropy().token(16),
            "iat": world.op.clock.now(),
        }
        header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
        certificate = {"client-cert": client_cert(BANK.der)}
        return certificate | {"dpop": jwt.encode(header, said, key)}

    answer = await world.redeem(registered, None, headers=proof(f"{MTLS}/token"))
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    claims = answer.json()["access_token"].split(".")[1]
    assert set(json.loads(base64.urlsafe_b64decode(claims + "=="))["cnf"]) == {"jkt"}
    other = await world.redeem(registered, None, headers=proof("https://id.example/token"))
    assert other.json()["error"] == "invalid_dpop_proof"


@pytest.mark.parametrize("noise", ["\x00", "é", "a" * 60_000, ":", ":=:", ":AAAA:, :AAAA:", "%3A"])
async def test_no_header_makes_an_error_of_ours(world: World, noise: str) -> None:
    registered = await by_subject(world)
    for names in (("client-cert",), ("client-cert", "client-cert-chain"), ("client-cert-chain",)):
        headers = [(name.encode(), noise.encode()) for name in names]
        for path in ("/token", "/introspect", "/revoke", "/userinfo"):
            form = {"client_id": registered.client.client_id, "token": "x"}
            answer = await world.by(None).post(path, data=form, headers=headers)
            assert 400 <= answer.status_code < 500, (path, noise)
