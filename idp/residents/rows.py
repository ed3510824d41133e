"""One row of an import, judged: what a registry says about one person (pure).

A record is what JSON or CSV said; a Row passed every check and is in normal form, so that two
spellings of the same facts are equal.
"""

import re
from base64 import b32decode
from binascii import Error as Base32Error
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from idp.residents.claims import CLAIMS, BadRow, claim, text, unknown
from idp.residents.normalising import Numbering, handle, is_telephone, number
from idp.residents.port import Attribute, State

MOST = 64
"""Virtual numbers, handles or locked factors of one person."""

_FACTOR = re.compile(r"[a-z0-9_-]{1,32}")
_PIN = re.compile(r"[0-9]{4,12}")
_HASHED_PIN = "$argon2id$"
_TOTP_BYTES = range(10, 65)  # RFC 4226 §4 asks for 128 bits; many authenticators were given 80

Moment = int | str | None


class VirtualId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number that stands for the national one: for ever, until a time, or for some uses."""

    number: Annotated[str, Meta(min_length=4, max_length=64)]
    valid_until: Moment = None
    uses: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class Verification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When and by which authority a claim was verified."""

    verified_at: Moment = None
    authority: Annotated[str, Meta(max_length=200)] = ""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The columns that are no claims."""

    national_id: Annotated[str, Meta(min_length=4, max_length=64)]
    state: str = State.ACTIVE.value
    virtual_ids: Annotated[tuple[VirtualId, ...], Meta(max_length=MOST)] = ()
    handles: Annotated[tuple[str, ...], Meta(max_length=MOST)] = ()
    locked_factors: Annotated[tuple[str, ...], Meta(max_length=MOST)] = ()
    pin: Annotated[str, Meta(max_length=256)] = ""
    totp: Annotated[str, Meta(max_length=256)] = ""
    verified_at: Moment = None
    authority: Annotated[str, Meta(max_length=200)] = ""
    verification: Annotated[dict[str, Verification], Meta(max_length=MOST)] = {}


FIXED = tuple(field.name for field in msgspec.structs.fields(Record))
COLUMNS = [*FIXED, *CLAIMS]


@dataclass(frozen=True, slots=True)
class Virtual:
    """A virtual number in normal form."""

    number: str
    valid_until: int | None
    uses: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A person as a registry knows them. ``handles`` begin with the telephone and the e-mail."""

    national_id: str
    state: State
    virtual: tuple[Virtual, ...]
    handles: tuple[str, ...]
    locked: tuple[str, ...]
    pin: str
    totp: bytes
    claims: tuple[Attribute, ...]

    @property
    def reachable(self) -> bool:
        """Return whether a message can be sent to the person."""
        return any(each.name in ("phone_number", "email") for each in self.claims)

    def content(self) -> bytes:
        """Return bytes that are equal exactly for equal rows."""
        return msgspec.json.encode(self, order="sorted")


def parse(record: Mapping[str, Any], numbering: Numbering) -> Row:
    """Return the row that ``record`` (columns by name) says, or raise BadRow."""
    fixed: dict[str, Any] = {}
    claims: dict[str, Any] = {}
    for name, value in record.items():
        if name in FIXED:
            fixed[name] = value
        elif name.partition("#")[0] in CLAIMS:
            claims[name] = value
        else:
            raise unknown(name, COLUMNS)
    asked = _converted(fixed)
    kept = _claims(asked, claims, numbering)
    return Row(
        national_id=_number("national_id", asked.national_id),
        state=_state(asked.state),
        virtual=_virtuals(asked.virtual_ids),
        handles=_handles(asked.handles, kept, numbering),
        locked=tuple(sorted({_factor(each) for each in asked.locked_factors})),
        pin=_pin(asked.pin),
        totp=_totp(asked.totp),
        claims=kept,
    )


def _converted(fixed: Mapping[str, Any]) -> Record:
    try:
        return msgspec.convert(fixed, Record)
    except msgspec.ValidationError as error:
        reason = str(error)
        if not reason.startswith(("Expected", "Object missing")):
            reason = "a member that there is not, or a value that cannot be"
        raise BadRow("", reason) from None


