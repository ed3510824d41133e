"""What a request brings beside its form: headers and the certificate of its connection."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """``method`` and ``address`` are what a DPoP proof has to name (RFC 9449 §4.3).

    ``address`` is that of the endpoint as the metadata tell it, never what a Host header says.
    ``authorization`` and ``proof`` are the Authorization and DPoP headers: each stands once or
    the request is malformed. ``certificate`` is the client's (DER), of the TLS connection;
    ``certificate_issuers`` are others that came with it.
    ``attestation`` and ``attestation_proof`` are the headers of attestation-based client
    authentication.
    """

    method: str
    address: str
    authorization: str | None = None
    proof: str | None = None
    certificate: bytes | None = None
    certificate_issuers: tuple[bytes, ...] = ()
    attestation: str | None = None
    attestation_proof: str | None = None
