"""Documents given to the signing service over HTTP: streamed, counted, encrypted, gone."""

import asyncio
import base64
import hashlib
import json
import tempfile
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, select, update

import config.runtime.web.arriving as reading
from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.database.unit import DatabaseUnavailable, Statement, Write
from config.runtime.entropy import SystemEntropy
from config.runtime.web import Budget
from config.runtime.web.protocol import BoundedProtocol
from config.wiring.migrations import migrate
from esignet.endpoints.documents import DocumentsEndpoint
from esignet.flows.documents import ARRIVING, AT_ONCE, Allowance, NoSuchDocument, Uploads
from esignet.stores.documents import Documents, document, document_chunk
from keystore.door import BadSeal, Door
from keystore.purposes import Role
from keystore.streams import CHUNK
from tests.csc import Bearers, Token
from tests.keyrings import keys_in_process
from tests.unit.web.asking import HandClock, web
from tests.unit.web.test_web_protocol import serving

ALLOWANCE = Allowance(largest=3 * CHUNK, quota=5 * CHUNK, lifetime=3600)
SCOPE = frozenset(("signatures",))
CONTENT = b"The parties agree on a very secret clause. " * 60_000
NAMES = {"sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2"}


@dataclass
class Answered:
    """An answer as it came over the connection."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        return json.loads(self.body)


@dataclass
class World:
    """A signing service's addresses for documents, on a real connection."""

    port: int
    uploads: Uploads
    clock: HandClock
    database: OpenDatabase
    bearers: Bearers = field(default_factory=Bearers)

    async def ask(
        self, method: str, path: str = "", token: str = "office", more: str = ""
    ) -> Answered:
        head = f"{method} /documents{path} HTTP/1.1\r\n{_head(token)}{more}\r\n"
        return await self.exchange([head.encode()])

    async def give(
        self, content: bytes, token: str = "office", *headers: str, chunked: bool = False
    ) -> Answered:
        kind = "" if any(one.startswith("Content-Type") for one in headers) else _PDF
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(content)}"
        lines = "".join(f"{line}\r\n" for line in (framing, *headers))
        head = f"POST /documents HTTP/1.1\r\n{_head(token)}{kind}{lines}\r\n"
        body = _chunked(content) if chunked else [content]
        return await self.exchange([head.encode(), *body])

    async def exchange(self, pieces: list[bytes]) -> Answered:
        async with asyncio.timeout(60):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            for piece in pieces:
                writer.write(piece)
            received = await reader.read()
            writer.close()
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return Answered(int(first.split()[1]), headers, body)

    async def left(self) -> int:
        """Return how many octets are kept for the client."""
        return await self.uploads.store.size_of("office")


_PDF = "Content-Type: application/pdf\r\n"


def _head(token: str) -> str:
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"Host: id.example\r\nConnection: close\r\n{authorization}"


def _chunked(content: bytes) -> list[bytes]:
    steps = range(0, len(content), 100_000)
    pieces = [content[at : at + 100_000] for at in steps]
    return [b"%x\r\n%s\r\n" % (len(one), one) for one in pieces] + [b"0\r\n\r\n"]


@asynccontextmanager
async def opened(database: OpenDatabase, door: Door, allowance: Allowance) -> AsyncIterator[World]:
    clock = HandClock()
    uploads = Uploads(
        store=Documents(database),
        door=door,
        entropy=SystemEntropy(),
        clock=clock,
        allowance=allowance,
    )
    token = Token(scope=SCOPE, expires_at=clock.now() + 9000)
    tokens = {
        "office": token,
        "another": replace(token, client_id="another"),
        "scopeless": replace(token, scope=frozenset()),
    }
    routes = DocumentsEndpoint(uploads=uploads, bearers=Bearers(tokens), clock=clock).routes()
    budgets = {name: Budget(name, 10, 0) for name in ("uploads", "tokens")}
    async with serving(web(routes, budgets=budgets), BoundedProtocol) as port:
        yield World(port, uploads, clock, database, Bearers(tokens))


_SWAP = Statement(
    update(document_chunk)
    .where(document_chunk.c.document_id == bindparam("from_id"))
    .values(document_id=bindparam("to_id"))
)


@pytest.fixture
async def door(tmp_path: Path) -> Door:
    return (await keys_in_process(tmp_path)).door(Role.ESIGNET)


@pytest.fixture
async def world(database: OpenDatabase, door: Door) -> AsyncIterator[World]:
    async with opened(database, door, ALLOWANCE) as made:
        yield made