def _claims(
    asked: Record, claims: Mapping[str, Any], numbering: Numbering
) -> tuple[Attribute, ...]:
    for name in asked.verification:
        if name not in claims:
            raise BadRow("verification", "speaks of a claim that the row does not have")
    national = Attribute(
        name="national_id",
        locale="",
        value=text("national_id", asked.national_id).strip(),
        verified_at=moment("verified_at", asked.verified_at),
        authority=asked.authority,
    )
    kept = [national]
    for column in sorted(claims):
        name, locale, value = claim(column, claims[column], numbering)
        special = asked.verification.get(column, asked)
        kept.append(
            Attribute(
                name=name,
                locale=locale,
                value=value,
                verified_at=moment("verified_at", special.verified_at),
                authority=special.authority,
            )
        )
    _authorities(kept)
    return tuple(kept)


def _authorities(kept: list[Attribute]) -> None:
    for authority in {each.authority for each in kept} - {""}:
        text("authority", authority)


def _number(column: str, written: str) -> str:
    normal = number(written)
    if not 4 <= len(normal) <= 64 or not normal.isascii() or not normal.isalnum():
        raise BadRow(column, "must be 4 to 64 letters and digits")
    return normal


def _virtuals(written: tuple[VirtualId, ...]) -> tuple[Virtual, ...]:
    virtual = tuple(
        Virtual(
            _number("virtual_ids", each.number),
            moment("virtual_ids", each.valid_until),
            each.uses,
        )
        for each in written
    )
    if len({each.number for each in virtual}) != len(virtual):
        raise BadRow("virtual_ids", "a number stands twice")
    return virtual


def _handles(
    written: tuple[str, ...], claims: tuple[Attribute, ...], numbering: Numbering
) -> tuple[str, ...]:
    own = {each.name: each.value for each in claims if each.name in ("phone_number", "email")}
    texts = [own[name] for name in ("phone_number", "email") if name in own]
    handles: dict[str, None] = {}
    for each in (*texts, *written):
        normal = handle(text("handles", each, 254), numbering)
        if "@" not in normal and not is_telephone(normal):
            raise BadRow("handles", "must be a telephone number, an e-mail address or NAME@KIND")
        handles[normal] = None
    return tuple(handles)


def _factor(written: str) -> str:
    if not _FACTOR.fullmatch(written):
        raise BadRow("locked_factors", "must be names of factors")
    return written


def _state(written: str) -> State:
    try:
        return State(written)
    except ValueError:
        raise BadRow("state", f"must be one of {', '.join(State)}") from None


def _pin(written: str) -> str:
    if written and not written.startswith(_HASHED_PIN) and not _PIN.fullmatch(written):
        raise BadRow("pin", "must be 4 to 12 digits, or an encoded argon2id hash")
    return written


def _totp(written: str) -> bytes:
    if not written:
        return b""
    bare = written.replace(" ", "").rstrip("=").upper()
    try:
        seed = b32decode(bare + "=" * (-len(bare) % 8))
    except (Base32Error, ValueError):
        raise BadRow("totp", "must be base32 (RFC 4648 §6)") from None
    if len(seed) not in _TOTP_BYTES:
        raise BadRow("totp", "must be 10 to 64 bytes")
    return seed


def moment(column: str, written: Moment) -> int | None:
    """Return a NumericDate from seconds or from a time in ISO 8601 with its offset from UTC."""
    if written is None:
        return None
    if isinstance(written, str):
        try:
            read = datetime.fromisoformat(written)
        except ValueError:
            raise BadRow(column, "must be a time such as 2027-01-31T00:00:00Z") from None
        if read.tzinfo is None:
            raise BadRow(column, "must say its offset from UTC, such as Z")
        written = int(read.timestamp())
    if not 0 <= written < 1 << 40:
        raise BadRow(column, "is out of range")
    return written


def hashed_already(pin: str) -> bool:
    """Return whether a row's PIN came as an argon2id hash."""
    return pin.startswith(_HASHED_PIN)
