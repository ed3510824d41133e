"""Signature requests in one process, above a key service of their own and its real sockets."""

import asyncio
import base64
import hashlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from config.runtime.cache import Cache
from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.database.unit import Statement, Write
from config.runtime.destinations import Rules
from config.runtime.entropy import SystemEntropy
from config.runtime.outbox import DatabaseOutbox
from config.runtime.web import Budget, Web
from config.settings import Pages as PageSettings
from config.wiring.esignet_requests import RequestGround, signature_requests
from config.wiring.migrations import WEB, migrate
from config.wiring.verifying import every_format
from esignet.endpoints.evidence import EvidenceEndpoint
from esignet.endpoints.history import HistoryEndpoint
from esignet.endpoints.requests import SignatureRequestsEndpoint
from esignet.evidence.timestamps.own import OwnStamps
from esignet.evidence.timestamps.port import Stamps
from esignet.flows.appearing import Looks
from esignet.flows.csc_approvals import Caller
from esignet.flows.documents import Allowance, Uploads
from esignet.flows.evidence import Evidence
from esignet.flows.history import History, Noting
from esignet.flows.notices import Webhooks
from esignet.flows.preparing import Preparing
from esignet.flows.resuming import Resuming
from esignet.flows.signing import Signing
from esignet.flows.uploaded import Uploaded
from esignet.formats.pdf_font_files import read_font
from esignet.pages.receipts import HtmlReceipts
from esignet.pages.room import load_pages
from esignet.pdf.pool import PdfPool
from esignet.protocol.activation_subject import person_hash
from esignet.protocol.asking import BadRequest
from esignet.protocol.hosted import Party
from esignet.protocol.signature_request import Event, SignatureRequest
from esignet.stores.documents import Documents
from esignet.stores.history import Signatures
from esignet.stores.requests import SignatureRequests, signature_request, signature_request_part
from keystore.purposes import Role
from keystore.service.client import KeyServiceClient
from keystore.service.run import socket_path
from keystore.signing.door import AuthorityShown
from tests.csc import Bearers, Token, approving
from tests.keyrings import ISSUER, software_backend
from tests.signing_house import SETTINGS, SigningHouse, approval, signing_house
from tests.unit.web.asking import Asked, HandClock, Reply, ask, web

LARGEST = 100_000
SCOPE = frozenset(("signatures",))
CONTENT = b"A contract.\n"
DIGEST = hashlib.sha256(CONTENT).digest()
ROWS = Statement(select(signature_request))
PARTS = Statement(select(signature_request_part))
PAGES = load_pages(PageSettings())
YEAR = 365 * 86400
FONT = Path("/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf")
VALIDATION = f"{SETTINGS.address}/validate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Webhooks):
    """Queues what is told of requests, and takes note of it."""

    events: list[str] = field(default_factory=list)

    def written(self, request: SignatureRequest, event: Event, now: int) -> Sequence[Write]:
        self.events.append(event.value)
        return Webhooks.written(self, request, event, now)


class Signers:
    """People who sign under their own name, or with the name of a client behind it."""

    async def signers(self, caller: Caller) -> frozenset[str] | None:
        if caller.subject == caller.client_id:
            return None
        return frozenset(person_hash(caller.subject + more) for more in ("", "-at-another"))


class Offices:
    """Clients by their names."""

    async def find(self, client_id: str) -> Party | None:
        names = {"": f"The {client_id}", "fr": f"Le {client_id}"}
        return Party(client_id=client_id, names=names, origins=frozenset())


@dataclass
class World:
    """The addresses, and what stands behind them."""

    web: Web
    house: SigningHouse
    database: OpenDatabase
    bearers: Bearers
    clock: HandClock
    signing: Signing
    store: SignatureRequests
    resuming: Resuming
    uploads: Uploads
    told: Told

    async def ask(
        self, method: str, path: str, body: object = b"", token: str = "office", **headers: str
    ) -> tuple[int, Any]:
        reply = await self.reply(method, path, body, token, **headers)
        return reply.status, msgspec.json.decode(reply.body) if reply.body else None

    async def reply(
        self, method: str, path: str, body: object = b"", token: str = "office", **headers: str
    ) -> Reply:
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        sent = {"content-type": "application/json", "content-length": f"{len(raw)}", **headers}
        if token:
            sent["authorization"] = f"Bearer {token}"
        asked = Asked(method, f"/signature-requests{path}", list(sent.items()), [raw])
        return await ask(self.web, asked)

    async def created(self, **changes: object) -> dict[str, Any]:
        status, said = await self.ask("POST", "", asked(**changes))
        assert status == 201, said
        created: dict[str, Any] = said
        return created

    async def approved(self, said: dict[str, Any], subject: str = "ana", **changes: Any) -> str:
        """A token with the approval of what was told, by ``subject``."""
        digests = [octets(one["hash"]) for one in said["documentDigests"]]
        activation = await self.house.idp.activate(approval(*digests, subject=subject))
        name = f"approved-{len(self.bearers.tokens)}"
        self.bearers.tokens[name] = Token(
            **{
                "client_id": "office",
                "details": [approving(*digests, activation=activation)],
                "expires_at": self.clock.now() + 300,
                **changes,
            }
        )
        return name

    async def sign(
        self, said: dict[str, Any], token: str, signer: int | None = None
    ) -> tuple[int, Any]:
        body = b"" if signer is None else {"signer": signer}
        return await self.ask("POST", f"/{said['id']}/signatures", body, token)

    async def shown(self, said: dict[str, Any]) -> dict[str, Any]:
        status, told = await self.ask("GET", f"/{said['id']}")
        assert status == 200, told
        shown: dict[str, Any] = told
        return shown


