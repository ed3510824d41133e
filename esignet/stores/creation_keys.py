"""What belongs to one request alone: idempotency keys of clients, and approvals of people."""

from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text, bindparam, select

from config.runtime.database.schema import metadata
from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Statement, Value, Write
from esignet.protocol.signature_request import SignatureRequest

signature_request_creation = Table(
    "signature_request_creation",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("asked", LargeBinary, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

_add = insert_new(signature_request_creation)
_find = Statement(
    select(signature_request_creation.c.asked, signature_request_creation.c.request_id).where(
        signature_request_creation.c.key == bindparam("of")
    )
)
_PRUNE = prune(signature_request_creation, "key", "expires_at")


@dataclass(frozen=True, slots=True)
class Once:
    """A ``key`` under which a client makes one request, and the hash of what it ``asked`` for."""

    key: str
    asked: bytes


@dataclass(frozen=True, slots=True)
class CreationKeys:
    """The keys in the database, each as a hash with its client."""

    database: Database

    def used(self, once: Once, request: SignatureRequest) -> Write:
        """Return the write that uses the key, refused if it was used before."""
        return Write(
            _add,
            {
                "key": _place(request.client_id, once.key),
                "asked": once.asked,
                "request_id": request.id,
                "expires_at": request.expires_at,
            },
        )

    @staticmethod
    def approved(approval: str, request: SignatureRequest, until: int) -> Write:
        """Return the write that gives an approval (by its hash) to one request ``until`` then.

        It is refused if the approval was given to one before, also to this.
        """
        values: dict[str, Value] = {
            "key": _place("", approval),  # no client has this name
            "asked": b"",
            "request_id": request.id,
            "expires_at": until,
        }
        return Write(_add, values)

    async def find(self, client_id: str, key: str) -> tuple[bytes, str] | None:
        """Return the hash of what was asked under the key, and the request that came of it."""
        row = await self.database.row(_find, of=_place(client_id, key))
        return None if row is None else (bytes(row["asked"]), row["request_id"])

    @staticmethod
    def prune(now: int, limit: int) -> Write:
        """Return the write that forgets keys whose requests expired."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)


def _place(client_id: str, key: str) -> bytes:
    octets = client_id.encode()
    return sha256(len(octets).to_bytes(4, "big") + octets + key.encode()).digest()
