"""Signing on our pages: a link for a person, what they see there, their approval, what came of it.

The relying party makes a request and a link for each of its signers. Whoever opens the link sees
the documents; only who then proves who they are at idp, and agrees there, signs them.
"""

import asyncio
import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import Protocol

from config.runtime.cache import Cache
from config.runtime.database.unit import DatabaseUnavailable, Refused
from config.runtime.entropy import Entropy
from esignet.flows.csc_approvals import NoToken, Tokens
from esignet.flows.documents import NoSuchDocument
from esignet.flows.hosted_login import HostedLogin, Login, NotRedeemed
from esignet.flows.hosted_parts import AsParty, Elsewhere, Measure, Opened, Page, Replaced
from esignet.flows.request_contents import SignedDocument
from esignet.flows.request_creating import NoSuchRequest
from esignet.flows.request_signing import Busy
from esignet.flows.requests import Requests, ToSee, Waiting
from esignet.formats.format import FormatError
from esignet.pdf.pool import PdfBusy, PdfPool
from esignet.pdf.preview import Seen
from esignet.protocol.asking import BadRequest
from esignet.protocol.details import asked_detail
from esignet.protocol.hosted import (
    MOST_LINKS,
    PSEUDONYM,
    LinkWish,
    Party,
    given_part,
    is_text,
    judge_way_back,
    pages_of,
)
from esignet.protocol.signature_request import IllegalMove, SignatureRequest
from esignet.stores.links import Link, Links
from esignet.stores.requests import REMEMBERED
from keystore.door import SIGNING_CLIENT, KeyServiceUnavailable
from keystore.signing.digests import HashAlgorithm

PATIENCE = 4.0
"""Seconds that a browser waits for the signature before it is shown that it is being made."""

COUNTED = 20
"""Documents of which idp is told how many pages they have."""

PDF = "application/pdf"


_TOLD_BY_THE_REQUEST = (
    *(Busy, KeyServiceUnavailable, DatabaseUnavailable, PdfBusy, TimeoutError),
    *(IllegalMove, FormatError),
)
"""What ends or delays a signature: the page of the request shows where it stands."""


class NoSuchLink(Exception):
    """There is no such link, or it is past its time."""


