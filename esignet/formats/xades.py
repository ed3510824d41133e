"""XAdES (ETSI EN 319 132-1): beside the files it signs, around them, or inside the document."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from esignet.formats import xades_checking, xades_properties
from esignet.formats import xml_reading as xml
from esignet.formats.format import Evidence, Format, FormatError, Found, Item, Level, Prepared, Wish
from esignet.formats.judging import Refused, check_stamp
from esignet.formats.xades_references import MOST_WITHIN, Place
from esignet.formats.xml_reading import Element, Tree
from keystore.signing.door import Signed
from keystore.signing.plans import Transform, XmlPlan, XmlReference
from keystore.signing.structures.xml import BASE64, DS, XADES, value_id

DETACHED, ENVELOPING = "detached", "enveloping"
ENVELOPED, PARALLEL = "enveloped", "parallel"
"""``enveloped`` is for one signer of a document, ``parallel`` for several in any order."""

LARGEST_WITHIN = 7 * 1024 * 1024
"""Octets of a file in an enveloping signature: readers take at most 10 MB in one element."""

_INSIDE = {ENVELOPED: Transform.ENVELOPED, PARALLEL: Transform.PARALLEL}


@dataclass(frozen=True, slots=True)
class Xades:
    """XAdES at every level; several documents per signature, several signatures per document."""

    name: str = "xades"

    def prepare(self, items: Sequence[Item], wish: Wish) -> Prepared:
        """Return what will be signed.

        For ``enveloped`` and ``parallel`` that is the canonical form of the document, which must be
        there; for the others the items' digests, which for ``detached`` are enough.
        """
        if not items:
            raise FormatError("there is nothing to sign")
        if wish.envelope in _INSIDE:
            return _prepared_inside(items, wish)
        if wish.envelope == DETACHED:
            return prepared_files(items, wish)
        if wish.envelope == ENVELOPING:
            return _prepared_around(items, wish)
        raise FormatError("a XAdES signature is detached, enveloping, enveloped or parallel")

    def embed(self, prepared: Prepared, signed: Signed) -> bytes:
        """Return the signature as a document, or the document with the signature at its end."""
        plan = prepared.plan
        assert isinstance(plan, XmlPlan)
        within = prepared.items if prepared.wish.envelope == ENVELOPING else ()
        text = signature_text(plan.id, signed, within)
        if prepared.content is None:
            return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode()
        tree = xml.parse(prepared.content)
        tree.getroot().append(xml.fragment(text))
        return xml.written(tree)

    def to_stamp(self, signature: bytes) -> bytes:
        """Return the SignatureValue of the one signature that has no time-stamp (§5.3)."""
        return xades_properties.stamped(_unstamped(xml.parse(signature)))

    def to_archive(self, signature: bytes, items: Sequence[Item]) -> bytes:
        """Return what an archive time-stamp covers (§5.5.2.2), which is every document too.

        FormatError: a document is known by its digest alone, or nothing is at B-LT.
        """
        tree = xml.parse(signature)
        try:
            return xades_properties.archived(Place(tree, _to_archive(tree), items))
        except Refused as fault:
            raise FormatError(f"an archive time-stamp cannot be made: {fault}") from fault

    def augment(self, signature: bytes, level: Level, evidence: Evidence) -> bytes:
        """Return it with a time-stamp, validation material, or an archive time-stamp."""
        tree = xml.parse(signature)
        if level is Level.B_T or (level is Level.B_LT and evidence.timestamp):
            one = _unstamped(tree)
            check_stamp(evidence.timestamp, xades_properties.stamped(one))
            xades_properties.add_stamp(one, evidence.timestamp)
        if level is Level.B_LT:
            bare = _that(tree, lambda one: _has_stamp(one) and not _has_material(one))
            if not bare:
                raise FormatError("no signature is at B-T")
            for one in bare:
                xades_properties.add_material(one, evidence)
        elif level is Level.B_LTA:
            one = _to_archive(tree)
            xades_properties.add_archive(one, evidence.timestamp, evidence)
        elif level is Level.B_B:
            raise FormatError("every signature is at B-B already")
        return xml.written(tree)

    def check(self, signature: bytes, items: Sequence[Item]) -> tuple[Found, ...]:
        """Return every signature. Files outside the document are found in ``items`` by name."""
        tree = xml.parse(signature)
        found = xml.signatures(tree)
        if not found:
            raise FormatError("this XML document is not signed")
        return tuple(xades_checking.check(Place(tree, one, items)) for one in found)


def signature_text(stem: str, signed: Signed, within: Sequence[Item] = ()) -> str:
    """Return the ds:Signature of what the key service signed for an XmlPlan."""
    properties, signed_info = (part.decode() for part in signed.parts)
    chain = (signed.certificate, *signed.chain[:-1])
    certificates = "".join(
        f"<ds:X509Certificate>{b64encode(one).decode()}</ds:X509Certificate>" for one in chain
    )
    objects = "".join(
        f'<ds:Object Encoding="{BASE64}" Id="{stem}-object-{place}">'
        f"{b64encode(item.content or b'').decode()}</ds:Object>"
        for place, item in enumerate(within)
    )
    value = b64encode(signed.value).decode()
    return (
        f'<ds:Signature xmlns:ds="{DS}" Id="{stem}">{signed_info}'
        f'<ds:SignatureValue Id="{value_id(stem)}">{value}</ds:SignatureValue>'
        f"<ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo>{objects}"
        f'<ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}" Target="#{stem}">'
        f"{properties}</xades:QualifyingProperties></ds:Object></ds:Signature>"
    )


def prepared_files(items: Sequence[Item], wish: Wish) -> Prepared:
    """Return what will be signed of files outside the signature: their digests and names."""
    _check_names(items)
    digests = tuple(item.digest for item in items)
    references = [
        XmlReference(place, quote(item.name, safe="/"), media_type=item.media_type)
        for place, item in enumerate(items)
    ]
    plan = XmlPlan(_stem(b"".join(digests)), references, wish.commitment)
    return Prepared(digests=digests, plan=plan, items=tuple(items), wish=wish)


def _check_names(items: Sequence[Item]) -> None:
    """Raise FormatError where two files have names that some reader takes for one."""
    if len({item.name.casefold() for item in items}) != len(items):
        raise FormatError("two of the files have the same name")


def _prepared_around(items: Sequence[Item], wish: Wish) -> Prepared:
    if len(items) > MOST_WITHIN // 2:
        raise FormatError("too many files for an enveloping signature; ASiC holds more")
    for item in items:
        if item.content is None or wish.hash_algorithm.of(item.content) != item.digest:
            raise FormatError("an enveloping signature needs the content itself")
        if len(item.content) > LARGEST_WITHIN:
            raise FormatError("a file is too large for an enveloping signature; ASiC holds it")
    digests = tuple(item.digest for item in items)
    stem = _stem(b"".join(digests))
    references = [
        XmlReference(place, f"#{stem}-object-{place}", Transform.BASE64, item.media_type)
        for place, item in enumerate(items)
    ]
    plan = XmlPlan(stem, references, wish.commitment)
    return Prepared(digests=digests, plan=plan, items=tuple(items), wish=wish)


def _prepared_inside(items: Sequence[Item], wish: Wish) -> Prepared:
    if len(items) != 1 or items[0].content is None:
        raise FormatError("a signature inside a document needs the document, and one only")
    content = items[0].content
    tree = xml.parse(content)
    there = xml.signatures(tree)
    if tree.getroot() in there:
        raise FormatError("a signature has no place for another inside it; ASiC holds several")
    paths = [xml.all_below(one, "ds:SignedInfo/ds:Reference/ds:Transforms") for one in there]
    if there and (wish.envelope != PARALLEL or not all(map(_is_parallel, paths))):
        raise FormatError(
            "a signature in the document would break; the first has to be parallel, and so the next"
        )
    octets = xml.canonical(xml.without(tree, there))
    reference = XmlReference(0, "", _INSIDE[wish.envelope], _xml_type(items[0].media_type))
    return Prepared(
        digests=(wish.hash_algorithm.of(octets),),
        plan=XmlPlan(_stem(content), [reference], wish.commitment),
        items=tuple(items),
        wish=wish,
        content=content,
    )


def _is_parallel(transforms: list[Element]) -> bool:
    paths = ("ds:Transform/ds:XPath", "ds:Transform/filter:XPath")
    return any(xml.all_below(one, path) for one in transforms for path in paths)


def _xml_type(media_type: str) -> str:
    return "text/xml" if media_type == "application/octet-stream" else media_type


def _stem(of: bytes) -> str:
    return f"s{hashlib.sha256(of).hexdigest()[:24]}"


def _has_stamp(signature: Element) -> bool:
    return bool(xades_properties.signature_stamps(signature))


def _has_material(signature: Element) -> bool:
    found = xades_properties.evidence(signature)
    return bool(found.ocsp or found.crls)


def _that(tree: Tree, wanted: Callable[[Element], bool]) -> list[Element]:
    return [one for one in xml.signatures(tree) if wanted(one)]


def _unstamped(tree: Tree) -> Element:
    found = _that(tree, lambda one: not _has_stamp(one))
    if len(found) != 1:
        raise FormatError("not exactly one signature is without a time-stamp")
    return found[0]


def _to_archive(tree: Tree) -> Element:
    """Return the signature at B-LT with the fewest archive time-stamps."""
    found = _that(tree, lambda one: _has_stamp(one) and _has_material(one))
    if not found:
        raise FormatError("no signature is at a level that can be archived")
    return min(found, key=lambda one: len(xades_properties.archive_stamps(one)))


FORMAT: Format = Xades()
