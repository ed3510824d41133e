"""What a person approved, as an access token of the scope ``credential`` says it."""

from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keystore.signing.digests import HashAlgorithm, list_hash

CREDENTIAL = "https://cloudsignatureconsortium.org/2025/credential"
TYPES = frozenset((CREDENTIAL, "credential"))
"""The type of the detail in v2.2, and in v2.0 and v2.1."""

CREATIONS = frozenset(
    ("https://cloudsignatureconsortium.org/2025/credential-creation", "credential_creation")
)
"""Types of the detail that approves a stored credential."""

DELETIONS = frozenset(
    ("https://cloudsignatureconsortium.org/2025/credential-deletion", "credential_deletion")
)
"""Types of the detail that approves the end of one."""

RAW = "dtbsr"

_ALGORITHMS = {algorithm.oid: algorithm for algorithm in HashAlgorithm}


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """``digests`` is ``list_hash`` of ``count`` digests. ``activation`` opens the key service.

    ``credential`` names a stored credential, and is empty for a one-time key and certificate.
    ``is_raw`` is whether it signs the digests as they are (hashType ``dtbsr``), ``commitment`` the
    object identifier of what every signature has to say, or empty.
    """

    credential: str
    qualifier: str
    count: int
    algorithm: HashAlgorithm
    digests: bytes
    activation: str
    is_raw: bool = False
    commitment: str = ""

    def covers(self, algorithm: HashAlgorithm, digests: Sequence[bytes]) -> bool:
        """Return whether exactly these digests were approved, in this order."""
        if algorithm is not self.algorithm or len(digests) != self.count:
            return False
        return list_hash(algorithm, digests) == self.digests


def approved(details: Sequence[Mapping[str, Any]]) -> Approved | None:
    """Return what the ``authorization_details`` of an access token approve, None for nothing."""
    found = [detail for detail in details if detail.get("type") in TYPES]
    if len(found) != 1:
        return None
    detail = found[0]
    algorithm = _ALGORITHMS.get(str(detail.get("hashAlgorithmOID")))
    count, activation = detail.get("numSignatures"), detail.get("activation")
    digests = _octets(detail.get("digests"))
    if (
        algorithm is None
        or type(count) is not int
        or not isinstance(activation, str)
        or not digests
    ):
        return None
    return Approved(
        credential=_text(detail, "credentialID"),
        qualifier=_text(detail, "signatureQualifier"),
        count=count,
        algorithm=algorithm,
        digests=digests,
        activation=activation,
        is_raw=detail.get("hashType") == RAW,
        commitment=_text(detail, "commitment"),
    )


@dataclass(frozen=True, slots=True)
class Change:
    """What a person approved about a stored credential; ``credential`` is empty for a new one."""

    credential: str
    activation: str


def change(details: Sequence[Mapping[str, Any]], types: Collection[str]) -> Change | None:
    """Return the change of one of ``types`` that is approved, None for nothing."""
    found = [detail for detail in details if detail.get("type") in types]
    if len(found) != 1 or not _text(found[0], "activation"):
        return None
    return Change(_text(found[0], "credentialID"), _text(found[0], "activation"))


def _text(detail: Mapping[str, Any], name: str) -> str:
    value = detail.get(name, "")
    return value if isinstance(value, str) else ""


def _octets(text: object) -> bytes:
    """Return the 32 octets of a hash in base64url, nothing for what is none."""
    if not isinstance(text, str):
        return b""
    try:
        octets = urlsafe_b64decode(text.rstrip("=") + "=")
    except ValueError:
        return b""
    return octets if len(octets) == 32 else b""
