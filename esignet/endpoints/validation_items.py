"""Documents outside a detached signature, as callers of the validation name them."""

import binascii

from config.runtime.malformed import Malformed
from esignet.formats.format import Item
from keystore.signing.digests import HashAlgorithm

LONGEST_NAME = 200
"""Characters of a file's name."""


def item_of_content(name: str, content: bytes) -> Item:
    """Return the document itself."""
    digest = HashAlgorithm.SHA256.of(content)
    return Item(name=name[:LONGEST_NAME], digest=digest, content=content)


def item_of_digest(digest: str, name: str) -> Item:
    """Return the document that stays where it is, by its digest in hexadecimal; or Malformed."""
    try:
        octets = binascii.unhexlify(digest)
    except (ValueError, binascii.Error):
        raise Malformed("digest is hexadecimal") from None
    if len(octets) not in (32, 48, 64):
        raise Malformed("digest is of SHA-256, SHA-384 or SHA-512")
    return Item(name=name[:LONGEST_NAME], digest=octets)
