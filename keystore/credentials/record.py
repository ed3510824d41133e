"""What is remembered of a stored credential, and the octets by which its row is one whole."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from keystore.backends.backend import Algorithm
from keystore.door import NotPermitted

_DOMAIN = b"symbolon stored credential\0"


class AlteredRow(NotPermitted):
    """The row of a stored credential is not as it was written."""

    def __init__(self, identifier: str) -> None:
        super().__init__(f"the row of the stored credential {identifier} was altered")


class CredentialState(StrEnum):
    """A credential is pending until its certificate is signed; what is deleted has no row."""

    PENDING = "pending"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRecord:
    """A row. ``holder`` and ``shown_to`` are keyed hashes of whose it is.

    ``holder`` is of the client and the person as esignet's sector knows them, ``shown_to`` of the
    client and the person as it knows them. ``wrapped_by`` and ``bound_by`` name the keys (kid) that
    wrapped ``blob`` and made ``mac``; ``named_by`` made the hashes of whose it is, which cannot be
    made anew without that person. ``attributes`` are JSON, ``chain`` is empty while pending.
    """

    id: str
    holder: bytes
    shown_to: bytes
    named_by: str
    client_id: str
    state: CredentialState
    algorithm: Algorithm
    wrapped_by: str
    blob: bytes
    public: bytes
    attributes: bytes
    serial: str
    chain: tuple[bytes, ...]
    created_at: int
    expires_at: int
    bound_by: str
    mac: bytes = b""

    def content(self) -> bytes:
        """Return the octets that ``mac`` is over: every member, each preceded by its length."""
        texts = (
            *(self.id, self.client_id, self.state.value, self.algorithm.value, self.wrapped_by),
            *(
                self.serial,
                self.named_by,
                self.bound_by,
                str(self.created_at),
                str(self.expires_at),
            ),
        )
        octets = (self.holder, self.shown_to, self.blob, self.public, self.attributes)
        return _DOMAIN + lengthened((*map(str.encode, texts), *octets, lengthened(self.chain)))


def lengthened(parts: Iterable[bytes]) -> bytes:
    """Return the parts behind one another, each preceded by its length: no two lists are alike."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
