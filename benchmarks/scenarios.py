"""What is measured: whole logins and single endpoints, each ready to be asked again and again."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from benchmarks.processes import BenchFailed
from benchmarks.targets import Target
from benchmarks.walking import Walk, token_request
from benchmarks.wire import Connection, get, post

CONNECTIONS = 16


class Work(Protocol):
    """One connection's part of a scenario."""

    async def once(self, connection: Connection) -> None:
        """Do it once; raises BenchFailed when the answer is wrong."""
        ...


Begin = Callable[[Target, Sequence[Connection]], Awaitable[Sequence[Work]]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """``begin`` makes ready what the connections need, before anything is counted."""

    name: str
    title: str
    begin: Begin
    signs: bool = False
    """Whether each round needs an assertion of its own."""


@dataclass(frozen=True, slots=True)
class Same:
    """One request, sent again and again."""

    request: bytes
    expected: bytes

    async def once(self, connection: Connection) -> None:
        answer = await connection.ask(self.request)
        if answer.status != 200 or self.expected not in answer.body:
            raise BenchFailed(f"{self.request[:60]!r}: {answer.status} {answer.body[:300]!r}")


@dataclass(slots=True)
class Refreshing:
    """A chain of refresh tokens, each exchanged for the next."""

    target: Target
    token: str

    async def once(self, connection: Connection) -> None:
        fields = {"grant_type": "refresh_token", "refresh_token": self.token}
        request = token_request(self.target, self.target.key_client, fields)
        answer = await connection.ask(request)
        if answer.status != 200:
            raise BenchFailed(f"refresh: {answer.status} {answer.body[:300]!r}")
        self.token = json.loads(answer.body)["refresh_token"]


async def _discovery(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    same = Same(get(target.host, target.paths.discovery), b'"token_endpoint"')
    return [same] * len(connections)


async def _jwks(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    return [Same(get(target.host, target.paths.jwks), b'"keys"')] * len(connections)


async def _login(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    return [Walk(target, target.key_client)] * len(connections)


async def _refresh(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    walk = Walk(target, target.key_client, "openid profile email offline_access")
    tokens = [(await walk.tokens(connection))["refresh_token"] for connection in connections]
    return [Refreshing(target, token) for token in tokens]


async def _introspection(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    walk = Walk(target, target.secret_client)
    token = (await walk.tokens(connections[0]))["access_token"]
    body = urlencode({"token": token}).encode()
    request = post(target.host, target.paths.introspect, body, target.secret_client.header)
    return [Same(request, b'"active":true')] * len(connections)


async def _userinfo(target: Target, connections: Sequence[Connection]) -> Sequence[Work]:
    token = (await Walk(target, target.key_client).tokens(connections[0]))["access_token"]
    bearer = f"Authorization: Bearer {token}"
    same = Same(get(target.host, target.paths.userinfo, bearer), b'"email"')
    return [same] * len(connections)


SCENARIOS = (
    Scenario("login", "whole login: authorize to userinfo, PKCE, private_key_jwt", _login, True),
    Scenario("token", "token: refresh_token with private_key_jwt", _refresh, True),
    Scenario("introspection", "introspection with client_secret_basic", _introspection),
    Scenario("userinfo", "userinfo", _userinfo),
    Scenario("discovery", "discovery", _discovery),
    Scenario("jwks", "JWKS", _jwks),
)
