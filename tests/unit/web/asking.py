"""Asking an ASGI application without a socket: what goes in and comes out, byte by byte."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from config.runtime.web import Answer, Budget, Call, House, Route, Web, json_answer

Pairs = Sequence[tuple[str, str]]


@dataclass
class HandClock:
    """Time that moves only when a test moves it."""

    at: int = 1_800_000_000
    passed: float = 0.0

    def now(self) -> int:
        return self.at + int(self.passed)

    def elapsed(self) -> float:
        return self.passed


@dataclass
class Reply:
    """What was answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None


@dataclass
class Asked:
    """What is asked. ``pieces`` arrive one after another; the client goes away after them when
    ``hangs_up``.
    """

    method: str = "GET"
    path: str = "/"
    headers: Pairs = ()
    pieces: Sequence[bytes] = (b"",)
    query: bytes = b""
    host: str | None = "id.example"
    client: tuple[str, int] | None = ("192.0.2.7", 5555)
    hangs_up: bool = False
    sent: list[Mapping[str, Any]] = field(default_factory=list)

    def scope(self) -> dict[str, Any]:
        headers = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in self.headers]
        if self.host is not None:
            headers.insert(0, (b"host", self.host.encode("latin-1")))
        return {
            "type": "http",
            "method": self.method,
            "path": self.path,
            "query_string": self.query,
            "headers": headers,
            "client": self.client,
            "scheme": "http",
        }

    def receiver(self) -> Any:
        left = list(self.pieces)

        async def receive() -> dict[str, Any]:
            if not left:
                return {"type": "http.disconnect"}
            piece = left.pop(0)
            more = bool(left) or self.hangs_up
            return {"type": "http.request", "body": piece, "more_body": more}

        return receive

    def call(self) -> Call:
        """Return the call, for tests of the readers alone."""
        return Call(self.scope(), self.receiver())


async def ask(app: Any, asked: Asked) -> Reply:
    """Ask ``app`` and return its one whole reply."""
    sent: list[Mapping[str, Any]] = []

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    await app(asked.scope(), asked.receiver(), send)
    start, *bodies = [message["type"] for message in sent]
    assert (start, set(bodies)) == ("http.response.start", {"http.response.body"})
    headers = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    return Reply(sent[0]["status"], headers, b"".join(message["body"] for message in sent[1:]))


def form(path: str, body: bytes, headers: Pairs = ()) -> Asked:
    """Return a form posted to ``path``."""
    kind = ("content-type", "application/x-www-form-urlencoded")
    return Asked("POST", path, [kind, *headers], [body])


async def hello(call: Call) -> Answer:
    """Answer a constant."""
    return json_answer({"hello": True})


def web(routes: Iterable[Route], **house: Any) -> Web:
    """Return a web of ``routes`` at https://id.example with roomy budgets."""
    known: dict[str, Any] = {
        "origins": ["https://id.example"],
        "clock": SystemClock(),
        "entropy": SystemEntropy(),
        "budgets": {name: Budget(name, 100, 10) for name in ("token", "login", "metadata")},
    }
    return Web(list(routes), House(**{**known, **house}))
