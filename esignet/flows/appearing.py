"""How each signer's signature stands in a PDF: what was asked for, with what the service knows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from esignet.flows.request_contents import APPEARANCES, SIGNERS, Contents, Sealer
from esignet.formats.pdf_font_files import Font, needed
from esignet.formats.pdf_wish import PdfWish
from esignet.protocol.appearance import Appearance, Filling, filled
from esignet.protocol.asking import Asked, BadRequest, Order
from esignet.protocol.signature_request import SignatureRequest


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose signature is prepared: at what time (NumericDate), how it stands, of which label."""

    at: int
    appearance: Appearance = field(default_factory=Appearance)
    signer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """``fonts`` have the letters; ``validation`` is the page that judges signatures.

    Without fonts no text can be shown; of several the first that has a letter counts.
    """

    fonts: tuple[Font, ...] = ()
    validation: str

    def wish(self, turn: Turn, document: str) -> PdfWish:
        """Return how a signature stands in the document of that name, its placeholders filled."""
        asked = turn.appearance
        filling = Filling(
            at=turn.at, document=document, signer=turn.signer, validation=self.validation
        )
        text = filled(asked.text, filling)
        return PdfWish(
            at=turn.at,
            field=asked.field,
            page=asked.page,
            box=asked.box,
            text=text,
            fonts=needed(text, self.fonts) if text else (),
            picture=asked.picture,
            qr=filled(asked.qr, filling),
            certify=asked.certify,
            reason=asked.reason,
            location=asked.location,
        )


def turns(appearances: Sequence[Appearance], signers: Sequence[str], at: int) -> list[Turn]:
    """Return the turn of each signer; without appearances no signature is seen."""
    shown = appearances or [Appearance()] * len(signers)
    return [Turn(at, one, label) for one, label in zip(shown, signers, strict=True)]


async def next_turn(
    contents: Contents, sealer: Sealer, request: SignatureRequest, now: int
) -> Turn:
    """Return whose turn is next in a request; where nothing is shown it does not matter."""
    sealed = await contents.store.part(request.id, APPEARANCES)
    if sealed is None:
        return Turn(now)
    signers = await contents.part(sealer, SIGNERS)
    shown = await sealer.open(APPEARANCES, sealed)
    return turns(shown, signers, now)[request.next_place(None)]


def judge_appearances(asked: Asked) -> None:
    """Refuse what has no PDF to be shown in, or no order in which it is shown."""
    if not asked.appearances:
        return
    if asked.format != "pades":
        raise BadRequest("appearance is of the format pades alone", 422)
    if any(one.content is None and not one.upload for one in asked.documents):
        raise BadRequest("appearance needs the PDF itself, not its digest", 422)
    if len(asked.signers) > 1 and asked.order is Order.ANY:
        raise BadRequest("appearance of several signers needs the order sequential", 422)
