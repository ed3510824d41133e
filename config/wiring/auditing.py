"""The two audit logs of a deployment, held against what was promised about them.

The log of sign-ins lies in the shared database and its checkpoints are tokens of the first issuer;
the log of keys lies in the key service's own and its checkpoints are signed by the audit key. Both
are read here without the key service, from the databases alone.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from config.runtime.audit.tiles import WIDTH, entry_octets, hashes
from config.runtime.audit.tree import Checkpoint
from config.runtime.audit.verifying import CheckSignature, Verified, last_checkpoint, verify
from config.runtime.database.connect import OpenDatabase, open_database
from config.settings import Settings
from keystore.jose.jwk import JwkSet
from keystore.rings import issuer_ring
from keystore.signing.log import RING, check_checkpoint, proof_of
from keystore.stores.past import past_keys

LOGS = ("sign-ins", "keys")
_LARGEST_NAME = 1000


@dataclass(frozen=True, slots=True)
class Log:
    """One log: where its entries are, and how a checkpoint of it is checked."""

    database: OpenDatabase
    keys: JwkSet

    def check(self) -> CheckSignature:
        """Return what raises unless one of the keys signed a checkpoint."""
        return lambda text, signature: check_checkpoint(text, signature.decode(), self.keys)

    async def verify(self, trusted: Sequence[Checkpoint]) -> Verified:
        """Return what the log holds, or raise AuditBroken or BadToken."""
        return await verify(self.database, self.check(), trusted)

    async def proof(self, about: str) -> bytes | None:
        """Return the proof that the log holds the entry about ``about``; None: not yet."""
        return await proof_of(self.database, about)

    async def tiles(self) -> AsyncIterator[tuple[str, bytes]]:
        """Return the files that C2SP tlog-tiles lays a log out in: relative path and content.

        They are as the last checkpoint has them; nothing, if there is none yet.
        """
        last = await last_checkpoint(self.database)
        if last is None:
            return
        yield "checkpoint", last.signed_text() + b"\n" + last.signature + b"\n"
        level, size = 0, last.size
        while size:
            for start in range(0, size, WIDTH):
                end = min(size, start + WIDTH)
                found = await hashes(self.database, level, start, end)
                yield f"tile/{level}/{_named(start, end)}", b"".join(found)
                if level == 0:
                    content = await entry_octets(self.database, start, end)
                    yield f"tile/entries/{_named(start, end)}", content
            level, size = level + 1, size // WIDTH


@asynccontextmanager
async def open_log(settings: Settings, name: str) -> AsyncIterator[Log]:
    """Open the log ``name`` of LOGS, and close it at the end."""
    url = settings.database.url if name == "sign-ins" else settings.keys.database
    ring = issuer_ring(settings.issuers[0].address) if name == "sign-ins" else RING
    database = await open_database(url)
    try:
        keys = await open_database(settings.keys.database) if name == "sign-ins" else database
        try:
            yield Log(database, await past_keys(keys, ring))
        finally:
            if keys is not database:
                await keys.close()
    finally:
        await database.close()


def trusted_checkpoint(text: bytes) -> Checkpoint:
    """Return a checkpoint that was kept elsewhere, as ``audit verify --json`` printed it.

    Raises ValueError if it is none.
    """
    try:
        kept = msgspec.json.decode(text, type=dict[str, int | str])
        root = bytes.fromhex(str(kept["root"]))
        return Checkpoint(size=int(kept["size"]), root=root, at=int(kept.get("at", 0)))
    except (msgspec.DecodeError, KeyError, ValueError) as reason:
        raise ValueError(f"not a checkpoint: {reason}") from None


def _named(start: int, end: int) -> str:
    """Return the path of a tile: its number in groups of three digits, its width if partial."""
    number = start // WIDTH
    groups = [f"{number % _LARGEST_NAME:03}"]
    while number := number // _LARGEST_NAME:
        groups.insert(0, f"x{number % _LARGEST_NAME:03}")
    name = "/".join(groups)
    return name if end - start == WIDTH else f"{name}.p/{end - start}"