@asynccontextmanager
async def request_world(
    database: OpenDatabase, tmp_path: Path, stamps: Stamps | None = None
) -> AsyncIterator[World]:
    """``database`` is the key service's; the requests lie in one of their own.

    ``stamps`` is whose time signatures have: our own without it.
    """
    url = f"sqlite:///{tmp_path / 'web.db'}"
    await asyncio.to_thread(migrate, url, WEB)
    mine = await open_database(url)
    with tempfile.TemporaryDirectory() as sockets:
        async with signing_house(software_backend(tmp_path), database, Path(sockets)) as house:
            door = KeyServiceClient(socket_path(Path(sockets), Role.ESIGNET), SystemClock())
            shown: Cache[str, AuthorityShown] = Cache(SystemClock(), entries=1, seconds=60)
            signing = Signing(
                documents=house.esignet,
                stamps=stamps or OwnStamps(house.esignet),
                pdf=PdfPool(),
                shown=shown,
            )
            store, clock = SignatureRequests(mine), HandClock(SystemClock().now())
            bearers = Bearers({name: _token(name, clock) for name in ("office", "another")})
            uploads = Uploads(
                store=Documents(mine),
                door=door,
                entropy=SystemEntropy(),
                clock=clock,
                allowance=Allowance(largest=10**7, quota=10**8, lifetime=3600),
            )
            uploaded = Uploaded(uploads=uploads, pdf=signing.pdf, largest=LARGEST)
            looks = Looks(fonts=(read_font(FONT.read_bytes()),), validation=VALIDATION)
            told = Told(
                outbox=DatabaseOutbox(),
                entropy=SystemEntropy(),
                issuer=ISSUER,
                rules=Rules(loopback=True),
            )
            ground = RequestGround(
                database=mine,
                door=door,
                clock=clock,
                entropy=SystemEntropy(),
                hand=signing,
                preparing=Preparing(
                    formats=every_format(), pdf=signing.pdf, uploaded=uploaded, looks=looks
                ),
                notices=told,
                notes=Noting(
                    store=Signatures(mine), door=door, entropy=SystemEntropy(), lifetime=YEAR
                ),
                most=20,
            )
            requests, resuming = signature_requests(ground)
            endpoint = SignatureRequestsEndpoint(
                requests=requests,
                bearers=bearers,
                clock=clock,
                largest=LARGEST,
                links=NoLinks(),
            )
            budgets = {name: Budget(name, 100, 10) for name in ("tokens", "logins")}
            evidence = EvidenceEndpoint(
                evidence=Evidence(
                    requests=requests,
                    documents=house.esignet,
                    finishing=signing,
                    parties=Offices(),
                    receipts=HtmlReceipts(PAGES),
                    service=SETTINGS.address,
                    issuer=ISSUER,
                ),
                bearers=bearers,
                clock=clock,
            )
            history = HistoryEndpoint(
                history=History(
                    store=Signatures(mine),
                    people=Signers(),
                    parties=Offices(),
                    door=door,
                    entropy=SystemEntropy(),
                    own=frozenset(("authority",)),
                ),
                bearers=bearers,
                clock=clock,
            )
            routes = [*endpoint.routes(), *evidence.routes(), *history.routes()]
            made = web(routes, budgets=budgets)
            (chain,) = (await house.esignet.authority()).chains
            (tmp_path / "root.der").write_bytes(chain[-1])
            yield World(made, house, mine, bearers, clock, signing, store, resuming, uploads, told)
            await resuming.signing.drained()
            await signing.pdf.close()
            await door.close()
    await mine.close()


class NoLinks:
    """No client here has an address to which people could be sent back."""

    async def judge(self, client_id: str, return_to: str) -> None:
        raise BadRequest("people of this client cannot sign here", 422)

    async def every(self, request: SignatureRequest, return_to: str, now: int) -> list[str]:
        raise AssertionError("it was judged before")


def _token(name: str, clock: HandClock) -> Token:
    return Token(client_id=name, subject=name, scope=SCOPE, expires_at=clock.now() + 200_000)


def octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def given(content: bytes, name: str = "a.pdf") -> dict[str, str]:
    text = base64.b64encode(content).decode()
    return {"name": name, "media_type": "application/pdf", "content": text}


def known(digest: bytes = DIGEST, name: str = "a.txt") -> dict[str, str]:
    text = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return {"name": name, "media_type": "text/plain", "digest": text}


def asked(**changes: object) -> dict[str, Any]:
    return {"format": "cades", "level": "B-LT", "documents": [known()], **changes}
