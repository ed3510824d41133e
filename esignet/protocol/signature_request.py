"""Signature requests: who has signed, and how one moves until it is signed or ended.

    open -> signing -> completing -> open (the next signer) ... -> signed
      |        |           |
      |        +-> open    +-> failed      nothing was signed; it cannot be raised to its level
      |        +-> failed                  a signature may have been made and is lost
      +-> rejected, cancelled, expired

``signing`` begins with the approval: from then on this one approval is signed, or nothing is.
``completing`` begins when the signatures are kept; it can be repeated as often as it takes.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from esignet.protocol.asking import Order
from keystore.signing.digests import HashAlgorithm


class State(StrEnum):
    """Where a request stands."""

    OPEN = "open"
    SIGNING = "signing"
    COMPLETING = "completing"
    SIGNED = "signed"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_underway(self) -> bool:
        """Return whether somebody works on it, or has to go on."""
        return self in (State.SIGNING, State.COMPLETING)

    @property
    def is_final(self) -> bool:
        """Return whether nothing happens to it any more."""
        return self is not State.OPEN and not self.is_underway


class Event(StrEnum):
    """What is told of a request."""

    CREATED = "created"
    SLOT_SIGNED = "slot_signed"
    SIGNED = "signed"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class IllegalMove(Exception):
    """The request is not in the state for it (``state``), or is past its time (``expired``)."""

    def __init__(self, state: State | None = None, *, expired: bool = False) -> None:
        super().__init__()
        self.state = state
        self.expired = expired or state is State.EXPIRED


class SignedAlready(Exception):
    """The person has signed in another place of this request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The place of one signer. ``signer`` is a hash of who it is, ``approval`` one of theirs.

    Both are empty until somebody approves. ``signed_at`` is a NumericDate, 0 before.
    """

    signer: str = ""
    approval: str = ""
    signed_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRequest:
    """Documents of a client that wait for signatures. Times are NumericDates.

    ``digests`` are what is approved next, in their order; ``count`` is how many signatures, or
    signed documents, come of one approval; ``together`` whether the next signature is added to
    them or has documents of its own. ``place`` is the slot that is worked on, or was last.
    What the documents and the signers are called, and the documents, lie encrypted elsewhere.
    ``version`` counts its moves. Whoever works on it says until when (``busy_until``). ``reason``
    is a word that says why it failed or was rejected; ``webhook`` an address, or empty.
    """

    id: str
    client_id: str
    state: State
    format: str
    level: str
    algorithm: HashAlgorithm
    digests: tuple[bytes, ...]
    created_at: int
    expires_at: int
    envelope: str = "detached"
    count: int = 1
    order: Order = Order.SEQUENTIAL
    slots: tuple[Slot, ...] = (Slot(),)
    together: bool = True
    place: int = 0
    version: int = 0
    busy_until: int = 0
    reason: str = ""
    webhook: str = ""

    @property
    def subjects(self) -> tuple[str, ...]:
        """Return a hash of each person who has signed, by their slots; empty for who has not."""
        return tuple(slot.signer if slot.signed_at else "" for slot in self.slots)

    @property
    def signatures(self) -> int:
        """Return how many have signed."""
        return sum(slot.signed_at > 0 for slot in self.slots)

    def is_expired(self, now: int) -> bool:
        """Return whether its time is over."""
        return now >= self.expires_at

    def told_state(self, now: int) -> State:
        """Return its state as it is told: one that waited too long has expired."""
        is_over = not self.state.is_final and self.is_expired(now)
        return State.EXPIRED if is_over else self.state

    def next_place(self, wanted: int | None) -> int:
        """Return the slot that signs next, ``wanted`` where the order is free.

        Raises IllegalMove for a slot whose turn it is not.
        """
        free = [place for place, slot in enumerate(self.slots) if not slot.signed_at]
        if self.order is Order.SEQUENTIAL:
            free = free[:1]
        place = free[0] if wanted is None and free else wanted
        if place not in free or place is None:
            raise IllegalMove(self.state)
        return place

    def approved_by(self, approval: str) -> int | None:
        """Return the slot that this approval (by its hash) was given for."""
        return next((n for n, slot in enumerate(self.slots) if slot.approval == approval), None)

    def taken(self, place: int, slot: Slot, now: int, until: int) -> "SignatureRequest":
        """Return it as one whose slot ``place`` somebody signs, busy ``until`` then.

        Raises IllegalMove, SignedAlready.
        """
        self._judge_open(now)
        if any(slot.signer == other.signer for other in self.slots):
            raise SignedAlready
        slots = self._with(place, slot)
        return self._moved(State.SIGNING, place=place, slots=slots, busy_until=until)

    def busy(self, until: int) -> "SignatureRequest":
        """Return it as one that somebody works on until then; 0 for nobody."""
        return self._moved(self.state, busy_until=until)

    def reopened(self) -> "SignatureRequest":
        """Return it open again: nothing was signed under the approval."""
        self._judge(State.SIGNING)
        return self._moved(State.OPEN, slots=self._with(self.place, Slot()), busy_until=0)

    def completing(self) -> "SignatureRequest":
        """Return it with its signatures made and kept, and their documents not finished."""
        self._judge(State.SIGNING)
        return self._moved(State.COMPLETING)

    def slot_signed(self, digests: tuple[bytes, ...], now: int) -> "SignatureRequest":
        """Return it with its slot signed: open for the next with these ``digests``, or signed."""
        self._judge(State.COMPLETING)
        slot = replace(self.slots[self.place], signed_at=now)
        slots = self._with(self.place, slot)
        state = State.SIGNED if all(one.signed_at for one in slots) else State.OPEN
        return self._moved(state, slots=slots, digests=digests, busy_until=0)

    def failed(self, reason: str) -> "SignatureRequest":
        """Return it as one of which nothing can come any more."""
        if not self.state.is_underway:
            raise IllegalMove(self.state)
        return self._moved(State.FAILED, busy_until=0, reason=reason)

    def rejected(self, reason: str, now: int) -> "SignatureRequest":
        """Return it as one that a person did not want to sign, or raise IllegalMove."""
        self._judge_open(now)
        return self._moved(State.REJECTED, reason=reason)

    def cancelled(self, now: int) -> "SignatureRequest":
        """Return it as one that its client gave up, or raise IllegalMove."""
        self._judge_open(now)
        return self._moved(State.CANCELLED)

    def expired(self, now: int) -> "SignatureRequest":
        """Return it as one whose time is over, or raise IllegalMove."""
        if self.state.is_final or not self.is_expired(now):
            raise IllegalMove(self.state)
        return self._moved(State.EXPIRED, busy_until=0)

    def _judge(self, state: State) -> None:
        if self.state is not state:
            raise IllegalMove(self.state)

    def _judge_open(self, now: int) -> None:
        self._judge(State.OPEN)
        if self.is_expired(now):
            raise IllegalMove(self.state, expired=True)

    def _with(self, place: int, slot: Slot) -> tuple[Slot, ...]:
        return (*self.slots[:place], slot, *self.slots[place + 1 :])

    def _moved(self, state: State, **changes: Any) -> "SignatureRequest":
        return replace(self, state=state, version=self.version + 1, **changes)
