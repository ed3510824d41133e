"""PDF documents of every kind that a signing service meets, made small by script."""

import io
from collections.abc import Mapping

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.crypt import StandardSecurityHandler
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter


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


def document(pages: int = 1, root: Mapping[str, object] | None = None, **wishes: object) -> bytes:
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


def finished(writer: IncrementalPdfFileWriter) -> bytes:
    """The octets of an update."""
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()
