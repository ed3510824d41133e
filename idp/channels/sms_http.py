"""Text messages through the operator's HTTP gateway: one POST each, its body by a template."""

import re
from dataclasses import dataclass
from ipaddress import ip_network
from urllib.parse import quote, urlsplit

import msgspec

from config.runtime.clock import Clock
from config.runtime.destinations import Rules
from config.runtime.outbound import Fetcher, FetchFailed, Outgoing
from config.runtime.outbox import Deliverer, DeliveryFailed, Message
from config.settings import Settings, SettingsError, Sms
from idp.channels.channel import Channel, Letter, by_phone, unseal
from keystore.door import Door

SECONDS = 10.0
"""Until the gateway has answered."""

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))


def build(settings: Settings) -> Channel:
    """Return the channel; raises SettingsError where the settings cannot work."""
    _demand(settings.channels.sms_http)
    return Channel("sms", by_phone)


def build_deliverer(settings: Settings, door: Door, clock: Clock) -> Deliverer:
    """Return what asks the gateway; raises SettingsError where the settings cannot work."""
    sms = settings.channels.sms_http
    _demand(sms)
    return SmsGateway(door=door, sms=sms, fetcher=Fetcher(clock, _rules(sms.url), keep=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsGateway:
    """Posts each message to the gateway; any answer of 200 to 299 means that it took it."""

    door: Door
    sms: Sms
    fetcher: Fetcher
    seconds: float = SECONDS

    async def deliver(self, message: Message, now: int) -> None:
        """See Deliverer.deliver."""
        letter = await unseal(self.door, message)
        outgoing = Outgoing(
            url=self.sms.url,
            body=filled(self.sms, letter),
            content_type=self.sms.content_type,
            headers={"authorization": self.sms.authorization} if self.sms.authorization else {},
        )
        try:
            answer = await self.fetcher.post(outgoing, seconds=self.seconds)
        except FetchFailed as failure:
            raise DeliveryFailed(f"sms: {failure.reason}") from None
        if not 200 <= answer.status < 300:
            raise DeliveryFailed(f"sms: status {answer.status}")


def filled(sms: Sms, letter: Letter) -> bytes:
    """Return the body: {to} and {text} replaced in one pass, so a text cannot bring its own."""
    values = {"{to}": letter.to, "{text}": letter.text}

    def encoded(found: re.Match[str]) -> str:
        value = values[found.group()]
        if sms.content_type == _JSON:
            return msgspec.json.encode(value).decode()[1:-1]
        return quote(value, safe="")

    return re.sub(r"\{to\}|\{text\}", encoded, sms.body).encode()


def _demand(sms: Sms) -> None:
    if not sms.url:
        raise SettingsError("channels.sms_http.url: the address of the gateway is needed")
    if sms.content_type not in (_JSON, _FORM):
        raise SettingsError(f"channels.sms_http.content_type: write {_JSON} or {_FORM}")
    if "{to}" not in sms.body or "{text}" not in sms.body:
        raise SettingsError("channels.sms_http.body: {to} and {text} must stand in it")
    probe = filled(sms, Letter(to='"', medium="sms", text='"\n', code="", at=0))
    if sms.content_type == _JSON:
        try:
            msgspec.json.decode(probe)
        except msgspec.DecodeError:
            raise SettingsError("channels.sms_http.body: not JSON once filled in") from None


def _rules(url: str) -> Rules:
    """Let the gateway be where the operator says, also in the operator's own network."""
    parts = urlsplit(url)
    everywhere = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    port = parts.port or 443
    return Rules(private=everywhere, ports=frozenset((port,)), loopback=parts.hostname in _LOOPBACK)
