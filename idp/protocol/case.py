"""What the checks of an authorization request may look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from config.settings import Features
from idp.protocol import details
from idp.protocol.authorization import ReplyTo, VerifiedHint
from idp.protocol.client import Client
from idp.protocol.details import Detail, DetailType
from idp.protocol.parameters import Parameters
from idp.protocol.profile import PROFILES, Profile
from idp.protocol.signing import LONGEST_PUSHED


class Endpoint(Enum):
    """Where the request came in."""

    AUTHORIZATION = auto()
    PUSHED = auto()  # RFC 9126 §2
    DEVICE = auto()  # RFC 8628 §3.1
    BACKCHANNEL = auto()  # CIBA Core 1.0 §7.1
    CHALLENGE = auto()  # First-Party Applications draft 04 §5.1


class Source(Enum):
    """How the parameters travelled."""

    PLAIN = auto()  # in the request itself
    OBJECT = auto()  # in a request object, verified (RFC 9101)
    PUSHED = auto()  # pushed before, and checked then (RFC 9126)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a check may look at."""

    asked: Parameters
    client: Client
    reply_to: ReplyTo
    hint: VerifiedHint | None = None
    endpoint: Endpoint = Endpoint.AUTHORIZATION
    source: Source = Source.PLAIN
    detail_types: Mapping[str, DetailType] = field(default_factory=dict)
    features: Features = field(default_factory=Features)
    signed: bool = False
    pushed: bytes | None = None

    @property
    def details(self) -> tuple[Detail, ...]:
        """Return the authorization details, or raise InvalidAuthorizationDetails."""
        types = self.client.authorization_details_types
        is_pushed = self.endpoint is Endpoint.PUSHED or self.source is Source.PUSHED
        longest = LONGEST_PUSHED if is_pushed else details.LONGEST
        text = self.asked.get("authorization_details")
        return details.parse(text, self.detail_types, types, longest)

    @property
    def profile(self) -> Profile:
        """Return what is demanded of the client."""
        return PROFILES[self.client.profile]
