"""Token exchange (RFC 8693): less than before, in somebody's name, as long as they allow it."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest

from idp.flows.registration import Registered
from idp.protocol.errors import InvalidClientMetadata
from idp.protocol.token_exchange import ACCESS_TOKEN, GRANT_TYPE, ID_TOKEN, REFRESH_TOKEN
from idp.stores.subjects import Subjects
from tests.dpop import Holder
from tests.machines import API, OTHER, claims_of, machine, resource_server
from tests.oauth import Provider

SCOPE = ("openid", "profile", "email", "offline_access")


@dataclass(frozen=True, slots=True)
class Scene:
    """``app`` got a token for ``gateway`` (API), which wants one for ``ledger`` (OTHER)."""

    op: Provider
    app: Registered
    gateway: Registered
    ledger: Registered

    async def token(self, **changes: Any) -> str:
        """Return an access token of the app for the gateway."""
        return str((await self.tokens(**changes))["access_token"])

    async def tokens(self, **changes: Any) -> dict[str, Any]:
        code = await self.op.code(
            self.app.client, **({"scope": SCOPE, "resources": (API, OTHER)} | changes)
        )
        answer = await self.op.redeem(self.app, code, resource=API)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def ask(self, token: str, client: Registered | None = None, **form: Any) -> Any:
        fields = {"grant_type": GRANT_TYPE, "subject_token": token}
        fields |= {"subject_token_type": ACCESS_TOKEN} | form
        fields = {name: value for name, value in fields.items() if value}
        return await self.op.post("/token", client or self.gateway, **fields)

    async def exchanged(self, token: str, client: Registered | None = None, **form: Any) -> Any:
        answer = await self.ask(token, client, **form)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, token: str, client: Registered | None = None, **form: Any) -> str:
        answer = await self.ask(token, client, **form)
        assert answer.status_code == 400, answer.text
        return str(answer.json()["error"])

    async def is_active(self, token: str) -> bool:
        answer = await self.op.post("/introspect", self.ledger, token=token)
        return bool(answer.json()["active"])


async def gateway_of(op: Provider, app: Registered, **changes: Any) -> Registered:
    wish: dict[str, Any] = {
        "grant_types": (GRANT_TYPE, "client_credentials", "refresh_token"),
        "audience_scope": frozenset(),
        "scope": frozenset({"openid", "profile", "email", "offline_access"}),
        "resources": (OTHER,),
        "exchange_subjects": (app.client.client_id,),
    }
    return await resource_server(op, **(wish | changes))


@pytest.fixture
async def scene(op: Provider) -> Scene:
    ledger = await resource_server(op, OTHER, audience_scope=frozenset())
    app = await op.register(resources=(OTHER,))
    gateway = await gateway_of(op, app)
    await op.registrar.change(
        app.client.client_id, lambda client: replace(client, resources=(API, OTHER)), op.clock.now()
    )
    return Scene(op, app, gateway, ledger)


@pytest.mark.spec("RFC 8693 §2.1", "RFC 8693 §2.2.1", "RFC 8693 §4.1")
async def test_a_gateway_acts_for_whoever_came_to_it(scene: Scene) -> None:
    token = await scene.token()
    told = await scene.exchanged(token, resource=OTHER, scope="profile")
    assert set(told) == {
        "access_token",
        "issued_token_type",
        "token_type",
        "expires_in",
        "scope",
    }
    assert told["issued_token_type"] == ACCESS_TOKEN
    assert (told["token_type"], told["scope"]) == ("Bearer", "profile")
    before, claims = claims_of(token), claims_of(told["access_token"])
    assert claims["act"] == {"sub": scene.gateway.client.client_id}
    assert claims["client_id"] == scene.gateway.client.client_id
    assert claims["aud"] == OTHER
    for name in ("sub", "iss", "auth_time", "acr", "amr"):
        assert claims[name] == before[name]
    assert claims["grant_id"] != before["grant_id"]
    answer = await scene.op.post("/introspect", scene.ledger, token=told["access_token"])
    assert answer.json()["act"] == claims["act"]


@pytest.mark.spec("RFC 8693 §2.1")
async def test_nothing_becomes_wider(scene: Scene) -> None:
    token = await scene.token(scope=("openid", "profile"))
    told = await scene.exchanged(token)
    assert (claims_of(told["access_token"])["aud"], told["scope"]) == (OTHER, "profile")
    for scope in ("email", "openid", "profile email", "offline_access", "records:read"):
        assert await scene.refused(token, scope=scope) == "invalid_scope"
    for name in ("resource", "audience"):
        for target in ("https://evil.example", API, scene.op.issuer.address, "nobody"):
            assert await scene.refused(token, **{name: target}) == "invalid_target"
    assert await scene.refused(token, audience=scene.app.client.client_id) == "invalid_target"
    ledger = scene.ledger.client.client_id
    told = await scene.exchanged(token, audience=ledger)
    assert claims_of(told["access_token"])["aud"] == OTHER
    narrow = await scene.token(resources=(API,))
    assert await scene.refused(narrow, resource=OTHER) == "invalid_target"
    assert await scene.refused(narrow) == "invalid_target"


@pytest.mark.attack("A20")
async def test_userinfo_is_closed_to_who_acts_for_somebody(scene: Scene) -> None:
    op = scene.op
    await changed(op, scene.gateway, resources=(OTHER, op.issuer.address))
    code = await op.code(scene.app.client, scope=SCOPE, resources=(API, OTHER, op.issuer.address))
    token = (await op.redeem(scene.app, code, resource=API)).json()["access_token"]
    told = await scene.exchanged(token, resource=op.issuer.address)
    bearer = {"authorization": f"Bearer {told['access_token']}"}
    answer = await op.http.get("/userinfo", headers=bearer)
    assert (answer.status_code, "insufficient_scope" in answer.text) == (403, True)


@pytest.mark.attack("A20")
@pytest.mark.spec("RFC 8693 §2.2.2", "RFC 8693 §5")
async def test_who_may_exchange_what_is_registered(scene: Scene) -> None:
    op, token = scene.op, await scene.token()
    stranger = await gateway_of(op, scene.app, audience="https://stranger.example")
    assert await scene.refused(token, stranger) == "invalid_request"  # not meant for it
    other = await op.register(resources=(API, OTHER))
    code = await op.code(other.client, scope=SCOPE, resources=(API, OTHER))
    foreign = (await op.redeem(other, code, resource=API)).json()["access_token"]
    assert await scene.refused(foreign) == "invalid_request"  # nobody allowed that
    assert await scene.refused(token, scene.app) == "unauthorized_client"
    with pytest.raises(InvalidClientMetadata):
        await op.register("none", grant_types=(GRANT_TYPE, "authorization_code"))
    with pytest.raises(InvalidClientMetadata):
        await op.register(exchange_subjects=("app",))


@pytest.mark.spec("RFC 8693 §2.1", "RFC 8693 §2.2.2")
@pytest.mark.parametrize(
    "form",
    [
        {"subject_token": ""},
        {"subject_token_type": ""},
        {"subject_token": "x"},
        {"subject_token": "a.b.c"},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
        {"subject_token_type": ID_TOKEN},
        {"requested_token_type": ID_TOKEN},
        {"actor_token": "x"},
        {"actor_token_type": ACCESS_TOKEN},
        {"actor_token": "x", "actor_token_type": ACCESS_TOKEN},
    ],
)
async def test_what_is_no_exchange_is_refused(scene: Scene, form: dict[str, str]) -> None:
    assert await scene.refused(await scene.token(), **form) == "invalid_request"


THIRD = "https://third.example"


async def chained(scene: Scene) -> tuple[str, str, str]:
    """Return a token of the app, one of the gateway made from it, and one of the ledger."""
    op = scene.op
    await resource_server(op, THIRD, audience_scope=frozenset())
    for one, changes in (
        (scene.gateway, {"resources": (OTHER, THIRD)}),
        (
            scene.ledger,
            {
                "grant_types": (GRANT_TYPE,),
                "scope": frozenset({"profile"}),
                "resources": (THIRD,),
                "exchange_subjects": (scene.gateway.client.client_id,),
            },
        ),
    ):
        await changed(op, one, **changes)
    token = await scene.token(resources=(API, OTHER, THIRD))
    actor = (await op.post("/token", scene.gateway, grant_type="client_credentials")).json()
    form = {"actor_token": actor["access_token"], "actor_token_type": ACCESS_TOKEN}
    second = (await scene.exchanged(token, resource=[OTHER, THIRD], **form))["access_token"]
    third = (await scene.exchanged(second, scene.ledger))["access_token"]
    return token, second, third


async def changed(op: Provider, one: Registered, **changes: Any) -> None:
    """Change a registration, and wait until it is known."""

    def edit(client: Any) -> Any:
        return replace(client, **changes)

    assert await op.registrar.change(one.client.client_id, edit, op.clock.now())
    op.clock.at += 6


@pytest.mark.spec("RFC 8693 §4.1")
async def test_who_acted_before_stands_inside(scene: Scene) -> None:
    token, second, third = await chained(scene)
    gateway, ledger = scene.gateway.client.client_id, scene.ledger.client.client_id
    assert claims_of(second)["act"] == {"sub": gateway}
    claims = claims_of(third)
    assert claims["act"] == {"sub": ledger, "act": {"sub": gateway}}
    assert (claims["aud"], claims["scope"]) == (THIRD, "profile")
    assert claims["sub"] == claims_of(token)["sub"]
    form = {"actor_token": second, "actor_token_type": ACCESS_TOKEN}
    assert await scene.refused(token, **form) == "invalid_request"  # it is somebody's already


@pytest.mark.attack("A21")
@pytest.mark.parametrize("broken", [0, 1])
async def test_a_chain_is_as_strong_as_each_link(scene: Scene, broken: int) -> None:
    *chain, last = await chained(scene)
    owner = (scene.app, scene.gateway)[broken]
    assert await active(scene, last)
    assert (await scene.op.post("/revoke", owner, token=chain[broken])).status_code == 200
    assert not await active(scene, last)


async def active(scene: Scene, token: str) -> bool:
    """Return whether the ledger's own token is active."""
    return bool((await scene.op.post("/introspect", scene.ledger, token=token)).json()["active"])


