"""The report of a validation in JSON, in the shape that integrators of SiVa know, and in words.

Names of members are those of SiVa's simple report; what is added stands beside them. Times are ISO
8601 in UTC.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from esignet.protocol.indications import Indication
from esignet.validation.engine import Judged
from keystore.checking.certificates import Holder, holder_of
from keystore.checking.signature import BadSignature


def report(name: str, form: str, judged: Sequence[Judged], now: int) -> dict[str, Any]:
    """Return the report about the file ``name`` of the format ``form``."""
    signatures = [_signature(f"S{place}", form, one) for place, one in enumerate(judged, 1)]
    valid = sum(one["indication"] == Indication.TOTAL_PASSED for one in signatures)
    return {
        "validationConclusion": {
            "validationTime": shown(now),
            "signatureForm": form,
            "validatedDocument": {"filename": name},
            "validSignaturesCount": valid,
            "signaturesCount": len(signatures),
            "signatures": signatures,
        }
    }


def shown(moment: int) -> str:
    """Return a NumericDate as ISO 8601 in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def signer_of(judged: Judged) -> Holder | None:
    """Return who signed, None where the certificate cannot be read."""
    try:
        return holder_of(judged.found.certificate)
    except BadSignature:
        return None


def _signature(number: str, form: str, judged: Judged) -> dict[str, Any]:
    found, conclusion = judged.found, judged.conclusion
    level = judged.level or found.level
    members: dict[str, Any] = {
        "id": number,
        "signatureFormat": f"{form.upper()}_{level.replace('B-', 'BASELINE_')}",
        "signatureLevel": level,
        "signatureMethod": found.alg,
        "indication": conclusion.indication,
        "subIndication": conclusion.sub_indication,
        "errors": [{"content": reason} for _, reason in found.problems],
        "warnings": [{"content": f"A time-stamp does not count: {one.trouble}"}
                     for one in judged.stamps if one.trouble],
        "info": {
            "bestSignatureTime": shown(judged.best_time) if judged.is_proved else "",
            "timestamps": [
                {
                    "time": shown(one.at),
                    "kind": "archive" if one.is_archive else "signature",
                    "algorithm": one.alg,
                }
                for one in judged.stamps
                if not one.trouble
            ],
        },
        "signatureScopes": [{"name": one, "scope": "FullSignatureScope"} for one in found.covers],
        "missing": [str(one) for one in judged.missing],
    }  # fmt: skip
    if conclusion.reason and not found.problems:
        members["errors"] = [{"content": conclusion.reason}]
    if found.claimed_at is not None:
        members["claimedSigningTime"] = shown(found.claimed_at)
    return members | _named(signer_of(judged))


def _named(holder: Holder | None) -> dict[str, Any]:
    if holder is None:
        return {"signedBy": ""}
    return {
        "signedBy": holder.name or holder.pseudonym or holder.organization,
        "isPseudonym": bool(holder.pseudonym),
        "organization": holder.organization,
        "country": holder.country,
        "issuer": holder.issuer,
        "certificateSerial": holder.serial,
    }