async def test_a_document_is_given_hashed_and_given_back(world: World) -> None:
    for chunked in (False, True):
        given = await world.give(CONTENT, chunked=chunked)
        assert given.status == 201, given.body
        told = given.told
        assert (told["size"], told["media_type"]) == (len(CONTENT), "application/pdf")
        assert told["expires_at"] == world.clock.now() + 3600
        for name, oid in NAMES.items():
            digest = hashlib.new(name, CONTENT).digest()
            assert told["digests"][oid] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert given.headers["location"] == f"/documents/{told['id']}".lower()
        back = await world.ask("GET", f"/{told['id']}")
        assert (back.status, back.body) == (200, CONTENT)
        assert back.headers["content-type"] == "application/pdf"
        assert back.headers["cache-control"] == "no-store"
        assert (await world.ask("HEAD", f"/{told['id']}")).body == b""
        await world.ask("DELETE", f"/{told['id']}")


@pytest.mark.spec("RFC 9110 §14.2")
async def test_a_download_that_broke_off_is_gone_on_with(world: World) -> None:
    identifier = (await world.give(CONTENT)).told["id"]
    head = await world.ask("HEAD", f"/{identifier}")
    tag, size = head.headers["etag"], int(head.headers["content-length"])
    assert (size, head.headers["accept-ranges"]) == (len(CONTENT), "bytes")
    taken = b""
    for end in (10, CHUNK - 1, CHUNK + 1, 2 * CHUNK, size - 1):
        more = f"Range: bytes={len(taken)}-{end - 1}\r\nIf-Range: {tag}\r\n"
        piece = await world.ask("GET", f"/{identifier}", more=more)
        assert (piece.status, piece.headers["etag"]) == (206, tag)
        assert piece.headers["content-range"] == f"bytes {len(taken)}-{end - 1}/{size}"
        assert int(piece.headers["content-length"]) == len(piece.body)
        taken += piece.body
    last = await world.ask("GET", f"/{identifier}", more="Range: bytes=-1\r\n")
    assert taken + last.body == CONTENT
    over = await world.ask("GET", f"/{identifier}", more=f"Range: bytes={size}-\r\n")
    assert (over.status, over.headers["content-range"]) == (416, f"bytes */{size}")
    other = (await world.give(CONTENT + b".")).told["id"]
    more = f"Range: bytes=5-\r\nIf-Range: {tag}\r\n"
    whole = await world.ask("GET", f"/{other}", more=more)
    assert (whole.status, whole.body) == (200, CONTENT + b"."), "it is another document"
    known = await world.ask("GET", f"/{identifier}", more=f"If-None-Match: {tag}\r\n")
    assert (known.status, known.body) == (304, b"")


async def test_of_a_range_no_more_is_read_than_it_needs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier = (await world.give(CONTENT)).told["id"]
    asked: list[int] = []
    chunk = Documents.chunk

    async def noted(store: Documents, document_id: str, number: int) -> bytes | None:
        asked.append(number)
        return await chunk(store, document_id, number)

    monkeypatch.setattr(Documents, "chunk", noted)
    more = f"Range: bytes={CHUNK - 1}-{CHUNK}\r\n"
    piece = await world.ask("GET", f"/{identifier}", more=more)
    assert (piece.body, asked) == (CONTENT[CHUNK - 1 : CHUNK + 1], [0, 1])
    await world.ask("GET", f"/{identifier}", more="Range: bytes=-3\r\n")
    assert asked == [0, 1, 2]


async def test_only_who_gave_it_gets_it_back_and_may_destroy_it(world: World) -> None:
    identifier = (await world.give(CONTENT)).told["id"]
    for method in ("GET", "DELETE"):
        refused = await world.ask(method, f"/{identifier}", token="another")
        assert (refused.status, refused.told["error"]) == (404, "not_found")
    assert (await world.ask("DELETE", f"/{identifier}")).status == 204
    for method in ("GET", "DELETE"):
        assert (await world.ask(method, f"/{identifier}")).status == 404
    assert await world.left() == 0


