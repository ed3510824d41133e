"""E-mail through the operator's mail server (RFC 5321)."""

import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate

import aiosmtplib

from config.runtime.clock import Clock
from config.runtime.outbox import Deliverer, DeliveryFailed, Message
from config.settings import Settings, SettingsError, Smtp
from idp.channels.channel import Channel, Letter, by_email, unseal
from keystore.door import Door

SECONDS = 15.0
"""Until the server has taken the message."""


def build(settings: Settings) -> Channel:
    """Return the channel; raises SettingsError where the settings cannot work."""
    _demand(settings.channels.smtp)
    return Channel("email", by_email)


def build_deliverer(settings: Settings, door: Door, clock: Clock) -> Deliverer:
    """Return what sends e-mail; raises SettingsError where the settings cannot work."""
    smtp = settings.channels.smtp
    _demand(smtp)
    return Mail(door=door, smtp=smtp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """Hands each message to the mail server, one connection each. ``trust`` None: the system's."""

    door: Door
    smtp: Smtp
    trust: ssl.SSLContext | None = None
    seconds: float = SECONDS

    async def deliver(self, message: Message, now: int) -> None:
        """See Deliverer.deliver."""
        letter = await unseal(self.door, message)
        smtp = self.smtp
        try:
            await aiosmtplib.send(
                written(letter, message.id, smtp.sender),
                sender=smtp.sender,
                recipients=[letter.to],
                hostname=smtp.host,
                port=smtp.port,
                username=smtp.username or None,
                password=smtp.password or None,
                use_tls=smtp.security == "tls",
                start_tls=smtp.security == "starttls",
                tls_context=None if smtp.security == "none" else self.trust,
                timeout=self.seconds,
            )
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as fault:
            # The server's words may repeat the address.
            code = getattr(fault, "code", "")
            raise DeliveryFailed(f"smtp: {type(fault).__name__} {code}".rstrip()) from None


def written(letter: Letter, message_id: str, sender: str) -> EmailMessage:
    """Return the e-mail (RFC 5322); a second delivery has the same Message-ID."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = letter.to
    mail["Subject"] = " ".join(letter.subject.split())  # one line, whatever it holds
    mail["Date"] = formatdate(letter.at)
    mail["Message-ID"] = f"<{message_id}@{sender.rpartition('@')[2].rstrip('>') or 'localhost'}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no automatic answers
    mail.set_content(letter.text + "\n")
    return mail


def _demand(smtp: Smtp) -> None:
    if not smtp.host or "@" not in smtp.sender:
        raise SettingsError("channels.smtp: host and sender (an e-mail address) are needed")
    if smtp.security not in ("starttls", "tls", "none"):
        raise SettingsError("channels.smtp.security: write starttls, tls or none")
