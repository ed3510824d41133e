"""Consent: what a client asks to know, what a person agreed to, and what of it is new.

A consent is remembered per resident and client. Changing the purpose makes everything new
(attack A39 of the catalogue: a consent is never used for what the person was not told).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from idp.protocol.errors import AccessDenied

SILENT_SCOPE = frozenset({"openid"})
"""Scope values that share nothing by themselves; nobody is asked about them."""

OFFLINE = "offline_access"
"""Access while the person is away (OpenID Connect Core 1.0 §11): granted only when agreed to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a request asks for. Claims are base names, without language tags.

    ``purpose`` is SHA-256 of everything that the client says about why it asks. ``once`` says that
    there is something to be agreed to each time: authorization details (RFC 9396).
    """

    scope: tuple[str, ...]
    essential: frozenset[str]
    voluntary: frozenset[str]
    purpose: bytes
    once: bool = False

    @property
    def claims(self) -> frozenset[str]:
        """Return every claim that is asked for."""
        return self.essential | self.voluntary

    @property
    def asks_nothing(self) -> bool:
        """Return whether there is nothing to agree to."""
        return not self.once and not self.claims and not set(self.scope) - SILENT_SCOPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a person decided about one client: ``agreed`` to share, ``declined`` when asked.

    Both hold names of claims; ``declined`` holds OFFLINE too, where that was declined.
    """

    resident_id: str
    client_id: str
    scope: tuple[str, ...]
    agreed: frozenset[str]
    declined: frozenset[str]
    purpose: bytes
    given_at: int
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the consent page asks. ``known`` was agreed before and is shown, not asked again."""

    essential: frozenset[str]
    voluntary: frozenset[str]
    known: frozenset[str]
    offline: bool


def usable(consent: Consent | None, wish: Wish, now: int) -> Consent | None:
    """Return the consent if it still speaks about this purpose, else None."""
    if consent is None or now >= consent.expires_at or consent.purpose != wish.purpose:
        return None
    return consent


def covers(consent: Consent | None, wish: Wish, now: int) -> bool:
    """Return whether nothing is new: then nobody is asked.

    A voluntary claim, or offline access, that was declined is not new. A claim that is essential
    now must be agreed to.
    """
    if wish.asks_nothing:
        return True
    if wish.once:
        return False
    held = usable(consent, wish, now)
    return (
        held is not None
        and set(wish.scope) - SILENT_SCOPE <= {*held.scope, *held.declined & {OFFLINE}}
        and wish.essential <= held.agreed
        and wish.voluntary <= held.agreed | held.declined
    )


def question(consent: Consent | None, wish: Wish, now: int, everything: bool) -> Question:
    """Return what is to be asked: only what is new, or ``everything`` (prompt=consent)."""
    held = None if everything else usable(consent, wish, now)
    known = held.agreed & wish.claims if held else frozenset[str]()
    declined = held.declined if held else frozenset[str]()
    return Question(
        essential=wish.essential - known,
        voluntary=wish.voluntary - known - declined,
        known=known,
        offline=OFFLINE in wish.scope and (held is None or OFFLINE not in held.scope),
    )


def decide(
    asked: Question, wish: Wish, ticked: Iterable[str], offline: bool
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the scope and the claims that the person grants by accepting the page.

    Accepting grants what is essential; of the voluntary claims, those that were ticked. Names that
    were not asked for count for nothing.
    """
    agreed = asked.known | asked.essential | (asked.voluntary & frozenset(ticked))
    allowed = offline or not asked.offline
    return tuple(word for word in wish.scope if word != OFFLINE or allowed), agreed & wish.claims


def remembered(consent: Consent | None, wish: Wish) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return scope and claims of a wish that ``covers`` found covered; or raise AccessDenied."""
    if wish.asks_nothing:
        return wish.scope, frozenset()
    if consent is None:
        raise AccessDenied("nothing was agreed to")
    refused = consent.declined & {OFFLINE}  # other words of the scope may be names of claims
    scope = tuple(word for word in wish.scope if word not in refused)
    return scope, consent.agreed & wish.claims


def outcome(
    held: Consent | None, wish: Wish, scope: tuple[str, ...], claims: frozenset[str]
) -> tuple[tuple[str, ...], frozenset[str], frozenset[str]]:
    """Return scope, ``agreed`` and ``declined`` to remember once ``scope`` and ``claims`` of
    ``wish`` were granted. What ``held`` says of anything else still holds.
    """
    agreed, declined, kept = claims, wish.claims - claims, scope
    if held is not None:
        agreed = claims | (held.agreed - wish.claims)
        declined = (wish.claims | held.declined) - agreed
        kept = (*scope, *(word for word in held.scope if word not in wish.scope))
    if OFFLINE in wish.scope:
        declined = declined - {OFFLINE} if OFFLINE in scope else declined | {OFFLINE}
    return kept, agreed, declined