async def test_what_a_request_has_is_destroyed_with_it_alone(world: World) -> None:
    identifier = (await world.give(CONTENT)).told["id"]
    upload, store = await world.uploads.find(identifier, "office"), world.uploads.store
    until, now = world.clock.now() + 9000, world.clock.now()
    await world.database.submit(store.bound(upload, "r1", until, now))
    refused = await world.ask("DELETE", f"/{identifier}")
    assert (refused.status, refused.told["error"]) == (409, "conflict")
    world.clock.at += 8999
    assert (await world.ask("GET", f"/{identifier}")).body == CONTENT
    await world.database.submit(store.destroyed_of("r1"))
    assert (await world.ask("GET", f"/{identifier}")).status == 404


async def test_it_is_gone_when_its_time_is_over(world: World) -> None:
    identifier = (await world.give(CONTENT)).told["id"]
    world.clock.at += 3599
    assert (await world.ask("GET", f"/{identifier}")).status == 200
    world.clock.at += 1
    assert (await world.ask("GET", f"/{identifier}")).status == 404


@pytest.mark.attack("A47")
async def test_nobody_else_makes_us_read_anything(world: World) -> None:
    """Whoever may not give a document is answered before it comes."""
    for token, status, error in (
        ("", 401, None),
        ("unknown", 401, 'error="invalid_token"'),
        ("scopeless", 403, 'error="insufficient_scope"'),
    ):
        head = f"POST /documents HTTP/1.1\r\n{_head(token)}{_PDF}Content-Length: 3000000\r\n\r\n"
        refused = await world.exchange([head.encode()])
        assert refused.status == status
        assert (error or "bearer") in refused.headers["www-authenticate"]
    assert await world.left() == 0


@pytest.mark.attack("A47")
async def test_what_is_too_large_is_refused_before_it_is_read(world: World) -> None:
    head = f"POST /documents HTTP/1.1\r\n{_head('office')}{_PDF}"
    announced = f"{head}Content-Length: {ALLOWANCE.largest + 1}\r\n\r\n"
    refused = await world.exchange([announced.encode()])
    assert (refused.status, refused.told["error"]) == (413, "invalid_request")
    silent = await world.give(bytes(ALLOWANCE.largest + 1), chunked=True)
    assert silent.status == 413
    assert await world.left() == 0, "what had come of it counts no more"
    assert (await world.give(bytes(ALLOWANCE.largest))).status == 201


async def test_a_client_keeps_no_more_than_its_quota_and_no_other_suffers(world: World) -> None:
    content = bytes(2 * CHUNK)
    first = await world.give(content)
    assert [first.status, (await world.give(content)).status] == [201, 201]
    head = f"POST /documents HTTP/1.1\r\n{_head('office')}{_PDF}Content-Length: {len(content)}"
    announced = await world.exchange([f"{head}\r\n\r\n".encode()])
    assert (announced.status, announced.told["error"]) == (413, "quota_exceeded")
    silent = await world.give(content, chunked=True)
    assert (silent.status, silent.told["error"]) == (413, "quota_exceeded")
    assert await world.left() == 2 * len(content)
    assert (await world.give(content, token="another")).status == 201
    await world.ask("DELETE", f"/{first.told['id']}")
    assert (await world.give(content)).status == 201


