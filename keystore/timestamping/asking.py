"""What is sent to a time-stamp authority, and the token in what comes back (RFC 3161 §2.4)."""

from keystore.der.reader import Fields, Value, integer, read
from keystore.der.writer import NULL, TRUE, algorithm, octets, sequence
from keystore.der.writer import integer as write_integer
from keystore.der.writer import oid as write_oid
from keystore.signing.door import Imprint
from keystore.timestamping.messages import Failure

_GRANTED = (0, 1)


class Refused(Exception):
    """The response brings no token; the text names the status, and PKIFailureInfo where it has."""


def request_of(imprint: Imprint, nonce: int | None = None, policy: str = "") -> bytes:
    """Return the TimeStampReq in DER that asks for certificates too."""
    return sequence(
        write_integer(1),
        sequence(algorithm(imprint.hash_algorithm.oid, NULL), octets(imprint.digest)),
        write_oid(policy) if policy else b"",
        b"" if nonce is None else write_integer(nonce),
        TRUE,
    )


def token_of(response: bytes) -> bytes:
    """Return the TimeStampToken of a TimeStampResp in DER. Raises Refused, NotDer."""
    fields = Fields(read(response))
    status = Fields(fields.take(0x30))
    number = integer(status.take(0x02))
    if number not in _GRANTED:
        status.maybe(0x30)  # in any language
        raise Refused(f"status {number}{_named(status.maybe(0x03))}")
    token = fields.take(0x30).octets
    fields.end()
    return token


def _named(failure: Value | None) -> str:
    bits = (failure.content[1:] if failure else b"").ljust(4, b"\x00")
    names = [one.name.lower() for one in Failure if bits[one // 8] & 0x80 >> one % 8]
    return f" ({', '.join(names)})" if names else ""
