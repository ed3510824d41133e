"""The unsigned properties of XAdES, which raise it above B-B (ETSI EN 319 132-1 §5.3 to §5.5)."""

from base64 import b64encode
from collections.abc import Iterator, Sequence

from esignet.formats import xml_reading as xml
from esignet.formats.format import Evidence, FormatError
from esignet.formats.judging import Refused, Stamps
from esignet.formats.xades_references import Place, resolve
from esignet.formats.xml_reading import NAMES, Element
from keystore.signing.structures.xml import DS, EXCLUSIVE, XADES

_V141 = NAMES["v141"]
_UNSIGNED = "ds:Object/xades:QualifyingProperties/xades:UnsignedProperties"
_SIGNATURE_PROPERTIES = f"{_UNSIGNED}/xades:UnsignedSignatureProperties"
_DECLARED = f'xmlns:ds="{DS}" xmlns:xades="{XADES}" xmlns:v141="{_V141}"'
_VALUES = ("", "v141:TimeStampValidationData/")


def properties(signature: Element) -> list[Element]:
    """Return the unsigned signature properties in their order."""
    holder = xml.maybe(signature, _SIGNATURE_PROPERTIES)
    return [] if holder is None else [one for one in holder if isinstance(one.tag, str)]


def signature_stamps(signature: Element) -> list[Element]:
    """Return the SignatureTimeStamp properties."""
    return _of(signature, XADES, "SignatureTimeStamp")


def archive_stamps(signature: Element) -> list[Element]:
    """Return the ArchiveTimeStamp properties of XAdES 1.4.1; the older kind does not count."""
    return _of(signature, _V141, "ArchiveTimeStamp")


def stamps(place: Place) -> tuple[Stamps, Stamps]:
    """Return the tokens over the signature and those over everything, with what each covers.

    An archive time-stamp over a document that is not at hand is left out.
    """
    over, archive = [], []
    for stamp in signature_stamps(place.signature):
        covered = stamped(place.signature, _method(stamp))
        over += [(token, covered) for token in _tokens(stamp)]
    for stamp in archive_stamps(place.signature):
        try:
            covered = archived(place, before=stamp)
        except Refused as fault:
            if fault.code != "SIGNED_DATA_NOT_FOUND":
                raise
            continue
        archive += [(token, covered) for token in _tokens(stamp)]
    return tuple(over), tuple(archive)


def stamped(signature: Element, method: Element | str = EXCLUSIVE) -> bytes:
    """Return what a SignatureTimeStamp covers: the canonical SignatureValue (§5.3)."""
    return xml.canonical(xml.only(signature, "ds:SignatureValue"), method)


def archived(place: Place, before: Element | None = None) -> bytes:
    """Return what an ArchiveTimeStamp covers (§5.5.2.2), or would, if it were added now.

    Raises Refused with SIGNED_DATA_NOT_FOUND where a document is known by its digest alone: the
    octets of every document are covered.
    """
    method = EXCLUSIVE if before is None else _method(before)
    pieces = []
    for reference in place.references():
        found = resolve(place, reference)
        if found.octets is None:
            raise Refused("SIGNED_DATA_NOT_FOUND", f"{found.name} is not at hand")
        pieces.append(found.octets)
    for name in ("ds:SignedInfo", "ds:SignatureValue", "ds:KeyInfo"):
        pieces += [xml.canonical(one, method) for one in xml.all_below(place.signature, name)]
    for one in properties(place.signature):
        if one is before:
            break
        pieces.append(xml.canonical(one, method))
    for one in xml.all_below(place.signature, "ds:Object"):
        if not xml.all_below(one, "xades:QualifyingProperties"):
            pieces.append(xml.canonical(one, method))
    return b"".join(pieces)


def evidence(signature: Element) -> Evidence:
    """Return certificates and revocation data of KeyInfo and of the unsigned properties."""
    paths = ["ds:KeyInfo/ds:X509Data/ds:X509Certificate"]
    paths += [f"{at}xades:CertificateValues/xades:EncapsulatedX509Certificate" for at in _inside()]
    revocation = [f"{at}xades:RevocationValues/xades" for at in _inside()]
    return Evidence(
        certificates=_octets(signature, paths),
        ocsp=_octets(
            signature, [f"{at}:OCSPValues/xades:EncapsulatedOCSPValue" for at in revocation]
        ),
        crls=_octets(
            signature, [f"{at}:CRLValues/xades:EncapsulatedCRLValue" for at in revocation]
        ),
    )


