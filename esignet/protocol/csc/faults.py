"""Refusals of the Cloud Signature Consortium API, word for word as its tables have them (§10, §11).

The sentences are the specification's own and part of the protocol: clients compare them.
"""

from dataclasses import dataclass

INVALID_REQUEST = "invalid_request"


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of a table: ``error_description``, ``error`` and status."""

    description: str
    error: str = INVALID_REQUEST
    status: int = 400


class CscError(Exception):
    """What was asked is refused with ``fault``, which holds no secret that was sent."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.description)
        self.fault = fault


MALFORMED = Fault(
    "The request is missing a required parameter, includes an invalid parameter value, includes a "
    "parameter more than once, or is otherwise malformed."
)
MALFORMED_AUTHORIZATION = Fault("Malformed authorization header")
INVALID_TOKEN = Fault(
    "The token provided is not a valid OAuth access or refresh token.", "invalid_token", 401
)
EXPIRED_TOKEN = Fault(
    "The access or refresh token is expired or has been revoked.", "expired_token", 401
)
ACCESS_DENIED = Fault(
    "The user, authorization server or remote service denied the request.", "access_denied", 403
)
INSUFFICIENT_SCOPE = Fault(
    "The requested scope is invalid, unknown, or malformed.", "invalid_scope", 403
)
NOT_IMPLEMENTED = Fault("The method is not implemented", "not_implemented", 501)
UNAVAILABLE = Fault(
    "The server is currently unable to handle the request due to a temporary overloading or "
    "maintenance of the server.",
    "temporarily_unavailable",
    503,
)
USER_ID_GIVEN = Fault("userID parameter MUST be null")
USER_ID_GIVEN_POLLING = Fault("userID parameter SHALL be null")
DISABLED = Fault("The credential identified by credentialID is disabled")
NOT_ONE = Fault("Invalid value for parameter numSignatures")
TOO_MANY = Fault("Numbers of signatures is too high")
INVALID_AUTHENTICATION = Fault("The authentication data is invalid", "invalid_authentication_data")
EMPTY_HASHES = Fault("Empty hash array")
EMPTY_HASH = Fault("Empty hash parameter")
HASH_NOT_BASE64 = Fault("Invalid Base64 hash string parameter")
HASHES_NOT_BASE64 = Fault("Invalid Base64 hashes string parameter")
DOCUMENTS_NOT_BASE64 = Fault("Invalid Base64 documents string parameter")
HASH_LENGTH = Fault("Invalid digest value length")
HASH_NOT_AUTHORIZED = Fault("Hash is not authorized by the SAD")
DOCUMENT_NOT_AUTHORIZED = Fault(
    "Document or documentDigest does not match authorized hash", "invalid_hash", 403
)
SAD_EXPIRED = Fault("SAD expired")
CERTIFICATE_EXPIRED = Fault("Signing certificate is expired")
PERIOD_OUT_OF_BOUNDS = Fault("Out of bounds parameter validity_period")
CONTRADICTION = Fault("String parameter hashAlgorithmOID contradicts with signAlgo parameter")
NO_DOCUMENTS = Fault("Empty documentDigests and documents objects")
BOTH_DOCUMENTS = Fault("Both documentDigests and documents parameters passed")
INVALID_DIGESTS = Fault("Invalid object parameter documentDigests")
INVALID_DOCUMENTS = Fault("Invalid array parameter documents")
INVALID_PROPERTIES = "Invalid parameter signed_props"
UNDERWAY = Fault(
    "The previous async request has been accepted but not yet completed", "accepted_request", 202
)


def missing(kind: str, name: str) -> CscError:
    """Return the refusal of a parameter that is not there, or is no ``kind`` (string, array)."""
    return CscError(Fault(f"Missing (or invalid type) {kind} parameter {name}"))


def unfit(reason: str) -> CscError:
    """Return the refusal of a document that cannot be signed as asked, and why."""
    return CscError(Fault(f"{INVALID_DOCUMENTS.description} ({reason})"))


def invalid(name: str) -> CscError:
    """Return the refusal of a parameter whose value is not one that it may have."""
    return CscError(Fault(f"Invalid parameter {name}"))
