"""Kills the signing service and the key service at every step of a signature, and judges the end.

``python -m tests.integration.document_kills [CYCLES]`` (200): each cycle makes a request, approves
it, and has one of the two processes die by SIGKILL, at a named point or at any moment. Then the
same approval comes again, or somebody looks for what was left. However it went: there is no
signature without its record, none twice, a second approval signs nothing more, and the request is
signed, or has failed and says so.
"""

import asyncio
import base64
import os
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from sqlalchemy import bindparam, func, select

from config.runtime.audit.records import entries
from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.database.unit import DatabaseUnavailable, Statement
from config.wiring.migrations import WEB, migrate
from config.wiring.verifying import every_format
from esignet.flows.request_contents import SignedDocument
from esignet.flows.request_signing import Busy, NotApproved
from esignet.formats.format import Item
from esignet.protocol.asking import asked, encoded
from esignet.protocol.signature_request import IllegalMove, SignedAlready, State
from keystore.door import KeyServiceUnavailable
from keystore.purposes import Role
from keystore.service.document_client import DocumentClient
from keystore.service.run import socket_path
from keystore.stores.tables import key_version
from tests import servers
from tests.csc import Token, approving
from tests.integration.signing_processes import (
    Service,
    context,
    keys_process,
    signing_service,
    signs_process,
)
from tests.signing_house import approval

OF_ESIGNET = (
    *(("before_commit", nth) for nth in (1, 2, 3)),  # taken, signatures kept, documents kept
    *(("after_commit", nth) for nth in (1, 2, 3)),
    *(("before_sign", 1), ("after_sign", 1), ("after_finish", 1)),
)
OF_KEYS = (
    *(("before_commit", nth) for nth in (1, 2)),  # used up and recorded, answer kept
    *(("after_commit", nth) for nth in (1, 2)),
    *(("before_value", 1), ("after_value", 1)),
)
PATIENCE = 30.0
AHEAD = 60
"""Seconds by which the clock of whoever comes afterwards is ahead: nobody's word is believed."""

_RECORDS = Statement(
    select(func.count())
    .select_from(entries)
    .where(entries.c.action == "document.signed", entries.c.details.like(bindparam("about")))
)
_FAULTS = (
    *(KeyServiceUnavailable, DatabaseUnavailable),
    *(NotApproved, IllegalMove, SignedAlready, Busy),
)


class Ahead:
    """A clock that is ahead."""

    def now(self) -> int:
        return SystemClock().now() + AHEAD

    def elapsed(self) -> float:
        return SystemClock().elapsed()


