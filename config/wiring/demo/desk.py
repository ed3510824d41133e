"""What a conformance tester drives besides the program: a resident who approves, and key rotation.

``GET /ciba?auth_req_id=...&action=allow|deny`` does what the resident of a backchannel request
would do: opens the link that was sent, types the number, logs in with the code of the inbox, and
agrees, or says no. ``GET`` or ``POST /rotate`` begins new keys of every issuer, at once.
"""

import json
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from config.runtime.clock import Clock
from config.runtime.database.connect import open_database
from config.runtime.entropy import Entropy
from config.runtime.web import Answer, Budget, Call, House, Route, Web, json_answer
from config.settings import Settings
from config.wiring.demo.browser import Browser, Page
from config.wiring.demo.plan import LOOPBACK, SAMPLES
from config.wiring.demo.walk import Walker, WalkFailed, code_of, messages
from idp.flows.login_ground import digest
from idp.protocol.decoupled import Decoupled
from idp.protocol.grant import digest_of
from idp.stores.decoupled import DecoupledRequests
from keystore.door import KeyState
from keystore.purposes import Role
from keystore.service.client import KeyOperator
from keystore.service.run import socket_path

_LINK = re.compile(r"https?://\S+/approvals/([A-Za-z0-9_-]+)")
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,200}\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """``residents`` are the individual_id by phone number or e-mail address, ``database`` is the
    address of the one that holds the requests; ``http`` makes what a browser speaks with,
    ``operator`` opens the key service.
    """

    inbox: str
    residents: dict[str, str]
    database: str
    http: Callable[[], httpx2.AsyncClient]
    operator: Callable[[], KeyOperator]

    def routes(self) -> tuple[Route, ...]:
        """Return both addresses."""
        return (
            Route(path="/ciba", endpoints={"GET": self.decide}, budget="desk"),
            Route(
                path="/rotate",
                endpoints={"GET": self.rotate, "POST": self.rotate},
                budget="desk",
            ),
        )

    async def decide(self, call: Call) -> Answer:
        """Approve or deny a backchannel request as its resident."""
        asked = dict(call.query())
        auth_req_id, action = asked.get("auth_req_id", ""), asked.get("action", "")
        if not _PLAIN.match(auth_req_id) or action not in ("allow", "deny"):
            return json_answer({"error": "auth_req_id and action=allow or deny are needed"}, 400)
        waiting = await self._waiting(auth_req_id)
        if waiting is None:
            return json_answer({"error": "no such request"}, 404)
        try:
            async with self.http() as http:
                said = await self._walked(waiting, action, http)
        except (WalkFailed, httpx2.HTTPError, LookupError) as reason:
            return json_answer({"error": str(reason)}, 500)
        return json_answer({"decided": action, "page": said})

    async def _waiting(self, auth_req_id: str) -> Decoupled | None:
        database = await open_database(self.database)
        try:
            return await DecoupledRequests(database).find(digest_of(auth_req_id))
        finally:
            await database.close()

    async def _walked(self, waiting: Decoupled, action: str, http: httpx2.AsyncClient) -> str:
        walker = Walker(relying_party="", inbox=self.inbox, individual_id="", contact="")
        link, contact = await self._link(waiting, walker, http)
        browser = Browser(http)
        page = await browser.open(link)
        form = page.form("decision")
        number = {name: waiting.number for name in form.fields if name.startswith("number")}
        if action == "deny":
            return _title(await browser.submit(page, form, decision="reject"))
        page = await browser.submit(page, form, decision="approve", **number)
        if page.has("individual_id"):
            page = await browser.submit(
                page,
                page.form("individual_id"),
                decision="continue",
                individual_id=self.residents[contact],
            )
        seen: set[tuple[str, str]] = set()
        while page.has("otp"):
            walker = Walker(relying_party="", inbox=self.inbox, individual_id="", contact=contact)
            code = await code_of(walker, http, seen)
            page = await browser.submit(page, page.form("otp"), decision="continue", otp=code)
        if any(name == "decision" for form in page.forms for name, _ in form.buttons):
            page = await browser.submit(page, page.form("decision"), decision="accept")
        return _title(page)

    async def _link(
        self, waiting: Decoupled, walker: Walker, http: httpx2.AsyncClient
    ) -> tuple[str, str]:
        """Return the link that was sent for this request, and to whom."""
        for message in await messages(walker, http):
            found = _LINK.search(message["text"])
            if found and digest(found[1]) == waiting.code_digest:
                return found[0], str(message["to"])
        raise WalkFailed("no link for this request is in the inbox")

    async def rotate(self, call: Call) -> Answer:
        """Begin a new version of every key that signs, and use it at once."""
        operator = self.operator()
        try:
            active = [key for key in await operator.keys() if key.state is KeyState.ACTIVE]
            signing = [key for key in active if key.ring.startswith("issuer:")]
            for key in signing:
                await operator.rotate(key.ring, key.algorithm, emergency=False)
        finally:
            await operator.close()
        return json_answer({"rotated": [key.ring for key in signing]})


def _title(page: Page) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.DOTALL)
    return found[1].strip() if found else urlsplit(page.url).path


def desk(settings: Settings, clock: Clock, entropy: Entropy) -> Web:
    """Return the desk as an ASGI application."""
    trust = ssl.create_default_context()
    trust.load_verify_locations(settings.web.certificate)
    sockets = Path(settings.keys.sockets)
    address = f"http://{LOOPBACK}:{settings.web.port + 5}"
    endpoints = Desk(
        inbox=settings.channels.inbox_url,
        residents=_residents(),
        database=settings.database.url,
        http=lambda: httpx2.AsyncClient(verify=trust, trust_env=False, timeout=30),
        operator=lambda: KeyOperator(socket_path(sockets, Role.OPERATOR)),
    )
    house = House(
        origins=(address,),
        clock=clock,
        entropy=entropy,
        budgets={"desk": Budget("desk", 16, 64)},
    )
    return Web(endpoints.routes(), house)


def _residents() -> dict[str, str]:
    rows = [json.loads(line) for line in SAMPLES.read_text().splitlines()]
    return {
        row[contact]: row["national_id"]
        for row in rows
        for contact in ("phone_number", "email")
        if contact in row
    }