def add_stamp(signature: Element, token: bytes) -> None:
    """Add a SignatureTimeStamp."""
    _add(signature, _stamp("xades:SignatureTimeStamp", token))


def add_archive(signature: Element, token: bytes, material: Evidence) -> None:
    """Add an ArchiveTimeStamp, and what is needed to judge it, if anything."""
    _add(signature, _stamp("v141:ArchiveTimeStamp", token))
    values = _values(material)
    if values:
        _add(signature, f"<v141:TimeStampValidationData>{values}</v141:TimeStampValidationData>")


def add_material(signature: Element, material: Evidence) -> None:
    """Add CertificateValues and RevocationValues (§5.4); FormatError: they are there already."""
    if any(one.tag == f"{{{XADES}}}RevocationValues" for one in properties(signature)):
        raise FormatError("the signature has its validation material already")
    known = _octets(signature, ["ds:KeyInfo/ds:X509Data/ds:X509Certificate"])
    for element in _split(_values(material, without=known)):
        _add(signature, element)


def _of(signature: Element, space: str, name: str) -> list[Element]:
    return [one for one in properties(signature) if one.tag == f"{{{space}}}{name}"]


def _method(stamp: Element) -> Element | str:
    found = xml.maybe(stamp, "ds:CanonicalizationMethod")
    return xml.INCLUSIVE if found is None else found


def _tokens(stamp: Element) -> list[bytes]:
    if xml.all_below(stamp, "xades:Include"):
        raise FormatError("a time-stamp says itself what it covers")
    return [xml.base64_of(one) for one in xml.all_below(stamp, "xades:EncapsulatedTimeStamp")]


def _inside() -> Iterator[str]:
    return (f"{_SIGNATURE_PROPERTIES}/{at}" for at in _VALUES)


def _octets(signature: Element, paths: Sequence[str]) -> tuple[bytes, ...]:
    found = [xml.base64_of(one) for path in paths for one in xml.all_below(signature, path)]
    return tuple(dict.fromkeys(found))


def _stamp(name: str, token: bytes) -> str:
    return (
        f'<{name}><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
        f"{_encapsulated('TimeStamp', token)}</{name}>"
    )


def _encapsulated(kind: str, octets: bytes) -> str:
    text = b64encode(octets).decode()
    return f"<xades:Encapsulated{kind}>{text}</xades:Encapsulated{kind}>"


def _values(material: Evidence, without: Sequence[bytes] = ()) -> str:
    """Return CertificateValues and RevocationValues, each where there is something in it."""
    certificates = [one for one in material.certificates if one not in without]
    return _wrapped("CertificateValues", _each("X509Certificate", certificates)) + _wrapped(
        "RevocationValues",
        _wrapped("CRLValues", _each("CRLValue", material.crls))
        + _wrapped("OCSPValues", _each("OCSPValue", material.ocsp)),
    )


def _each(kind: str, values: Sequence[bytes]) -> str:
    return "".join(_encapsulated(kind, one) for one in values)


def _wrapped(name: str, content: str) -> str:
    return f"<xades:{name}>{content}</xades:{name}>" if content else ""


def _split(values: str) -> list[str]:
    head, found, tail = values.partition("<xades:RevocationValues>")
    return [one for one in (head, found + tail) if one]


def _add(signature: Element, text: str) -> None:
    """Append a property, and the elements around it where they are not there yet."""
    below = xml.only(signature, "ds:Object/xades:QualifyingProperties")
    for name in ("xades:UnsignedProperties", "xades:UnsignedSignatureProperties"):
        inner = xml.maybe(below, name)
        if inner is None:
            inner = _made(f"<{name}/>")
            below.append(inner)
        below = inner
    below.append(_made(text))


def _made(text: str) -> Element:
    """Return the element that ``text`` is, with the prefixes of this module declared."""
    return xml.fragment(f"<x {_DECLARED}>{text}</x>")[0]
