"""Evidence of a signed request as one JSON document: who signed what, when, and how that is known.

What the key service knows of the approval is read from its own signed promise; nothing here adds to
it. Digests and other octets are base64url without padding, certificates base64 of DER (RFC 7515).
"""

from base64 import b64encode, urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from esignet.protocol.asking import encoded
from esignet.protocol.signature_request import SignatureRequest

VERSION = 1


@dataclass(frozen=True, slots=True)
class ApprovedDocument:
    """What a person approved: its name, the digest, and that of the document as it was given."""

    label: str
    digest: bytes
    file: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """What a promise of the key service says: of which entry of its log, and which approval."""

    about: str
    approval: Mapping[str, Any]

    @property
    def digests(self) -> str:
        """Return the hash of the list of approved digests, as ``list_hash`` makes it."""
        return str(self.approval.get("digests", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPart:
    """One signature: the document that holds it by its SHA-256, and the promise (a JWS)."""

    name: str
    file_name: str
    media_type: str
    digest: bytes
    certificate: bytes
    promise: bytes
    promised: Promised
    proof: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedSlot:
    """What one signer signed. ``label`` is what the client called them, ``at`` a NumericDate."""

    place: int
    label: str
    at: int
    approved: tuple[ApprovedDocument, ...]
    parts: tuple[SignedPart, ...]


def promised(promise: bytes) -> Promised:
    """Return what a promise says. That it is the key service's is for its reader to judge."""
    payload = promise.split(b".")[1]
    claims = msgspec.json.decode(urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    return Promised(about=claims["about"], approval=claims.get("approval", {}))


def proof_name(place: int, number: int) -> str:
    """Return the file that holds the proof about one signature."""
    return f"proof.{place}.{number}.json"


def evidence(
    request: SignatureRequest,
    slots: Sequence[SignedSlot],
    chains: Sequence[Sequence[bytes]],
    told: Mapping[str, object],
) -> dict[str, Any]:
    """Return the document; ``told`` are members about its making (who, when)."""
    return {
        "version": VERSION,
        **told,
        "request": {
            "id": request.id,
            "client_id": request.client_id,
            "format": request.format,
            "level": request.level,
            "envelope": request.envelope,
            "hashAlgorithmOID": request.algorithm.oid,
            "created_at": request.created_at,
        },
        "signatures": [_slot(slot) for slot in slots],
        "certificates": [[_der(one) for one in chain] for chain in chains],
        "audit_keys": "audit-keys.json",
    }


def _slot(slot: SignedSlot) -> dict[str, Any]:
    return {
        "place": slot.place,
        "signer": slot.label,
        "signed_at": slot.at,
        "approval": slot.parts[0].promised.approval,
        "approved": [
            {"label": one.label, "hash": encoded(one.digest), "document_hash": encoded(one.file)}
            for one in slot.approved
        ],
        "documents": [_part(one, slot.place, number) for number, one in enumerate(slot.parts)],
    }


def _part(part: SignedPart, place: int, number: int) -> dict[str, Any]:
    return {
        "name": part.name,
        "file_name": part.file_name,
        "media_type": part.media_type,
        "sha256": encoded(part.digest),
        "certificate": _der(part.certificate),
        "promise": part.promise.decode(),
        "proof": proof_name(place, number) if part.proof else None,
    }


def _der(octets: bytes) -> str:
    return b64encode(octets).decode()
