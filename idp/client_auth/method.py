"""The contract of a client authentication method: how a client proves who it is (RFC 6749 §2.3).

To add a method, write a module here and name its class in wiring.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from config.runtime.database.unit import Write
from idp.protocol.carried import Carried
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClient
from idp.protocol.parameters import Parameters
from keystore.jose.reader import Parsed

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""RFC 7523 §2.2."""


class Carrier(Enum):
    """Where the credentials stand. A request uses exactly one."""

    BASIC = auto()  # the Authorization header
    POST = auto()  # client_secret in the body
    ASSERTION = auto()  # client_assertion in the body
    NONE = auto()  # only client_id; perhaps the certificate of the connection proves it


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """The credentials of a request. ``secret`` or ``assertion`` is there as ``carrier`` says.

    ``carried`` is everything that came beside the form: a certificate, an attestation.
    """

    carrier: Carrier
    client_id: str
    carried: Carried
    secret: str = ""
    assertion: Parsed | None = None


class Method(Protocol):
    """One way to prove a client."""

    @property
    def name(self) -> str:
        """Return the value of ``token_endpoint_auth_method``."""
        ...

    @property
    def carrier(self) -> Carrier: ...

    async def prove(self, presented: Presented, client: Client, now: int) -> tuple[Write, ...]:
        """Return the writes that use up what was presented, or raise InvalidClient.

        When the unit that they are in is Refused because of one of them, the credential was used
        before.
        """
        ...


def client_id_in_body(asked: Parameters, presented: str) -> str:
    """Return ``presented``, or raise InvalidClient when ``client_id`` names somebody else."""
    if asked.get("client_id", presented) != presented:
        raise InvalidClient("client_id is not the client that authenticates")
    return presented