@pytest.mark.spec("RFC 8693 §1.1")
async def test_impersonation_is_a_permission(scene: Scene) -> None:
    await changed(scene.op, scene.gateway, exchange_impersonates=True)
    assert "act" not in claims_of((await scene.exchanged(await scene.token()))["access_token"])


@pytest.mark.spec("RFC 8693 §4.4")
async def test_may_act_names_the_only_one(scene: Scene) -> None:
    op = scene.op
    for name, accepted in (("somebody-else", False), (scene.gateway.client.client_id, True)):
        await changed(op, scene.app, may_act=name)
        token = await scene.token()
        assert claims_of(token)["may_act"] == {"sub": name}
        assert ((await scene.ask(token)).status_code == 200) is accepted


@pytest.mark.attack("A21")
@pytest.mark.parametrize("end", ["revoke", "client", "resident", "narrow", "lock"])
async def test_the_result_dies_with_what_it_came_from(scene: Scene, end: str) -> None:
    op = scene.op
    token = await scene.token()
    made = (await scene.exchanged(token))["access_token"]
    assert await scene.is_active(made)
    assert (await op.post("/revoke", scene.gateway, token=token)).status_code == 200
    assert await scene.is_active(made)  # who only received a token ends nothing with it
    now, grant_id = op.clock.now() + 1, claims_of(token)["grant_id"]
    op.clock.at += 1
    match end:
        case "revoke":
            assert (await op.post("/revoke", scene.app, token=token)).status_code == 200
        case "client":
            await op.registrar.remove(scene.app.client.client_id, now)
        case "resident":
            await op.database.submit(
                op.grants.revoke_at_issuer(op.resident_id, op.issuer.address, now)
            )
        case "narrow":
            before = await op.grants.find(grant_id)
            assert before is not None
            after = replace(before, narrowed_at=now, revision=before.revision + 1)
            await op.database.submit(op.grants.amend(before, after))
        case "lock":
            await op.database.submit(op.residents.lock(op.resident_id, {"otp", "pin"}, now))
            await op.database.submit(
                op.grants.revoke_at_issuer(op.resident_id, op.issuer.address, now)
            )
    assert not await scene.is_active(made)
    assert await scene.refused(token) == "invalid_request"


