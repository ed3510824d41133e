"""Validation for anybody: a file in, the report out. Nothing of it is kept or logged."""

from collections.abc import Sequence
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.web import Answer, Call, Route, json_answer
from config.runtime.web.multipart import is_multipart
from esignet.endpoints.page_door import HOME
from esignet.endpoints.validation_items import LONGEST_NAME, item_of_digests
from esignet.endpoints.validation_page import ValidationPage
from esignet.flows.validating import Validating
from esignet.formats.format import FormatError
from esignet.pdf.pool import PdfBusy
from esignet.validation.report import report


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationEndpoint:
    """``POST /validate``: the file is the body; ``name`` and ``digest`` stand in the address.

    ``digest`` (hexadecimal: SHA-256, SHA-384 or SHA-512, or more than one with spaces in between)
    is of the document outside a detached signature, which stays where it is. Browsers get a form,
    and the answer to it, from ``page``.
    """

    validating: Validating
    page: ValidationPage
    clock: Clock
    largest: int
    origins: Sequence[str] = ()

    def routes(self) -> list[Route]:
        """Return the one address."""
        door = self.page.door
        told = door.page(self.page.told)

        async def posted(call: Call) -> Answer:
            by_form = is_multipart(call.header("content-type"))
            return await told(call) if by_form else await self.validate(call)

        return [
            Route(
                path=HOME,
                endpoints={"GET": door.page(self.page.form), "POST": posted},
                budget="logins",
                page_for_browsers=True,
                origins=self.origins,
                operations={"POST": {"summary": "What the signatures in a file come to"}},
            )
        ]

    async def validate(self, call: Call) -> Answer:
        """Answer the report (JSON), or 422 with what is wrong with the file."""
        asked = dict(call.query())
        name = (asked.get("name") or "file")[:LONGEST_NAME]
        items = [item_of_digests(asked["digest"], name)] if "digest" in asked else []
        content = await call.body(self.largest)
        now = self.clock.now()
        try:
            found = await self.validating.validated(content, items, now)
        except FormatError as reason:
            told = {"error": "unreadable_signature", "error_description": str(reason)}
            return json_answer(told, 422)
        except PdfBusy:
            return Answer(503, [(b"retry-after", b"5")])
        return json_answer(report(name, found.form, found.signatures, now))
