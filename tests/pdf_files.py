"""PDF documents of every kind that a signing service meets, made small by script."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asn1crypto import keys, x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.crypt import StandardSecurityHandler
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, SimpleSigner, sign_pdf
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import ExternalSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore


def names(entries: Mapping[str, object]) -> generic.DictionaryObject:
    """A dictionary; strings that begin with a slash become names."""

    def made(value: object) -> object:
        if isinstance(value, str):
            return pdf_name(value) if value.startswith("/") else generic.pdf_string(value)
        if isinstance(value, dict):
            return names(value)
        if isinstance(value, list):
            return generic.ArrayObject(made(one) for one in value)
        return generic.NumberObject(value) if type(value) is int else value

    return generic.DictionaryObject({pdf_name(key): made(value) for key, value in entries.items()})


def document(pages: int = 1, root: Mapping[str, object] | None = None, **wishes: Any) -> bytes:
    """A document; ``root`` are further entries of its catalog."""
    writer = PdfFileWriter(stream_xrefs=bool(wishes.get("stream_xrefs")))
    resources = names({"/Font": {"/F": {"/Type": "/Font", "/Subtype": "/Type1"}}})
    resources["/Font"]["/F"]["/BaseFont"] = pdf_name("/Helvetica")
    for number in range(pages):
        text = b"BT /F 12 Tf 72 700 Td (Page %d: pay 100 to Ana) Tj ET" % number
        content = writer.add_object(generic.StreamObject(stream_data=text))
        writer.insert_page(PageObject(content, media_box=(0, 0, 595, 842), resources=resources))
    for key, value in names(root or {}).items():
        writer.root[key] = value
    if password := wishes.get("password"):
        handler = StandardSecurityHandler.build_from_pw(str(password))
        writer._assign_security_handler(handler)
    if wishes.get("version"):
        writer.output_version = wishes["version"]
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def pdf_2() -> bytes:
    """A document of PDF 2.0 with cross-reference streams."""
    return document(2, stream_xrefs=True, version=(2, 0))


def form() -> bytes:
    """A form with a field for text and an empty field for a signature."""
    writer = IncrementalPdfFileWriter(io.BytesIO(document()))
    field = names({"/FT": "/Tx", "/T": "Name", "/V": "Ana", "/Type": "/Annot"})
    field.update(names({"/Subtype": "/Widget", "/Rect": [72, 600, 300, 620], "/F": 4}))
    page = writer.root["/Pages"]["/Kids"][0]
    place = names({"/FT": "/Sig", "/T": "Place", "/Type": "/Annot", "/Subtype": "/Widget"})
    place.update(names({"/Rect": [72, 100, 300, 160], "/F": 4}))
    references = [writer.add_object(field), writer.add_object(place)]
    page["/Annots"] = generic.ArrayObject(references)
    form = writer.add_object(names({"/SigFlags": 1}))
    form.get_object()["/Fields"] = generic.ArrayObject(references)
    writer.root["/AcroForm"] = form
    writer.update_root()
    writer.update_container(page)
    return finished(writer)


def turned(degrees: int) -> bytes:
    """A page that is shown turned clockwise, as scans often are."""
    writer = IncrementalPdfFileWriter(io.BytesIO(document()))
    page = writer.root["/Pages"]["/Kids"][0]
    page[pdf_name("/Rotate")] = generic.NumberObject(degrees)
    writer.update_container(page)
    return finished(writer)


def with_action(kind: str) -> bytes:
    """A document that does something when it is opened."""
    return document(root={"/OpenAction": {"/Type": "/Action", "/S": kind, "/JS": "app.alert(1)"}})


def changed(pdf: bytes, text: bytes) -> bytes:
    """A document with another first page, as an incremental update."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    page = writer.root["/Pages"]["/Kids"][0]
    page[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=text))
    writer.update_container(page)
    return finished(writer)


