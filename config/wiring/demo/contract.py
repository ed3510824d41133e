"""The sample relying party has a document signed: what an engineer of a clinic writes for that.

Upload the document to the signing service, send the person to approve its digest, bring the token
back, take the signed document. Nothing of ours but addresses.
"""

import base64
import json
from dataclasses import dataclass, field
from html import escape
from typing import Any

from authlib.integrations.starlette_client import OAuthError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CREDENTIAL = "https://cloudsignatureconsortium.org/2025/credential"
"""The type of authorization details that asks for signatures (CSC API v2.2)."""

SCOPE = "signatures"
NAME = "consent-to-treatment.pdf"
_TEXT = "I agree to the treatment that was explained to me. Harbour Clinic"


@dataclass(slots=True)
class Signature:
    """One document on its way: as it was asked for, and signed once it came back."""

    id: str
    document: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracts:
    """Pages under ``/sign``. ``symbolon`` is the OAuth client, ``page`` draws."""

    symbolon: Any
    address: str
    esignet: str
    page: Any
    _signatures: dict[str, Signature] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        """Return where they are."""
        return [
            Route("/sign", self.show),
            Route("/sign/begin", self.begin, methods=["POST"]),
            Route("/sign/cb", self.callback),
            Route(f"/sign/{NAME}", self.signed),
        ]

    async def show(self, request: Request) -> Response:
        """Offer the document, or what became of it."""
        done = self._mine(request)
        body = _offer() if done is None or not done.document else _done()
        return HTMLResponse(self.page(body))

    async def begin(self, request: Request) -> Response:
        """Have the document prepared, and send the person to approve what will be signed."""
        token = await self.symbolon.fetch_access_token(
            grant_type="client_credentials", scope=SCOPE, resource=self.esignet
        )
        asked = {
            "format": "pades",
            "level": "B-LT",
            "documents": [
                {
                    "name": NAME,
                    "media_type": "application/pdf",
                    "content": base64.b64encode(sample_pdf(_TEXT)).decode(),
                }
            ],
        }
        made = await self._ask("/signature-requests", token, asked)
        if made is None:
            return self._failed("the signing service did not take the document")
        request.session["signature"] = made["id"]
        self._signatures[made["id"]] = Signature(made["id"])
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
        return redirect

    async def callback(self, request: Request) -> Response:
        """Bring what the person approved to the signing service."""
        mine = self._mine(request)
        try:
            token = await self.symbolon.authorize_access_token(request, resource=self.esignet)
        except OAuthError as error:
            return self._failed(f"{error.error}: {error.description}")
        if mine is None:
            return self._failed("there is no document that waits")
        made = await self._ask(f"/signature-requests/{mine.id}/signatures", token, {})
        if made is None:
            return self._failed("the signing service did not sign")
        mine.document = base64.b64decode(made["documents"][0]["content"])
        return RedirectResponse("/sign", 303)

    async def signed(self, request: Request) -> Response:
        """Give the signed document."""
        mine = self._mine(request)
        if mine is None or not mine.document:
            return JSONResponse({"error": "nothing is signed"}, 404)
        return Response(mine.document, media_type="application/pdf")

    async def _ask(self, path: str, token: dict[str, Any], body: object) -> Any:
        answer = await self.symbolon.request("POST", self.esignet + path, json=body, token=token)
        return answer.json() if answer.status_code < 300 else None

    def _mine(self, request: Request) -> Signature | None:
        return self._signatures.get(request.session.get("signature", ""))

    def _failed(self, reason: str) -> Response:
        body = (
            f"<h1>The document is not signed</h1><p>{escape(reason)}</p>"
            '<p><a class="button" href="/sign">Try again</a></p>'
        )
        return HTMLResponse(self.page(body), 400)


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


def _offer() -> str:
    return (
        "<h1>Sign a document</h1><p>Your consent to the treatment, one page.</p>"
        '<form method="post" action="/sign/begin"><button class="button">'
        "Sign it with your national ID</button></form>"
    )


def _done() -> str:
    return (
        "<h1>It is signed</h1><p>Anybody can check it, also in twenty years.</p>"
        f'<p><a class="button" href="/sign/{NAME}">The signed document (PDF)</a></p>'
    )
