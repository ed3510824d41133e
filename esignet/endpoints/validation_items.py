"""Documents outside a detached signature, as callers of the validation name them."""

import binascii

from config.runtime.malformed import Malformed
from esignet.formats.format import Item
from keystore.signing.digests import HashAlgorithm

LONGEST_NAME = 200
"""Characters of a file's name."""

LENGTHS = frozenset(algorithm.length for algorithm in HashAlgorithm)
"""Octets of digests that are known."""

PAIR = 2
"""Digits of an octet."""


def item_of_content(name: str, content: bytes) -> Item:
    """Return the document itself."""
    digest = HashAlgorithm.SHA256.of(content)
    return Item(name=name[:LONGEST_NAME], digest=digest, content=content)


def item_of_digests(typed: str, name: str) -> Item:
    """Return the document that stays where it is, by its digest in hexadecimal; or Malformed.

    There may be one under each algorithm, with spaces in between: whoever asks need not know which
    one the signature uses. Digits in pairs are one digest, as some programs write it.
    """
    words = typed.split()
    if all(len(word) == PAIR for word in words):
        words = ["".join(words)]
    try:
        digests = {len(octets): octets for octets in map(binascii.unhexlify, words)}
    except (ValueError, binascii.Error):
        raise Malformed("digest is hexadecimal") from None
    if not set(digests) <= LENGTHS or len(digests) != len(words):
        raise Malformed("digest is of SHA-256, SHA-384 or SHA-512, one of each at most")
    first, *others = digests.values()
    return Item(name=name[:LONGEST_NAME], digest=first, other_digests=tuple(others))
