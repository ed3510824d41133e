"""Fonts inside a PDF: only the glyphs that are shown, embedded as PDF/A demands (ISO 19005)."""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import uharfbuzz
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from esignet.formats.pdf_text import Typeface

_POSTSCRIPT_NAME = 6
_SYMBOLIC = 4
_LAYOUT = ("GSUB", "GPOS", "GDEF", "kern", "DSIG", "morx", "gasp")


@dataclass(frozen=True, slots=True)
class Embedded:
    """A font in a PDF. ``codes`` are the numbers of its glyphs there, by those of the typeface."""

    font: generic.IndirectObject
    codes: Mapping[int, int]


def embedded(
    writer: BasePdfFileWriter, typeface: Typeface, meanings: Mapping[int, str]
) -> Embedded:
    """Return the font with the glyphs that ``meanings`` names, added to ``writer``.

    It is a composite font (ISO 32000-2 §9.7) whose codes are numbers of glyphs.
    """
    octets, codes = _subset(typeface, meanings)
    tag = "".join(chr(65 + one % 26) for one in hashlib.sha256(octets).digest()[:6])
    name = f"/{tag}+{typeface.face.get_name(_POSTSCRIPT_NAME) or 'Font'}"
    program = generic.StreamObject(stream_data=octets)
    program["/Length1"] = generic.NumberObject(len(octets))
    program.compress()
    descriptor = _descriptor(typeface, name)
    descriptor["/FontFile2"] = writer.add_object(program)
    marks = generic.StreamObject(stream_data=_all_set(len(codes)))
    descriptor["/CIDSet"] = writer.add_object(marks)  # PDF/A-1 asks for it
    described = writer.add_object(descriptor)
    descendant = writer.add_object(_descendant(typeface, name, described, codes))
    spoken = {codes[glyph]: meaning for glyph, meaning in meanings.items()}
    unicode = generic.StreamObject(stream_data=_to_unicode(spoken))
    unicode.compress()
    font = _names({"/Type": "/Font", "/Subtype": "/Type0", "/BaseFont": name})
    font["/Encoding"] = pdf_name("/Identity-H")
    font["/DescendantFonts"] = generic.ArrayObject([descendant])
    font["/ToUnicode"] = writer.add_object(unicode)
    return Embedded(writer.add_object(font), codes)


def _subset(typeface: Typeface, glyphs: Mapping[int, str]) -> tuple[bytes, dict[int, int]]:
    asked = uharfbuzz.SubsetInput()
    asked.glyph_set.update(glyphs)
    asked.flags = uharfbuzz.SubsetFlags.NO_HINTING | uharfbuzz.SubsetFlags.NOTDEF_OUTLINE
    asked.drop_table_tag_set.update(int.from_bytes(tag.encode(), "big") for tag in _LAYOUT)
    plan = uharfbuzz.SubsetPlan(typeface.face, asked)
    codes = {int(old): int(new) for old, new in dict(plan.old_to_new_glyph_mapping).items()}
    return bytes(plan.execute().blob.data), codes


def _descriptor(typeface: Typeface, name: str) -> generic.DictionaryObject:
    """Return what is said of the font as a whole (§9.8)."""
    head = bytes(typeface.face.reference_table("head").data)
    box = [round(typeface.scaled(edge)) for edge in struct.unpack_from(">4h", head, 36)]
    extents = typeface.font.get_font_extents("ltr")
    descriptor = _names({"/Type": "/FontDescriptor", "/FontName": name})
    numbers = {"/Flags": _SYMBOLIC, "/ItalicAngle": 0, "/StemV": 80}
    numbers["/Ascent"] = round(typeface.scaled(extents.ascender))
    numbers["/Descent"] = round(typeface.scaled(extents.descender))
    numbers["/CapHeight"] = numbers["/Ascent"]
    for key, number in numbers.items():
        descriptor[key] = generic.NumberObject(number)
    descriptor["/FontBBox"] = generic.ArrayObject(map(generic.NumberObject, box))
    return descriptor


def _descendant(
    typeface: Typeface, name: str, descriptor: generic.IndirectObject, codes: Mapping[int, int]
) -> generic.DictionaryObject:
    font = _names({"/Type": "/Font", "/Subtype": "/CIDFontType2", "/BaseFont": name})
    font["/CIDSystemInfo"] = generic.DictionaryObject(
        {
            pdf_name("/Registry"): generic.pdf_string("Adobe"),
            pdf_name("/Ordering"): generic.pdf_string("Identity"),
            pdf_name("/Supplement"): generic.NumberObject(0),
        }
    )
    widths: list[generic.PdfObject] = []
    for old, new in sorted(codes.items(), key=lambda pair: pair[1]):
        width = generic.FloatObject(f"{typeface.width(old):.3f}")
        widths += [generic.NumberObject(new), generic.ArrayObject([width])]
    font["/W"] = generic.ArrayObject(widths)
    font["/CIDToGIDMap"] = pdf_name("/Identity")
    font["/FontDescriptor"] = descriptor
    return font


def _all_set(count: int) -> bytes:
    """Return that many bits that are set, from the highest of the first octet."""
    return (((1 << count) - 1) << (-count % 8)).to_bytes((count + 7) // 8, "big")


def _to_unicode(spoken: Mapping[int, str]) -> bytes:
    """Return the CMap from codes to what they mean (§9.10.3)."""
    lines = [
        f"<{code:04x}> <{meaning.encode('utf-16-be').hex()}>"
        for code, meaning in sorted(spoken.items())
    ]
    parts = [lines[at : at + 100] for at in range(0, len(lines), 100)]  # as many as one block has
    blocks = "\n".join(
        f"{len(part)} beginbfchar\n" + "\n".join(part) + "\nendbfchar" for part in parts
    )
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        f"1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n{blocks}\nendcmap\n"
        "CMapName currentdict /CMap defineresource pop\nend\nend"
    ).encode()


def _names(entries: Mapping[str, str]) -> generic.DictionaryObject:
    return generic.DictionaryObject({pdf_name(key): pdf_name(one) for key, one in entries.items()})
