"""The demonstration's inbox: takes the messages that elsewhere would be sent, and shows them.

``POST /messages`` takes one from ``idp.channels.inbox``; ``GET /messages?to=`` answers JSON; ``/``
is a page. The last messages are kept in a small file, so that a second run finds them.
"""

import asyncio
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from config.runtime.clock import Clock
from config.runtime.entropy import Entropy
from config.runtime.pages.look import Asset, load_look
from config.runtime.web import (
    Answer,
    Budget,
    Call,
    House,
    Malformed,
    Route,
    Web,
    bytes_answer,
    empty,
    json_answer,
    page_answer,
)
from config.settings import Settings

MOST_MESSAGES = 200
REFRESH = 5
"""Seconds after which the page looks for new messages."""


class Taken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message as it is posted and kept. ``at`` is a NumericDate."""

    id: str
    to: str
    aliases: tuple[str, ...]
    channel: str
    text: str
    code: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A message as it is told."""

    to: str
    channel: str
    text: str
    code: str
    at: int


class Messages:
    """The last messages, oldest first, in memory and in ``file``."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = asyncio.Lock()
        try:
            self._kept = msgspec.json.decode(file.read_bytes(), type=list[Taken])
        except (OSError, msgspec.DecodeError):
            self._kept = []

    async def add(self, message: Taken) -> None:
        """Keep ``message``, once however often it comes; returns when it is in the file."""
        async with self._lock:
            if any(kept.id == message.id for kept in self._kept):
                return
            kept = [*self._kept, message][-MOST_MESSAGES:]
            await asyncio.to_thread(self._write, kept)
            self._kept = kept

    def to(self, address: str) -> list[Shown]:
        """Return what was sent to a phone number or e-mail address ("" for any), newest first."""
        wanted = _same(address)
        found = []
        for message in reversed(self._kept):
            for each in (message.to, *message.aliases) if wanted else (message.to,):
                if not wanted or _same(each) == wanted:
                    found.append(_shown(message, each))
                    break
        return found

    def _write(self, kept: Sequence[Taken]) -> None:
        fresh = self._file.with_suffix(".new")
        opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(opened, "wb") as file:
            file.write(msgspec.json.encode(kept))
        fresh.replace(self._file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """The addresses of the inbox. An empty ``token`` takes messages from anybody."""

    messages: Messages
    token: str
    style: Asset
    service: str

    def routes(self) -> tuple[Route, ...]:
        return (
            Route(path="/", endpoints={"GET": self.page}, budget="inbox", page=True),
            Route(
                path="/messages",
                endpoints={"GET": self.listed, "POST": self.taken},
                budget="inbox",
            ),
            Route(path=f"/assets/{self.style.name}", endpoints={"GET": self.sheet}, budget="inbox"),
        )

    async def taken(self, call: Call) -> Answer:
        """Take one message."""
        said = (call.header("authorization") or "").encode()
        if self.token and not hmac.compare_digest(said, f"Bearer {self.token}".encode()):
            return empty(401)
        try:
            message = msgspec.convert(await call.json(), Taken)
        except msgspec.ValidationError:
            raise Malformed("not a message") from None
        await self.messages.add(message)
        return empty()

    async def listed(self, call: Call) -> Answer:
        """Answer the messages to ``to``, newest first."""
        return json_answer(self.messages.to(_asked(call)))

    async def page(self, call: Call) -> Answer:
        """Show the messages."""
        asked = _asked(call)
        return page_answer(_page(self.messages.to(asked), asked, self.style, self.service))

    async def sheet(self, call: Call) -> Answer:
        """Answer the style sheet."""
        return bytes_answer(self.style.body, self.style.content_type, no_store=False)


def inbox(settings: Settings, directory: Path, clock: Clock, entropy: Entropy) -> Web:
    """Return the inbox as an ASGI application; its file is ``inbox.json`` in ``directory``."""
    address = settings.channels.inbox_url.rstrip("/")
    port = urlsplit(address).port or 80
    house = House(
        origins=tuple(dict.fromkeys((address, f"http://localhost:{port}"))),
        clock=clock,
        entropy=entropy,
        budgets={"inbox": Budget("inbox", 64, 256)},
    )
    endpoints = Inbox(
        messages=Messages(directory / "inbox.json"),
        token=settings.channels.inbox_token,
        style=load_look(settings.pages.accent, "").style,
        service=settings.issuers[0].name.get("", ""),
    )
    return Web(endpoints.routes(), house)


def _asked(call: Call) -> str:
    return next((value for name, value in call.query() if name == "to"), "")


def _same(address: str) -> str:
    """Return what two ways to write one address have in common; a + in a query is a space."""
    if "@" in address:
        return address.strip().casefold()
    return "".join(character for character in address if character.isdigit())


def _shown(message: Taken, to: str) -> Shown:
    channel = message.channel if to == message.to else "email" if "@" in to else "sms"
    return Shown(to=to, channel=channel, text=message.text, code=message.code, at=message.at)


def _page(messages: Sequence[Shown], asked: str, style: Asset, service: str) -> str:
    rows = "".join(map(_row, messages))
    whose = f" to {escape(asked)}" if asked else ""
    return f"""<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="refresh" content="{REFRESH}">
<meta name="robots" content="noindex">
<title>Inbox - {escape(service)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/{style.name}">
</head>
<body>
<header><div><span>{escape(service)} demonstration</span></div></header>
<main id="main">
<div class="card">
<h1>Inbox</h1>
<p class="hint">In this demonstration nothing is sent: what would go to a phone or to a mailbox\
 is shown here. New messages appear within {REFRESH} seconds.</p>
{'<p><a href="/">Show all messages</a></p>' if asked else ""}
<h2>{len(messages) or "No"} message{"" if len(messages) == 1 else "s"}{whose}</h2>
<ul class="rows">{rows}</ul>
</div>
</main>
</body>
</html>
"""


def _row(message: Shown) -> str:
    medium = "E-mail" if message.channel == "email" else "Text message"
    at = datetime.fromtimestamp(message.at, UTC)
    lines = "<br>".join(escape(line) for line in message.text.splitlines())
    code = f'\n<h3 class="sent"><code>{escape(message.code)}</code></h3>' if message.code else ""
    return f"""
<li>
<p class="who">{medium} to <a href="/?to={_quoted(message.to)}">{escape(message.to)}</a>,\
 <time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">{at:%H:%M:%S} UTC</time></p>{code}
<p dir="auto">{lines}</p>
</li>"""


def _quoted(address: str) -> str:
    return escape(address.replace("%", "%25").replace("+", "%2B").replace("&", "%26"))
