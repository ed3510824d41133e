"""What a rule is, what it looks at, and what it says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from config.settings import Issuer
from idp.protocol.client import Client
from idp.protocol.profile import PROFILES, Profile, stricter


class Against(Enum):
    """The specifications that are graded against, by the names of the command line."""

    OAUTH21 = "oauth21"
    BCP = "rfc9700"
    FAPI2 = "fapi2"
    MESSAGE_SIGNING = "fapi2-message-signing"

    @property
    def title(self) -> str:
        """Return what the specification is called."""
        return _TITLES[self]


_TITLES = {
    Against.OAUTH21: "OAuth 2.1 (draft-ietf-oauth-v2-1-15)",
    Against.BCP: "OAuth 2.0 Security Best Current Practice (RFC 9700)",
    Against.FAPI2: "FAPI 2.0 Security Profile (Final)",
    Against.MESSAGE_SIGNING: "FAPI 2.0 Message Signing (Final)",
}


class Grade(Enum):
    """``NOT_APPLICABLE``: the rule speaks of something that is not done at all."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What rules look at.

    ``metadata`` is what the issuer publishes, made from what is plugged in: what is not in it is
    not there. ``code_lifetime`` is in seconds. Where an issuer is graded ``client`` is None.
    """

    issuer: Issuer
    metadata: Mapping[str, Any]
    code_lifetime: int
    client: Client | None = None

    @property
    def profile(self) -> Profile:
        """Return what is demanded: by the issuer, or of the client if that is stricter."""
        name = self.issuer.profile
        return PROFILES[stricter(name, self.client.profile) if self.client else name]

    @property
    def subject(self) -> Client:
        """Return the client that is graded."""
        assert self.client is not None, "a rule about clients is asked about one"
        return self.client

    def offers(self, name: str) -> Sequence[str]:
        """Return the values of the metadata member ``name``; none where it is absent."""
        values: Sequence[str] = self.metadata.get(name, ())
        return values


Judge = Callable[[Ground], bool | None]
"""Tells whether a rule is met; None when it does not apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One demand of a specification.

    ``should`` marks a recommendation: it is graded and never makes the whole fail. ``remedy`` is a
    command or setting, with places for ``{client}`` and ``{issuer}``. ``shown_by`` names the test
    that shows what no setting can switch off.
    """

    against: Against
    paragraph: str
    says: str
    why: str
    remedy: str
    judge: Judge
    should: bool = False
    shown_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """A rule and its grade; ``remedy`` has its places filled, and is "" where nothing is amiss."""

    rule: Rule
    grade: Grade
    remedy: str

    @property
    def is_failure(self) -> bool:
        """Return whether the whole fails with it."""
        return self.grade is Grade.FAIL and not self.rule.should


def graded(rules: Sequence[Rule], ground: Ground) -> tuple[Graded, ...]:
    """Return every rule with its grade on ``ground``."""
    return tuple(_graded(rule, ground) for rule in rules)


def expected_of(profile: Profile) -> tuple[Against, ...]:
    """Return the specifications that whoever is held to ``profile`` claims to meet."""
    return tuple(Against)[: 2 + profile.strictness]


def _graded(rule: Rule, ground: Ground) -> Graded:
    met = rule.judge(ground)
    if met is None:
        return Graded(rule=rule, grade=Grade.NOT_APPLICABLE, remedy="")
    if met:
        return Graded(rule=rule, grade=Grade.PASS, remedy="")
    client = ground.client.client_id if ground.client else ""
    remedy = rule.remedy.format(client=client, issuer=ground.issuer.address)
    return Graded(rule=rule, grade=Grade.FAIL, remedy=remedy)
