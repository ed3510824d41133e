"""Receipts of signed requests: a page per language that stands alone, with nothing to load."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from config.runtime.pages.pages import Pages
from config.settings.localized import localized
from esignet.protocol.evidence import SignedSlot
from esignet.protocol.signature_request import SignatureRequest

_STYLE = Markup(
    "body{font-family:system-ui,sans-serif;line-height:1.5;margin:2rem auto;max-width:44rem;"
    "padding:0 1rem}code{overflow-wrap:anywhere}dt{font-weight:600}dd{margin:0 0 .5rem}"
)


@dataclass(frozen=True, slots=True)
class HtmlReceipts:
    """Writes them with the templates and texts of the signing pages."""

    pages: Pages

    def written(
        self, names: Mapping[str, str], request: SignatureRequest, slots: Sequence[SignedSlot]
    ) -> dict[str, bytes]:
        """Return a receipt for each language; ``names`` are the client's by language."""
        template = self.pages.templates["receipt"]
        algorithm = f"SHA-{request.algorithm.value[3:]}"
        told = [_told(slot) for slot in slots]
        return {
            f"receipt.{language.tag.lower()}.html": template.render(
                self.pages.common[language.tag],
                style=_STYLE,
                client=localized(names, (language.tag,)),
                request=request,
                algorithm=algorithm,
                signers=told,
            ).encode()
            for language in self.pages.languages.offered
        }


def _told(slot: SignedSlot) -> dict[str, Any]:
    approval = slot.parts[0].promised.approval
    return {
        "label": slot.label,
        "at": slot.at,
        "proven_at": approval.get("auth_time"),
        "acr": approval.get("acr", ""),
        "methods": ", ".join(approval.get("amr", ())),
        "documents": [
            (one.label, urlsafe_b64encode(one.file).rstrip(b"=").decode()) for one in slot.approved
        ],
    }
