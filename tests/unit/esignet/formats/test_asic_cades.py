"""ASiC with CAdES: what lies in the container is what was signed, or is named."""

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esignet.formats import container
from esignet.formats.asic_cades import FORMAT
from esignet.formats.format import Evidence, FormatError, Found, Item, Level, Wish
from keystore.signing.digests import HashAlgorithm
from keystore.signing.plans import DataFile, ManifestPlan
from keystore.signing.structures import manifest
from keystore.signing.structures.structure import BadPlan, Ground
from tests.format_signing import signed
from tests.small_pki import AT, Holder, SmallPki

pytestmark = pytest.mark.server

PKI = SmallPki()
FILES = {"contract.txt": b"Pay 100 to Ana\n", "annex/été & <more>.xml": b"<a/>"}


def item(name: str, content: bytes, *, given: bool = True) -> Item:
    digest = hashlib.sha256(content).digest()
    return Item(name=name, digest=digest, content=content if given else None)


def items(*, given: bool = True) -> list[Item]:
    return [item(name.replace("<", "(").replace(">", ")"), content, given=given)
            for name, content in FILES.items()]  # fmt: skip


def ground(digests: tuple[bytes, ...], holder: Holder = PKI.signer) -> Ground:
    return Ground(
        hash_algorithm=HashAlgorithm.SHA256,
        digests=digests,
        certificate=holder.der,
        chain=holder.chain[:-1],
        alg="ES256",
        now=AT,
    )


def sign(some: list[Item], envelope: str = "asic-e", holder: Holder = PKI.signer) -> bytes:
    return signed(FORMAT, some, Wish(envelope=envelope), holder)


def raised(signature: bytes, level: Level, some: list[Item]) -> bytes:
    steps = list(Level)[1 : list(Level).index(level) + 1]
    for step in steps:
        evidence = PKI.material(PKI.signer)
        if step is Level.B_T:
            evidence = Evidence(timestamp=PKI.token(FORMAT.to_stamp(signature)))
        if step is Level.B_LTA:
            evidence = Evidence(timestamp=PKI.token(FORMAT.to_archive(signature, some)))
        signature = FORMAT.augment(signature, step, evidence)
    return signature


def problems(found: tuple[Found, ...]) -> set[str]:
    return {name for one in found for name, _ in one.problems}


def openssl(tmp_path: Path, signature: bytes, content: bytes) -> str:
    (tmp_path / "s").write_bytes(signature)
    (tmp_path / "c").write_bytes(content)
    command = ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "s"]
    command += ["-content", "c", "-purpose", "any", "-attime", str(AT), "-out", "out"]
    command += ["-CAfile", str(PKI.pem(tmp_path))]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    return run.stderr


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("envelope", ["asic-s", "asic-e"])
@pytest.mark.spec("ETSI EN 319 162-1 §4")
def test_every_level_is_accepted_by_openssl_and_by_us(
    envelope: str, level: Level, tmp_path: Path
) -> None:
    some = items()[:1] if envelope == "asic-s" else items()
    signed = raised(sign(some, envelope), level, some)
    found = FORMAT.check(signed, ())
    assert [(one.level, one.problems) for one in found] == [(level, ())]
    assert found[0].covers == tuple(one.name for one in some)
    files = container.read(signed)
    if envelope == "asic-s":
        accepted = openssl(tmp_path, files["META-INF/signature.p7s"], files["contract.txt"])
    else:
        named = files["META-INF/ASiCManifest001.xml"]
        accepted = openssl(tmp_path, files["META-INF/signature001.p7s"], named)
    assert "CAdES Verification successful" in accepted


@pytest.mark.parametrize("envelope", ["asic-s", "asic-e"])
def test_another_signer_signs_what_the_first_one_signed(envelope: str) -> None:
    some = items()[:1] if envelope == "asic-s" else items()
    once = sign(some, envelope)
    twice = sign([item("c.asice", once)], "parallel", PKI.holder("Ben Other"))
    found = FORMAT.check(twice, ())
    assert len({one.certificate for one in found}) == 2
    assert not problems(found)


