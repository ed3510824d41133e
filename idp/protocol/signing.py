"""Approving signatures: what a person is asked, what their approval is, what tokens say of it.

Cloud Signature Consortium API v2.2 §8 with RFC 9396: a detail of the type CREDENTIAL names
documents by their digests. It is agreed to each time, is good once, and never becomes a part of a
grant.
"""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from config.settings import Features
from idp.protocol.errors import InvalidAuthorizationDetails

CREDENTIAL = "https://cloudsignatureconsortium.org/2025/credential"
"""The type of the details that ask for signatures."""

CREDENTIAL_V2 = "credential"
"""What v2.0 and v2.1 call the same."""

TYPES = frozenset((CREDENTIAL, CREDENTIAL_V2))

LONGEST_PUSHED = 131_072
"""Characters of a detail of this type that is pushed: 500 documents, with names of usual length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningApproval:
    """What a person approved: ``count`` digests, which ``digests`` is the hash of (``list_hash``).

    ``transaction`` is the login's, ``page`` the SHA-256 hash of the page that was agreed to, and
    ``algorithm`` the name of the digests' hash. ``credential`` names a stored credential, else it
    is empty; ``named`` is whether the certificate carries the name.
    """

    type: str
    transaction: str
    page: bytes
    algorithm: str
    oid: str
    count: int
    digests: bytes
    credential: str = ""
    qualifier: str = ""
    named: bool = False

    def told(self, activation: str) -> dict[str, Any]:
        """Return the detail that the access token carries: no names, no digest by itself."""
        said = {"credentialID": self.credential, "signatureQualifier": self.qualifier}
        return {
            "type": self.type,
            **{name: value for name, value in said.items() if value},
            "numSignatures": self.count,
            "hashAlgorithmOID": self.oid,
            "digests": urlsafe_b64encode(self.digests).rstrip(b"=").decode(),
            "activation": activation,
        }


def asked_signature(details: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the detail that asks for signatures, if there is one; there are never two."""
    return next((detail for detail in details if detail["type"] in TYPES), None)


def check_asked(details: Sequence[dict[str, Any]], features: Features, *, coded: bool) -> None:
    """Raise InvalidAuthorizationDetails unless signatures are asked for as they can be given.

    ``coded`` is whether nothing but a code, or a request that is collected, carries them.
    """
    asked = [detail for detail in details if detail["type"] in TYPES]
    if len(asked) > 1:
        raise InvalidAuthorizationDetails("one approval is for one list of documents")
    for detail in asked:
        if not coded:
            raise InvalidAuthorizationDetails("signatures are approved for a code alone")
        if set(detail.get("locations", ())) - {features.signing_service}:
            raise InvalidAuthorizationDetails("locations names another service than signs here")


def check_length(text: str, details: Sequence[dict[str, Any]], usual: int) -> None:
    """Raise InvalidAuthorizationDetails for a long text that is not one list of documents alone."""
    alone = len(details) == 1 and details[0]["type"] in TYPES
    if len(text) > usual and not alone:
        raise InvalidAuthorizationDetails(f"authorization_details has {usual} characters at most")


def oldest(
    details: Sequence[dict[str, Any]], max_age: int | None, features: Features
) -> int | None:
    """Return how long ago, in seconds, a person may have proven who they are; None is any time."""
    if asked_signature(details) is None:
        return max_age
    return min(features.signing_max_age, features.signing_max_age if max_age is None else max_age)


def sector(signing_service: str, client_sector: str) -> str:
    """Return the sector in which the signing service knows people who sign for a client's sector.

    Clients can read the activation that they carry: with one name for all of them, two clients
    could find out that their persons are one.
    """
    return f"signing:{urlsplit(signing_service).hostname}:{client_sector}"
