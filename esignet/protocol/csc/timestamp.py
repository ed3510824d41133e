"""signatures/timestamp (v2 §11.13, v1 §11.10): the digest that shall be stamped, and the nonce."""

import re
from dataclasses import dataclass

from esignet.protocol.csc.algorithms import digest, hash_algorithm
from esignet.protocol.csc.faults import EMPTY_HASH, HASH_NOT_BASE64, CscError, invalid
from esignet.protocol.csc.fields import Fields
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Imprint
from keystore.timestamping.asking import request_of

_HEX = re.compile(r"(0[xX])?[0-9A-Fa-f]{1,64}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What shall be stamped. ``nonce`` comes back in the token, where one is given."""

    algorithm: HashAlgorithm
    digest: bytes
    nonce: int | None

    def request(self) -> bytes:
        """Return the TimeStampReq in DER that asks for certificates too (RFC 3161 §2.4.1)."""
        return request_of(Imprint(self.algorithm, self.digest), self.nonce)


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
