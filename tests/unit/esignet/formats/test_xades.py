"""XAdES at every level is accepted by other engines, and changed ones are refused by name."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml import CanonicalizationMethod
from signxml.xades import XAdESSigner

from esignet.formats.format import Evidence, FormatError, Found, Item, Level, Wish
from esignet.formats.xades import FORMAT
from tests.format_signing import signed
from tests.small_pki import AT, Holder, SmallPki
from tests.xml_judges import jdk_accepts, xmlsec_accepts, xmlsec_signs

pytestmark = pytest.mark.server

PKI = SmallPki()
CONTENT = b"A contract.\n" * 10
FILE = Item(
    name="the contract.txt",
    digest=hashlib.sha256(CONTENT).digest(),
    media_type="text/plain",
    content=CONTENT,
)
XML = (
    b'<?xml version="1.0"?><!-- before --><?style sheet?>\n'
    b'<a:order xmlns:a="urn:a" xmlns="urn:d" xmlns:unused="urn:u" xml:lang="en">\n'
    b'  <!-- inside --><item a:count="1" note="x&#10;y">t &amp; \xc3\xa9 <![CDATA[<c>]]>\r\n'
    b"</item>\n"
    b"</a:order>\n<!-- after -->"
)
DOCUMENT = Item(name="order.xml", digest=hashlib.sha256(XML).digest(), content=XML)
ITEMS = {"detached": FILE, "enveloping": FILE, "enveloped": DOCUMENT, "parallel": DOCUMENT}


def sign(item: Item, envelope: str = "detached", holder: Holder = PKI.signer) -> bytes:
    return sign_all([item], envelope, holder)


def sign_all(items: list[Item], envelope: str, holder: Holder = PKI.signer) -> bytes:
    wish = Wish(envelope=envelope, commitment="0.4.0.19122.1.1")
    return signed(FORMAT, items, wish, holder)


def raised(signature: bytes, level: Level, item: Item, *holders: Holder) -> bytes:
    if level is Level.B_B:
        return signature
    stamp = Evidence(timestamp=PKI.token(FORMAT.to_stamp(signature)))
    signature = FORMAT.augment(signature, Level.B_T, stamp)
    if level is Level.B_T:
        return signature
    signature = FORMAT.augment(signature, Level.B_LT, PKI.material(*(holders or (PKI.signer,))))
    if level is Level.B_LT:
        return signature
    stamp = Evidence(timestamp=PKI.token(FORMAT.to_archive(signature, [item])))
    return FORMAT.augment(signature, Level.B_LTA, stamp)


def only(signature: bytes, *items: Item) -> Found:
    (found,) = FORMAT.check(signature, items)
    return found


def names(found: Found) -> set[str]:
    return {name for name, _ in found.problems}


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("envelope", ITEMS)
@pytest.mark.spec("ETSI EN 319 132-1 §6")
@pytest.mark.server
def test_every_level_is_accepted_by_xmlsec_and_by_us(
    level: Level, envelope: str, tmp_path: Path
) -> None:
    item = ITEMS[envelope]
    (tmp_path / FILE.name).write_bytes(CONTENT)
    signature = raised(sign(item, envelope), level, item)
    assert xmlsec_accepts(PKI, signature, tmp_path)
    found = only(signature, item)
    assert (found.level, found.problems, found.claimed_at) == (level, (), AT)
    assert found.certificate == PKI.signer.der
    (tmp_path / FILE.name).write_bytes(CONTENT + b"!")
    changed = signature.replace(b"t &amp;", b"u &amp;")
    assert (changed == signature and envelope == "enveloping") or not xmlsec_accepts(
        PKI, changed, tmp_path
    )


@pytest.mark.parametrize("envelope", ITEMS)
@pytest.mark.server
def test_the_jdk_accepts_the_core_of_every_envelope(envelope: str, tmp_path: Path) -> None:
    item = ITEMS[envelope]
    (tmp_path / FILE.name).write_bytes(CONTENT)
    signature = raised(sign(item, envelope), Level.B_LT, item)
    assert jdk_accepts(signature, tmp_path)
    changed = signature.replace(b"<xades:SigningTime>2026", b"<xades:SigningTime>2025")
    assert not jdk_accepts(changed, tmp_path)


@pytest.mark.server
def test_signers_stand_side_by_side_in_one_document(tmp_path: Path) -> None:
    other = PKI.holder("Ben Other", None)
    one = raised(sign(DOCUMENT, "parallel"), Level.B_LTA, DOCUMENT)
    both = sign(replace(DOCUMENT, content=one), "parallel", other)
    assert xmlsec_accepts(PKI, both, tmp_path)
    assert jdk_accepts(both, tmp_path)
    found = FORMAT.check(both, [DOCUMENT])
    assert [(one.level, one.problems) for one in found] == [(Level.B_LTA, ()), (Level.B_B, ())]
    lifted = raised(both, Level.B_LTA, DOCUMENT, other)
    assert [(one.level, one.problems) for one in FORMAT.check(lifted, [DOCUMENT])] == [
        (Level.B_LTA, ()),
        (Level.B_LTA, ()),
    ]


def test_a_signature_that_would_break_another_is_refused() -> None:
    signed = replace(DOCUMENT, content=sign(DOCUMENT, "enveloped"))
    for envelope in ("enveloped", "parallel"):
        with pytest.raises(FormatError, match="would break"):
            sign(signed, envelope)


def test_several_files_under_one_signature_are_named() -> None:
    other = replace(FILE, name="äöü & more.bin", digest=hashlib.sha256(b"").digest(), content=b"")
    signature = sign_all([FILE, other], "detached")
    found = only(signature, other, FILE)
    assert (found.covers, found.problems) == ((FILE.name, other.name), ())
    assert names(only(signature, FILE)) == {"SIGNED_DATA_NOT_FOUND"}
    assert names(only(signature, FILE, replace(other, content=b"x"))) == {"HASH_FAILURE"}
    by_digest = [replace(one, content=None) for one in (FILE, other)]
    assert only(signature, *by_digest).problems == ()


def test_an_archive_needs_the_documents_themselves() -> None:
    signature = raised(sign(FILE), Level.B_LT, FILE)
    with pytest.raises(FormatError, match="not at hand"):
        FORMAT.to_archive(signature, [replace(FILE, content=None)])
    signature = raised(sign(FILE), Level.B_LTA, FILE)
    assert only(signature, replace(FILE, content=None)).level is Level.B_LT
    assert only(signature, FILE).level is Level.B_LTA


def test_an_archive_is_renewed_over_the_one_before() -> None:
    once = raised(sign(DOCUMENT, "enveloped"), Level.B_LTA, DOCUMENT)
    token = PKI.token(FORMAT.to_archive(once, [DOCUMENT]))
    more = replace(PKI.material(PKI.holder("Later")), timestamp=token)
    found = only(FORMAT.augment(once, Level.B_LTA, more), DOCUMENT)
    assert (len(found.archive), found.problems) == (2, ())
    assert set(more.ocsp) <= set(found.evidence.ocsp)


SIGNED = sign(DOCUMENT, "enveloped")
LONG = raised(SIGNED, Level.B_LTA, DOCUMENT)


def altered(old: str, new: str, of: bytes = SIGNED) -> bytes:
    changed = re.sub(old.encode(), new.encode(), of, count=1, flags=re.DOTALL)
    assert changed != of
    return changed


EVIL = "<evil>pay everything</evil>"
STEM = re.findall(rb'Signature xmlns:ds=\S+ Id="(\w+)"', SIGNED)[0].decode()
DIGEST = "xmlenc#sha256"
ROOT = SIGNED[SIGNED.index(b"<a:order") : SIGNED.index(b"</a:order>") + len(b"</a:order>")]
SIGNATURE = ROOT[ROOT.index(b"<ds:Signature ") : ROOT.index(b"</ds:Signature>") + 15]
ORDER = ROOT.replace(SIGNATURE, b"")


def wrapped(inside: bytes) -> bytes:
    """A document of the attacker's, with what was signed somewhere in it."""
    return b"<evil>pay everything" + inside + b"</evil>"


ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "content changed": (lambda: altered("t &amp;", "u &amp;"), "HASH_FAILURE"),
    "content added": (lambda: altered("<item", EVIL + "<item"), "HASH_FAILURE"),
    "signing time changed": (
        lambda: altered("SigningTime>2026", "SigningTime>2025"),
        "HASH_FAILURE",
    ),
    "signature value changed": (
        lambda: altered('-value">....', '-value">AAAA'),
        "SIG_CRYPTO_FAILURE",
    ),
    "hmac": (
        lambda: altered("ecdsa-sha256", "hmac-sha256"),
        "CRYPTO_CONSTRAINTS_FAILURE",
    ),
    "sha-1 signature": (
        lambda: altered("ecdsa-sha256", "ecdsa-sha1"),
        "CRYPTO_CONSTRAINTS_FAILURE",
    ),
    "sha-1 digest": (
        lambda: altered(
            "http://www.w3.org/2001/04/" + DIGEST, "http://www.w3.org/2000/09/xmldsig#sha1"
        ),
        "CRYPTO_CONSTRAINTS_FAILURE",
    ),
    "wrapped: the signed root inside an object": (
        lambda: altered(
            'URI=""',
            'URI="#x"',
            altered("</a:order>", '<other Id="x"/></a:order>'),
        ),
        "SIG_CONSTRAINTS_FAILURE",
    ),
    "wrapped: the signed root in another": (lambda: wrapped(ROOT), "HASH_FAILURE"),
    "wrapped: the signed root beside its signature": (
        lambda: wrapped(ORDER + SIGNATURE),
        "HASH_FAILURE",
    ),
    "wrapped: the signed root in its signature": (
        lambda: wrapped(
            SIGNATURE.replace(
                b"</ds:Signature>", b"<ds:Object>" + ORDER + b"</ds:Object></ds:Signature>"
            )
        ),
        "SIG_CONSTRAINTS_FAILURE",
    ),
    "two elements of one identifier": (
        lambda: altered(
            "<item",
            f'<item Id="{STEM}-properties"',
        ),
        "FORMAT_FAILURE",
    ),
    "an object that nobody signed": (
        lambda: altered("<ds:Object>", f"<ds:Object>{EVIL}</ds:Object><ds:Object>"),
        "SIG_CONSTRAINTS_FAILURE",
    ),
    "text beside the properties": (
        lambda: altered("</xades:QualifyingProperties>", "</xades:QualifyingProperties>" + EVIL),
        "SIG_CONSTRAINTS_FAILURE",
    ),
    "properties of another signature": (
        lambda: altered('Target="#s', 'Target="#t'),
        "FORMAT_FAILURE",
    ),
    "no reference to the properties": (
        lambda: altered("<ds:Reference Type=.*?</ds:Reference>", ""),
        "FORMAT_FAILURE",
    ),
    "xslt": (
        lambda: altered("xmldsig#enveloped-signature", "xmldsig#xslt"),
        "SIG_CONSTRAINTS_FAILURE",
    ),
    "a path that takes out content": (
        lambda: altered(
            '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>',
            '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
            "<ds:XPath>not(ancestor-or-self::item)</ds:XPath></ds:Transform>",
        ),
        "SIG_CONSTRAINTS_FAILURE",
    ),
    "two signing times": (
        lambda: altered("(<xades:SigningTime>.*?</xades:SigningTime>)", r"\1\1"),
        "FORMAT_FAILURE",
    ),
    "no certificate": (
        lambda: altered("<ds:KeyInfo>.*?</ds:KeyInfo>", ""),
        "NO_SIGNING_CERTIFICATE_FOUND",
    ),
    "a comment inside a value": (
        lambda: altered('(-value">....)', r"\1<!-- -->"),
        "FORMAT_FAILURE",
    ),
    "something unknown in the signature": (
        lambda: altered("<ds:KeyInfo>", EVIL + "<ds:KeyInfo>"),
        "FORMAT_FAILURE",
    ),
    "another certificate's material after the archive": (
        lambda: altered("<xades:EncapsulatedOCSPValue>.*?</xades:EncapsulatedOCSPValue>", "", LONG),
        "SIG_CONSTRAINTS_FAILURE",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.spec("ETSI EN 319 102-1 §5.1.3")
def test_an_attack_is_refused_by_name(attack: str) -> None:
    made, expected = ATTACKS[attack]
    assert expected in names(only(made(), DOCUMENT))


INCLUSIVE = [
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/2006/12/xml-c14n11",
]


@pytest.mark.parametrize("method", [*INCLUSIVE, "http://www.w3.org/2001/10/xml-exc-c14n#"])
@pytest.mark.server
def test_what_another_engine_signed_is_read_alike(method: str, tmp_path: Path) -> None:
    template = re.sub(rb"(<ds:DigestValue>)[^<]*(</ds:DigestValue></ds:Ref)", rb"\1\2", SIGNED)
    template = re.sub(rb"(<ds:SignatureValue[^>]*>)[^<]*", rb"\1", template)
    template = template.replace(b"http://www.w3.org/2001/10/xml-exc-c14n#", method.encode())
    template = template.replace(b"<item", b'<item xmlns:more="urn:more"')
    signed = xmlsec_signs(PKI.signer, template, tmp_path)
    assert xmlsec_accepts(PKI, signed, tmp_path)
    assert jdk_accepts(signed, tmp_path)
    assert only(signed, DOCUMENT).problems == ()
    assert "HASH_FAILURE" in names(only(altered("t &amp;", "u &amp;", signed), DOCUMENT))


def signed_by_signxml(root: str, uri: str | None) -> bytes:
    signer = XAdESSigner(
        signature_algorithm="ecdsa-sha256",
        digest_algorithm="sha256",
        c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_1,
    )
    certificate = [PKI.signer.certificate]
    element = etree.fromstring(root)
    return etree.tostring(  # type: ignore[no-any-return]
        signer.sign(element, key=PKI.signer.key, cert=certificate, reference_uri=uri)
    )


def test_what_signxml_signed_is_right_until_its_root_is_wrapped() -> None:
    signed = signed_by_signxml('<order Id="x"><item>1</item></order>', "#x")
    found = only(signed, DOCUMENT)
    assert (found.problems, found.covers) == ((), (DOCUMENT.name,))
    wrapped = b'<order Id="y"><item>1000</item>' + signed + b"</order>"
    assert "SIG_CONSTRAINTS_FAILURE" in names(only(wrapped, DOCUMENT))
    beside = b"<other>" + signed + EVIL.encode() + b"</other>"
    assert "SIG_CONSTRAINTS_FAILURE" in names(only(beside, DOCUMENT))


def test_a_certificate_of_the_same_name_is_not_the_one_that_was_named() -> None:
    twin = re.escape(b64encode(PKI.signer.der).decode())
    other = b64encode(PKI.twin(PKI.signer)).decode()
    assert "NO_SIGNING_CERTIFICATE_FOUND" in names(only(altered(twin, other), DOCUMENT))


def test_work_without_bounds_is_refused() -> None:
    reference = re.search(rb"<ds:Reference Type=.*?</ds:Reference>", SIGNED, re.DOTALL)
    assert reference is not None
    many = SIGNED.replace(reference[0], reference[0] * 100)
    reason = "the signature has too many references"
    assert ("FORMAT_FAILURE", reason) in only(many, DOCUMENT).problems
    signature = SIGNED[SIGNED.index(b"<ds:Signature ") : SIGNED.index(b"</a:order>")]
    with pytest.raises(FormatError, match="too many"):
        FORMAT.check(SIGNED.replace(signature, signature * 60), [DOCUMENT])
    with pytest.raises(FormatError, match="too many"):
        sign_all([replace(FILE, name=str(place)) for place in range(30)], "enveloping")


def test_a_second_signature_that_is_false_is_told_beside_the_right_one() -> None:
    signed = sign(DOCUMENT, "parallel")
    false = altered("</a:order>", f'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
                    f"<ds:Object>{EVIL}</ds:Object></ds:Signature></a:order>", signed)  # fmt: skip
    right, wrong = FORMAT.check(false, [DOCUMENT])
    assert not right.problems
    assert "FORMAT_FAILURE" in names(wrong)


@pytest.mark.parametrize(
    "octets",
    [
        b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'.encode(
            "utf-16"
        ),
        b"<a>&undeclared;</a>",
        b"<a><b></a>",
        b"",
        b"<a/>",
    ],
)
def test_xml_that_may_not_be_read_is_refused(octets: bytes) -> None:
    with pytest.raises(FormatError):
        FORMAT.check(octets, [])


