"""What the references of an XML signature point at: the document, a file, or the signature's own.

A reference to anything else is refused by name. That is what signature wrapping needs: a reference
that still resolves to what was signed, while the reader looks at something else in the document.
"""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from esignet.formats import xml_reading as xml
from esignet.formats.format import FormatError, Item
from esignet.formats.judging import Refused
from esignet.formats.xml_reading import Element, Tree
from keystore.signing.digests import HashAlgorithm
from keystore.signing.structures.xml import (
    BASE64,
    DIGEST_METHODS,
    DS,
    ENVELOPED,
    SIGNED_PROPERTIES,
    XPATH,
)

MOST, MOST_WITHIN = 2_000, 40
"""References of one signature, and those of them that are to the document itself."""

_HASHES = {method: algorithm for algorithm, method in DIGEST_METHODS.items()}
_WITHOUT_SIGNATURES = {
    XPATH: re.compile(r"\s*not\(\s*ancestor-or-self::([\w.-]+):Signature\s*\)\s*"),
    xml.FILTER: re.compile(r"\s*(?:/descendant::|//)([\w.-]+):Signature\s*"),
}
"""How a reference leaves out every signature of the document (XMLDSIG §6.6.3, XPath Filter 2.0)."""

_TO_DOCUMENT = (ENVELOPED, *_WITHOUT_SIGNATURES)


@dataclass(frozen=True, slots=True)
class Place:
    """A signature in its document, and the files that lie outside it.

    In a container, files have the names that were signed; on their own, the only one may have been
    renamed since.
    """

    tree: Tree
    signature: Element
    items: Sequence[Item]
    in_container: bool = False

    def references(self) -> list[Element]:
        """Return the ds:Reference elements of SignedInfo; FormatError: too many."""
        found = xml.all_below(xml.only(self.signature, "ds:SignedInfo"), "ds:Reference")
        within = [one for one in found if (one.get("URI") or "#").startswith("#")]
        if len(found) > MOST or len(within) > MOST_WITHIN:
            raise FormatError("the signature has too many references")
        return found

    def properties(self) -> Element:
        """Return the SignedProperties of this very signature, or raise FormatError."""
        holder = xml.only(self.signature, "ds:Object/xades:QualifyingProperties")
        if holder.get("Target") != f"#{xml.id_of(self.signature)}":
            raise FormatError("the qualifying properties are those of another signature")
        return xml.only(holder, "xades:SignedProperties")


@dataclass(frozen=True, slots=True, kw_only=True)
class Referenced:
    """What a reference covers: its octets where they are known, and the name of the document."""

    octets: bytes | None
    name: str


def resolve(place: Place, reference: Element) -> Referenced:
    """Return what ``reference`` points at once its digest is right; raise Refused, FormatError."""
    algorithm = _HASHES.get(xml.only(reference, "ds:DigestMethod").get("Algorithm", ""))
    if algorithm is None:
        raise Refused("CRYPTO_CONSTRAINTS_FAILURE", "a reference's hash is too weak")
    expected = xml.base64_of(xml.only(reference, "ds:DigestValue"))
    found, digest = _target(place, reference, algorithm)
    if not hmac.compare_digest(digest, expected):
        raise Refused("HASH_FAILURE", f"what was signed is not {found.name or 'these properties'}")
    return found


def is_to_properties(reference: Element) -> bool:
    """Return whether the reference says that it is to SignedProperties."""
    return bool(reference.get("Type") == SIGNED_PROPERTIES)


