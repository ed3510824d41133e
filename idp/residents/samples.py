"""The forty invented residents of the demonstration; the first is the one to try."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("samples.jsonl")
"""A file for ``importing.Importer``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What somebody who tries the demonstration must know of a resident."""

    individual_id: str
    name: str
    phone: str | None
    email: str | None
    pin: str | None
    totp: str | None


class _Line(msgspec.Struct, frozen=True):
    national_id: str
    name: str
    phone_number: str | None = None
    email: str | None = None
    pin: str | None = None
    totp: str | None = None


def samples() -> list[Sample]:
    """Return every sample resident, in the order of the file."""
    decoder = msgspec.json.Decoder(_Line)
    return [
        Sample(
            individual_id=line.national_id,
            name=line.name,
            phone=line.phone_number,
            email=line.email,
            pin=line.pin,
            totp=line.totp,
        )
        for line in decoder.decode_lines(FILE.read_bytes())
    ]