def annotated(pdf: bytes, text: str) -> bytes:
    """A document with a text laid over its first page, as an incremental update."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    page = writer.root["/Pages"]["/Kids"][0]
    note = names({"/Type": "/Annot", "/Subtype": "/FreeText", "/Rect": [72, 690, 300, 720]})
    note.update(names({"/Contents": text, "/F": 4}))
    there = list(page.get("/Annots", ()))
    page[pdf_name("/Annots")] = generic.ArrayObject([*there, writer.add_object(note)])
    writer.update_container(page)
    return finished(writer)


def finished(writer: IncrementalPdfFileWriter) -> bytes:
    """The octets of an update."""
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def pdf_a() -> bytes:
    """A document that says in its metadata that it is PDF/A-2b, with an output intent."""
    xmp = (
        b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        b'xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" pdfaid:part="2" pdfaid:conformance="B" '
        b'rdf:about=""/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )
    writer = IncrementalPdfFileWriter(io.BytesIO(document()))
    metadata = generic.StreamObject(stream_data=xmp)
    metadata.update(names({"/Type": "/Metadata", "/Subtype": "/XML"}))
    writer.root[pdf_name("/Metadata")] = writer.add_object(metadata)
    intent = {"/Type": "/OutputIntent", "/S": "/GTS_PDFA1", "/OutputConditionIdentifier": "sRGB"}
    writer.root[pdf_name("/OutputIntents")] = names({"/x": [intent]})["/x"]
    writer.update_root()
    return finished(writer)


def hybrid() -> bytes:
    """A document whose trailer points at a cross-reference stream beside its table."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>",
    ]
    made = bytearray(b"%PDF-1.7\n")
    places = []
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    stream = len(made)
    row = b"\x01" + places[2].to_bytes(4, "big") + b"\x00"
    head = b"4 0 obj\n<</Type/XRef/W[1 4 1]/Index[3 1]/Size 5/Root 1 0 R/Length 6>>\nstream\n"
    made += head + row + b"\nendstream\nendobj\n"
    start = len(made)
    made += b"xref\n0 3\n0000000000 65535 f \n"
    made += b"".join(b"%010d 00000 n \n" % place for place in places[:2])
    trailer = b"trailer\n<</Size 5/Root 1 0 R/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n"
    return bytes(made + trailer % (stream, start))


def signed_by_pyhanko(pdf: bytes, key: bytes, certificate: bytes) -> bytes:
    """A document signed by other software; ``key`` is PKCS#8, both are in DER."""
    wish = PdfSignatureMetadata(field_name="Theirs", subfilter=SigSeedSubFilter.PADES)
    signer = SimpleSigner(
        x509.Certificate.load(certificate),
        keys.PrivateKeyInfo.load(key),
        SimpleCertificateStore(),
    )
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    return bytes(sign_pdf(writer, wish, signer=signer).getvalue())


async def prepared_by_pyhanko(pdf: bytes, digits: int = 16 * 1024, **wishes: Any) -> bytes:
    """A document that other software made a place in, of ``digits``, for a signature of ours."""
    wish = PdfSignatureMetadata(
        field_name="Theirs", subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256", **wishes
    )
    nobody = ExternalSigner(None, SimpleCertificateStore(), signature_value=bytes(64))
    writer, made = IncrementalPdfFileWriter(io.BytesIO(pdf)), io.BytesIO()
    await PdfSigner(wish, nobody).async_digest_doc_for_signing(
        writer, bytes_reserved=digits, output=made
    )
    return made.getvalue()


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A document that was prepared by hand, whose signature is whatever a test makes of it."""

    entries: bytes = b"/Type/Sig/Filter/Any/SubFilter/ETSI.CAdES.detached/M(D:20260601120000Z)"
    digits: bytes = b"0" * 16 * 1024
    range: str = "[0 {begins} {ends} {rest}]"
    root: bytes = b""
    fields: bytes = b"[4 0 R]"
    objects: tuple[bytes, ...] = ()
    after: bytes = b""

    def made(self) -> bytes:
        """Its octets; ``range`` is told where /Contents begin and end, and how much follows."""
        objects = [
            b"<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields %s>>%s>>"
            % (self.fields, self.root),
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Resources<<>>/Annots[4 0 R]>>",
            b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Place)/Rect[0 0 0 0]/P 3 0 R/V 5 0 R>>",
            b"<<%s/Contents<%s>/ByteRange %s>>" % (self.entries, self.digits, b"?" * 60),
            *self.objects,
        ]
        made = bytearray(b"%PDF-1.7\n")
        table = b""
        for number, one in enumerate(objects, 1):
            table += b"%010d 00000 n \n" % len(made)
            made += b"%d 0 obj\n%s\nendobj\n" % (number, one)
        start, size = len(made), len(objects) + 1
        made += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
        made += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
        begins = made.index(b"/Contents<") + len(b"/Contents")
        ends = begins + len(self.digits) + 2
        told = self.range.format(begins=begins, ends=ends, rest=len(made) - ends)
        return bytes(made).replace(b"?" * 60, told.encode().ljust(60)) + self.after