@pytest.mark.parametrize(
    ("items", "envelope"),
    [
        ([], "detached"),
        ([FILE, FILE], "detached"),
        ([FILE], "wrapped"),
        ([replace(FILE, content=None)], "enveloping"),
        ([replace(FILE, content=b"x")], "enveloping"),
        ([replace(DOCUMENT, content=None)], "enveloped"),
        ([DOCUMENT, DOCUMENT], "enveloped"),
        ([FILE], "enveloped"),
        ([replace(DOCUMENT, content=sign(FILE))], "parallel"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(items: list[Item], envelope: str) -> None:
    with pytest.raises(FormatError):
        FORMAT.prepare(items, Wish(envelope=envelope))


def test_what_raises_a_level_must_come_in_order() -> None:
    for level in (Level.B_B, Level.B_LT, Level.B_LTA):
        with pytest.raises(FormatError):
            FORMAT.augment(SIGNED, level, PKI.material(PKI.signer))
    with pytest.raises(FormatError):
        FORMAT.to_archive(SIGNED, [DOCUMENT])
    with pytest.raises(FormatError, match="something else"):
        FORMAT.augment(SIGNED, Level.B_T, Evidence(timestamp=PKI.token(b"other")))
    with pytest.raises(FormatError):
        FORMAT.augment(LONG, Level.B_LT, PKI.material(PKI.signer))
    with pytest.raises(FormatError):
        FORMAT.to_stamp(LONG)


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_is_refused_or_told_or_lies_outside_what_is_signed(
    place: int, change: int
) -> None:
    octets = bytearray(SIGNED)
    octets[place] ^= change
    try:
        found = FORMAT.check(bytes(octets), [DOCUMENT])
    except FormatError:
        return
    for one in found:
        assert one.problems or (one.certificate, one.claimed_at) == (PKI.signer.der, AT)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_anything_else_is_refused_with_its_type(octets: bytes) -> None:
    for judged in (octets, b"<a>" + octets + b"</a>"):
        with pytest.raises(FormatError):
            FORMAT.check(judged, [FILE])
        with pytest.raises(FormatError):
            FORMAT.to_stamp(judged)
