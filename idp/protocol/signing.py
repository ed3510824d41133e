"""Approving signatures: what a person is asked, what their approval is, what tokens say of it.

Cloud Signature Consortium API v2.2 §8 with RFC 9396: a detail of the type CREDENTIAL names
documents by their digests. It is agreed to each time, is good once, and never becomes a part of a
grant.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
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

CREATION = "https://cloudsignatureconsortium.org/2025/credential-creation"
"""The type of the details that ask for a stored credential."""

DELETION = "https://cloudsignatureconsortium.org/2025/credential-deletion"
"""The type of the details that ask to destroy one."""

CREATION_V2, DELETION_V2 = "credential_creation", "credential_deletion"
"""What clients of v2.1 call the same."""

CREATIONS = frozenset((CREATION, CREATION_V2))
CHANGES = CREATIONS | {DELETION, DELETION_V2}
APPROVED_ONCE = TYPES | CHANGES
"""Types whose details are agreed to each time, are good once, and never part of a grant."""

SERVICE = "service"
"""The scope with which a client asks the signing service about a person's stored credentials,
between their approvals (Cloud Signature Consortium API v2.2 §8.4)."""

HISTORY = "signing_history"
"""The scope with which a client reads, at the signing service, what a person signed."""

RAW = "dtbsr"
"""The hashType of the digest of what is signed itself, made by an application."""

LONGEST_PUSHED = 131_072
"""Characters of a detail of this type that is pushed: 500 documents, with names of usual length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningApproval:
    """What a person approved: ``count`` digests, which ``digests`` is the hash of (``list_hash``).

    ``transaction`` is the login's, ``page`` the SHA-256 hash of the page that was agreed to, and
    ``algorithm`` the name of the digests' hash. ``credential`` names a stored credential, else it
    is empty; ``named`` is whether the certificate carries the name. ``raw`` is whether a stored
    credential signs the digests as they are, ``commitment`` the object identifier of what the
    signature says that the person did, or empty.
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
    raw: bool = False
    commitment: str = ""

    def told(self, activation: str) -> dict[str, Any]:
        """Return the detail that the access token carries: no names, no digest by itself."""
        said = {
            "credentialID": self.credential,
            "signatureQualifier": self.qualifier,
            "hashType": RAW if self.raw else "",
            "commitment": self.commitment,
        }
        return {
            "type": self.type,
            **{name: value for name, value in said.items() if value},
            "numSignatures": self.count,
            "hashAlgorithmOID": self.oid,
            "digests": urlsafe_b64encode(self.digests).rstrip(b"=").decode(),
            "activation": activation,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialChange:
    """What a person approved about a stored credential: a new one, or the end of ``credential``.

    ``page`` is the SHA-256 hash of the detail that was agreed to; the rest as in SigningApproval.
    """

    type: str
    transaction: str
    page: bytes
    credential: str = ""
    named: bool = False

    def told(self, activation: str) -> dict[str, Any]:
        """Return the detail that the access token carries."""
        named = {"credentialID": self.credential} if self.credential else {}
        return {"type": self.type, **named, "activation": activation}


def asked_change(details: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the detail that asks for a change of stored credentials, if there is one."""
    return next((detail for detail in details if detail["type"] in CHANGES), None)


def is_raw(detail: Mapping[str, Any]) -> bool:
    """Return whether a stored credential shall sign hashes as they are: all of them, or none.

    Raises InvalidAuthorizationDetails for some of each: nobody could tell what was approved.
    """
    if "credentialID" not in detail:
        return False  # the kind is the default then, and a builder writes around the digest
    kinds = {document.get("hashType", RAW) for document in detail["documentDigests"]}
    if RAW in kinds and len(kinds) > 1:
        raise InvalidAuthorizationDetails("hashType dtbsr stands for all digests, or for none")
    return kinds == {RAW}


def asked_signature(details: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the detail that asks for signatures, if there is one; there are never two."""
    return next((detail for detail in details if detail["type"] in TYPES), None)


def check_asked(details: Sequence[dict[str, Any]], features: Features, *, coded: bool) -> None:
    """Raise InvalidAuthorizationDetails unless signatures are asked for as they can be given.

    ``coded`` is whether nothing but a code, or a request that is collected, carries them.
    """
    asked = [detail for detail in details if detail["type"] in APPROVED_ONCE]
    if len(asked) > 1:
        raise InvalidAuthorizationDetails("one approval is for one list of documents")
    for detail in asked:
        if not coded:
            raise InvalidAuthorizationDetails("signatures are approved for a code alone")
        if set(detail.get("locations", ())) - {features.signing_service}:
            raise InvalidAuthorizationDetails("locations names another service than signs here")
        if detail["type"] in TYPES:
            _check_kind(detail, features)


def _check_kind(detail: Mapping[str, Any], features: Features) -> None:
    """Raise InvalidAuthorizationDetails for a kind of signature that is not offered."""
    qualifier = detail.get("signatureQualifier")
    if qualifier is not None and qualifier not in features.signing_qualifiers:
        offered = ", ".join(features.signing_qualifiers) or "none"
        raise InvalidAuthorizationDetails(f"signatureQualifier is not offered; there is {offered}")
    if "credentialID" in detail and not features.signing_stored_keys:
        raise InvalidAuthorizationDetails("no credentials are stored here")
    if is_raw(detail) and not features.signing_hashes:
        raise InvalidAuthorizationDetails("no hashes are signed as they are (hashType dtbsr) here")


def scope_words(features: Features) -> frozenset[str]:
    """Return the scope values about signatures that a person may grant."""
    if not features.signing_service:
        return frozenset()
    return frozenset({HISTORY, SERVICE} if features.signing_stored_keys else {HISTORY})


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
