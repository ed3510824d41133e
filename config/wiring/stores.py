"""The stores that the machine endpoints of every issuer share, plugged together."""

from dataclasses import dataclass

from config.runtime.audit.records import DatabaseAudit
from config.runtime.journal import DatabaseJournal
from config.wiring.world import World
from idp.stores.clients import Clients
from idp.stores.codes import Codes
from idp.stores.grants import Grants
from idp.stores.pushed_requests import PushedRequests
from idp.stores.records import Records
from idp.stores.refresh_tokens import RefreshTokens
from idp.stores.used import Used


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """What is remembered of clients and what they were granted, and the records of it."""

    clients: Clients
    codes: Codes
    grants: Grants
    refresh_tokens: RefreshTokens
    used: Used
    records: Records
    pushed: PushedRequests

    @classmethod
    def of(cls, world: World) -> "Stores":
        """Return the stores on the world's database."""
        database = world.database
        return cls(
            clients=Clients(database),
            codes=Codes(database),
            grants=Grants(database),
            refresh_tokens=RefreshTokens(database),
            used=Used(),
            records=Records(DatabaseJournal(), DatabaseAudit()),
            pushed=PushedRequests(database, world.entropy),
        )
