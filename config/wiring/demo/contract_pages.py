"""What the sample relying party shows of a document on its way; without any script."""

from collections.abc import Mapping
from html import escape
from typing import Any

from config.wiring.demo.upload import MOST


def offer() -> str:
    """Return the choice of a document: the person's own, or the clinic's."""
    return f"""<h1>Sign a document</h1>
<form method="post" action="/sign/begin" enctype="multipart/form-data">
<p><label for="document">Your own PDF, of {MOST >> 20} MB at most</label><br>
<input id="document" name="document" type="file" accept="application/pdf,.pdf" required></p>
<button class="button" name="which" value="own">Sign it with your national ID</button></form>
<h2>Or the clinic's</h2><p>Your consent to the treatment, one page.</p>
<form method="post" action="/sign/begin"><button class="button" name="which" value="sample">
Sign the consent with your national ID</button></form>
<p>Or on the pages of the signing service, where you can read it first:</p>
<form method="post" action="/sign/link"><button class="button">Read and sign the consent</button>
</form>"""


def progress(name: str) -> str:
    """Return how far it is; the page is loaded again by itself."""
    return f"""<h1>Your document is being signed</h1>
<p role="status"><bdi>{escape(name)}</bdi>: you approved it; now it is signed and time-stamped.</p>
<p><progress aria-label="It is being signed"></progress></p>
<p><a href="/sign">Look again</a></p>"""


def done(name: str, service: str) -> str:
    """Return where the signed document is, and where anybody can check it."""
    check = escape(f"{service}/validate")
    return f"""<h1>It is signed</h1>
<p><bdi>{escape(name)}</bdi> can be checked by anybody, also in twenty years.</p>
<p><a class="button" href="/sign/document.pdf">The signed document (PDF)</a></p>
<form method="post" action="/sign/check"><button class="button">Check it</button></form>
<p>Anybody can: on <a href="{check}">the page of the signing service</a>, or with a PDF reader.</p>
<p><a href="/sign?again=1">Sign another</a></p>"""


def checked(name: str, conclusion: Mapping[str, Any]) -> str:
    """Return what a validation says, in words."""
    rows = "".join(map(_judged, conclusion["signatures"]))
    return f"""<h1>What the validation says</h1><p>Of <bdi>{escape(name)}</bdi>:</p>
<table><tbody>{rows}</tbody></table><p><a class="button" href="/sign">Back</a></p>"""


def _judged(signature: Mapping[str, Any]) -> str:
    good = signature["indication"] == "TOTAL-PASSED"
    said = {
        "The signature": "is good" if good else f"is not proven good: {signature['indication']}",
        "Signed by": signature["signedBy"],
        "Not later than": signature["info"]["bestSignatureTime"],
        "Level": signature["signatureLevel"],
        "What is wrong": "; ".join(one["content"] for one in signature["errors"]),
    }
    return "".join(
        f'<tr><th scope="row">{label}</th><td><bdi>{escape(str(value))}</bdi></td></tr>'
        for label, value in said.items()
        if value
    )


def failed(reason: str) -> str:
    """Return why nothing is signed, and the way back."""
    return f"""<h1>The document is not signed</h1><p role="alert">{escape(reason)}</p>
<p><a class="button" href="/sign?again=1">Choose a document</a></p>"""
