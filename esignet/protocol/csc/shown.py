"""What is told of a credential (v2 §11.4 CredentialInfo, v1 §11.5)."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from esignet.protocol.csc.algorithms import BITS, ECDSA_SHA256, P256
from esignet.protocol.csc.credentials import Detail
from esignet.protocol.csc.service import LANGUAGE
from esignet.protocol.csc.version import V1, Version
from keystore.signing.digests import MOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A stored credential. ``chain`` begins with its certificate; times are NumericDates.

    ``issuer`` and ``subject`` are distinguished names (RFC 4514), ``serial`` is hexadecimal.
    """

    id: str
    chain: tuple[bytes, ...]
    issuer: str
    subject: str
    serial: str
    valid_from: int
    valid_to: int
    is_enabled: bool = True
    is_revoked: bool = False

    def is_usable(self, now: int) -> bool:
        """Return whether it can sign at ``now``."""
        return self.is_enabled and self.status(now) == "valid"

    def status(self, now: int) -> str:
        """Return the certificate's state, as the API calls it."""
        if self.is_revoked:
            return "revoked"
        return "valid" if self.valid_from <= now <= self.valid_to else "expired"


def told_of(one: Credential, detail: Detail, version: Version, now: int) -> dict[str, Any]:
    """Return what is told of ``one``. People approve in OAuth, each list of digests by itself."""
    told: dict[str, Any] = {
        "key": {
            "status": "enabled" if one.is_enabled else "disabled",
            "algo": [ECDSA_SHA256],
            "len": BITS,
            "curve": P256,
        },
        "cert": {"status": one.status(now)},
        "SCAL": "2",
        "multisign": MOST,
        "lang": LANGUAGE,
    }
    if detail.certificates != "none":
        shown = one.chain[:1] if detail.certificates == "single" else one.chain
        told["cert"]["certificates"] = [b64encode(der).decode() for der in shown]
    if detail.certificate:
        told["cert"] |= {
            "issuerDN": one.issuer,
            "serialNumber": one.serial.upper(),
            "subjectDN": one.subject,
            "validFrom": _generalized(one.valid_from),
            "validTo": _generalized(one.valid_to),
        }
    if version is V1:
        return {**told, "authMode": "oauth2code"}
    return {**told, "auth": {"mode": "oauth2code"}}


def _generalized(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%d%H%M%SZ")
