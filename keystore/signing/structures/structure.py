"""What a builder is given, and what it returns."""

from collections.abc import Sequence
from dataclasses import dataclass

from keystore.signing.digests import HashAlgorithm


class BadPlan(Exception):
    """A plan names a digest that is not in the list, or a text that its format cannot carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What every builder writes from: the approved ``digests``, who signs, and when.

    ``certificate`` is the signer's in DER, ``chain`` what leads from it towards the root (without
    the root), ``alg`` the JWS name of the signature algorithm.
    """

    hash_algorithm: HashAlgorithm
    digests: Sequence[bytes]
    certificate: bytes
    chain: Sequence[bytes]
    alg: str
    now: int

    def digest(self, place: int) -> bytes:
        """Return the approved digest at ``place``, or raise BadPlan."""
        if not 0 <= place < len(self.digests):
            raise BadPlan("a plan names a digest that was not approved")
        return self.digests[place]


@dataclass(frozen=True, slots=True)
class Built:
    """``parts`` are what the finished signature holds; ``signed`` are the octets to be signed."""

    parts: tuple[bytes, ...]
    signed: bytes
