"""What signing on our pages is told in: a link that was opened or not, a document, a caller."""

from collections.abc import Sequence
from dataclasses import dataclass

from esignet.flows.csc_approvals import Caller
from esignet.protocol.hosted import Party
from esignet.protocol.signature_request import IllegalMove, SignatureRequest
from esignet.stores.links import Link


class NotHere(Exception):
    """The link leads nowhere, or not in this browser; its party can make another."""

    def __init__(self, link: Link, party: Party) -> None:
        super().__init__()
        self.link = link
        self.party = party


class Elsewhere(NotHere):
    """Another browser claimed the link."""


class Replaced(NotHere):
    """A newer link was made for the same signer."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that was opened, the request as it is now, and who asks."""

    link: Link
    request: SignatureRequest
    party: Party
    signers: tuple[str, ...]

    @property
    def signer(self) -> str:
        """Return what the signer of this link is called, "" where the party did not say."""
        return self.signers[self.link.place] if self.signers else ""

    @property
    def is_claimed(self) -> bool:
        """Return whether a browser claimed the link: only that one gets here then."""
        return bool(self.link.claimed_by)

    @property
    def count(self) -> int:
        """Return how many signed documents come of the request."""
        request = self.request
        return request.count * (1 if request.together else len(request.slots))

    @property
    def is_mine_signed(self) -> bool:
        """Return whether the signer of this link has signed."""
        return bool(self.request.slots[self.link.place].signed_at)

    @property
    def is_my_turn(self) -> bool:
        """Return whether the signer of this link may sign next."""
        try:
            return self.request.next_place(self.link.place) == self.link.place
        except IllegalMove:
            return False


@dataclass(frozen=True, slots=True)
class Measure:
    """How many ``pages`` of a document are shown, and its ``size`` in octets as it was given.

    Both are 0 for what is not here.
    """

    pages: int
    size: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a document: a ``text``, or the ``png`` of how it looks. ``pages`` are how many."""

    pages: int
    text: str = ""
    png: bytes = b""


@dataclass(frozen=True, slots=True)
class AsParty:
    """The caller of a token that was given to us on behalf of a relying party, as that party."""

    token: Caller
    client_id: str

    @property
    def subject(self) -> str:
        return self.token.subject

    @property
    def scope(self) -> frozenset[str]:
        return self.token.scope

    @property
    def details(self) -> Sequence[dict[str, object]]:
        return [dict(one) for one in self.token.details]

    @property
    def expires_at(self) -> int:
        return self.token.expires_at

    @property
    def bound_to(self) -> str:
        return self.token.bound_to
