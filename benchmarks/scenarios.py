"""What is measured: whole logins and single endpoints, each ready to be asked again and again."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from benchmarks.clients import Client
from benchmarks.targets import Target
from benchmarks.walking import Walk
from benchmarks.wire import Connection, get, post
from benchmarks.works import Form, Refreshing, Same, Work, asked

CONNECTIONS = 16
CIBA = "urn:openid:params:grant-type:ciba"

Begin = Callable[[Target, Sequence[Connection]], Awaitable[Sequence[Work]]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """``begin`` makes ready what the connections need, before anything is counted."""

    name: str
    title: str
    begin: Begin
    aim: float | None = None
    """How many times the peer it is meant to be (requests per CPU-second)."""
    signs: bool = False
    """Whether each round needs an assertion of its own."""
    counts: int = 1
    """For how many a round counts: signatures under one approval."""
    connections: int = CONNECTIONS
    first_rate: float = 2000.0
    """Rounds per second for which is signed ahead at first."""


async def _discovery(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    same = Same(get(target.host, target.paths.discovery), b'"token_endpoint"')
    return [same] * len(connections)


async def _jwks(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    return [Same(get(target.host, target.paths.jwks), b'"keys"')] * len(connections)


async def _login(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    return [Walk(target, target.clients.key)] * len(connections)


async def _push(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    client = target.clients.key
    form = Form(
        target=target,
        path=target.paths.push,
        client=client,
        fields=Walk(target, client).asked("v" * 43),
        status=201,
        expected=b'"request_uri"',
    )
    return [form] * len(connections)


async def _refreshing(
    target: Target, client: Client, connections: Sequence[Connection]
) -> Sequence[Work]:
    walk = Walk(target, client, "openid profile email offline_access")
    tokens = [(await walk.tokens(connection))["refresh_token"] for connection in connections]
    return [Refreshing(target, client, token) for token in tokens]


async def _token(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    return await _refreshing(target, target.clients.key, connections)


async def _proven(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    return await _refreshing(target, target.clients.proof, connections)


async def _refresh(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    return await _refreshing(target, target.clients.secret, connections)


async def _own_token(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    form = Form(
        target=target,
        path=target.paths.token,
        client=target.clients.key,
        fields={"grant_type": "client_credentials"},
        expected=b'"access_token"',
    )
    return [form] * len(connections)


async def _poll(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    client, path = target.clients.key, target.paths.backchannel
    works: list[Work] = []
    for connection, name in zip(connections, target.names * len(connections), strict=False):
        fields = {"scope": "openid", "login_hint": name, "requested_expiry": "900"}
        begun = await asked(target, path, client, fields, connection)
        works.append(
            Form(
                target=target,
                path=target.paths.token,
                client=client,
                fields={"grant_type": CIBA, "auth_req_id": begun["auth_req_id"]},
                status=400,
                expected=b'"error"',  # authorization_pending, or that polls come too quickly
            )
        )
    return works


async def _introspection(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    client = target.clients.secret
    token = (await Walk(target, client).tokens(connections[0]))["access_token"]
    body = urlencode({"token": token}).encode()
    request = post(target.host, target.paths.introspect, body, *client.headers())
    return [Same(request, b'"active":true')] * len(connections)


async def _userinfo(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    client, path = target.clients.key, target.paths.userinfo
    token = (await Walk(target, client).tokens(connections[0]))["access_token"]
    same = Same(get(target.host, path, *client.bearer(token, "")), b'"email"')
    return [same] * len(connections)


SCENARIOS = (
    Scenario(
        "login", "whole login: authorize to userinfo, PKCE, private_key_jwt", _login, 4.0, True
    ),
    Scenario("par", "pushed authorization request with private_key_jwt", _push, 2.5, True),
    Scenario("token", "token: refresh_token with private_key_jwt", _token, 2.2, True),
    Scenario(
        "token-dpop", "token: refresh_token with DPoP and private_key_jwt", _proven, 2.5, True
    ),
    Scenario("refresh", "token: refresh_token with client_secret_basic", _refresh, 3.0),
    Scenario(
        "client-credentials",
        "token: client_credentials with private_key_jwt",
        _own_token,
        None,
        True,
    ),
    Scenario(
        "ciba-poll", "token: a CIBA poll that finds nothing, private_key_jwt", _poll, signs=True
    ),
    Scenario("introspection", "introspection with client_secret_basic", _introspection, 4.0),
    Scenario("userinfo", "userinfo", _userinfo),
    Scenario("discovery", "discovery", _discovery, 3.0),
    Scenario("jwks", "JWKS", _jwks, 2.0),
)