def test_files_that_stay_where_they_are_are_signed_by_digest_alone() -> None:
    signed = sign(items(given=False))
    assert not set(FILES) & set(container.read(signed))
    assert not problems(FORMAT.check(signed, items(given=False)))
    assert problems(FORMAT.check(signed, ())) == {"SIGNED_DATA_NOT_FOUND"}
    wrong = [replace(one, digest=bytes(32)) for one in items(given=False)]
    assert problems(FORMAT.check(signed, wrong)) == {"HASH_FAILURE"}


def rewritten(signed: bytes, **changes: bytes) -> bytes:
    files = container.read(signed) | changes
    files.pop("mimetype")
    return container.write(container.ASIC_E, files)


def test_a_file_that_was_changed_or_added_or_taken_out_is_named() -> None:
    signed = sign(items())
    changed = rewritten(signed, **{"contract.txt": b"Pay 999 to Eve\n"})
    assert problems(FORMAT.check(changed, ())) == {"HASH_FAILURE"}
    added = rewritten(signed, **{"annex/2.txt": b"and more"})
    assert problems(FORMAT.check(added, ())) == {"FORMAT_FAILURE"}
    files = container.read(signed)
    del files["mimetype"], files["contract.txt"]
    without = container.write(container.ASIC_E, files)
    assert problems(FORMAT.check(without, ())) == {"SIGNED_DATA_NOT_FOUND"}


def test_a_manifest_that_was_changed_is_named() -> None:
    signed = sign(items())
    name = "META-INF/ASiCManifest001.xml"
    text = container.read(signed)[name].replace(b"contract.txt", b"contract.tx2")
    forged = rewritten(signed, **{name: text, "contract.tx2": FILES["contract.txt"]})
    assert "HASH_FAILURE" in problems(FORMAT.check(forged, ()))
    twice = rewritten(signed, **{"META-INF/ASiCManifest002.xml": text})
    with pytest.raises(FormatError, match="two manifests"):
        FORMAT.check(twice, ())


@pytest.mark.parametrize(
    ("some", "envelope"),
    [
        ([], "asic-e"),
        (items(), "asic-s"),
        (items(), "enveloped"),
        (items(), "parallel"),
        ([item("META-INF/x", b"")], "asic-e"),
        ([item("mimetype", b"")], "asic-s"),
        ([item("../x", b"")], "asic-e"),
        ([item("a", b""), item("A", b"")], "asic-e"),
        ([item("x", container.write(container.ASIC_E, {"a": b""}))], "parallel"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(some: list[Item], envelope: str) -> None:
    with pytest.raises(FormatError):
        FORMAT.prepare(some, Wish(envelope=envelope))


@pytest.mark.parametrize(
    "plan",
    [
        ManifestPlan("s.p7s", []),
        ManifestPlan("s.p7s", [DataFile(1, "a")]),
        ManifestPlan("s.p7s", [DataFile(0, "a"), DataFile(0, "a")]),
        ManifestPlan("s.p7s", [DataFile(0, "s.p7s")]),
        ManifestPlan("s.p7s", [DataFile(0, "../a")]),
        ManifestPlan("s.p7s", [DataFile(0, 'a"/><x a="')]),
        ManifestPlan("s.p7s", [DataFile(0, "a", 'text/plain"')]),
    ],
)
def test_a_plan_that_could_write_other_xml_is_refused(plan: ManifestPlan) -> None:
    with pytest.raises(BadPlan):
        manifest.build(plan, ground((bytes(32),)))


SIGNED = sign(items())


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
@settings(max_examples=200, deadline=None)
def test_a_flipped_bit_is_refused_or_named_or_outside_what_is_signed(
    place: int, change: int
) -> None:
    octets = bytearray(SIGNED)
    octets[place] ^= change
    try:
        found = FORMAT.check(bytes(octets), ())
    except FormatError:
        return
    inside = container.read(bytes(octets))
    original = container.read(SIGNED)
    assert problems(found) or all(inside.get(one) == original[one] for one in found[0].covers)
