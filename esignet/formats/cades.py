"""CAdES (ETSI EN 319 122-1): detached, around its content, or beside signatures that are there."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from esignet.formats import cms_levels
from esignet.formats.format import Evidence, Format, FormatError, Found, Item, Level, Prepared, Wish
from keystore.checking.message import ContentDigest
from keystore.der import cms, oids
from keystore.der.cms_reading import Message, Signer, read_message
from keystore.der.reader import NotDer
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Signed
from keystore.signing.plans import CmsPlan

DETACHED, ENVELOPING, PARALLEL = "detached", "enveloping", "parallel"
"""``parallel`` adds a signer to the signature that the item's content is."""


@dataclass(frozen=True, slots=True)
class Cades:
    """CAdES at every level; one document per signature."""

    name: str = "cades"

    def prepare(self, items: Sequence[Item], wish: Wish) -> Prepared:
        """Return what will be signed: the item's digest.

        ``enveloping`` needs the content. For ``parallel`` the content is the signature that is
        there, and the digest that of the document, as the signers before had it.
        """
        if len(items) != 1:
            raise FormatError("a CAdES signature covers one document; ASiC covers several")
        item = items[0]
        content = None
        if wish.envelope == ENVELOPING:
            if item.content is None or wish.hash_algorithm.of(item.content) != item.digest:
                raise FormatError("an enveloping signature needs the content itself")
            content = item.content
        elif wish.envelope == PARALLEL:
            content = item.content
            with readable():
                _same_document(item, wish.hash_algorithm)
        elif wish.envelope != DETACHED:
            raise FormatError("a CAdES signature is detached, enveloping or parallel")
        media_type = item.media_type if item.media_type != "application/octet-stream" else ""
        return Prepared(
            digests=(item.digest,),
            plan=CmsPlan(0, commitment=wish.commitment, media_type=media_type),
            items=tuple(items),
            wish=wish,
            content=content,
        )

    def embed(self, prepared: Prepared, signed: Signed) -> bytes:
        """Return the ContentInfo in DER."""
        wish = prepared.wish
        signer = signer_of(signed, wish.hash_algorithm)
        above = signed.chain[:-1]
        if wish.envelope != PARALLEL:
            return cms.signed_by(signer, above, content=prepared.content)
        there = _read(prepared.content or b"")
        added = read_message(cms.signed_by(signer, above))
        return replace(
            there,
            digest_algorithms=(*there.digest_algorithms, *added.digest_algorithms),
            certificates=tuple(dict.fromkeys((*there.certificates, *added.certificates))),
            signers=(*there.signers, *added.signers),
        ).der()

    def to_stamp(self, signature: bytes) -> bytes:
        """Return the value of the one signature that has no time-stamp (§5.3)."""
        with readable():
            return cms_levels.unstamped(_read(signature)).signature

    def to_archive(self, signature: bytes, items: Sequence[Item]) -> bytes:
        """Return what archive-time-stamp-v3 covers (§5.5.3); stamp it under the signer's hash."""
        with readable():
            return cms_levels.archived(_read(signature))

    def augment(self, signature: bytes, level: Level, evidence: Evidence) -> bytes:
        """Return it with a time-stamp, validation material, or an archive time-stamp."""
        with readable():
            message = _read(signature)
            if level is Level.B_T:
                return cms_levels.with_timestamp(message, evidence.timestamp).der()
            if level is Level.B_LT:
                if evidence.timestamp:
                    message = cms_levels.with_timestamp(message, evidence.timestamp)
                return cms_levels.with_material(message, evidence).der()
            if level is Level.B_LTA:
                return cms_levels.with_archive(message, evidence).der()
        raise FormatError("every signature is at B-B already")

    def check(self, signature: bytes, items: Sequence[Item]) -> tuple[Found, ...]:
        """Return every signer. Detached content is found in ``items``, by content or digest."""
        message = _read(signature)
        digest = digest_of(message, items)
        covers = tuple(item.name for item in items[:1])
        found = (cms_levels.found(message, signer, digest) for signer in message.signers)
        return tuple(replace(one, covers=covers) for one in found)


def signer_of(signed: Signed, hash_algorithm: HashAlgorithm) -> cms.SignerInfo:
    """Return the SignerInfo of what the key service signed for a CmsPlan."""
    return cms.SignerInfo(
        attributes=signed.parts[0],
        signature=cms.signature_octets(signed.alg, signed.value),
        alg=signed.alg,
        certificate=signed.certificate,
        hash_oid=hash_algorithm.oid,
    )


def digest_of(message: Message, items: Sequence[Item]) -> ContentDigest:
    """Return how what was signed is digested: inside the message, or the one item outside it."""

    def digest(name: str) -> bytes | None:
        algorithm = HashAlgorithm(name)
        if message.content is not None:
            return algorithm.of(message.content)
        return items[0].under(algorithm) if len(items) == 1 else None

    return digest


@contextmanager
def readable() -> Iterator[None]:
    """Raise FormatError for octets that are no message, wherever that is found."""
    try:
        yield
    except NotDer as fault:
        raise FormatError(f"this is no CMS signature: {fault}") from fault


def _read(signature: bytes) -> Message:
    with readable():
        message = read_message(signature)
    if not message.signers or message.content_type != oids.CONTENT:
        raise FormatError("this is no CAdES signature of a document")
    return message


def _same_document(item: Item, algorithm: HashAlgorithm) -> None:
    """Raise FormatError unless every signer before signed the item's digest."""
    message = _read(item.content or b"")
    within = message.content
    if within is not None and algorithm.of(within) != item.digest:
        raise FormatError("the digest is not of the content of the signature")
    if not any(_signed(signer, item.digest, algorithm) for signer in message.signers):
        raise FormatError("nobody signed this digest in the signature")


def _signed(signer: Signer, digest: bytes, algorithm: HashAlgorithm) -> bool:
    value = signer.one(oids.MESSAGE_DIGEST)
    return signer.hash_oid == algorithm.oid and value is not None and value.content == digest


FORMAT: Format = Cades()