@pytest.mark.spec("RFC 7009 §2")
async def test_the_gateway_ends_only_what_is_its_own(scene: Scene) -> None:
    token = await scene.token()
    first, second = [(await scene.exchanged(token))["access_token"] for _ in range(2)]
    assert (await scene.op.post("/revoke", scene.gateway, token=first)).status_code == 200
    assert not await scene.is_active(first)
    assert await scene.is_active(second)
    assert await scene.exchanged(token)


async def test_it_lives_no_longer_than_what_it_came_from(scene: Scene) -> None:
    tokens = await scene.tokens(scope=("openid", "profile"))
    scene.op.clock.at += 200
    told = await scene.exchanged(tokens["access_token"])
    assert told["expires_in"] == 100
    scene.op.clock.at += 100
    assert await scene.refused(tokens["access_token"]) == "invalid_request"


@pytest.mark.spec("RFC 8693 §2.2.1")
async def test_a_refresh_token_is_a_permission_and_dies_alike(scene: Scene) -> None:
    op, token = scene.op, await scene.token()
    told = await scene.exchanged(token, requested_token_type=REFRESH_TOKEN)
    assert (told["token_type"], told["issued_token_type"]) == ("N_A", REFRESH_TOKEN)
    form = {"grant_type": "refresh_token", "refresh_token": told["access_token"]}
    answer = await op.post("/token", scene.gateway, **form)
    assert answer.status_code == 200, answer.text
    assert "id_token" not in answer.json()
    claims = claims_of(answer.json()["access_token"])
    assert (claims["aud"], claims["act"]) == (OTHER, {"sub": scene.gateway.client.client_id})
    form["refresh_token"] = answer.json()["refresh_token"]
    assert (await op.post("/revoke", scene.app, token=token)).status_code == 200
    assert (await op.post("/token", scene.gateway, **form)).json()["error"] == "invalid_grant"
    online = await scene.token(scope=("openid", "profile"))
    assert await scene.refused(online, requested_token_type=REFRESH_TOKEN) == "invalid_request"


