"""The contract of a channel: what the relay hands over arrives once the other side is well again.

Real servers in this process: an SMTP sink, an HTTP gateway that answers what the test says, and the
demonstration's inbox.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from config.runtime.database.connect import OpenDatabase
from config.runtime.entropy import SystemEntropy
from config.runtime.outbox import DatabaseOutbox, Deliverer, DeliveryFailed, Message, dead_letters
from config.runtime.relay import Relay, RelayOptions
from config.settings import Channels, Issuer, Settings, SettingsError, Sms, Smtp
from config.wiring.inbox import inbox as inbox_application
from idp.channels import inbox, sms_http, smtp
from idp.channels.channel import Letter, by_email, by_phone, seal, unseal
from idp.residents.port import Addresses
from keystore.door import BadSeal, Door
from keystore.purposes import Role
from tests.keyrings import only, software_backend
from tests.residents import NOW, StillClock

assert dead_letters is not None  # its table is one of those that the database of a test has

LETTER = Letter(
    to="+447700900123",
    medium="sms",
    aliases=("amina@example.org",),
    subject='Your "code"\u2028 for Clinic',
    text='123456 is "yours" {to} \\ &\n\n@id.example #123456',
    code="123456",
    at=NOW,
)


@dataclass(slots=True)
class Gateway:
    """An HTTP server that answers each request as the next of ``plan`` says, then 200."""

    plan: list[int | str] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:]
            headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            answer = self.plan.pop(0) if self.plan else 200
            if answer == "silence":
                await reader.read()  # until the other side gives up
            elif answer != "hang up":
                self.requests.append((headers, body))
                writer.write(f"HTTP/1.1 {answer} X\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
        writer.close()


@dataclass(slots=True)
class MailServer:
    """An SMTP server (RFC 5321) that refuses with the next of ``plan``, then takes everything."""

    plan: list[str] = field(default_factory=list)
    mails: list[tuple[str, str, bytes]] = field(default_factory=list)
    port: int = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = recipient = ""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            writer.write(b"220 sink\r\n")
            while line := (await reader.readline()).decode().strip():
                verb = line.split(" ")[0].upper()
                reply = "250 ok"
                if verb == "MAIL":
                    sender = line
                elif verb == "RCPT":
                    recipient = line
                    reply = self.plan.pop(0) if self.plan else reply
                elif verb == "DATA":
                    writer.write(b"354 go on\r\n")
                    mail = await reader.readuntil(b"\r\n.\r\n")
                    self.mails.append((sender, recipient, mail[:-3]))
                writer.write(f"{reply}\r\n".encode())
                if verb == "QUIT":
                    break
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def listening(server: Any) -> AsyncIterator[int]:
    async with await asyncio.start_server(server, "127.0.0.1", 0) as started:
        yield started.sockets[0].getsockname()[1]
        started.close()


@dataclass(frozen=True, slots=True)
class Doors:
    web: Door
    worker: Door


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Doors]:
    backend = software_backend(tmp_path)
    keys = only(backend)
    await keys.administration.ensure({})
    yield Doors(keys.door(Role.IDP), keys.door(Role.WORKER))
    await backend.close()


async def message(doors: Doors, kind: str = "sms", number: int = 1) -> Message:
    body = await seal(doors.web, LETTER, f"message-{number}")
    return Message(
        id=f"message-{number}", kind=kind, key=str(number), body=body, at=NOW, expires_at=NOW + 300
    )


def gateway_settings(url: str, **more: Any) -> Settings:
    return Settings(channels=Channels(enabled=("sms_http",), sms_http=Sms(url=url, **more)))


def mail_settings(port: int, **more: Any) -> Settings:
    values = {"host": "127.0.0.1", "port": port, "sender": "id@gov.example", "security": "none"}
    return Settings(channels=Channels(enabled=("smtp",), smtp=Smtp(**{**values, **more})))


def inbox_settings(url: str, issuer: str = "http://127.0.0.1:8080", **more: Any) -> Settings:
    return Settings(
        issuers=(Issuer(address=issuer),),
        channels=Channels(enabled=("inbox",), inbox_url=url, inbox_token="a token"),
        **{"demo": True, **more},
    )


async def test_the_gateway_gets_the_text_as_its_template_says(doors: Doors) -> None:
    gateway = Gateway()
    async with listening(gateway) as port:
        url = f"http://127.0.0.1:{port}/send?x=1"
        settings = gateway_settings(url, authorization="Bearer secret")
        deliverer = sms_http.build_deliverer(settings, doors.worker, StillClock())
        await deliverer.deliver(await message(doors), NOW)
    headers, body = gateway.requests[0]
    assert json.loads(body) == {"to": LETTER.to, "text": LETTER.text}
    assert headers["authorization"] == "Bearer secret"
    assert headers["content-type"] == "application/json"


async def test_the_gateway_gets_a_form_where_it_wants_one(doors: Doors) -> None:
    from urllib.parse import parse_qs

    gateway = Gateway()
    async with listening(gateway) as port:
        settings = gateway_settings(
            f"http://127.0.0.1:{port}/",
            body="from=ID&to={to}&text={text}",
            content_type="application/x-www-form-urlencoded",
        )
        deliverer = sms_http.build_deliverer(settings, doors.worker, StillClock())
        await deliverer.deliver(await message(doors), NOW)
    fields = parse_qs(gateway.requests[0][1].decode(), strict_parsing=True)
    assert fields == {"from": ["ID"], "to": [LETTER.to], "text": [LETTER.text]}


@pytest.mark.parametrize("trouble", [500, 503, 429, 400, 302, "silence", "hang up"])
async def test_a_gateway_in_trouble_is_asked_again(doors: Doors, trouble: int | str) -> None:
    gateway = Gateway([trouble])
    async with listening(gateway) as port:
        settings = gateway_settings(f"http://127.0.0.1:{port}/")
        built = sms_http.build_deliverer(settings, doors.worker, StillClock())
        assert isinstance(built, sms_http.SmsGateway)
        deliverer = sms_http.SmsGateway(
            door=built.door, sms=built.sms, fetcher=built.fetcher, seconds=0.2
        )
        with pytest.raises(DeliveryFailed) as failure:
            await deliverer.deliver(await message(doors), NOW)
        for secret in (LETTER.code, LETTER.to, "127.0.0.1"):
            assert secret not in str(failure.value)
        gateway.requests.clear()
        await deliverer.deliver(await message(doors), NOW)
    assert len(gateway.requests) == 1


async def test_the_mail_arrives_as_it_was_written(doors: Doors) -> None:
    server = MailServer()
    async with listening(server) as port:
        deliverer = smtp.build_deliverer(mail_settings(port), doors.worker, StillClock())
        await deliverer.deliver(await message(doors, "email"), NOW)
    sender, recipient, raw = server.mails[0]
    mail = message_from_bytes(raw, policy=policy.default)
    assert ("<id@gov.example>" in sender, LETTER.to in recipient) == (True, True)
    assert mail["To"] == LETTER.to
    assert str(mail["Subject"]).startswith('Your "code"')
    assert mail["Message-ID"] == "<message-1@gov.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().replace("\r\n", "\n") == LETTER.text + "\n"


@pytest.mark.parametrize("refusal", ["451 later", "550 no such amina@example.org", "421 bye"])
async def test_a_mail_server_in_trouble_is_asked_again(doors: Doors, refusal: str) -> None:
    server = MailServer([refusal])
    async with listening(server) as port:
        deliverer = smtp.build_deliverer(mail_settings(port), doors.worker, StillClock())
        with pytest.raises(DeliveryFailed) as failure:
            await deliverer.deliver(await message(doors, "email"), NOW)
        assert "amina" not in str(failure.value)
        await deliverer.deliver(await message(doors, "email"), NOW)
    assert len(server.mails) == 1


async def test_a_mail_server_that_is_silent_or_gone_is_a_failure(doors: Doors) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with listening(silent) as port:
        settings = mail_settings(port).channels.smtp
        deliverer = smtp.Mail(door=doors.worker, smtp=settings, seconds=0.2)
        with pytest.raises(DeliveryFailed):
            await deliverer.deliver(await message(doors, "email"), NOW)
    with pytest.raises(DeliveryFailed):  # nobody listens there any more
        await deliverer.deliver(await message(doors, "email"), NOW)


async def test_a_mail_server_without_tls_gets_nothing_when_tls_is_asked(doors: Doors) -> None:
    server = MailServer()
    async with listening(server) as port:
        settings = mail_settings(port, security="starttls")
        deliverer = smtp.build_deliverer(settings, doors.worker, StillClock())
        with pytest.raises(DeliveryFailed):
            await deliverer.deliver(await message(doors, "email"), NOW)
    assert server.mails == []


def broken_at_first(gateway: Gateway, mails: MailServer) -> None:
    gateway.plan += [500, "silence", "hang up"]
    mails.plan += ["451 later", "550 no"]


async def test_a_gateway_that_is_down_delays_messages_and_loses_none(
    doors: Doors, database: OpenDatabase
) -> None:
    gateway, mails, clock = Gateway(), MailServer(), StillClock()
    broken_at_first(gateway, mails)
    async with listening(gateway) as sms_port, listening(mails) as mail_port:
        sms = sms_http.build_deliverer(
            gateway_settings(f"http://127.0.0.1:{sms_port}/"), doors.worker, clock
        )
        assert isinstance(sms, sms_http.SmsGateway)
        deliverers: dict[str, Deliverer] = {
            "sms": sms_http.SmsGateway(
                door=sms.door, sms=sms.sms, fetcher=sms.fetcher, seconds=0.2
            ),
            "email": smtp.build_deliverer(mail_settings(mail_port), doors.worker, clock),
        }
        box = DatabaseOutbox()
        queued = [await message(doors, kind, n) for n, kind in enumerate(["sms", "email"] * 5)]
        await database.submit(*(box.write(each) for each in queued))
        relay = Relay(database, deliverers, clock, SystemEntropy(), RelayOptions(at_once=4))
        for _ in range(60):
            await relay.run_once(clock.now())
            clock.time += 4
    assert len([body for _, body in gateway.requests if b"123456" in body]) >= 5
    assert len({raw for _, _, raw in mails.mails}) == 5


async def test_a_sealed_letter_opens_only_in_its_own_message_and_only_for_the_worker(
    doors: Doors,
) -> None:
    from dataclasses import replace

    from keystore.door import NotPermitted

    sealed = await message(doors)
    assert await unseal(doors.worker, sealed) == LETTER
    with pytest.raises(BadSeal):
        await unseal(doors.worker, replace(sealed, id="message-2"))
    with pytest.raises(NotPermitted):
        await unseal(doors.web, sealed)
    assert b"123456" not in sealed.body


@pytest.mark.parametrize(
    ("phone", "reached"),
    [
        ("+447700900123", "+447700900123"),
        (" +44 7700-900 123", "+447700900123"),
        ("07700 900123", "07700900123"),
        ("", None),
        ("none", None),
        (None, None),
    ],
)
def test_a_phone_is_dialled_by_its_digits(phone: str | None, reached: str | None) -> None:
    reach = by_phone(Addresses(phone=phone, email=None, locale=""))
    assert (reach and reach.to) == reached


@pytest.mark.parametrize(
    ("email", "reached"),
    [("a@b.org", True), ("a@b.org\r\nBcc: c@d.org", False), ("a b@c.org", False), ("a", False)],
)
def test_an_address_that_a_header_cannot_hold_is_not_written_to(email: str, reached: bool) -> None:
    assert (by_email(Addresses(phone=None, email=email, locale="")) is not None) is reached


REFUSED: list[tuple[Callable[[Settings], Any], Settings]] = [
    (inbox.build, inbox_settings("http://127.0.0.1:1", demo=False)),
    (inbox.build, inbox_settings("http://127.0.0.1:1", issuer="https://id.gov.example")),
    (inbox.build, inbox_settings("http://127.0.0.1:1", issuer="https://127.0.0.1.gov.example")),
    (sms_http.build, gateway_settings("")),
    (sms_http.build, gateway_settings("https://sms.example/", body='{"to": "{to}"}')),
    (sms_http.build, gateway_settings("https://sms.example/", body="{to}{text}")),
    (sms_http.build, gateway_settings("https://sms.example/", content_type="text/xml")),
    (smtp.build, mail_settings(25, host="")),
    (smtp.build, mail_settings(25, sender="")),
    (smtp.build, mail_settings(25, security="ssl")),
]


@pytest.mark.parametrize(("build", "settings"), REFUSED)
def test_settings_that_cannot_work_are_refused_at_the_start(
    build: Callable[[Settings], Any], settings: Settings
) -> None:
    with pytest.raises(SettingsError):
        build(settings)


def test_the_inbox_never_delivers_for_a_production_issuer() -> None:
    settings = inbox_settings("http://127.0.0.1:1", issuer="https://id.gov.example")
    with pytest.raises(SettingsError):
        inbox.build_deliverer(settings, None, StillClock())  # type: ignore[arg-type]


async def test_the_inbox_shows_what_was_sent_and_a_second_run_finds_it(
    doors: Doors, tmp_path: Path
) -> None:
    import httpx2

    url = "http://127.0.0.1:8999"
    settings = inbox_settings(url)

    def client() -> httpx2.AsyncClient:
        application = inbox_application(settings, tmp_path, StillClock(), SystemEntropy())
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=application), base_url=url)

    async with client() as http, listening(_forwarding(http)) as port:
        reached = inbox_settings(f"http://127.0.0.1:{port}")
        deliverer = inbox.build_deliverer(reached, doors.worker, StillClock())
        await deliverer.deliver(await message(doors, "inbox"), NOW)
        await deliverer.deliver(await message(doors, "inbox"), NOW)  # at least once
    expected = [
        {"to": LETTER.to, "channel": "sms", "text": LETTER.text, "code": "123456", "at": NOW}
    ]
    async with client() as http:
        for to in ("+447700900123", "%2B447700900123", ""):
            assert (await http.get(f"/messages?to={to}")).json() == expected
        found = (await http.get("/messages?to=Amina@example.org")).json()
        assert [each["code"] for each in found] == ["123456"]
        assert (await http.get("/messages?to=+447700900124")).json() == []
        page = await http.get("/")
        assert "<code>123456</code>" in page.text
        assert "<script" not in page.text
        assert (await http.post("/messages", json={})).status_code == 401
        bearer = {"authorization": "Bearer a token"}
        for body in (b"", b"[]", b"{}", b'{"id": 1}', b"\xff", b"[" * 100_000):
            answer = await http.post(
                "/messages",
                content=body,
                headers={**bearer, "content-type": "application/json"},
            )
            assert 400 <= answer.status_code < 500


def _forwarding(http: Any) -> Any:
    """Return a server that hands each request to an application in this process."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(headers["content-length"]))
        kept = {n: headers[n] for n in ("content-type", "authorization") if n in headers}
        answer = await http.post(head[0].split(" ")[1], content=body, headers=kept)
        writer.write(f"HTTP/1.1 {answer.status_code} X\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    return forward