@pytest.mark.attack("A47")
async def test_a_slow_client_takes_no_more_than_its_places(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BODY_SECONDS", 60)
    head = f"POST /documents HTTP/1.1\r\n{_head('office')}{_PDF}Content-Length: 3000\r\n\r\n"
    async with asyncio.timeout(60):
        slow = [await asyncio.open_connection("127.0.0.1", world.port) for _ in range(AT_ONCE)]
        for _, writer in slow:
            writer.write(head.encode() + bytes(1000))
        while len(await world.database.rows(Statement(select(document)))) < AT_ONCE:
            await asyncio.sleep(0.01)
        refused = await world.give(b"a")
        assert (refused.status, refused.told["error"]) == (429, "too_many_requests")
        assert "retry-after" in refused.headers
        assert (await world.give(b"a", token="another")).status == 201
        for reader, writer in slow:
            writer.write(bytes(2000))
            assert (await reader.readline()).startswith(b"HTTP/1.1 201")
            writer.close()
        assert (await world.give(b"a")).status == 201


async def test_what_is_malformed_is_told(world: World) -> None:
    assert (await world.give(b"")).told["error_description"] == "the document is empty"
    for header in ("Content-Type: pdf", "Content-Type: ../x", "Content-Encoding: gzip"):
        assert (await world.give(CONTENT, "office", header)).status == 415
    kinds = ("application/octet-stream", "Text/Plain; charset=utf-8")
    given = [await world.give(b"a", "office", f"Content-Type: {kind}") for kind in kinds]
    assert [one.told["media_type"] for one in given] == [kinds[0], "text/plain"]
    for method, path in (("GET", "/none"), ("PUT", "/none"), ("GET", "")):
        assert (await world.ask(method, path)).status in (404, 405)
    assert await world.left() == 2


@pytest.mark.attack("A47")
async def test_a_connection_lost_in_the_middle_leaves_nothing(world: World) -> None:
    head = f"POST /documents HTTP/1.1\r\n{_head('office')}{_PDF}Content-Length: 3000000\r\n\r\n"
    async with asyncio.timeout(60):
        _, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(head.encode() + bytes(2 * CHUNK))
        while await world.left() == 0:
            await asyncio.sleep(0.01)
        writer.close()
        while await world.left() > 0:
            await asyncio.sleep(0.01)


async def test_a_service_that_dies_in_the_middle_leaves_nothing_for_long(world: World) -> None:
    """Nobody is there to take back what came; so it leaves by itself."""

    class Dead(Documents):
        """Its last write is lost, and so is every one after it."""

        def ended(self, *arguments: Any) -> tuple[Write, Write]:
            raise DatabaseUnavailable

        def destroyed(self, *arguments: Any) -> Write:
            raise DatabaseUnavailable

    dying = replace(world.uploads, store=Dead(world.database))

    async def pieces() -> AsyncIterator[bytes]:
        yield CONTENT

    with pytest.raises(DatabaseUnavailable):
        await dying.taken("office", "application/pdf", pieces())
    assert await world.left() > 0
    for write in world.uploads.store.prune(world.clock.now() + ARRIVING, 500):
        await world.database.take(write)
    assert await world.left() == 0


@pytest.mark.attack("A43")
async def test_nothing_of_a_document_lies_anywhere_in_clear(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the database's files nor in any that is made for a while: none is."""
    (aside := tmp_path / "aside").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    url = f"sqlite:///{tmp_path / 'documents.db'}"
    await asyncio.to_thread(migrate, url, ["esignet"])
    database = await open_database(url)
    async with opened(database, door, ALLOWANCE) as world:
        identifier = (await world.give(CONTENT)).told["id"]
        lent = await world.uploads.lent(identifier)
        sealed = b"".join([await lent.chunk(number) for number in range(lent.shape.chunks)])
        assert (await world.ask("GET", f"/{identifier}")).body == CONTENT
        assert list(aside.iterdir()) == []
        assert b"secret clause" not in sealed
        lying = b"".join(path.read_bytes() for path in tmp_path.glob("documents.db*"))
    assert len(lying) > len(CONTENT)
    assert b"secret clause" not in lying
    await database.close()


@pytest.mark.attack("A43")
async def test_chunks_of_one_document_are_none_of_another(world: World) -> None:
    """Who can write the database cannot make one document of two, nor bring one back."""
    one, two = [(await world.give(bytes([n]) * (CHUNK + 9))).told["id"] for n in (1, 2)]
    first, second = [await world.uploads.find(name, "office") for name in (one, two)]

    async def read(upload: Any) -> bytes:
        return b"".join([piece async for piece in (await world.uploads.octets(upload)).whole()])

    assert await read(first) == b"\1" * (CHUNK + 9)
    await world.database.load([(_SWAP, [{"from_id": two, "to_id": "aside"}])])
    await world.database.load([(_SWAP, [{"from_id": one, "to_id": two}])])
    with pytest.raises(BadSeal, match="chunk 0"):
        await read(second)
    await world.database.load([(_SWAP, [{"from_id": two, "to_id": one}])])
    await world.ask("DELETE", f"/{one}")
    for write in world.uploads.store.prune(world.clock.now(), 500):
        await world.database.take(write)
    with pytest.raises(NoSuchDocument):
        await read(first)


@pytest.mark.attack("A47")
async def test_memory_does_not_grow_with_the_document(world: World) -> None:
    """64 MB go through, up and down, in a few chunks' room."""
    roomy = replace(world.uploads, allowance=Allowance(largest=10**8, quota=10**9, lifetime=60))
    size = 64 * CHUNK

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(size // 65_536):
            yield bytes(65_536)

    tracemalloc.start()
    try:
        upload = await roomy.taken("office", "application/pdf", pieces())
        read = 0
        async for piece in (await roomy.octets(upload)).whole():
            read += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert read == upload.size == size
    assert peak < 12 * CHUNK
