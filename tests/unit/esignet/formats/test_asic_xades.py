"""ASiC with XAdES: other engines accept what lies in the container, and tampering is named."""

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from esignet.formats import container
from esignet.formats.asic_xades import FORMAT
from esignet.formats.format import Evidence, FormatError, Found, Item, Level, Wish
from tests.format_signing import signed
from tests.small_pki import AT, Holder, SmallPki
from tests.xml_judges import jdk_accepts, xmlsec_accepts

pytestmark = pytest.mark.server

PKI = SmallPki()


def file(name: str, content: bytes, media_type: str = "text/plain") -> Item:
    digest = hashlib.sha256(content).digest()
    return Item(name=name, digest=digest, media_type=media_type, content=content)


FILES = [file("a contract.txt", b"A contract.\n"), file("plans/größe & (ä).bin", bytes(99))]
SIGNATURES = "META-INF/signatures001.xml"


def sign(items: list[Item], envelope: str = "asic-e", holder: Holder = PKI.signer) -> bytes:
    return signed(FORMAT, items, Wish(envelope=envelope), holder)


def raised(signature: bytes, level: Level, *holders: Holder) -> bytes:
    if level is Level.B_B:
        return signature
    stamp = Evidence(timestamp=PKI.token(FORMAT.to_stamp(signature)))
    signature = FORMAT.augment(signature, Level.B_T, stamp)
    if level is Level.B_T:
        return signature
    signature = FORMAT.augment(signature, Level.B_LT, PKI.material(*(holders or (PKI.signer,))))
    if level is Level.B_LT:
        return signature
    stamp = Evidence(timestamp=PKI.token(FORMAT.to_archive(signature, [])))
    return FORMAT.augment(signature, Level.B_LTA, stamp)


def names(found: Found) -> set[str]:
    return {name for name, _ in found.problems}


def changed(signature: bytes, **files: bytes) -> bytes:
    there = container.read(signature) | files
    return container.write(there.pop("mimetype").decode(), there)


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("envelope", ["asic-e", "asic-s"])
@pytest.mark.spec("ETSI EN 319 162-1 §5")
@pytest.mark.server
def test_every_level_is_accepted_by_other_engines(
    envelope: str, level: Level, tmp_path: Path
) -> None:
    files = FILES if envelope == "asic-e" else FILES[:1]
    signature = raised(sign(files, envelope), level)
    with zipfile.ZipFile(io.BytesIO(signature)) as opened:
        assert opened.testzip() is None
        assert opened.namelist()[0] == "mimetype"
        opened.extractall(tmp_path)
    inside = next((tmp_path / "META-INF").glob("*signatures*.xml")).read_bytes()
    assert xmlsec_accepts(PKI, inside, tmp_path)
    if level is Level.B_LTA:
        assert jdk_accepts(inside, tmp_path)
    (found,) = FORMAT.check(signature, [])
    assert (found.level, found.problems, found.claimed_at) == (level, (), AT)
    assert found.covers == tuple(item.name for item in files)


def test_signers_follow_one_another() -> None:
    other = PKI.holder("Ben Other")
    one = raised(sign(FILES), Level.B_LTA)
    both = sign([file("signed.asice", one)], "parallel", other)
    assert [found.problems for found in FORMAT.check(both, [])] == [(), ()]
    lifted = raised(both, Level.B_LTA, other)
    assert [found.level for found in FORMAT.check(lifted, [])] == [Level.B_LTA, Level.B_LTA]
    with pytest.raises(FormatError, match="ASiC-E takes more"):
        sign([file("signed.asics", sign(FILES[:1], "asic-s"))], "parallel")


def test_a_folder_of_five_hundred_files_is_one_batch() -> None:
    files = [file(f"folder/{n}.txt", f"File {n}".encode()) for n in range(500)]
    signature = raised(sign(files), Level.B_LT)
    (found,) = FORMAT.check(signature, [])
    assert (found.problems, len(found.covers), found.level) == ((), 500, Level.B_LT)
    broken = changed(signature, **{"folder/250.txt": b"File 25O"})
    (found,) = FORMAT.check(broken, [])
    assert found.problems == (("HASH_FAILURE", "what was signed is not folder/250.txt"),)