def _target(place: Place, reference: Element, algorithm: HashAlgorithm) -> tuple[Referenced, bytes]:
    uri, steps = reference.get("URI"), xml.all_below(reference, "ds:Transforms/ds:Transform")
    if uri is None:
        raise Refused("SIG_CONSTRAINTS_FAILURE", "a reference points at nothing")
    if uri and not uri.startswith("#"):
        return _file(place, reference, steps, algorithm)
    target = xml.with_id(place.tree, uri[1:]) if uri else place.tree
    if is_to_properties(reference):
        if not uri or target is not place.properties():
            raise Refused("SIG_CONSTRAINTS_FAILURE", "the signed properties are other ones")
        found = Referenced(octets=_canonical(target, steps), name="")
    elif not uri or target is place.tree.getroot():
        octets = _document(place, target, steps)
        found = Referenced(octets=octets, name=_document_name(place.items))
    elif target.getparent() is place.signature and target.tag == f"{{{DS}}}Object":
        found = Referenced(octets=_object(target, steps), name=xml.id_of(target))
    elif target.getparent() is place.signature and target.tag == f"{{{DS}}}KeyInfo":
        found = Referenced(octets=_canonical(target, steps), name="")
    else:
        raise Refused("SIG_CONSTRAINTS_FAILURE", "a reference points at a part of the document")
    return found, algorithm.of(found.octets or b"")


def _document(place: Place, target: Element | Tree, steps: list[Element]) -> bytes:
    """Return the document, or its root, without its signatures."""
    kinds = [step.get("Algorithm") for step in steps]
    taken = [step for step in steps if step.get("Algorithm") in _TO_DOCUMENT]
    if not taken:
        raise Refused("SIG_CONSTRAINTS_FAILURE", "a signature cannot sign itself")
    for step in taken:
        _check_parameters(step)
    leaves_all = any(kind in _WITHOUT_SIGNATURES for kind in kinds)
    out = xml.signatures(place.tree) if leaves_all else [place.signature]
    rest = xml.without(place.tree, out)
    left = rest if target is place.tree else rest.getroot()
    return _canonical(left, [step for step in steps if step not in taken])


def _check_parameters(step: Element) -> None:
    algorithm = step.get("Algorithm")
    if algorithm == ENVELOPED:
        if len(step):
            raise Refused("SIG_CONSTRAINTS_FAILURE", "a transform has unknown parameters")
        return
    path = xml.only(step, "ds:XPath" if algorithm == XPATH else "filter:XPath")
    shape = _WITHOUT_SIGNATURES[algorithm].fullmatch(xml.text_of(path))
    subtracts = algorithm == XPATH or path.get("Filter") == "subtract"
    if shape is None or path.nsmap.get(shape[1]) != DS or len(step) != 1 or not subtracts:
        raise Refused("SIG_CONSTRAINTS_FAILURE", "a transform takes out a part of the document")


def _object(target: Element, steps: list[Element]) -> bytes:
    if [step.get("Algorithm") for step in steps] == [BASE64]:
        return xml.base64_of(target)
    return _canonical(target, steps)


def _canonical(target: Element | Tree, steps: list[Element]) -> bytes:
    """Return the canonical octets; without a step that says how, those of XMLDSIG §4.4.3.2."""
    if len(steps) > 1:
        raise Refused("SIG_CONSTRAINTS_FAILURE", "a transform is not accepted")
    try:
        return xml.canonical(target, steps[0] if steps else xml.INCLUSIVE)
    except FormatError as fault:
        raise Refused("SIG_CONSTRAINTS_FAILURE", "a transform is not accepted") from fault


def _file(
    place: Place, reference: Element, steps: list[Element], algorithm: HashAlgorithm
) -> tuple[Referenced, bytes]:
    item = _named(place, reference)
    if steps and item.content is not None:
        octets = _canonical(xml.parse(item.content), steps)
        return Referenced(octets=octets, name=item.name), algorithm.of(octets)
    digest = None if steps else item.under(algorithm)
    if digest is None:
        raise Refused("SIGNED_DATA_NOT_FOUND", f"{item.name} is not at hand")
    return Referenced(octets=item.content, name=item.name), digest


def _named(place: Place, reference: Element) -> Item:
    """Return the file that is meant: the one of that name, or the only one there is."""
    name = xml.file_name(reference.get("URI"))
    for item in place.items:
        if item.name == name:
            return item
    outside = [one for one in place.references() if (one.get("URI") or "#")[0] != "#"]
    if len(outside) == len(place.items) == 1 and not place.in_container:
        return place.items[0]
    raise Refused("SIGNED_DATA_NOT_FOUND", f"{name} is not at hand")


def _document_name(items: Sequence[Item]) -> str:
    return items[0].name if len(items) == 1 else "the document"
