"""Registered clients, kept whole as what they said when they registered."""

from dataclasses import dataclass

import msgspec
from sqlalchemy import bindparam, delete, select, update

from config.runtime.database.statements import insert_new, upsert
from config.runtime.database.unit import Database, Statement, Value, Write
from idp.protocol.client import Client
from idp.protocol.resources import ResourceServer
from idp.stores.oauth_tables import client as table

_FIND = Statement(select(table.c.registration).where(table.c.client_id == bindparam("client_id")))
_ALL = Statement(select(table.c.registration).order_by(table.c.created_at, table.c.client_id))
_RESOURCE_SERVERS = Statement(
    select(table.c.registration)
    .where(
        table.c.issuer == bindparam("issuer"),
        table.c.audience.is_not(None),
        table.c.client_id != bindparam("but"),
    )
    .order_by(table.c.created_at, table.c.client_id)
)
_INSERT = insert_new(table)
_REPLACE = upsert(table, ["client_id"])
_CHANGE = Statement(
    update(table)
    .where(table.c.client_id == bindparam("client_id"), table.c.registration == bindparam("held"))
    .values(registration=bindparam("registration"), audience=bindparam("audience"))
)
_REMOVE = Statement(delete(table).where(table.c.client_id == bindparam("client_id")))
_CLIENT = msgspec.json.Decoder(Client)


@dataclass(frozen=True, slots=True)
class Held:
    """A client and the very bytes that it is kept as."""

    client: Client
    registration: bytes


class Clients:
    """Registrations, whole."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, client_id: str) -> Client | None:
        """Return the client, or None."""
        row = await self._database.row(_FIND, client_id=client_id)
        return None if row is None else _CLIENT.decode(row["registration"])

    async def all(self) -> list[Client]:
        """Return every client, the oldest first."""
        return [_CLIENT.decode(row["registration"]) for row in await self._database.rows(_ALL)]

    async def resource_servers(self, issuer: str, but: str = "") -> list[ResourceServer]:
        """Return the resource servers of an issuer but one client, the oldest first."""
        rows = await self._database.rows(_RESOURCE_SERVERS, issuer=issuer, but=but)
        return [ResourceServer.of(_CLIENT.decode(row["registration"])) for row in rows]

    async def held(self, client_id: str) -> Held | None:
        """Return the client as it is kept at this moment, to be changed; or None."""
        row = await self._database.row(_FIND, client_id=client_id)
        return (
            None if row is None else Held(_CLIENT.decode(row["registration"]), row["registration"])
        )

    def insert(self, client: Client) -> Write:
        """Return the write that registers ``client``; refused when its client_id exists."""
        return Write(_INSERT, _columns(client))

    def replace(self, client: Client) -> Write:
        """Return the write that registers ``client`` or replaces what it was."""
        return Write(_REPLACE, _columns(client))

    def change(self, held: Held, client: Client) -> Write:
        """Return the write that puts ``client`` in place of ``held``; refused when that changed."""
        kept = ("client_id", "registration", "audience")
        columns = {name: _columns(client)[name] for name in kept}
        return Write(_CHANGE, columns | {"held": held.registration})

    def remove(self, client_id: str) -> Write:
        """Return the write that removes the client; refused when there is none."""
        return Write(_REMOVE, {"client_id": client_id})


def _columns(client: Client) -> dict[str, Value]:
    return {
        "client_id": client.client_id,
        "issuer": client.issuer,
        "registration": msgspec.json.encode(client),
        "audience": client.audience,
        "created_at": client.created_at,
    }
