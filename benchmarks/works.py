"""What connections do in a scenario, again and again: requests whose answers are looked at."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.clients import Client
from benchmarks.processes import BenchFailed
from benchmarks.targets import Target
from benchmarks.wire import Connection, Response, post


class Work(Protocol):
    """One connection's part of a scenario."""

    async def once(self, connection: Connection) -> None:
        """Do it once; raises BenchFailed when the answer is wrong."""
        ...


@dataclass(frozen=True, slots=True)
class Same:
    """One request, sent again and again."""

    request: bytes
    expected: bytes

    async def once(self, connection: Connection) -> None:
        look_at(await connection.ask(self.request), 200, self.expected, self.request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form at a machine endpoint, with an assertion of its own each time."""

    target: Target
    path: str
    client: Client
    fields: Mapping[str, str]
    status: int = 200
    expected: bytes

    async def once(self, connection: Connection) -> None:
        request = machine_request(self.target, self.path, self.client, self.fields)
        look_at(await connection.ask(request), self.status, self.expected, request)


@dataclass(slots=True)
class Refreshing:
    """A chain of refresh tokens, each exchanged for the next; or one that stays."""

    target: Target
    client: Client
    token: str

    async def once(self, connection: Connection) -> None:
        fields = {"grant_type": "refresh_token", "refresh_token": self.token}
        answer = await asked(self.target, self.target.paths.token, self.client, fields, connection)
        self.token = answer.get("refresh_token", self.token)


def machine_request(target: Target, path: str, client: Client, fields: Mapping[str, str]) -> bytes:
    """Return a form of ``client`` for a machine endpoint."""
    return post(target.host, path, client.form(**fields), *client.headers())


async def asked(
    target: Target, path: str, client: Client, fields: Mapping[str, str], connection: Connection
) -> dict[str, Any]:
    """Ask a machine endpoint and return its answer; raises BenchFailed when it refuses."""
    answer = await connection.ask(machine_request(target, path, client, fields))
    if answer.status != 200:
        raise BenchFailed(f"{target.name}{path}: {answer.status} {answer.body[:300]!r}")
    told: dict[str, Any] = json.loads(answer.body)
    return told


def look_at(answer: Response, status: int, expected: bytes, request: bytes) -> None:
    """Raise BenchFailed unless the answer is what it should be."""
    if answer.status != status or expected not in answer.body:
        raise BenchFailed(f"{request[:60]!r}: {answer.status} {answer.body[:300]!r}")
