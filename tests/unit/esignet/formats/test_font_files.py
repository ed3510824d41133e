"""Font files: what cannot serve is found when the service starts, not when somebody signs."""

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.cli.serve import serve_esignet
from config.settings import SettingsError, anchored, load
from config.settings.esignet import Esignet
from config.wiring.demo.fonts import noto
from config.wiring.esignet_fonts import fonts
from esignet.flows.appearing import Looks, Turn
from esignet.formats.format import FormatError
from esignet.formats.pdf_font_files import needed, read_font
from esignet.protocol.appearance import Appearance

pytestmark = pytest.mark.server
NOTO = Path("/usr/share/fonts/truetype/noto")
LATIN, ARABIC, THAI = (
    NOTO.joinpath(f"NotoSans{script}-Regular.ttf").read_bytes() for script in ("", "Arabic", "Thai")
)


def table(octets: bytes, tag: bytes) -> int:
    """Where the directory of a font names a table."""
    return octets.index(tag, 12, 12 + 16 * struct.unpack_from(">H", octets, 4)[0])


def licensed(terms: int) -> bytes:
    """The font as if its maker had set fsType."""
    (start,) = struct.unpack_from(">I", LATIN, table(LATIN, b"OS/2") + 8)
    return LATIN[: start + 8] + terms.to_bytes(2, "big") + LATIN[start + 10 :]


@pytest.mark.parametrize("terms", [0, 4, 8, 6])
def test_what_its_maker_lets_others_embed_is_taken(terms: int) -> None:
    assert ord("A") in read_font(licensed(terms)).letters


@pytest.mark.parametrize("terms", [2, 0x100, 0x200, 0x108])
@pytest.mark.spec("OpenType 1.9.1 OS/2 fsType")
def test_what_its_maker_forbids_to_embed_is_refused(terms: int) -> None:
    with pytest.raises(FormatError, match="may not be embedded"):
        read_font(licensed(terms))


def test_what_is_no_font_or_not_whole_or_of_many_weights_is_refused() -> None:
    at = table(LATIN, b"GDEF")
    variable = LATIN[:at] + b"fvar" + LATIN[at + 4 :]
    without = LATIN.replace(b"glyf", b"CFF ", 1)
    for octets, reason in (
        (b"", "no TrueType"),
        (b"no font at all", "no TrueType"),
        (without, "no TrueType"),
        (LATIN[: len(LATIN) // 2], "damaged"),
        (variable, "variable"),
    ):
        with pytest.raises(FormatError, match=reason):
            read_font(octets)


@given(st.integers(0, 4000), st.binary(min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_any_damage_is_refused_or_harmless(at: int, put: bytes) -> None:
    try:
        read_font(THAI[:at] + put + THAI[at + len(put) :])
    except FormatError:
        return


def test_only_fonts_that_a_text_needs_go_into_its_pdf() -> None:
    here = tuple(map(read_font, (LATIN, ARABIC, THAI)))
    assert needed("Amina", here) == (LATIN,)
    assert needed("أمينة", here) == (ARABIC,)
    assert needed("Amina\nأمينة 2026", here) == (LATIN, ARABIC)
    assert needed("欧", here) == (LATIN,), "the refusal is about the letter, not about fonts"
    assert needed("Amina", ()) == ()
    looks = Looks(fonts=here, validation="")
    turn = Turn(0, Appearance(text="{signer}", box=(0, 0, 9, 9)), "สมหญิง")
    assert looks.wish(turn, "a.pdf").fonts == (THAI,)
    assert looks.wish(Turn(0, Appearance(qr="x", box=(0, 0, 9, 9))), "a.pdf").fonts == ()


def test_settings_with_an_unfit_file_name_it(tmp_path: Path) -> None:
    bad = tmp_path / "bad.ttf"
    bad.write_bytes(b"no font")
    for file, reason in (
        (bad, "no TrueType"),
        (tmp_path / "absent", "No such"),
        (tmp_path, "Is a"),
    ):
        with pytest.raises(SettingsError, match=f"esignet.fonts: {file}: .*{reason}"):
            fonts(Esignet(fonts=(str(NOTO / "NotoSans-Regular.ttf"), str(file))))


async def test_the_signing_service_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "bad.ttf").write_bytes(b"no font")
    file = tmp_path / "symbolon.toml"
    file.write_text(
        'demo = true\n[keys]\nsoftware_allowed = true\nsockets = "run"\n'
        '[esignet]\naddress = "http://127.0.0.1:9"\nfonts = ["bad.ttf"]\n'
    )
    chosen = anchored(load(file, {}), tmp_path)
    with pytest.raises(SettingsError, match=f"esignet.fonts: {tmp_path}/bad.ttf: .*no TrueType"):
        await serve_esignet(chosen)


def test_the_demonstration_finds_the_scripts_of_the_world_or_none(tmp_path: Path) -> None:
    found = noto()
    assert found[0].endswith("/NotoSans-Regular.ttf") and len(found) > 20
    assert len(fonts(Esignet(fonts=tuple(found)))) == len(found)
    (tmp_path / "NotoSansArabic-Regular.ttf").touch()
    assert noto(tmp_path) == noto(tmp_path / "absent") == []
