"""The contract of a channel: a way to bring a message to a resident.

A flow asks a ``Channel`` only whether it reaches somebody, and puts a sealed letter into the
outbox; the worker's ``Deliverer`` of the same kind opens and sends it. To add one, write a module
here with ``CHANNEL`` and ``build``, and name it in ``channels.enabled``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from config.runtime.outbox import Message
from idp.residents.port import Addresses
from keystore.cells import row
from keystore.door import Door, SealPurpose


@dataclass(frozen=True, slots=True)
class Reach:
    """Where somebody is reached: a phone number or e-mail address, and others of the same person.

    ``medium`` is ``sms`` or ``email``: how the text is to be written.
    """

    to: str
    medium: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is sealed in a message's body. ``at`` is when it was written."""

    to: str
    medium: str
    text: str
    code: str
    at: int
    subject: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """``kind`` is the kind of its messages; ``reach`` tells where it reaches somebody, or None."""

    kind: str
    reach: Callable[[Addresses], Reach | None]


_LETTER = msgspec.json.Decoder(Letter)


async def seal(door: Door, letter: Letter, message_id: str) -> bytes:
    """Return ``letter`` as the body of the message with this id, readable by the worker only."""
    return await door.seal(SealPurpose.OUTBOX, msgspec.json.encode(letter), _bound(message_id))


async def unseal(door: Door, message: Message) -> Letter:
    """Return the letter in ``message``; raises keystore.door.BadSeal for one of another message."""
    opened = await door.open(SealPurpose.OUTBOX, message.body, _bound(message.id))
    return _LETTER.decode(opened)


def by_phone(addresses: Addresses) -> Reach | None:
    """Return the phone as it is dialled: digits, with the plus that was there."""
    if addresses.phone is None:
        return None
    digits = "".join(c for c in addresses.phone if c.isascii() and c.isdigit())
    plus = "+" if addresses.phone.lstrip().startswith("+") else ""
    return Reach(plus + digits, "sms") if digits else None


def by_email(addresses: Addresses) -> Reach | None:
    """Return the e-mail address, when it is one that a header can hold."""
    email = addresses.email
    if email is None or "@" not in email or not email.isprintable() or " " in email:
        return None
    return Reach(email, "email")


def _bound(message_id: str) -> bytes:
    return row("outbox", message_id)
