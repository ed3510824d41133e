"""CAdES at every level is accepted by openssl, and changed ones are refused by name."""

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esignet.formats.cades import FORMAT
from esignet.formats.format import Evidence, FormatError, Found, Item, Level, Wish
from keystore.der import cms, oids
from keystore.der.cms_reading import read_message
from tests.format_signing import signed
from tests.small_pki import AT, Holder, SmallPki

pytestmark = pytest.mark.server

CONTENT = b"A contract.\n" * 10
ITEM = Item(name="contract.txt", digest=hashlib.sha256(CONTENT).digest(), media_type="text/plain")
GIVEN = replace(ITEM, content=CONTENT)
PKI = SmallPki()


def sign(item: Item, envelope: str = "detached", holder: Holder = PKI.signer) -> bytes:
    return signed(FORMAT, [item], Wish(envelope=envelope), holder)


def raised(signature: bytes, level: Level, item: Item = ITEM, *holders: Holder) -> bytes:
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


def openssl(tmp_path: Path, signature: bytes, content: bytes | None) -> str:
    (tmp_path / "s.p7s").write_bytes(signature)
    command = ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-purpose"]
    command += ["any", "-in", str(tmp_path / "s.p7s"), "-attime", str(AT), "-out", "out"]
    command += ["-CAfile", str(PKI.pem(tmp_path))]
    if content is not None:
        (tmp_path / "content").write_bytes(content)
        command += ["-content", str(tmp_path / "content")]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    return run.stderr if run.returncode == 0 else ""


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("envelope", ["detached", "enveloping"])
@pytest.mark.spec("ETSI EN 319 122-1 §6")
def test_every_level_is_accepted_by_openssl_and_by_us(
    level: Level, envelope: str, tmp_path: Path
) -> None:
    item = GIVEN if envelope == "enveloping" else ITEM
    signature = raised(sign(item, envelope), level)
    outside = CONTENT if envelope == "detached" else None
    assert "CAdES Verification successful" in openssl(tmp_path, signature, outside)
    found = only(signature, ITEM)
    assert (found.level, found.problems, found.claimed_at) == (level, (), AT)
    assert found.certificate == PKI.signer.der
    assert found.covers == ("contract.txt",)
    if outside is not None:
        assert not openssl(tmp_path, signature, CONTENT + b"!")


@pytest.mark.spec("RFC 3161 §2.4")
def test_openssl_accepts_both_time_stamps(tmp_path: Path) -> None:
    found = only(raised(sign(ITEM), Level.B_LTA), ITEM)
    for token, covered in (*found.timestamps, *found.archive):
        (tmp_path / "t").write_bytes(token)
        (tmp_path / "covered").write_bytes(covered)
        command = ["openssl", "ts", "-verify", "-data", "covered", "-token_in", "-in", "t"]
        command += ["-CAfile", str(PKI.pem(tmp_path))]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "Verification: OK" in run.stdout + run.stderr


def test_signers_stand_side_by_side(tmp_path: Path) -> None:
    other = PKI.holder("Ben Other")
    one = raised(sign(ITEM), Level.B_LTA)
    both = sign(replace(ITEM, content=one), "parallel", other)
    assert "CAdES Verification successful" in openssl(tmp_path, both, CONTENT)
    levels = {found.certificate: found for found in FORMAT.check(both, [ITEM])}
    assert levels[PKI.signer.der].archive, "an archive time-stamp holds when a signer is added"
    assert not any(found.problems for found in levels.values())
    lifted = raised(both, Level.B_LTA, ITEM, PKI.signer, other)
    assert {found.level for found in FORMAT.check(lifted, [ITEM])} == {Level.B_LTA}
    assert not any(found.problems for found in FORMAT.check(lifted, [ITEM]))
    with pytest.raises(FormatError, match="nobody"):
        sign(replace(ITEM, digest=bytes(32), content=one), "parallel", other)


def test_an_archive_is_renewed_over_the_one_before() -> None:
    once = raised(sign(ITEM), Level.B_LTA)
    stamp = Evidence(timestamp=PKI.token(FORMAT.to_archive(once, [ITEM])))
    found = only(FORMAT.augment(once, Level.B_LTA, stamp), ITEM)
    assert len(found.archive) == 2
    assert not found.problems


def test_content_that_is_another_is_told() -> None:
    signature = sign(ITEM)
    assert names(only(signature, replace(ITEM, digest=bytes(32)))) == {"HASH_FAILURE"}
    assert names(only(signature)) == {"SIGNED_DATA_NOT_FOUND"}


