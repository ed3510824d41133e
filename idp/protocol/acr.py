"""Authentication levels: which factors reach which ``acr`` (OpenID Connect Core 1.0 §2, §5.5.1.1).

The ladder is ordered from the least rung to the highest. A rung names combinations of factors; it
is reached when all factors of one combination were proven.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from config.settings.issuers import Acr
from idp.protocol.claims_request import ClaimsRequest


@dataclass(frozen=True, slots=True)
class Wanted:
    """The levels that a client asked for. ``essential``: no other level will do (§5.5.1.1).

    ``signing``: a signature is approved, so nothing below the ladder's ``signing`` will do.
    """

    values: tuple[str, ...] = ()
    essential: bool = False
    signing: bool = False

    @property
    def is_demand(self) -> bool:
        """Return whether a person who cannot meet it may not go on."""
        return self.essential or self.signing


ANY = Wanted()
"""No level was asked for: any will do."""


@dataclass(frozen=True, slots=True)
class Rung:
    name: str
    combinations: tuple[frozenset[str], ...]

    def reached(self, proven: Collection[str]) -> bool:
        return any(combination <= set(proven) for combination in self.combinations)


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs of an issuer, least first, and the factors in use, the default one first.

    ``signing`` is the least rung on which signatures may be approved; empty is the highest.
    ``known`` is the table of what ``choices`` worked out: it depends on nothing but which rungs
    were asked for, what was proven and what is at hand, and is asked at every step of a login.
    """

    rungs: tuple[Rung, ...]
    factors: tuple[str, ...]
    signing: str = ""
    known: dict[tuple[object, ...], tuple[str, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @classmethod
    def of(cls, levels: Iterable[Acr], factors: Sequence[str], signing: str = "") -> "Ladder":
        """Return the ladder of what is switched on: combinations of other factors are left out."""
        enabled = set(factors)
        rungs = []
        for level in levels:
            combinations = tuple(frozenset(combination) for combination in level.factors)
            possible = tuple(c for c in combinations if c and c <= enabled)
            if possible:
                rungs.append(Rung(level.name, possible))
        return cls(tuple(rungs), tuple(factors), signing)

    @property
    def names(self) -> tuple[str, ...]:
        """Return ``acr_values_supported`` (OpenID Connect Discovery 1.0 §3)."""
        return tuple(rung.name for rung in self.rungs)

    def possible(self, wanted: Wanted) -> bool:
        """Return whether anybody could satisfy ``wanted``; False is an error to tell at once."""
        if not wanted.is_demand or self._is_bare(wanted):
            return True
        return bool(self._targets(wanted))

    def satisfied(self, wanted: Wanted, proven: Collection[str]) -> bool:
        """Return whether what was proven, now or in a session, is what was asked for.

        What is essential must be reached itself (§5.5.1.1: the ``acr`` returned must match). A wish
        is also satisfied by any level at least as high as the least that was wished for.
        """
        if self._is_bare(wanted):
            return bool(proven)
        return any(rung.reached(proven) for rung in self._targets(wanted))

    def enough(
        self, wanted: Wanted, proven: Collection[str], usable: Collection[str] | None
    ) -> bool:
        """Return whether the login may go on: satisfied, or a wish that this person cannot meet.

        When neither this is so nor ``choices`` has any, the login ends with
        ``UnmetAuthenticationRequirements`` (or cannot begin for this person).
        """
        if self.satisfied(wanted, proven):
            return True
        if wanted.is_demand or not self.satisfied(ANY, proven):
            return False
        return not self.choices(wanted, proven, usable)

    def choices(
        self, wanted: Wanted, proven: Collection[str], usable: Collection[str] | None
    ) -> tuple[str, ...]:
        """Return the factors that may be asked next, the one to ask first in front.

        They lead to the least level that satisfies, then to others that do. ``usable`` are the
        factors that this resident may use; None means not known or not to be told: as long as
        nothing is proven, pass None, for a page that depends on who was named tells that they
        exist. Empty means that nothing this person has leads further.
        """
        at_hand = frozenset(self.factors)
        if usable is not None:
            at_hand &= frozenset(usable)
        asked = frozenset(wanted.values) & frozenset(self.names) if wanted.values else None
        case = (asked, wanted.essential, wanted.signing, frozenset(proven), at_hand)
        found = self.known.get(case)
        if found is None:
            found = self.known[case] = self._choices(wanted, frozenset(proven), at_hand)
        return found

    def _choices(
        self, wanted: Wanted, proven: frozenset[str], at_hand: frozenset[str]
    ) -> tuple[str, ...]:
        if self._is_bare(wanted):
            return () if proven else tuple(f for f in self.factors if f in at_hand)
        found = self._leading(self._targets(wanted), proven, at_hand)
        if not wanted.is_demand and not self.satisfied(ANY, proven):
            found |= self._leading(self.rungs, proven, at_hand)
        return tuple(found)

    def _leading(
        self, targets: Iterable[Rung], done: frozenset[str], at_hand: frozenset[str]
    ) -> dict[str, None]:
        """Return, in order, what is missing to reach each target by what is at hand."""
        found: dict[str, None] = {}
        for rung in targets:
            missing = [c - done for c in rung.combinations if c <= at_hand | done]
            for distance in sorted({len(rest) for rest in missing}):
                nearest = {f for rest in missing if len(rest) == distance for f in rest}
                found |= {f: None for f in self.factors if f in nearest and f not in found}
        return found

    def achieved(self, wanted: Wanted, proven: Collection[str]) -> str | None:
        """Return the ``acr`` to tell: the highest reached of those asked for, else of all."""
        reached = [rung.name for rung in self.rungs if rung.reached(proven)]
        allowed = {rung.name for rung in self._allowed(wanted)}
        asked = [name for name in reached if name in wanted.values and name in allowed]
        return next(reversed(asked or reached), None)

    def _targets(self, wanted: Wanted) -> Sequence[Rung]:
        """Return the rungs that satisfy, in the order in which they are tried."""
        rungs = self._allowed(wanted)
        asked = [rung for rung in rungs if rung.name in wanted.values]
        if wanted.essential:
            return asked
        if not asked:
            return rungs
        higher = rungs[rungs.index(asked[0]) :]
        return [*asked, *(rung for rung in higher if rung not in asked)]

    def _allowed(self, wanted: Wanted) -> Sequence[Rung]:
        """Return the rungs that may satisfy ``wanted`` at all."""
        if not wanted.signing:
            return self.rungs
        if not self.signing:
            return self.rungs[-1:]
        names = self.names
        return self.rungs[names.index(self.signing) :] if self.signing in names else ()

    def _is_bare(self, wanted: Wanted) -> bool:
        """Return whether any factor will do, as there are no levels and none is demanded."""
        return not self.rungs and not wanted.essential


def wanted_levels(acr_values: Sequence[str], claims: ClaimsRequest) -> Wanted:
    """Return what was asked for: an ``acr`` claim with values, else ``acr_values`` (§3.1.2.1).

    §5.5.1.1 leaves both at once undefined. An essential ``acr`` without values asks for any level.
    """
    asked = claims.id_token.get("acr")
    if asked is None:
        return Wanted(tuple(acr_values)) if acr_values else ANY
    values = tuple(value for value in asked.values if isinstance(value, str))
    if asked.values:
        return Wanted(values, asked.essential)
    return Wanted(tuple(acr_values))


def methods(proven: Iterable[str], amr: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the ``amr`` claim: each method once, and ``mfa`` after two factors (RFC 8176 §2).

    ``amr`` maps the name of a factor to its values.
    """
    names = tuple(dict.fromkeys(proven))
    values = dict.fromkeys(value for name in names for value in amr.get(name, ()))
    if len(names) > 1:
        values["mfa"] = None
    return tuple(values)
