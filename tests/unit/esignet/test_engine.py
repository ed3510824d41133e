"""What a signature comes to: passed, failed or open, at which level, and what it lacks."""

import datetime
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from config.cli.main import cli
from config.wiring.verifying import every_format
from esignet.formats.format import Evidence, FormatError, Level, Wish
from esignet.protocol.indications import FAILING, UNDECIDED, Indication, concluded
from esignet.validation.engine import Judged, Lack, Trust, judge
from esignet.validation.reading import validate
from esignet.validation.recognise import recognised
from esignet.validation.report import report, shown
from keystore.checking.timestamp import BadTimestamp, read_token
from keystore.der import cms, oids
from keystore.der.algorithms import digest_identifier
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Imprint
from keystore.timestamping.messages import Asked, stamped_statement
from tests import format_signing
from tests.small_pki import AT, NOW, Holder, SmallPki
from tests.unit.esignet.formats.test_cades import CONTENT, FORMAT, GIVEN, ITEM, PKI, raised, sign

pytestmark = pytest.mark.server

DAY = 86_400
YEAR = 366 * DAY
TRUST = Trust(anchors=(PKI.root.der,), stamp_anchors=(PKI.root.der,))
FORMATS = {"cades": FORMAT}


def judged(signature: bytes, trust: Trust = TRUST, now: int = AT + 60) -> Judged:
    [one] = validate(signature, [ITEM], FORMATS, trust, now).signatures
    return one


def stamped_at(signature: bytes) -> int:
    """When the openssl of this machine stamped it: now, whatever the test's own time is."""
    [found] = FORMAT.check(signature, [ITEM])
    return read_token(found.timestamps[0][0]).at


def said(one: Judged) -> tuple[str, str]:
    return one.conclusion.indication, one.conclusion.sub_indication


@pytest.mark.parametrize("level", [Level.B_LT, Level.B_LTA])
def test_a_whole_signature_passes_also_when_its_certificate_has_expired(level: Level) -> None:
    brief = PKI.holder("Brief", until=tomorrow())
    signature = raised(sign(ITEM, holder=brief), level, ITEM, brief)
    stamped = stamped_at(signature)
    for now in (stamped + 60, stamped + 3 * YEAR):
        found = judged(signature, now=now)
        assert said(found) == (Indication.TOTAL_PASSED, "")
        assert (found.level, found.is_proved) == (level, True)
        assert found.best_time == stamped
        assert found.path[0] == brief.der and found.path[-1] == PKI.root.der
    assert found.missing == (() if level is Level.B_LTA else (Lack.ARCHIVE,))


def tomorrow() -> datetime.datetime:
    """When a certificate of today has expired in the tests."""
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)


def hasty() -> SmallPki:
    """An authority whose responder is certified until tomorrow."""
    pki = SmallPki()
    usage = ExtendedKeyUsageOID.OCSP_SIGNING
    pki.responder = pki.holder("Hasty OCSP", usage=usage, until=tomorrow())
    return pki


@pytest.mark.spec("ETSI EN 319 102-1 §5.6.2")
@pytest.mark.attack("A7")
def test_an_old_key_of_a_responder_tells_nothing_that_is_not_archived() -> None:
    pki = hasty()
    signature = sign(ITEM, holder=pki.signer)
    for level in (Level.B_T, Level.B_LT, Level.B_LTA):
        evidence = pki.material(pki.signer)
        if level is not Level.B_LT:
            covered = (
                FORMAT.to_stamp if level is Level.B_T else partial(FORMAT.to_archive, items=())
            )
            evidence = Evidence(timestamp=pki.token(covered(signature)))
        signature = FORMAT.augment(signature, level, evidence)
        if level is Level.B_LT:
            plain = signature
    trust = Trust(anchors=(pki.root.der,), stamp_anchors=(pki.root.der,))
    later = stamped_at(signature) + 3 * DAY
    assert said(judged(plain, trust, later - 3 * DAY)) == (Indication.TOTAL_PASSED, "")
    one = judged(plain, trust, later)
    assert said(one) == (Indication.INDETERMINATE, "REVOCATION_OUT_OF_BOUNDS_NO_POE")
    assert said(judged(signature, trust, later)) == (Indication.TOTAL_PASSED, "")


