"""Reading the manifests of ASiC-E containers (ETSI EN 319 162-1 Annex A.4)."""

import hmac
from collections.abc import Mapping
from urllib.parse import unquote

from esignet.formats import xml_reading as xml
from esignet.formats.format import FormatError, Item
from keystore.checking.message import Problem
from keystore.signing.digests import HashAlgorithm

_ASIC = "{http://uri.etsi.org/02918/v1.2.1#}"
_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_METHODS = {
    "http://www.w3.org/2001/04/xmlenc#sha256": HashAlgorithm.SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": HashAlgorithm.SHA384,
    "http://www.w3.org/2001/04/xmlenc#sha512": HashAlgorithm.SHA512,
}


def signature_of(manifest: bytes) -> str:
    """Return the name of the signature file that a manifest is of, or raise FormatError."""
    root = xml.parse(manifest).getroot()
    references = root.findall(f"{_ASIC}SigReference")
    if root.tag != f"{_ASIC}ASiCManifest" or len(references) != 1:
        raise FormatError("a manifest of the container is none")
    return unquote(references[0].get("URI", ""))


def names(manifest: bytes) -> frozenset[str]:
    """Return the names of the files that a manifest covers."""
    references = xml.parse(manifest).getroot().findall(f"{_ASIC}DataObjectReference")
    return frozenset(unquote(one.get("URI", "")) for one in references)


def judge(
    manifest: bytes, given: Mapping[str, Item]
) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """Return the names of the files that a manifest covers, and what is wrong with them."""
    covers: list[str] = []
    problems: list[Problem] = []
    for reference in xml.parse(manifest).getroot().findall(f"{_ASIC}DataObjectReference"):
        name = unquote(reference.get("URI", ""))
        if name in covers:
            raise FormatError("a manifest names a file twice")
        covers.append(name)
        problems += _problems(name, reference, given.get(name))
    if not covers:
        raise FormatError("a manifest names no files")
    return tuple(covers), tuple(problems)


def _problems(name: str, reference: xml.Element, item: Item | None) -> list[Problem]:
    methods, values = (reference.findall(f"{_DS}Digest{part}") for part in ("Method", "Value"))
    if len(methods) != 1 or len(values) != 1:
        raise FormatError("a manifest names a file without its digest")
    algorithm = _METHODS.get(methods[0].get("Algorithm", ""))
    if algorithm is None:
        return [("CRYPTO_CONSTRAINTS_FAILURE", f"the digest of {name} is by a weak hash")]
    if item is None:
        return [("SIGNED_DATA_NOT_FOUND", f"{name} is not at hand")]
    found = item.under(algorithm)
    if found is None:
        return [("SIGNED_DATA_NOT_FOUND", f"{name} is not at hand")]
    if not hmac.compare_digest(found, xml.base64_of(values[0])):
        return [("HASH_FAILURE", f"{name} is not what was signed")]
    return []
