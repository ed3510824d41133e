"""PDF/A documents of the three parts, small enough to be read by eye (ISO 19005-1, -2, -3)."""

import struct

_XMP = """<?xpacket begin="\N{BYTE ORDER MARK}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 pdfaid:part="{part}" pdfaid:conformance="B"/>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def pdf_a(part: int) -> bytes:
    """A page with a red box, at level B of the ``part``."""
    xmp, profile = _XMP.format(part=part).encode(), srgb()
    drawn = b"1 0 0 rg 72 72 100 100 re f"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/Metadata 5 0 R/OutputIntents[<</Type/OutputIntent"
        b"/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/Info(sRGB)/DestOutputProfile 6 0 R>>]>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>/Contents 4 0 R>>",
        _stream(b"", drawn),
        _stream(b"/Type/Metadata/Subtype/XML", xmp),
        _stream(b"/N 3", profile),
    ]
    made = bytearray(
        b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" if part == 1 else b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    )
    table = b""
    for number, one in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(made)
        made += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start, size = len(made), len(objects) + 1
    made += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    identifier = b"<%s>" % (b"0a" * 16)
    made += b"trailer\n<</Size %d/Root 1 0 R/ID[%s%s]>>\n" % (size, identifier, identifier)
    return bytes(made + b"startxref\n%d\n%%%%EOF\n" % start)


def srgb() -> bytes:
    """A colour profile of a display with the primaries of sRGB (ICC.1:2001-04)."""
    tags = {
        b"desc": _described(b"sRGB"),
        b"cprt": b"text\0\0\0\0CC0\0",
        b"wtpt": _xyz(0.9505, 1.0, 1.0891),
        b"rXYZ": _xyz(0.4361, 0.2225, 0.0139),
        b"gXYZ": _xyz(0.3851, 0.7169, 0.0971),
        b"bXYZ": _xyz(0.1431, 0.0606, 0.7141),
        **{
            name: b"curv\0\0\0\0" + struct.pack(">IH", 1, 563)
            for name in (b"rTRC", b"gTRC", b"bTRC")
        },
    }
    place = 128 + 4 + 12 * len(tags)
    table, content = b"", b""
    for name, value in tags.items():
        table += struct.pack(">4sII", name, place + len(content), len(value))
        content += value.ljust(-(-len(value) // 4) * 4, b"\0")
    head = struct.pack(">I4sI4s4s4s6H4s", place + len(content), b"\0" * 4, 0x02100000, b"mntr",
                       b"RGB ", b"XYZ ", 2026, 1, 1, 0, 0, 0, b"acsp")  # fmt: skip
    head = head.ljust(68, b"\0") + _xyz(0.9642, 1.0, 0.8249)[8:]
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + content


def _stream(entries: bytes, content: bytes) -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(content), content)


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(one * 65536) for one in values))


def _described(name: bytes) -> bytes:
    head = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + b"\0"
    return head + bytes(4 + 4 + 2 + 1 + 67)