@pytest.mark.spec("ETSI EN 319 102-1 §5.6.2")
def test_a_time_stamp_counts_while_its_certificate_or_a_later_one_does() -> None:
    usage = ExtendedKeyUsageOID.TIME_STAMPING
    brief = PKI.holder("Brief TSA", usage=usage, until=tomorrow())
    signature = sign(ITEM)
    token = Evidence(timestamp=PKI.token(FORMAT.to_stamp(signature), by=brief))
    signature = FORMAT.augment(signature, Level.B_T, token)
    signature = FORMAT.augment(signature, Level.B_LT, PKI.material(PKI.signer, brief))
    token = Evidence(timestamp=PKI.token(FORMAT.to_archive(signature, ()), by=brief))
    signature = FORMAT.augment(signature, Level.B_LTA, token)
    later = stamped_at(signature) + 3 * DAY
    late = judged(signature, now=later)
    assert ["has expired" in stamp.trouble for stamp in late.stamps] == [True, True]
    assert not late.is_proved and late.level is Level.B_B
    token = Evidence(timestamp=PKI.token(FORMAT.to_archive(signature, ())))
    renewed = judged(FORMAT.augment(signature, Level.B_LTA, token), now=later)
    assert [stamp.trouble for stamp in renewed.stamps] == ["", "", ""]
    assert said(renewed) == (Indication.TOTAL_PASSED, "")
    assert (renewed.level, renewed.missing) == (Level.B_LTA, ())


def test_without_a_time_stamp_it_is_open_once_the_certificate_has_expired() -> None:
    brief = PKI.holder("Brief", until=NOW + datetime.timedelta(days=2))
    signature = FORMAT.augment(sign(ITEM, holder=brief), Level.B_LT, PKI.material(brief))
    assert said(judged(signature)) == (Indication.TOTAL_PASSED, "")
    late = judged(signature, now=AT + 3 * DAY)
    assert said(late) == (Indication.INDETERMINATE, "OUT_OF_BOUNDS_NO_POE")
    assert late.level is Level.B_B and Lack.TIMESTAMP in late.missing


def test_nothing_about_revocation_leaves_it_open() -> None:
    found = judged(raised(sign(ITEM), Level.B_T))
    assert said(found) == (Indication.INDETERMINATE, "TRY_LATER")
    assert found.level is Level.B_T
    assert found.missing == (Lack.REVOCATION, Lack.ARCHIVE)


def test_a_roots_list_counts_until_the_next_is_due_and_one_about_a_signer_for_a_day() -> None:
    stamped, usual = raised(sign(ITEM), Level.B_T), PKI.material(PKI.signer)
    for lists, ocsp, expected in (
        ((PKI.crl(age=200, days=165),), usual.ocsp, "TOTAL-PASSED"),
        ((PKI.crl(age=200, days=-1),), usual.ocsp, "INDETERMINATE"),
        ((PKI.crl(), PKI.crl(PKI.issuing, age=2)), (), "INDETERMINATE"),
        ((PKI.crl(), PKI.crl(PKI.issuing)), (), "TOTAL-PASSED"),
    ):
        material = replace(usual, crls=lists, ocsp=ocsp)
        found = judged(FORMAT.augment(stamped, Level.B_LT, material))
        code = "" if expected == "TOTAL-PASSED" else "TRY_LATER"
        assert said(found) == (expected, code)


def test_an_authority_that_is_not_trusted_leaves_it_open() -> None:
    signature = raised(sign(ITEM), Level.B_LT)
    other = SmallPki().root.der
    found = judged(signature, Trust(anchors=(other,), stamp_anchors=(PKI.root.der,)))
    assert said(found) == (Indication.INDETERMINATE, "NO_CERTIFICATE_CHAIN_FOUND")


def test_a_time_stamp_of_nobody_proves_nothing() -> None:
    signature = raised(sign(ITEM), Level.B_LT)
    found = judged(signature, Trust(anchors=(PKI.root.der,), stamp_anchors=()))
    assert not found.is_proved and found.level is Level.B_B
    assert "not believed" in found.stamps[0].trouble
    [read] = FORMAT.check(signature, [ITEM])
    moved = replace(read, timestamps=((read.timestamps[0][0], b"something else"),))
    found = judge(moved, TRUST, AT)
    assert "something else" in found.stamps[0].trouble and not found.is_proved


def test_a_revoked_certificate_fails_or_is_open_as_the_proof_of_time_decides() -> None:
    from tests.unit.esignet.test_paths import listed

    revoked = listed(PKI.issuing, PKI.signer)  # a day before NOW
    others = Evidence(certificates=PKI.material(PKI.signer).certificates, crls=(revoked, PKI.crl()))
    stamped = FORMAT.augment(raised(sign(ITEM), Level.B_T), Level.B_LT, others)
    assert said(judged(stamped)) == (Indication.TOTAL_FAILED, "REVOKED")
    assert judged(stamped).level is None
    bare = FORMAT.augment(sign(ITEM), Level.B_LT, others)
    assert said(judged(bare)) == (Indication.INDETERMINATE, "REVOKED_NO_POE")


