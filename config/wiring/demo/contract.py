"""The sample relying party has a document signed: what an engineer of a clinic writes for that.

Upload the document to the signing service, send the person to approve its digest, bring the token
back, take the signed document. Nothing of ours but addresses.
"""

import asyncio
import base64
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from authlib.integrations.starlette_client import OAuthError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from config.wiring.demo import contract_pages
from config.wiring.demo.upload import NotTaken, Upload, uploaded_pdf

CREDENTIAL = "https://cloudsignatureconsortium.org/2025/credential"
"""The type of authorization details that asks for signatures (CSC API v2.2)."""

SCOPE = "signatures"
NAME = "consent-to-treatment.pdf"
_CODE = {"box": [36, 36, 300, 96], "page": -1, "qr": "{validation}"}
_NAMED, _UNNAMED = "{signer}\n{time}", "{document}\n{time}"
"""How a signature is seen: a code that leads to the validation, and who signed when."""

_TEXT = "I agree to the treatment that was explained to me. Harbour Clinic"


class Refused(Exception):
    """The signing service does not do it; the text says why."""


@dataclass(slots=True)
class Signature:
    """One document on its way: as it was asked for, and signed once it came back.

    ``refused`` says why it did not. ``signing`` runs from the approval on.
    """

    id: str
    name: str
    document: bytes = b""
    refused: str = ""
    signing: asyncio.Task[None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracts:
    """Pages under ``/sign``. ``symbolon`` is the OAuth client, ``page`` draws.

    ``name`` is what the person of a request is called here, empty where nobody signed in.
    """

    symbolon: Any
    address: str
    esignet: str
    page: Callable[[str], str]
    name: Callable[[Request], str]
    _signatures: dict[str, Signature] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        """Return where they are."""
        return [
            Route("/sign", self.show),
            Route("/sign/begin", self.begin, methods=["POST"]),
            Route("/sign/cb", self.callback),
            Route("/sign/document.pdf", self.signed),
            Route("/sign/check", self.check, methods=["POST"]),
            Route("/sign/link", self.link, methods=["POST"]),
            Route("/sign/linked", self.linked),
        ]

    async def show(self, request: Request) -> Response:
        """Offer to sign, tell how far it is, or give what came of it."""
        mine = self._mine(request)
        if mine is None or "again" in request.query_params:
            return HTMLResponse(self.page(contract_pages.offer()))
        if mine.refused:
            return self._failed(mine.refused)
        if mine.document:
            return HTMLResponse(self.page(contract_pages.done(mine.name, self.esignet)))
        if mine.signing is None:
            return HTMLResponse(self.page(contract_pages.offer()))
        page = self.page(contract_pages.progress(mine.name))
        return HTMLResponse(page, headers={"refresh": "1; url=/sign"})

    async def begin(self, request: Request) -> Response:
        """Have the document prepared, and send the person to approve what will be signed."""
        try:
            given = await uploaded_pdf(request) or Upload(NAME, sample_pdf(_TEXT))
            made = await self._requested(given, self.name(request))
        except (NotTaken, Refused) as reason:
            return self._failed(str(reason))
        request.session["signature"] = made["id"]
        self._signatures[made["id"]] = Signature(made["id"], given.name)
        detail = {
            "type": CREDENTIAL,
            "signatureQualifier": "gb_national_aes",
            "numSignatures": len(made["documentDigests"]),
            "documentDigests": made["documentDigests"],
            "hashAlgorithmOID": made["hashAlgorithmOID"],
            "locations": [self.esignet],
        }
        redirect: Response = await self.symbolon.authorize_redirect(
            request,
            f"{self.address}/sign/cb",
            authorization_details=json.dumps([detail]),
        )
        redirect.status_code = 303  # what comes next is asked for, not posted
        return redirect

    async def callback(self, request: Request) -> Response:
        """Bring what the person approved to the signing service, and tell how far it is."""
        mine = self._mine(request)
        try:
            token = await self.symbolon.authorize_access_token(request, resource=self.esignet)
        except OAuthError as error:
            return self._failed(f"{error.error}: {error.description}")
        if mine is None:
            return self._failed("There is no document that waits.")
        mine.signing = asyncio.create_task(self._sign(mine, token))
        return RedirectResponse("/sign", 303)

    async def signed(self, request: Request) -> Response:
        """Give the signed document."""
        mine = self._mine(request)
        if mine is None or not mine.document:
            return JSONResponse({"error": "nothing is signed"}, 404)
        named = quote(mine.name or NAME)
        headers = {"content-disposition": f"attachment; filename*=UTF-8''{named}"}
        return Response(mine.document, media_type="application/pdf", headers=headers)

    async def link(self, request: Request) -> Response:
        """Send the person to the signing service's own pages: no OAuth of ours is needed there."""
        back = {"return_to": f"{self.address}/sign/linked"}
        try:
            given = Upload(NAME, sample_pdf(_TEXT))
            made = await self._requested(given, self.name(request))
            path = f"/signature-requests/{made['id']}/links"
            link = await self._ask(path, await self._own_token(), json=back)
        except Refused as reason:
            return self._failed(str(reason))
        request.session["signature"] = made["id"]
        self._signatures[made["id"]] = Signature(made["id"], NAME)
        return RedirectResponse(link["sign_url"], 303)

    async def linked(self, request: Request) -> Response:
        """Ask what became of it: what the address says, the person's browser could say too."""
        mine = self._mine(request)
        if mine is not None and not mine.document:
            path, token = f"{self.esignet}/signature-requests/{mine.id}", await self._own_token()
            told = await self.symbolon.request("GET", path, token=token)
            if told.status_code == 200 and told.json()["state"] == "signed":
                answer = await self.symbolon.request("GET", f"{path}/documents/0", token=token)
                mine.document = answer.content
            else:
                mine.refused = "It was not signed on the pages of the signing service."
        return RedirectResponse("/sign", 303)

    async def _own_token(self) -> dict[str, Any]:
        token: dict[str, Any] = await self.symbolon.fetch_access_token(
            grant_type="client_credentials", scope=SCOPE, resource=self.esignet
        )
        return token

    async def check(self, request: Request) -> Response:
        """Have anybody's validation judge the signed document, and tell what it says."""
        mine = self._mine(request)
        if mine is None or not mine.document:
            return self._failed("Nothing is signed.")
        try:
            report = await self._ask("/validate", None, content=mine.document)
        except Refused as reason:
            return self._failed(str(reason))
        conclusion = report["validationConclusion"]
        return HTMLResponse(self.page(contract_pages.checked(mine.name, conclusion)))

    async def _requested(self, given: Upload, name: str) -> Any:
        """Ask for a signature that says who signs; else one with a code, else one that is unseen.

        The service may have no fonts for the name, and the person's own PDF no room.
        """
        document = {
            "name": given.name or NAME,
            "media_type": "application/pdf",
            "content": base64.b64encode(given.content).decode(),
        }
        asked = {"format": "pades", "level": "B-LT", "documents": [document]}
        written: dict[str, Any] = {"appearance": {**_CODE, "text": _UNNAMED}}
        if name:
            written = {"appearance": {**_CODE, "text": _NAMED}, "signers": [{"label": name}]}
        token = await self._own_token()
        for shown in (written, {"appearance": _CODE}):
            with suppress(Refused):
                return await self._ask("/signature-requests", token, json=asked | shown)
        return await self._ask("/signature-requests", token, json=asked)

    async def _sign(self, mine: Signature, token: dict[str, Any]) -> None:
        try:
            made = await self._ask(f"/signature-requests/{mine.id}/signatures", token, json={})
            mine.document = base64.b64decode(made["documents"][0]["content"])
        except Refused as reason:
            mine.refused = str(reason)
        except Exception:  # whatever happened, the person is told that it did
            mine.refused = "The signing service does not answer."
            raise

    async def _ask(self, path: str, token: dict[str, Any] | None, **body: Any) -> Any:
        """Ask the signing service; without a ``token`` it is asked as by anybody."""
        asked = {"withhold_token": True} if token is None else {"token": token}
        address = self.esignet + path
        answer = await self.symbolon.request("POST", address, **asked, **body)
        if answer.status_code < 300:
            return answer.json()
        try:
            reason = str(answer.json()["error_description"])
        except (ValueError, LookupError, TypeError):
            reason = f"answer {answer.status_code}"
        raise Refused(f"The signing service refused: {reason}.")

    def _mine(self, request: Request) -> Signature | None:
        return self._signatures.get(request.session.get("signature", ""))

    def _failed(self, reason: str) -> Response:
        return HTMLResponse(self.page(contract_pages.failed(reason)), 400)


def sample_pdf(text: str) -> bytes:
    """Return a PDF of one page with a line of ``text`` (ASCII, without brackets)."""
    drawn = f"BT /F1 14 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    written, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj%s\nendobj\n" % (number, content)
    start = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    written += b"".join(b"%010d 00000 n \n" % place for place in places)
    written += b"trailer<</Size %d/Root 1 0 R/ID[<00><00>]>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(written)
