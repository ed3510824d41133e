"""Key records on SQLite or PostgreSQL, through config.runtime.database."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select, update

from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Database, Refused, Row, Statement, Write
from config.runtime.entropy import Entropy
from keystore.backends.backend import Algorithm
from keystore.door import KeyState
from keystore.rotation import KeyVersion, Move
from keystore.stores.interfaces import KeyRecords, KeysChanged, KeyUse
from keystore.stores.tables import key_use, key_version

_VERSIONS = Statement(
    select(key_version)
    .where(key_version.c.destroyed == 0)
    .order_by(key_version.c.ring, key_version.c.algorithm, key_version.c.version)
)
_ADD = insert_new(key_version)
_MOVE = Statement(
    update(key_version)
    .where(
        key_version.c.kid == bindparam("moved_kid"),
        key_version.c.state == bindparam("state_before"),
        key_version.c.since == bindparam("since_before"),
    )
    .values(state=bindparam("state_after"), since=bindparam("since_after"))
)
_DESTROYED = Statement(
    update(key_version)
    .where(key_version.c.kid == bindparam("gone_kid"), key_version.c.state == KeyState.RETIRED)
    .values(destroyed=1)
)
_RECORD = insert_new(key_use)


class DatabaseKeyRecords(KeyRecords):
    """Key records in the key service's own database."""

    def __init__(self, database: Database, entropy: Entropy) -> None:
        self._database = database
        self._entropy = entropy

    async def versions(self) -> list[KeyVersion]:
        return [_version(row) for row in await self._database.rows(_VERSIONS)]

    async def change(self, added: Sequence[KeyVersion], moves: Sequence[Move]) -> None:
        writes = [*(_added(key) for key in added), *(_moved(move) for move in moves)]
        try:
            await self._database.submit(*writes)
        except Refused as reason:
            raise KeysChanged from reason

    async def destroyed(self, key: KeyVersion) -> None:
        await self._database.submit(Write(_DESTROYED, {"gone_kid": key.kid}, rows=None))

    async def record(self, uses: Sequence[KeyUse]) -> None:
        await self._database.submit(*(self._use(use) for use in uses))

    def _use(self, use: KeyUse) -> Write:
        return Write(
            _RECORD,
            {
                "use_id": self._entropy.token(16),
                "role": use.role.value,
                "purpose": use.purpose,
                "kid": use.kid,
                "at": use.at,
                "uses": use.count,
            },
        )


def _version(row: Row) -> KeyVersion:
    return KeyVersion(
        kid=row["kid"],
        ring=row["ring"],
        algorithm=Algorithm(row["algorithm"]),
        version=row["version"],
        ref=row["ref"],
        public=bytes(row["public"]),
        state=KeyState(row["state"]),
        since=row["since"],
    )


def _added(key: KeyVersion) -> Write:
    return Write(
        _ADD,
        {
            "kid": key.kid,
            "ring": key.ring,
            "algorithm": key.algorithm.value,
            "version": key.version,
            "ref": key.ref,
            "public": key.public,
            "state": key.state.value,
            "since": key.since,
            "destroyed": 0,
        },
    )


def _moved(move: Move) -> Write:
    return Write(
        _MOVE,
        {
            "moved_kid": move.before.kid,
            "state_before": move.before.state.value,
            "since_before": move.before.since,
            "state_after": move.after.state.value,
            "since_after": move.after.since,
        },
    )