def test_a_certificate_that_was_not_valid_yet_fails() -> None:
    signature = FORMAT.augment(sign(ITEM), Level.B_LT, PKI.material(PKI.signer))
    assert said(judged(signature, now=AT - YEAR)) == (Indication.TOTAL_FAILED, "NOT_YET_VALID")


def test_another_document_fails_whoever_is_trusted() -> None:
    signature = raised(sign(ITEM), Level.B_LTA)
    item = replace(ITEM, digest=bytes(32))
    [one] = validate(signature, [item], FORMATS, TRUST, AT).signatures
    assert said(one) == (Indication.TOTAL_FAILED, "HASH_FAILURE")
    assert one.level is None


def test_an_algorithm_that_does_not_count_leaves_it_open() -> None:
    [found] = FORMAT.check(raised(sign(ITEM), Level.B_LT), [ITEM])
    one = judge(replace(found, alg="HS256"), TRUST, AT)
    assert said(one) == (Indication.INDETERMINATE, "CRYPTO_CONSTRAINTS_FAILURE")


@pytest.mark.spec("RFC 9882 §3")
def test_signatures_and_time_stamps_by_lattices_are_believed() -> None:
    """They keep a signature provable when elliptic curves no longer do."""
    usage = ExtendedKeyUsageOID.TIME_STAMPING
    person = PKI.holder("Lena Lattice", mldsa.MLDSA65PrivateKey.generate())
    stamper = PKI.holder("Lattice TSA", mldsa.MLDSA65PrivateKey.generate(), usage=usage)
    item = replace(ITEM, digest=HashAlgorithm.SHA512.of(CONTENT))
    wish = Wish(hash_algorithm=HashAlgorithm.SHA512)
    signature = format_signing.signed(FORMAT, [item], wish, person)
    for level in (Level.B_T, Level.B_LT, Level.B_LTA):
        covered = FORMAT.to_stamp(signature) if level is Level.B_T else b""
        evidence = PKI.material(person, stamper)
        if level is Level.B_LTA:
            covered = FORMAT.to_archive(signature, [item])
        if covered:
            evidence = Evidence(timestamp=lattice_token(covered, stamper))
        signature = FORMAT.augment(signature, level, evidence)
    [one] = validate(signature, [item], FORMATS, TRUST, AT + 9 * YEAR).signatures
    assert (one.found.alg, one.level, one.best_time) == ("ML-DSA-65", Level.B_LTA, AT)
    assert said(one) == (Indication.TOTAL_PASSED, "")
    assert [stamp.trouble for stamp in one.stamps] == ["", ""]
    weaker = judge(replace(one.found, alg="ML-DSA-44"), TRUST, AT)
    assert said(weaker) == (Indication.INDETERMINATE, "CRYPTO_CONSTRAINTS_FAILURE")
    with pytest.raises(BadTimestamp, match="signed"):
        read_token(lattice_token(CONTENT, replace(stamper, key=person.key)))


@pytest.mark.attack("A7")
def test_a_time_stamp_by_a_weaker_lattice_proves_nothing() -> None:
    usage = ExtendedKeyUsageOID.TIME_STAMPING
    stamper = PKI.holder("Thin TSA", mldsa.MLDSA44PrivateKey.generate(), usage=usage)
    signature = sign(ITEM)
    token = lattice_token(FORMAT.to_stamp(signature), stamper)
    one = judged(FORMAT.augment(signature, Level.B_T, Evidence(timestamp=token)))
    assert [stamp.trouble for stamp in one.stamps] == ["its algorithm is not accepted: ML-DSA-44"]
    assert not one.is_proved


def lattice_token(covered: bytes, by: Holder) -> bytes:
    """A token over ``covered`` with the signature of the cryptography library."""
    hashed = HashAlgorithm.SHA512
    asked = Asked(imprint=Imprint(hashed, hashed.of(covered)))
    content = stamped_statement(asked, policy="1.2.3", serial=7, at=AT, accuracy=1)
    attributes = cms.SignedAttributes(
        content_type=oids.TST_INFO,
        digest=hashed.of(content),
        hash_oid=hashed.oid,
        certificate=by.der,
        signing_time=AT,
    ).der()
    signer = cms.SignerInfo(
        attributes=attributes,
        signature=by.sign(attributes),
        alg=by.alg,
        certificate=by.der,
        hash_oid=hashed.oid,
    )
    return cms.SignedData(
        digest_algorithms=(digest_identifier(hashed.oid),),
        encapsulated=cms.encapsulated(oids.TST_INFO, content),
        certificates=(by.der, *by.chain[:-1]),
        revocations=(),
        signers=(signer.der(),),
        version=3,
    ).der()


