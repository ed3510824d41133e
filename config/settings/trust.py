"""Issuers of others whose assertions are worth tokens here (RFC 7523)."""

from typing import Literal

from config.settings.section import Section


class TrustedIssuer(Section, frozen=True):
    """Who may vouch, for whom, and for how much. Trust is given, never found."""

    issuer: str
    """``iss`` of its assertions."""

    jwks_uri: str = ""
    """Where it publishes its keys (https)."""

    jwks: str = ""
    """Its keys as the text of a JWK set, in place of ``jwks_uri``."""

    algorithms: tuple[str, ...] = ("ES256", "PS256", "EdDSA")
    """Algorithms that it signs with."""

    vouches_for: Literal["client", "resident"] = "client"
    """Whom its assertions name: the client that presents them (``sub`` is the client_id), or a
    resident."""

    resident_claim: str = "sub"
    """The claim that holds the national number, virtual ID or handle of a resident."""

    clients: tuple[str, ...] = ()
    """client_ids that may present its assertions; nobody else may."""

    scope: tuple[str, ...] = ()
    """The most that an assertion is good for. What a person did not agree to share is not told,
    whatever stands here."""

    longest: int = 300
    """Seconds that an assertion may live at most."""

    def __post_init__(self) -> None:
        if bool(self.jwks) is bool(self.jwks_uri):
            raise ValueError(f"trusted issuer {self.issuer}: give jwks or jwks_uri")
        if set(self.algorithms) - {"ES256", "PS256", "EdDSA", "RS256"}:
            raise ValueError(f"trusted issuer {self.issuer}: algorithms are asymmetric ones")
