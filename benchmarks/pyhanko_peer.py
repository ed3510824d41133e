"""pyHanko's own way to what is measured of ours: a signature at B-LT, from a digest and of a PDF.

A key, a certificate and an answer about it are made for each signature, as ours has them, by the
cryptography library: pyHanko makes none. The rest is pyHanko's: the message, the time-stamp of its
authority for tests, and the validation that collects what B-LT holds. No HTTP, no approval, no
database and no key service are counted for it.
"""

import io
import logging

from asn1crypto import crl, keys, ocsp, x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, SimpleSigner
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import async_sign_pdf
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.version import __version__
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from config.runtime.entropy import SystemEntropy
from tests.small_pki import Holder, SmallPki

VERSION = f"pyHanko {__version__}"
_USAGE = {"non_repudiation"}


class Peer:
    """pyHanko with a small authority of its own; its time-stamps can only be RSA's."""

    def __init__(self) -> None:
        logging.getLogger("pyhanko").setLevel(logging.ERROR)  # it doubts that nothing is fetched
        self._pki = SmallPki()
        key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        usage = ExtendedKeyUsageOID.TIME_STAMPING
        self._stamper = self._pki.holder("Small TSA", key, usage=usage)
        self._lasting = [ocsp.OCSPResponse.load(self._pki.ocsp(self._stamper))]
        self._crls = [crl.CertificateList.load(self._pki.crl())]

    async def message(self) -> object:
        """Return a message at B-T over a digest, and what B-LT adds to it."""
        holder = self._certified()
        context = self._context(holder)
        signer = self._signer(holder)
        digest = SystemEntropy().bytes(32)
        signed = await signer.async_sign(
            digest, "sha256", use_pades=True, timestamper=self._stamps(), is_pdf_sig=False
        )
        validator = CertificateValidator(signer.signing_cert, validation_context=context)
        path = await validator.async_validate_usage(_USAGE)
        return signed.dump(), [one.dump() for one in (*path, *context.ocsps)]

    async def pdf(self, document: bytes) -> object:
        """Return a PDF signed at B-LT."""
        holder = self._certified()
        wish = PdfSignatureMetadata(
            field_name="Signature1",
            subfilter=SigSeedSubFilter.PADES,
            embed_validation_info=True,
            validation_context=self._context(holder),
        )
        writer = IncrementalPdfFileWriter(io.BytesIO(document))
        signer, stamps = self._signer(holder), self._stamps()
        return await async_sign_pdf(writer, wish, signer=signer, timestamper=stamps)

    def _certified(self) -> Holder:
        return self._pki.holder("Ana Tester")

    def _signer(self, holder: Holder) -> SimpleSigner:
        store = SimpleCertificateStore()
        store.register(x509.Certificate.load(holder.chain[0]))
        return SimpleSigner(x509.Certificate.load(holder.der), _key(holder), store)

    def _stamps(self) -> DummyTimeStamper:
        stamper = self._stamper
        store = SimpleCertificateStore()
        store.register(x509.Certificate.load(stamper.chain[0]))
        return DummyTimeStamper(x509.Certificate.load(stamper.der), _key(stamper), store)

    def _context(self, holder: Holder) -> ValidationContext:
        chain = (*holder.chain, self._stamper.der, self._pki.responder.der)
        return ValidationContext(
            trust_roots=[x509.Certificate.load(holder.chain[-1])],
            other_certs=[x509.Certificate.load(one) for one in chain],
            ocsps=[ocsp.OCSPResponse.load(self._pki.ocsp(holder)), *self._lasting],
            crls=self._crls,
            allow_fetching=False,
            revocation_mode="require",
        )


def _key(holder: Holder) -> keys.PrivateKeyInfo:
    return keys.PrivateKeyInfo.load(holder.private(Encoding.DER))