@dataclass(slots=True)
class Field:
    """Where they die. ``ends`` counts how requests ended, ``deaths`` who died where."""

    directory: Path
    processes: ForkServerContext
    idp: DocumentClient
    service: Service
    records: OpenDatabase
    keys: ForkServerProcess | None = None
    told: Connection | None = None
    cycles: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    deaths: Counter[str] = field(default_factory=Counter)

    async def keys_up(self) -> None:
        """Start the key service and wait for it."""
        self.told, other = self.processes.Pipe()
        self.keys = self.processes.Process(target=keys_process, args=(self.directory, other))
        self.keys.start()
        other.close()
        await self.hears("ready")

    async def hears(self, word: str) -> None:
        """Wait for what the key service says."""
        assert self.told is not None
        assert await asyncio.to_thread(self.told.poll, PATIENCE)
        assert self.told.recv() == word

    async def keys_gone(self, *, by_itself: bool) -> None:
        """Wait for the death of the key service, or kill it, and start another."""
        assert self.keys is not None and self.keys.pid is not None and self.told is not None
        if by_itself:
            await asyncio.to_thread(self.keys.join, 5.0)
        if self.keys.is_alive():
            os.kill(self.keys.pid, signal.SIGKILL)
            await asyncio.to_thread(self.keys.join, PATIENCE)
        assert self.keys.exitcode == -signal.SIGKILL
        self.told.close()
        await self.keys_up()

    async def cycle(self, dice: random.Random) -> None:
        """Have somebody die in the middle of one signature, and judge what comes of it."""
        self.cycles += 1
        digest = self.cycles.to_bytes(32, "big")
        document = {"name": "a", "media_type": "text/plain", "digest": encoded(digest)}
        signers = [{"label": "one"}, {"label": "two"}][: 1 + self.cycles % 3 // 2]
        body = {"format": "cades", "level": "B-LT", "documents": [document], "signers": signers}
        wanted = asked(body, 1000)
        made = await self.service.requests.create("office", wanted, Ahead().now())
        identifier, token = made.request.id, await self.approved(digest)
        kind, turn = self.cycles % 4, self.cycles // 4
        first: list[SignedDocument] = []
        if kind == 0:
            await self.esignet_dies(identifier, token, OF_ESIGNET[turn % len(OF_ESIGNET)])
        elif kind == 1:
            first = await self.keys_die(identifier, token, OF_KEYS[turn % len(OF_KEYS)])
        elif kind == 2:
            await self.esignet_killed(identifier, token, dice.uniform(0, 0.06))
        else:
            first = await self.keys_killed(identifier, token, dice.uniform(0, 0.03))
        await self.judge(identifier, token, digest, first)

    async def approved(self, digest: bytes, subject: str = "ana") -> Token:
        """Return the client's token with an approval."""
        activation = await self.idp.activate(approval(digest, subject=subject))
        return Token(details=[approving(digest, activation=activation)])

    async def esignet_dies(self, identifier: str, token: Token, at: tuple[str, int]) -> None:
        """Have a signing service sign that dies at a point."""
        arguments = (self.directory, token, identifier, at)
        process = self.processes.Process(target=signs_process, args=arguments)
        process.start()
        await asyncio.to_thread(process.join, PATIENCE)
        assert process.exitcode == -signal.SIGKILL, f"{at} was not reached"
        self.deaths["esignet {} {}".format(*at)] += 1

    async def esignet_killed(self, identifier: str, token: Token, after: float) -> None:
        """Kill a signing service at any moment."""
        arguments = (self.directory, token, identifier, ("nowhere", 1))
        process = self.processes.Process(target=signs_process, args=arguments)
        process.start()
        await asyncio.to_thread(process.join, after)
        assert process.pid is not None
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        await asyncio.to_thread(process.join, PATIENCE)
        self.deaths["esignet any moment"] += process.exitcode == -signal.SIGKILL

    async def keys_die(
        self, identifier: str, token: Token, at: tuple[str, int]
    ) -> list[SignedDocument]:
        """Have the key service die at a point while it signs."""
        assert self.told is not None
        self.told.send(at)
        await self.hears("doomed")
        signing = asyncio.create_task(self.signs(identifier, token))
        await self.keys_gone(by_itself=True)
        self.deaths["keys {} {}".format(*at)] += 1
        return await signing

    async def keys_killed(
        self, identifier: str, token: Token, after: float
    ) -> list[SignedDocument]:
        """Kill the key service at any moment."""
        signing = asyncio.create_task(self.signs(identifier, token))
        await asyncio.wait([signing], timeout=after)
        assert self.keys is not None and self.keys.pid is not None
        os.kill(self.keys.pid, signal.SIGKILL)
        await self.keys_gone(by_itself=True)  # who was not heard before tries the next one
        self.deaths["keys any moment"] += 1
        return await signing

    async def signs(self, identifier: str, token: Token) -> list[SignedDocument]:
        """Return what the client is answered, nothing for a refusal."""
        try:
            return await self.service.requests.sign(identifier, token, Ahead().now())
        except _FAULTS:
            return []

    async def recorded(self, token: Token) -> int:
        """Return how many records the key service has of an approval."""
        about = f"%{bytes_of(token).hex()}%"
        row = await self.records.row(_RECORDS, about=about)
        assert row is not None
        return int(row[0])

    async def judge(
        self, identifier: str, token: Token, digest: bytes, first: list[SignedDocument]
    ) -> None:
        """Hold what must be true after a death, whoever comes next."""
        before = await self.recorded(token)
        assert before <= 1, "a signature twice"
        assert len(first) <= before, "a signature without its record"
        if self.cycles % 2:
            await self.service.resuming.run_once(Ahead().now())
        made = await self.signs(identifier, token)
        request = await self.service.requests.status(identifier, "office")
        stands = await self.recorded(token)
        half = " for the second" if request.state is State.OPEN else ""
        self.ends[request.state.value + half] += 1
        if request.state is State.FAILED:
            assert request.reason == "signature_lost"
            assert not first and not made and stands == 1
        else:
            assert made and request.signatures == stands == 1
            assert not first or first == made, "another signature than the one that was answered"
            judge_signatures(made, digest, 1)
        again = await self.approved(digest)
        assert await self.signs(identifier, again) == []
        assert await self.recorded(token) == stands, "a second approval signed once more"
        if request.state is State.OPEN:  # for somebody else
            last = await self.signs(identifier, await self.approved(digest, "ben"))
            judge_signatures(last, digest, 2)
            assert await self.recorded(token) == 2


def judge_signatures(made: list[SignedDocument], digest: bytes, count: int) -> None:
    """Hold that a document has so many signatures, all of them good."""
    (document,) = made
    found = every_format()["cades"].check(document.content, [Item(name="a", digest=digest)])
    assert [one.problems for one in found] == [()] * count


def bytes_of(token: Token) -> bytes:
    """Return the hash of the list of digests that a token approves."""
    return base64.urlsafe_b64decode(token.details[0]["digests"] + "=")


@asynccontextmanager
async def battlefield() -> AsyncIterator[Field]:
    """Start everything that will die, and what judges it."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        servers.create_tables(f"sqlite:///{directory / 'keys.db'}", key_version.metadata)
        await asyncio.to_thread(migrate, f"sqlite:///{directory / 'web.db'}", WEB)
        idp = DocumentClient(socket_path(directory, Role.IDP), 20)
        records = await open_database(f"sqlite:///{directory / 'keys.db'}")
        async with signing_service(directory, Ahead()) as service:
            it = Field(directory, context(), idp, service, records)
            await it.keys_up()
            try:
                yield it
            finally:
                assert it.keys is not None
                it.keys.kill()
                await asyncio.to_thread(it.keys.join, PATIENCE)
                await asyncio.gather(idp.close(), records.close())


async def main(cycles: int) -> None:
    """Run so many cycles and tell what happened."""
    dice = random.Random(cycles)
    async with battlefield() as it:
        for _ in range(cycles):
            await it.cycle(dice)
        for where, count in sorted(it.deaths.items()):
            print(f"{count:4} {where}")
        print(f"{it.cycles} cycles; requests ended: {dict(it.ends)}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
