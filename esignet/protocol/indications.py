"""What a validation may come to: indications and sub-indications of ETSI EN 319 102-1 §5.1.3."""

from dataclasses import dataclass
from enum import StrEnum


class Indication(StrEnum):
    """The main indication."""

    TOTAL_PASSED = "TOTAL-PASSED"
    TOTAL_FAILED = "TOTAL-FAILED"
    INDETERMINATE = "INDETERMINATE"


FAILING = frozenset(
    [
        *("FORMAT_FAILURE", "HASH_FAILURE", "SIG_CRYPTO_FAILURE", "REVOKED"),
        *("EXPIRED", "NOT_YET_VALID"),
    ]
)
"""Sub-indications with which a signature failed for good (Table 5)."""

UNDECIDED = frozenset(
    [
        *("SIG_CONSTRAINTS_FAILURE", "CHAIN_CONSTRAINTS_FAILURE", "CRYPTO_CONSTRAINTS_FAILURE"),
        *("CERTIFICATE_CHAIN_GENERAL_FAILURE", "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"),
        *("POLICY_PROCESSING_ERROR", "SIGNATURE_POLICY_NOT_AVAILABLE", "TIMESTAMP_ORDER_FAILURE"),
        *("NO_SIGNING_CERTIFICATE_FOUND", "NO_CERTIFICATE_CHAIN_FOUND"),
        *("NO_CERTIFICATE_CHAIN_FOUND_NO_POE", "REVOKED_NO_POE", "REVOKED_CA_NO_POE"),
        *("OUT_OF_BOUNDS_NOT_REVOKED", "OUT_OF_BOUNDS_NO_POE", "REVOCATION_OUT_OF_BOUNDS_NO_POE"),
        *("NO_POE", "TRY_LATER", "SIGNED_DATA_NOT_FOUND"),
    ]
)
"""Sub-indications with which nothing could be decided (Table 6)."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The indication, with its sub-indication (empty when passed) and a sentence for people."""

    indication: Indication
    sub_indication: str = ""
    reason: str = ""


PASSED = Conclusion(Indication.TOTAL_PASSED)


def concluded(code: str, reason: str) -> Conclusion:
    """Return the conclusion that a sub-indication leads to; ValueError for a word that is none."""
    if code in FAILING:
        return Conclusion(Indication.TOTAL_FAILED, code, reason)
    if code in UNDECIDED:
        return Conclusion(Indication.INDETERMINATE, code, reason)
    raise ValueError(f"no sub-indication: {code}")
