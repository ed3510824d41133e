"""Revocation lists that roots elsewhere signed, as they were brought."""

from dataclasses import dataclass

from sqlalchemy import func, select

from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Database, Statement, Write
from keystore.stores.authority_tables import root_list

_other = root_list.alias()
_last = select(func.max(_other.c.number)).where(_other.c.root_kid == root_list.c.root_kid)
_NEWEST = Statement(select(root_list).where(root_list.c.number == _last.scalar_subquery()))
_NEW = insert_new(root_list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RootList:
    """``listed`` (DER) is the list of the root ``root_kid`` with this number (RFC 5280 §5.2.3)."""

    root_kid: str
    number: int
    listed: bytes
    brought_at: int


class RootLists:
    """In the key service's own database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self) -> dict[str, RootList]:
        """Return the newest list of each root, by its identifier."""
        return {
            row["root_kid"]: RootList(
                root_kid=row["root_kid"],
                number=int(row["number"], 16),
                listed=bytes(row["listed"]),
                brought_at=row["brought_at"],
            )
            for row in await self._database.rows(_NEWEST)
        }

    def keep(self, brought: RootList) -> Write:
        """Return the write that remembers a list; another of the same number is refused."""
        return Write(
            _NEW,
            {
                "root_kid": brought.root_kid,
                "number": f"{brought.number:040x}",
                "listed": brought.listed,
                "brought_at": brought.brought_at,
            },
        )
