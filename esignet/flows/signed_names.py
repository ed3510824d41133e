"""What a signed document is called, and of which media type it is."""

from esignet.flows.preparing import CONTAINERS
from esignet.flows.request_contents import SignedDocument
from esignet.flows.signing_parts import Made, Part

_APART = {
    "cades": (".p7s", "application/pkcs7-signature"),
    "pades": (".p7s", "application/pkcs7-signature"),
    "xades": (".xades.xml", "application/xml"),
    "jades": (".jades.json", "application/jose+json"),
    "jws": (".jws", "application/jose"),
    "cose": (".cose", "application/cose"),
}
"""What a signature beside its document is: what it adds to the name, and its type."""

_WITHIN = {
    "cades": (".p7m", "application/pkcs7-mime"),
    "pades": ("", "application/pdf"),
    "xades": ("", "application/xml"),
}
"""What holds the document in it."""


def signed_document(part: Part, made: Made, envelope: str) -> SignedDocument:
    """Return what was made under its names. ``envelope`` is what the first signer's was.

    The ``name`` is that of the document that was signed, and a container's is its own.
    """
    form, item = part.format.name, part.prepared.items[0]
    name = item.name
    if form in CONTAINERS:
        kind = "s" if envelope == "asic-s" or "asic-s" in item.media_type else "e"
        name = file_name = f"documents.asic{kind}"
        media_type = f"application/vnd.etsi.asic-{kind}+zip"
    else:
        within = part.is_pdf if form == "pades" else envelope in ("enveloped", "enveloping")
        within = within or (form == "xades" and envelope == "parallel")
        suffix, media_type = (within and _WITHIN.get(form)) or _APART.get(
            form, (".sig", "application/octet-stream")
        )
        file_name = name + suffix
    return SignedDocument(
        name=name,
        file_name=file_name,
        media_type=media_type,
        content=made.document,
        promise=made.promise,
        upload=item.upload,
        certificate=made.certificate,
    )