def test_a_signature_of_another_key_is_told() -> None:
    message = read_message(sign(ITEM))
    signer = message.signers[0]
    other = PKI.holder("Someone else").sign(signer.signed)
    forged = cms.ecdsa_der(other)
    head = signer.head[: -len(signer.signature) - 2] + cms.octets(forged)
    changed = replace(message, signers=(replace(signer, head=head),)).der()
    assert names(only(changed, ITEM)) == {"SIG_CRYPTO_FAILURE"}


def test_another_certificate_of_the_same_name_and_number_is_told() -> None:
    message = read_message(sign(ITEM))
    twin = PKI.twin(PKI.signer)
    changed = replace(message, certificates=(twin, *PKI.signer.chain[:-1])).der()
    assert "NO_SIGNING_CERTIFICATE_FOUND" in names(only(changed, ITEM))
    without = replace(message, certificates=PKI.signer.chain[:-1]).der()
    assert names(only(without, ITEM)) == {"NO_SIGNING_CERTIFICATE_FOUND"}


@pytest.mark.parametrize(
    ("stripped", "problem"),
    [
        (oids.SIGNING_CERTIFICATE_V2, "SIG_CONSTRAINTS_FAILURE"),
        (oids.MESSAGE_DIGEST, "FORMAT_FAILURE"),
        (oids.CONTENT_TYPE, "FORMAT_FAILURE"),
    ],
)
def test_a_signature_without_an_attribute_that_must_be_there(stripped: str, problem: str) -> None:
    prefix = cms.oid(stripped)
    message = read_message(sign(ITEM))
    members = read_message_attributes(message.signers[0].signed)
    kept = cms.set_of([one for one in members if prefix not in one])
    signer = cms.SignerInfo(
        attributes=kept,
        signature=cms.ecdsa_der(PKI.signer.sign(kept)),
        alg="ES256",
        certificate=PKI.signer.der,
        hash_oid=oids.SHA256,
    )
    assert problem in names(only(cms.signed_by(signer, ()), ITEM))


def read_message_attributes(signed: bytes) -> list[bytes]:
    from keystore.der.reader import read

    return [one.octets for one in read(signed).children()]


def test_a_time_stamp_over_something_else_is_never_put_in_and_told_when_there() -> None:
    signature = sign(ITEM)
    foreign = PKI.token(b"something else")
    with pytest.raises(FormatError, match="something else"):
        FORMAT.augment(signature, Level.B_T, Evidence(timestamp=foreign))
    message = read_message(signature)
    stamp = cms.attribute(oids.SIGNATURE_TIME_STAMP, foreign)
    changed = replace(message, signers=(message.signers[0].with_unsigned(stamp),)).der()
    found = only(changed, ITEM)
    assert found.level is Level.B_B
    assert "SIG_CONSTRAINTS_FAILURE" in names(found)


def test_material_taken_out_after_the_archive_time_stamp_is_told() -> None:
    message = read_message(raised(sign(ITEM), Level.B_LTA))
    changed = replace(message, revocations=message.revocations[1:]).der()
    assert "SIG_CONSTRAINTS_FAILURE" in names(only(changed, ITEM))


def test_what_raises_a_level_must_come_in_order() -> None:
    with pytest.raises(FormatError):
        FORMAT.to_archive(sign(ITEM), [ITEM])
    with pytest.raises(FormatError):
        FORMAT.to_stamp(raised(sign(ITEM), Level.B_T))
    with pytest.raises(FormatError):
        FORMAT.augment(sign(ITEM), Level.B_B, Evidence())


@pytest.mark.parametrize(
    ("items", "envelope"),
    [
        ([], "detached"),
        ([ITEM, ITEM], "detached"),
        ([ITEM], "enveloping"),
        ([ITEM], "wrapped"),
        ([ITEM], "parallel"),
        ([replace(ITEM, content=b"x")], "enveloping"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(items: list[Item], envelope: str) -> None:
    with pytest.raises(FormatError):
        FORMAT.prepare(items, Wish(envelope=envelope))


SIGNATURE = sign(ITEM)


@given(st.integers(0, len(SIGNATURE) - 1), st.integers(1, 255))
@settings(max_examples=400, deadline=None)
def test_a_flipped_bit_is_refused_or_told_or_lies_outside_what_is_signed(
    place: int, change: int
) -> None:
    octets = bytearray(SIGNATURE)
    octets[place] ^= change
    try:
        (found,) = FORMAT.check(bytes(octets), [ITEM])
    except (FormatError, ValueError) as fault:
        assert isinstance(fault, FormatError)
        return
    if not found.problems:  # only in the certificates above the signer's, which nobody judged yet
        assert found.certificate == PKI.signer.der
        assert found.claimed_at == AT


@given(st.binary(max_size=200))
def test_anything_else_is_refused_with_its_type(octets: bytes) -> None:
    with pytest.raises(FormatError):
        FORMAT.check(octets, [ITEM])
    with pytest.raises(FormatError):
        FORMAT.to_stamp(octets)