@pytest.mark.spec("RFC 8693 §3")
async def test_an_id_token_is_exchanged_by_its_own_client(scene: Scene) -> None:
    op = scene.op
    app = await op.registrar.change(
        scene.app.client.client_id,
        lambda client: replace(
            client,
            grant_types=("authorization_code", GRANT_TYPE),
            exchange_subjects=(client.client_id,),
        ),
        op.clock.now(),
    )
    assert app is not None
    own = Registered(app.client, scene.app.secret)
    op.clock.at += 6
    tokens = await scene.tokens()
    await op.database.submit(
        Subjects(op.database).keep(
            op.issuer.address, app.client.sector, op.resident_id, "a-pairwise-subject"
        )
    )
    form = {"subject_token_type": ID_TOKEN, "resource": OTHER}
    told = await scene.exchanged(tokens["id_token"], own, **form)
    claims = claims_of(told["access_token"])
    assert (claims["sub"], claims["aud"]) == ("a-pairwise-subject", OTHER)
    assert await scene.refused(tokens["id_token"], **form) == "invalid_request"
    assert (await op.post("/revoke", own, token=tokens["access_token"])).status_code == 200
    assert await scene.refused(tokens["id_token"], own, **form) == "invalid_request"
    op.clock.at += 4000
    assert await scene.refused((await scene.tokens())["id_token"] + "A", own, **form)


@pytest.mark.behaviour(39)
async def test_the_result_is_bound_to_the_key_of_who_exchanges(scene: Scene) -> None:
    holder = Holder(op=scene.op)
    token = await scene.token()
    credentials = scene.op.credentials(scene.gateway)
    form = credentials.pop("form") | {
        "grant_type": GRANT_TYPE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
    }
    answer = await scene.op.http.post(
        "/token", data=form, headers={"dpop": holder.proof("POST", "/token")}, **credentials
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "DPoP"
    assert claims_of(answer.json()["access_token"])["cnf"] == {"jkt": holder.jkt}


async def test_exchanges_at_the_same_time_are_as_good_as_one_after_the_other(scene: Scene) -> None:
    token = await scene.token()
    made = await asyncio.gather(*(scene.exchanged(token) for _ in range(6)))
    identifiers = {claims_of(one["access_token"])["grant_id"] for one in made}
    assert len(identifiers) == 6
    assert (await scene.op.post("/revoke", scene.app, token=token)).status_code == 200
    assert not any([await scene.is_active(one["access_token"]) for one in made])


async def test_machines_exchange_tokens_of_machines(scene: Scene) -> None:
    op = scene.op
    bot = await machine(op, scope=frozenset(), resources=(API, OTHER))
    await changed(op, scene.gateway, exchange_subjects=(bot.client.client_id,))
    form = {"grant_type": "client_credentials", "resource": [API, OTHER]}
    token = (await op.post("/token", bot, **form)).json()["access_token"]
    made = (await scene.exchanged(token))["access_token"]
    assert claims_of(made)["sub"] == bot.client.client_id
    assert await scene.is_active(made)
    await op.registrar.remove(bot.client.client_id, op.clock.now())
    assert not await scene.is_active(made)
