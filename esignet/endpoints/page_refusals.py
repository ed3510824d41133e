"""What people are told of what the pages of the signing service refuse: one table for all pages."""

from collections.abc import Mapping
from dataclasses import replace

from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.pages.explanations import AWAY, FORGED, Explanation, Onward
from esignet.flows.hosted import NoSuchLink
from esignet.flows.hosted_login import LoginAway, NoName, NotRedeemed
from esignet.flows.own_list import ListAway
from esignet.flows.request_creating import NoSuchRequest
from esignet.flows.request_signing import Busy, NotApproved
from esignet.formats.format import FormatError
from esignet.pdf.pool import PdfBusy
from esignet.protocol.signature_request import IllegalMove, SignedAlready
from keystore.door import KeyServiceUnavailable


class ForgedForm(Exception):
    """The form does not come from a page of ours that this browser was shown."""


class NoCookie(Exception):
    """The browser did not keep the cookie that came with the page whose form it sends."""


_NO_LINK = Explanation(
    heading="There is nothing to sign here",
    lines=(
        "The link is not complete, it has ended, or it was opened in another browser.",
        "Open the link once more, or ask whoever sent it for a new one.",
    ),
    status=404,
)
_OVER = Explanation(
    heading="This is over",
    lines=("It was signed, or ended, meanwhile. Open the link once more to see it.",),
    status=409,
    onward=Onward.HERE,
)

REFUSALS: Mapping[type[Exception], Explanation] = {
    DatabaseUnavailable: AWAY,
    KeyServiceUnavailable: AWAY,
    PdfBusy: AWAY,
    LoginAway: replace(AWAY, lines=("Please wait a little, and open the link once more.",)),
    ListAway: AWAY,
    ForgedForm: FORGED,
    NoCookie: Explanation(
        heading="Your browser keeps no cookies",
        lines=(
            "Without one, this page cannot tell your browser from another one.",
            "Allow cookies for this site, or use another browser.",
        ),
        status=403,
        onward=Onward.HERE,
    ),
    NoSuchLink: _NO_LINK,
    NoSuchRequest: _NO_LINK,
    NotRedeemed: Explanation(
        heading="Nothing was signed",
        lines=(
            "It took too long, or the page was opened twice.",
            "Open the link once more, and sign again.",
        ),
        status=409,
        onward=Onward.HERE,
    ),
    NoName: Explanation(
        heading="Nothing was signed",
        lines=(
            "The signature was to tell your name, and your ID does not have it in two parts.",
            "Tell whoever sent you the link. They can ask for a signature without it.",
        ),
        status=422,
        onward=Onward.HERE,
    ),
    NotApproved: Explanation(
        heading="Nothing was signed",
        lines=(
            "The documents changed while you agreed: somebody else signed them.",
            "Open the link once more, read them, and sign.",
        ),
        status=409,
        onward=Onward.HERE,
    ),
    SignedAlready: Explanation(
        heading="You have signed this already",
        lines=("Each person signs once. Give the link to the person whom it is for.",),
        status=409,
        onward=Onward.HERE,
    ),
    IllegalMove: _OVER,
    Busy: replace(_OVER, onward=Onward.AGAIN),
    FormatError: Explanation(
        heading="This cannot be shown",
        lines=("Save the document instead, and open it with a program of your own.",),
        status=422,
        onward=Onward.HERE,
    ),
}
"""By the class of an exception, or of one of its ancestors."""
