"""Keyed hashes of identifiers: the only way in which the ID store can find anybody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from idp.residents.normalising import Kind
from idp.residents.statements import MAX_VERSIONS
from keystore.door import Door, Mac, MacPurpose


async def hashed(door: Door, texts: Iterable[tuple[Kind, str]]) -> list[Sequence[Mac]]:
    """Return the keyed hash of each normalised identifier under each version in use, newest first.

    All of them are one question to the key service.
    """
    messages = [kind.encode() + b"\0" + text.encode() for kind, text in texts]
    return [macs[:MAX_VERSIONS] for macs in await door.macs(MacPurpose.LOOKUP, messages)]


async def fingerprint(door: Door, what: str, content: bytes) -> Sequence[bytes]:
    """Return keyed hashes, newest first, that recognise ``content`` without telling it.

    A bare hash of a row would let a thief try names and telephone numbers until one fits.
    """
    message = what.encode() + b"\0" + sha256(content).digest()
    return [mac.value for mac in await door.mac(MacPurpose.LOOKUP, message)]


@dataclass(frozen=True, slots=True)
class FoundBy:
    """The identifier by which somebody was found: what a login that succeeds does with it.

    ``counted`` when its uses are limited; ``becomes`` is the hash under the newest key.
    """

    counted: bool
    found: bytes
    becomes: bytes
    newest: int

    def __str__(self) -> str:
        counted = "1" if self.counted else "0"
        return f"{counted}.{self.found.hex()}.{self.becomes.hex()}.{self.newest}"

    @classmethod
    def read(cls, text: str) -> "FoundBy":
        """Return what ``str`` wrote; it comes from our own database, never from outside."""
        counted, found, becomes, newest = text.split(".")
        return cls(counted == "1", bytes.fromhex(found), bytes.fromhex(becomes), int(newest))