class Parties(Protocol):
    """Relying parties, as far as people are told of them."""

    async def find(self, client_id: str) -> Party | None:
        """Return who that is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """``pdf`` draws for readers alone, so that they never hold up those who sign. ``counted`` keeps
    how large a document is, by its request and number.

    Every method may raise DatabaseUnavailable and KeyServiceUnavailable.
    """

    links: Links
    requests: Requests
    parties: Parties
    login: HostedLogin
    tokens: Tokens
    pdf: PdfPool
    counted: Cache[tuple[str, int], Measure]
    entropy: Entropy

    async def made(self, request: SignatureRequest, wish: LinkWish, now: int) -> str:
        """Return the address of a new link, or raise BadRequest, IllegalMove or Busy.

        It ends the links that its signer had before.
        """
        await self.judge(request.client_id, wish.return_to)
        if not 0 <= wish.place < len(request.slots):
            raise BadRequest("the request has no signer of that number", 422)
        if request.told_state(now).is_final:
            raise IllegalMove(request.told_state(now))
        number = await self.links.last(request.id, wish.place) + 1
        if number > MOST_LINKS:
            raise BadRequest(f"this signer had {MOST_LINKS} links: make a new request", 422)
        ticket = self.entropy.token()
        link = Link(
            ticket=_hash(ticket),
            request_id=request.id,
            client_id=request.client_id,
            place=wish.place,
            number=number,
            return_to=wish.return_to,
            tells=wish.tells,
            expires_at=request.expires_at + REMEMBERED,  # as long as it is told how it ended
        )
        try:
            await self.links.database.submit(*self.links.made(link))
        except Refused:  # two were asked for at once
            raise Busy from None
        return f"{self.login.service}/sign/{ticket}"

    async def judge(self, client_id: str, return_to: str) -> None:
        """Raise BadRequest unless people of this client may be sent back to that address."""
        party = await self.parties.find(client_id)
        if party is None:
            raise BadRequest("people of this client cannot sign here", 422)
        judge_way_back(return_to, party)

    async def every(self, request: SignatureRequest, return_to: str, now: int) -> list[str]:
        """Return the address of a new link for each signer; as ``made`` raises."""
        places = range(len(request.slots))
        wishes = [LinkWish(place=place, return_to=return_to, tells=PSEUDONYM) for place in places]
        return [await self.made(request, wish, now) for wish in wishes]

    async def opened(self, ticket: str, browser: str, now: int) -> Opened:
        """Return what a link leads to, and go on with a signature that was left.

        ``browser`` is what the browser can bring for this link alone. Raises NoSuchLink, NotHere.
        """
        link = await self.links.find(_hash(ticket), now)
        if link is None:
            raise NoSuchLink
        party = await self.parties.find(link.client_id)
        if party is None:
            raise NoSuchLink
        if link.ended:
            raise Replaced(link, party)
        if link.claimed_by and not hmac.compare_digest(link.claimed_by, browser):
            raise Elsewhere(link, party)
        try:
            shown = await self.requests.shown(link.request_id, link.client_id, now)
        except NoSuchRequest:
            raise NoSuchLink from None
        return Opened(link, shown.request, party, shown.signers)

    async def claim(self, opened: Opened, browser: str) -> None:
        """Have this browser be the only one in which the link leads anywhere.

        Where another one was faster, the link says so when it is opened again.
        """
        with suppress(Refused):
            await self.links.database.submit(self.links.claimed(opened.link.ticket, browser))

    async def waiting(self, opened: Opened, now: int) -> Waiting:
        """Return the documents that wait, or raise IllegalMove."""
        return await self.requests.to_approve(opened.request.id, now)

    async def measured(
        self, opened: Opened, documents: Sequence[ToSee], first: int
    ) -> list[Measure]:
        """Return how large documents are; ``first`` is the number of the first of them."""
        which = f"{opened.request.id}.{opened.request.version}"
        algorithm = opened.request.algorithm
        return [
            await self.counted.get((which, first + at), partial(self._measure, one, algorithm))
            for at, one in enumerate(documents)
        ]

    async def page(self, document: ToSee, page: int) -> Page:
        """Return a page of a document, from 1; FormatError where there is none, PdfBusy."""
        if document.content is None or page < 1:
            raise FormatError("the document, or that page of it, is not here")
        if document.media_type == PDF:
            seen = await self._seen(document, page)
            return Page(seen.pages, png=seen.png)
        texts = pages_of(document.content) if is_text(document.media_type) else []
        if not 0 < page <= len(texts):
            raise FormatError("the document has no such page")
        return Page(len(texts), text=texts[page - 1])

    async def begun(self, opened: Opened, login: Login, now: int) -> str:
        """Return where the browser is sent to sign; ``login`` needs its details.

        Raises IllegalMove, LoginAway, PdfBusy.
        """
        waiting = await self.waiting(opened, now)
        if not opened.is_my_turn:
            raise IllegalMove
        documents = waiting.documents
        pages = [one.pages for one in await self.measured(opened, documents[:COUNTED], 0)]
        pages += [0] * (len(documents) - len(pages))
        detail = asked_detail(waiting.request, documents, pages, opened.link.tells)
        return await self.login.begun(replace(login, details=(detail,)), now)

    async def finished(self, opened: Opened, code: str, verifier: str, now: int) -> None:
        """Have signed what the code says was approved, or begin it: then it is gone on with.

        Where it cannot go on, the request says so. Raises NotRedeemed, NoName, LoginAway,
        NotApproved, SignedAlready.
        """
        party = opened.link.client_id
        token = await self.login.redeemed(party, code, verifier, now)
        try:
            caller = await self.tokens.read(token, now)
        except NoToken:
            raise NotRedeemed from None
        if caller.client_id != SIGNING_CLIENT + party:
            raise NotRedeemed
        mine, request = AsParty(caller, party), opened.request
        with suppress(*_TOLD_BY_THE_REQUEST):
            async with asyncio.timeout(PATIENCE):
                await self.requests.sign(request.id, mine, now, opened.link.place)

    async def rejected(self, opened: Opened, now: int) -> None:
        """End the request because the person would not sign, or raise IllegalMove or Busy."""
        if not opened.is_my_turn:
            raise IllegalMove
        await self.requests.reject(opened.request.id, opened.link.client_id, "by_signer", now)

    async def signed(self, opened: Opened, number: int) -> SignedDocument:
        """Return a signed document, or raise NoSuchRequest or IllegalMove."""
        return await self.requests.document(opened.request.id, opened.link.client_id, number)

    async def original(self, opened: Opened, document: ToSee) -> SignedDocument:
        """Return a document as it was given, to be saved; FormatError where it is not here."""
        if document.content is None:
            raise FormatError("the document is not here")
        content = b""
        if not document.upload:
            content = await asyncio.to_thread(
                given_part, document.content, document.file, opened.request.algorithm
            )
        return SignedDocument(
            name=document.label,
            file_name=document.label,
            media_type=document.media_type,
            content=content,
            promise=b"",
            upload=document.upload,
        )

    async def _seen(self, document: ToSee, page: int) -> Seen:
        content = document.content or b""
        if not document.upload:
            return await self.pdf.preview(content, page)
        uploads = self.requests.signing.preparing.uploaded.uploads
        try:
            lent = self.pdf.over(await uploads.lent(document.upload))
            return await lent.preview(content, page)
        except NoSuchDocument:
            raise FormatError("the document is gone") from None

    async def _measure(self, document: ToSee, algorithm: HashAlgorithm) -> Measure:
        size, pages = document.size, 0
        if document.content is not None and not document.upload:
            given = partial(given_part, document.content, document.file, algorithm)
            size = len(await asyncio.to_thread(given))
        with suppress(FormatError):
            if document.content is not None and document.media_type == PDF:
                pages = (await self._seen(document, 0)).pages
            else:
                pages = (await self.page(document, 1)).pages
        return Measure(pages, size)


def _hash(ticket: str) -> bytes:
    return sha256(ticket.encode()).digest()
