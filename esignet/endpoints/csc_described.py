"""What OpenAPI says of the methods of the CSC API: a sentence, and the members of their bodies."""

from typing import Any

_TEXT: dict[str, Any] = {"type": "string"}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
_NUMBER: dict[str, Any] = {"type": "integer"}
_FLAG: dict[str, Any] = {"type": "boolean"}
_OBJECTS: dict[str, Any] = {"type": "array", "items": {"type": "object"}}
_KINDS = {
    **dict.fromkeys(("hash", "hashes"), _TEXTS),
    **dict.fromkeys(("numSignatures", "validity_period"), _NUMBER),
    **dict.fromkeys(
        ("credentialInfo", "certInfo", "authInfo", "onlyValid", "returnValidationInfo"), _FLAG
    ),
    **dict.fromkeys(("documents", "documentDigests", "authData"), _OBJECTS),
}
_DETAIL = ("certificates", "certInfo", "authInfo", "lang", "clientData")
_LATER = ("operationMode", "validity_period", "clientData")
_SUMMARIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "info": ("What the service is and which methods it has", ("lang",)),
    "credentials/list": (
        "The stored credentials of the person of the token",
        ("credentialInfo", "onlyValid", *_DETAIL),
    ),
    "credentials/info": ("One stored credential", ("credentialID", *_DETAIL)),
    "credentials/create": ("A stored credential, as the person approved", _DETAIL),
    "credentials/delete": (
        "The end of a stored credential, as the person approved",
        ("credentialID", "clientData"),
    ),
    "credentials/authorize": (
        "A SAD for what the token approves",
        ("credentialID", "numSignatures", "hashes", "hashAlgorithmOID", "authData", "clientData"),
    ),
    "credentials/extendTransaction": (
        "The SAD again, for the same digests",
        ("credentialID", "hashes", "hashAlgorithmOID", "SAD", "clientData"),
    ),
    "credentials/authorizeCheck": ("No authorization is ever underway here", ("handle",)),
    "credentials/getChallenge": (
        "No credential has authentication objects",
        ("credentialID", "authObjectID"),
    ),
    "signatures/signHash": (
        "Signatures of approved hashes with a stored credential",
        ("credentialID", "SAD", "hashes", "hashAlgorithmOID", "signAlgo", *_LATER),
    ),
    "signatures/signDoc": (
        "Advanced electronic signatures of approved documents",
        (
            *("credentialID", "signatureQualifier", "SAD", "documents", "documentDigests"),
            *("returnValidationInfo", *_LATER),
        ),
    ),
    "signatures/signPolling": ("The answer of what was begun", ("requestID", "clientData")),
    "signatures/timestamp": (
        "A time-stamp token (RFC 3161)",
        ("hash", "hashAlgo", "nonce", "clientData"),
    ),
}


def described(method: str) -> dict[str, Any]:
    """Return the operation object (OpenAPI 3.1.1 §4.8.10) of a method, {} for one not served."""
    if method not in _SUMMARIES:
        return {}
    summary, members = _SUMMARIES[method]
    properties = {name: _KINDS.get(name, _TEXT) for name in members}
    if method == "signatures/timestamp":
        properties["hash"] = _TEXT
    schema = {"type": "object", "properties": properties}
    return {
        "summary": summary,
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {
            "200": {"description": "The answer"},
            "default": {"description": "A refusal: error and error_description"},
        },
    }