SIGNED = sign(FILES)


def test_a_file_that_nobody_signed_is_named() -> None:
    (found,) = FORMAT.check(changed(SIGNED, **{"evil.txt": b"pay"}), [])
    assert found.problems[0] == (
        "SIG_CONSTRAINTS_FAILURE",
        "files of the container are not signed: evil.txt",
    )


def test_a_file_under_another_name_is_not_the_one_that_was_signed() -> None:
    there = container.read(sign(FILES[:1]))
    there["other.txt"] = there.pop(FILES[0].name)
    (found,) = FORMAT.check(container.write(there.pop("mimetype").decode(), there), [])
    assert names(found) == {"SIGNED_DATA_NOT_FOUND"}


def test_a_signature_that_covers_itself_alone_does_not_cover_the_files() -> None:
    text = container.read(SIGNED)[SIGNATURES]
    start = text.index(b"<ds:Reference Id=")
    wrapped = text[:start] + text[text.index(b"<ds:Reference Type=") :]
    (found,) = FORMAT.check(changed(SIGNED, **{SIGNATURES: wrapped}), [])
    assert found.problems


@pytest.mark.parametrize(
    "content",
    [
        b"<a/>",
        b'<asic:XAdESSignatures xmlns:asic="http://uri.etsi.org/02918/v1.2.1#"/>',
        b"<!DOCTYPE a><a/>",
        b"no XML",
    ],
)
def test_a_file_of_signatures_that_holds_something_else_is_refused(content: bytes) -> None:
    with pytest.raises(FormatError):
        FORMAT.check(changed(SIGNED, **{"META-INF/signatures002.xml": content}), [])


def test_a_file_may_stay_outside_the_container() -> None:
    bare = replace(FILES[0], content=None)
    signature = raised(sign([bare, FILES[1]]), Level.B_LT)
    assert FILES[0].name not in container.read(signature)
    for known in (bare, FILES[0]):
        (found,) = FORMAT.check(signature, [known])
        assert (found.problems, found.level) == ((), Level.B_LT)
        assert found.covers == (FILES[0].name, FILES[1].name)
    (found,) = FORMAT.check(signature, [])
    assert names(found) == {"SIGNED_DATA_NOT_FOUND"}
    with pytest.raises(FormatError):
        FORMAT.to_archive(signature, [bare])
    assert FORMAT.to_archive(signature, [FILES[0]])


def test_a_file_outside_cannot_stand_for_one_inside() -> None:
    broken = changed(SIGNED, **{FILES[0].name: b"other"})
    (found,) = FORMAT.check(broken, [FILES[0]])
    assert names(found) == {"HASH_FAILURE"}


def test_other_containers_are_refused() -> None:
    there = container.read(SIGNED)
    for octets in (
        container.write("application/zip", {"a": b"x"}),
        container.write(container.ASIC_E, {"a": b"x"}),
        container.write(container.ASIC_S, {n: c for n, c in there.items() if n != "mimetype"}),
        b"PK",
    ):
        with pytest.raises(FormatError):
            FORMAT.check(octets, [])


@pytest.mark.parametrize(
    ("items", "envelope"),
    [
        ([], "asic-e"),
        (FILES, "asic-s"),
        (FILES, "enveloped"),
        ([replace(FILES[0], content=b"x")], "asic-e"),
        ([file("META-INF/signatures001.xml", b"x")], "asic-e"),
        ([file("mimetype", b"x")], "asic-e"),
        ([file("../x", b"x")], "asic-e"),
        ([file("x", b"x")], "parallel"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(items: list[Item], envelope: str) -> None:
    with pytest.raises(FormatError):
        sign(items, envelope)


def test_two_files_of_one_name_are_refused() -> None:
    with pytest.raises(FormatError):
        FORMAT.prepare([FILES[0], FILES[0]], Wish(envelope="asic-e"))
