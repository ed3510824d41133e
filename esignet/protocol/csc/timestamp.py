"""signatures/timestamp (v2 §11.13, v1 §11.10): the digest that shall be stamped, and the nonce."""

import re
from dataclasses import dataclass

from esignet.protocol.csc.algorithms import digest, hash_algorithm
from esignet.protocol.csc.faults import EMPTY_HASH, HASH_NOT_BASE64, CscError, invalid
from esignet.protocol.csc.fields import Fields
from keystore.der import writer
from keystore.der.reader import Fields as DerFields
from keystore.der.reader import integer, read
from keystore.signing.digests import HashAlgorithm

_HEX = re.compile(r"(0[xX])?[0-9A-Fa-f]{1,64}\Z", re.ASCII)
_GRANTED = (0, 1)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What shall be stamped. ``nonce`` comes back in the token, where one is given."""

    algorithm: HashAlgorithm
    digest: bytes
    nonce: int | None

    def request(self) -> bytes:
        """Return the TimeStampReq in DER that asks for certificates too (RFC 3161 §2.4.1)."""
        return writer.sequence(
            writer.integer(1),
            writer.sequence(
                writer.algorithm(self.algorithm.oid, writer.NULL), writer.octets(self.digest)
            ),
            b"" if self.nonce is None else writer.integer(self.nonce),
            writer.TRUE,
        )


def stamp(fields: Fields) -> Stamp:
    """Return what is asked, or raise CscError. The nonce is hexadecimal."""
    if fields.members.get("hash") == "":
        raise CscError(EMPTY_HASH)
    text = fields.text("hash")
    algorithm = hash_algorithm(fields, "hashAlgo")
    nonce = fields.maybe_text("nonce")
    if nonce is not None and not _HEX.match(nonce):
        raise invalid("nonce")
    return Stamp(
        algorithm,
        digest(text, algorithm, HASH_NOT_BASE64),
        None if nonce is None else int(nonce, 16),
    )


def token_of(response: bytes) -> bytes | None:
    """Return the TimeStampToken of a TimeStampResp (RFC 3161 §2.4.2), None if it was refused."""
    fields = DerFields(read(response))
    status = DerFields(fields.take(0x30))
    if integer(status.take(0x02)) not in _GRANTED:
        return None
    return fields.take(0x30).octets
