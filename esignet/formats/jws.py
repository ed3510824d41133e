"""A detached JWS (RFC 7515, RFC 7797): the smallest signature of one document, at B-B only."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from esignet.formats.format import Evidence, Format, FormatError, Found, Item, Level, Prepared, Wish
from esignet.formats.jades import check_part
from esignet.formats.jose_reading import read
from keystore.jose import base64url
from keystore.signing.door import Signed
from keystore.signing.plans import JwsPlan

LARGEST = 2 * 1024 * 1024
"""Octets of a document that goes into what is signed, and so to the key service."""

_ONLY = "a JWS has no place for time-stamps; JAdES has"


@dataclass(frozen=True, slots=True)
class DetachedJws:
    """A JWS whose payload is the document as it is, outside it."""

    name: str = "jws"

    def prepare(self, items: Sequence[Item], wish: Wish) -> Prepared:
        """Return what will be signed. The content has to be there: it goes into what is signed."""
        if len(items) != 1 or wish.envelope != "detached" or wish.commitment:
            raise FormatError("a detached JWS covers one document, and says nothing else about it")
        content = items[0].content
        if content is None:
            raise FormatError("a JWS needs the document itself; JAdES needs its digest alone")
        if len(content) > LARGEST:
            raise FormatError("the document is too large for a JWS; JAdES needs its digest alone")
        if not hmac.compare_digest(wish.hash_algorithm.of(content), items[0].digest):
            raise FormatError("the digest is not that of the document")
        media_type = items[0].media_type
        return Prepared(
            digests=(items[0].digest,),
            plan=JwsPlan(0, content, "" if media_type == _UNKNOWN else media_type),
            items=tuple(items),
            wish=wish,
        )

    def embed(self, prepared: Prepared, signed: Signed) -> bytes:
        """Return the detached compact serialisation (RFC 7515 Appendix F)."""
        return signed.parts[0] + b".." + base64url.encode(signed.value)

    def to_stamp(self, signature: bytes) -> bytes:
        """Raise FormatError: a JWS stays at B-B."""
        raise FormatError(_ONLY)

    def to_archive(self, signature: bytes, items: Sequence[Item]) -> bytes:
        """Raise FormatError: a JWS stays at B-B."""
        raise FormatError(_ONLY)

    def augment(self, signature: bytes, level: Level, evidence: Evidence) -> bytes:
        """Raise FormatError: a JWS stays at B-B."""
        raise FormatError(_ONLY)

    def check(self, signature: bytes, items: Sequence[Item]) -> tuple[Found, ...]:
        """Return every signature; ``items`` is the document, unless the JWS holds its payload."""
        jws = read(signature)
        return tuple(check_part(one, jws.payload, items, baseline=False) for one in jws.parts)


_UNKNOWN = "application/octet-stream"

FORMAT: Format = DetachedJws()
