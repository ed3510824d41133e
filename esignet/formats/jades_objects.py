"""What a JAdES signature signs: the objects that ``sigD`` names, or its payload (§5.2.8)."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from esignet.formats.format import FormatError, Item
from esignet.formats.jose_reading import decoded
from esignet.formats.judging import Refused
from esignet.formats.xml_reading import file_name
from keystore.jose import base64url
from keystore.signing.digests import HashAlgorithm
from keystore.signing.structures.jades import BY_HASH, HASH_NAMES

BY_URI = "http://uri.etsi.org/19182/ObjectIdByURI"
_HASHES = {name: algorithm for algorithm, name in HASH_NAMES.items()}
_MEMBERS = {
    BY_HASH: frozenset({"mId", "pars", "hashM", "hashV", "ctys"}),
    BY_URI: frozenset({"mId", "pars", "ctys"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """``payload`` is as it goes into the signing input; ``objects`` is what an archive covers.

    ``objects`` is None where a document is known by its digest alone.
    """

    payload: bytes
    objects: bytes | None
    names: tuple[str, ...]


def signed_by(header: Mapping[str, Any], payload: str | None, items: Sequence[Item]) -> Signed:
    """Return what the signature covers; Refused, FormatError: it is not that, or not at hand."""
    plain = header.get("b64", True) is False
    if "sigD" not in header:
        return _payload(payload, items, plain=plain)
    if payload:
        raise FormatError("there is a payload beside objects that are named")
    named = _sig_d(header["sigD"])
    found = [_named(uri, named["pars"], items) for uri in named["pars"]]
    names = tuple(item.name for item in found)
    contents = [one.content for one in found]
    if named["mId"] == BY_HASH:
        _check_digests(named, found, plain=plain)
        known = [_encoded(one, plain=plain) for one in contents if one is not None]
        objects = b"".join(known) if len(known) == len(contents) else None
        return Signed(payload=b"", objects=objects, names=names)
    if any(one is None for one in contents):
        raise Refused("SIGNED_DATA_NOT_FOUND", "a document is not at hand")
    whole = _encoded(b"".join(one for one in contents if one is not None), plain=plain)
    return Signed(payload=whole, objects=whole, names=names)


def _payload(payload: str | None, items: Sequence[Item], *, plain: bool) -> Signed:
    if payload is not None:
        if not plain:
            decoded(payload)
        octets, name = payload.encode(), "the payload"
    elif len(items) == 1 and items[0].content is not None:
        octets, name = _encoded(items[0].content, plain=plain), items[0].name
    else:
        raise Refused("SIGNED_DATA_NOT_FOUND", "what was signed is not at hand")
    return Signed(payload=octets, objects=octets, names=(name,))


def _sig_d(named: object) -> Mapping[str, Any]:
    """Return ``sigD`` once its shape is right, or raise FormatError, Refused."""
    if not isinstance(named, dict):
        raise FormatError("sigD is malformed")
    members = _MEMBERS.get(str(named.get("mId")))
    if members is None:
        reason = "objects are named in a way that is not understood"
        raise Refused("SIG_CONSTRAINTS_FAILURE", reason)
    if set(named) - members:
        raise FormatError("sigD has a member that does not belong in it")
    uris = _texts(named.get("pars"))
    if not uris or len(set(uris)) != len(uris):
        raise FormatError("sigD names nothing, or something twice")
    for name in set(named) & {"hashV", "ctys"}:
        if len(_texts(named[name])) != len(uris):
            raise FormatError("the lists of sigD are not of one length")
    return named


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or any(not isinstance(one, str) for one in value):
        raise FormatError("sigD holds no list of texts")
    return value


def _check_digests(named: Mapping[str, Any], found: Sequence[Item], *, plain: bool) -> None:
    algorithm = _HASHES.get(str(named.get("hashM")))
    if algorithm is None:
        raise Refused("CRYPTO_CONSTRAINTS_FAILURE", "the hash of the objects is too weak")
    digests = _texts(named.get("hashV"))
    for item, digest in zip(found, digests, strict=True):
        if not hmac.compare_digest(_digest(item, algorithm, plain=plain), decoded(digest)):
            raise Refused("HASH_FAILURE", f"what was signed is not {item.name}")


def _digest(item: Item, algorithm: HashAlgorithm, *, plain: bool) -> bytes:
    if not plain and item.content is not None:
        return algorithm.of(_encoded(item.content, plain=plain))
    digest = item.under(algorithm) if plain else None
    if digest is None:
        raise Refused("SIGNED_DATA_NOT_FOUND", f"{item.name} is not at hand")
    return digest


def _encoded(content: bytes, *, plain: bool) -> bytes:
    return content if plain else base64url.encode(content)


def _named(uri: str, uris: Sequence[str], items: Sequence[Item]) -> Item:
    """Return the document that is meant: the one of that name, or the only one there is."""
    for item in items:
        if item.name in (uri, file_name(uri)):
            return item
    if len(uris) == len(items) == 1:
        return items[0]
    raise Refused("SIGNED_DATA_NOT_FOUND", f"{file_name(uri)} is not at hand")