def test_every_word_of_the_standard_leads_to_its_indication() -> None:
    assert len(FAILING | UNDECIDED) == len(FAILING) + len(UNDECIDED)
    for code in FAILING:
        assert concluded(code, "x").indication is Indication.TOTAL_FAILED
    for code in UNDECIDED:
        assert concluded(code, "x").indication is Indication.INDETERMINATE
    with pytest.raises(ValueError, match="no sub-indication"):
        concluded("MADE_UP", "x")


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"%PDF-1.7\n", ("pades",)),
        (b"junk%PDF-1.7\n", ("pades",)),
        (b"PK\x03\x04rest", ("asic_cades", "asic_xades")),
        (b"\xef\xbb\xbf <?xml?>", ("xades",)),
        (b' {"payload":""}', ("jades",)),
        (b"eyJhbGciOiJFUzI1NiJ9..x", ("jades", "jws")),
        (b"\x30\x82\x01\x00", ("cades",)),
        (b"\xd2\x84", ("cose",)),
    ],
)
def test_a_file_is_known_by_its_octets(content: bytes, names: tuple[str, ...]) -> None:
    assert recognised(content) == names


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CMS-----", b"\x00" * 40])
def test_what_is_no_signature_is_refused_with_a_reason(content: bytes) -> None:
    with pytest.raises(FormatError):
        validate(content, [], every_format(), TRUST, AT)


def test_the_report_says_who_when_and_what_is_missing() -> None:
    found = judged(raised(sign(ITEM), Level.B_LT))
    told = report("contract.p7s", "cades", [found], AT)["validationConclusion"]
    assert (told["validSignaturesCount"], told["signaturesCount"]) == (1, 1)
    [one] = told["signatures"]
    assert one["signatureFormat"] == "CADES_BASELINE_LT"
    assert one["signedBy"] == "Ana Tester" and one["isPseudonym"] is False
    assert one["info"]["bestSignatureTime"] == shown(found.best_time)
    assert one["signatureScopes"] == [{"name": "contract.txt", "scope": "FullSignatureScope"}]
    assert one["missing"] == [Lack.ARCHIVE]
    json.dumps(told)


def test_the_command_says_it_in_words_and_in_its_exit_code(tmp_path: Path) -> None:
    def run(*words: str | Path) -> tuple[object, str]:
        result = CliRunner().invoke(cli, ["verify", *map(str, words)], standalone_mode=False)
        return result.return_value if result.exception is None else result.exception, result.output

    signature, content = tmp_path / "contract.p7s", tmp_path / "contract.txt"
    signature.write_bytes(raised(sign(GIVEN), Level.B_LT))
    content.write_bytes(CONTENT)
    root = tmp_path / "root.pem"
    root.write_bytes(PKI.root.certificate.public_bytes(Encoding.PEM))
    status, text = run(signature, "--content", content, "--trust", root)
    assert status == 0, text
    assert text.startswith("GOOD  TOTAL-PASSED\n") and "Ana Tester" in text
    assert f"proved      to have existed at {shown(stamped_at(signature.read_bytes()))}" in text
    status, text = run(signature, "--content", content)
    assert status == 1 and text.startswith("OPEN  INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND")
    content.write_bytes(CONTENT + b"!")
    status, text = run(signature, "--content", content, "--trust", root, "--json")
    assert status == 1
    [one] = json.loads(text)["validationConclusion"]["signatures"]
    assert one["subIndication"] == "HASH_FAILURE"
    status, _ = run(content)
    assert "no signature that is known here" in str(status)
    status, _ = run(signature, "--trust", content)
    assert "no certificates in PEM" in str(status)


@pytest.mark.parametrize("claimed", [2**38 - 1, 253_402_300_800, -62_135_596_801])
def test_a_time_that_no_calendar_has_is_not_told(claimed: int) -> None:
    [found] = FORMAT.check(sign(ITEM), [ITEM])
    one = judge(replace(found, claimed_at=claimed), TRUST, AT + 60)
    [told] = report("a", "cades", [one], AT)["validationConclusion"]["signatures"]
    assert one.found.claimed_at is None and "claimedSigningTime" not in told
    last = judge(replace(found, claimed_at=253_402_300_799), TRUST, AT + 60)
    [told] = report("a", "cades", [last], AT)["validationConclusion"]["signatures"]
    assert told["claimedSigningTime"] == "9999-12-31T23:59:59Z"
