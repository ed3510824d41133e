"""The validation page for anybody with a browser: a form, and in words what the signatures are."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.pages.pages import Setting
from config.runtime.pages.visitors import Visitor
from config.runtime.web import Answer, Call, Malformed
from config.runtime.web.multipart import Part, parts
from esignet.endpoints.page_door import HOME, PageDoor
from esignet.endpoints.validation_items import LONGEST_NAME, item_of_content, item_of_digests
from esignet.flows.validating import Validating
from esignet.formats.format import FormatError, Item
from esignet.pages.validation import DIGEST_COMMANDS, MOST, shown_signatures, summary
from esignet.pdf.pool import PdfBusy
from keystore.door import KeyServiceUnavailable

FIELDS = 3
"""Of the form: the file, and a document outside it or its digest."""

LONGEST_TYPED = 400
"""Characters of the field of the digest."""

FRAMING = 8192
"""Octets that the form may need around its files."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why nothing was checked, and what to do; ``reason`` is in English, for developers.

    ``field`` is the id of what has to be filled in differently, "" for nothing in the form, and
    ``typed`` the digest, which the person need not type again.
    """

    heading: str
    line: str
    reason: str = ""
    field: str = ""
    typed: str = ""


class _NoFile(Exception):
    """The form came without a file."""


class _NoDigest(Exception):
    """What stands for the digest is none."""

    def __init__(self, typed: str) -> None:
        super().__init__()
        self.typed = typed


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationPage:
    """``GET /validate``, and ``POST /validate`` of its form. ``largest`` is in octets, of all."""

    validating: Validating
    door: PageDoor
    clock: Clock
    largest: int

    async def form(self, call: Call, visitor: Visitor) -> Answer:
        """Show the form."""
        return self._form(visitor)

    async def told(self, call: Call, visitor: Visitor) -> Answer:
        """Say what the signatures come to; or show the form again, with what went wrong."""
        t = visitor.language.t
        try:
            return await self._checked(call, visitor)
        except Malformed as reason:
            fault = self._malformed(reason, visitor)
            return self._form(visitor, fault, reason.status)
        except _NoFile:
            heading, line = t("No file was chosen"), t("Choose the file that you want to check.")
            fault = Fault(heading, line, field="file")
        except _NoDigest as wrong:
            heading = t("The digest cannot be read")
            line = t("It has 64, 96 or 128 digits, 0 to 9 and a to f, and no document beside it.")
            fault = Fault(heading, line, field="digest", typed=wrong.typed[:LONGEST_TYPED])
        except FormatError as reason:
            heading = t("There is no signature in it that can be read here")
            line = t("Choose the signed file itself, as you received it.")
            fault = Fault(heading, line, str(reason), field="file")
        except (PdfBusy, KeyServiceUnavailable, DatabaseUnavailable):
            heading = t("This does not work at the moment")
            line = t("Please wait a little and try again.")
            answer = self._form(visitor, Fault(heading, line), 503)
            answer.headers.append((b"retry-after", b"5"))
            return answer
        return self._form(visitor, fault)

    async def _checked(self, call: Call, visitor: Visitor) -> Answer:
        body = await call.body(self.largest + FRAMING)
        kind = call.header("content-type") or ""
        given = await asyncio.to_thread(parts, kind, body, FIELDS)
        file = given.get("file")
        if file is None or not file.content:
            raise _NoFile
        now, name = self.clock.now(), (file.filename or "file")[:LONGEST_NAME]
        items = _items(given)
        found = await self.validating.validated(file.content, items, now)
        if not found.signatures:
            raise FormatError("There is no signature in this file.")
        words = visitor.language.t
        is_known_by_digest = any(one.content is None for one in items)
        content = {
            "base": HOME,
            "file": name,
            "now": now,
            "summary": summary(found.signatures, words),
            "signatures": shown_signatures(found, name, words, by_digest=is_known_by_digest),
            "more": max(len(found.signatures) - MOST, 0),
        }
        return self.door.answers.page("validated", self._setting(visitor), content)

    def _malformed(self, reason: Malformed, visitor: Visitor) -> Fault:
        t = visitor.language.t
        if reason.status == 413:
            most = visitor.language.size(self.largest)
            line = t("All files together may have {size}.", size=most)
            return Fault(t("That was too much at once"), line)
        if reason.status == 408:
            return Fault(t("This took too long"), t("Please wait a little and try again."))
        line = t("The address or the form is not complete.")
        return Fault(t("We could not read that"), line, reason.description)

    def _form(self, visitor: Visitor, fault: Fault | None = None, status: int = 422) -> Answer:
        content = {
            "base": HOME,
            "largest": self.largest,
            "fault": fault,
            "commands": DIGEST_COMMANDS,
            "typed": fault.typed if fault else "",
        }
        answer = self.door.answers.page("validate", self._setting(visitor), content)
        if fault is not None:
            answer.status = status
        return answer

    def _setting(self, visitor: Visitor) -> Setting:
        return self.door.answers.setting(visitor, HOME)


def _items(given: Mapping[str, Part]) -> list[Item]:
    """Return the document outside the signature: by its content, by its digest, or none."""
    document, digest = given.get("document"), given.get("digest")
    typed = digest.content.decode("ascii", "replace").strip().lower() if digest else ""
    is_given = document is not None and bool(document.filename)
    if typed and is_given:
        raise _NoDigest(typed)
    if document is not None and is_given:
        return [item_of_content(document.filename or "", document.content)]
    try:
        return [item_of_digests(typed, "document")] if typed else []
    except Malformed:
        raise _NoDigest(typed) from None
