"""ASiC with XAdES (ETSI EN 319 162-1 §4.3.3, §4.4.3): files and signatures in one container.

Files that are known by their digests alone are signed in their absence, and the container then
holds everything but them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from xml.sax.saxutils import quoteattr

from esignet.formats import container, xades, xades_checking, xades_properties
from esignet.formats import xml_reading as xml
from esignet.formats.container import ASIC_E, ASIC_S, MIMETYPE
from esignet.formats.format import Evidence, Format, FormatError, Found, Item, Level, Prepared, Wish
from esignet.formats.xades_references import Place
from keystore.signing.door import Signed
from keystore.signing.plans import XmlPlan

PARALLEL = "parallel"
"""Adds a signer to the container that the item's content is."""

_MIMETYPES = {"detached": ASIC_E, "asic-e": ASIC_E, "asic-s": ASIC_S}
_META = "META-INF/"
_MANIFEST = "META-INF/manifest.xml"
_SIGNATURES = "http://uri.etsi.org/02918/v1.2.1#"
_ODF = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"


@dataclass(frozen=True, slots=True)
class _Container:
    """A container: every file of it, in its order."""

    files: Mapping[str, bytes]

    @property
    def items(self) -> list[Item]:
        """Return the files that are there to be signed."""
        return [
            Item(name=name, digest=b"", content=content)
            for name, content in self.files.items()
            if name != MIMETYPE and not name.startswith(_META)
        ]

    def beside(self, items: Sequence[Item]) -> list[Item]:
        """Return its files, and those of ``items`` that are not in it."""
        return [*self.items, *(item for item in items if item.name not in self.files)]

    @property
    def signatures(self) -> dict[str, bytes]:
        """Return the files of signatures (Annex A.7)."""
        return {name: content for name, content in self.files.items() if _is_signature(name)}

    def with_file(self, name: str, content: bytes) -> bytes:
        """Return the container with one file added or replaced."""
        files = {**self.files, name: content}
        return container.write(files.pop(MIMETYPE).decode(), files)


@dataclass(frozen=True, slots=True)
class AsicXades:
    """ASiC-E over any number of files, ASiC-S over one; XAdES at every level inside."""

    name: str = "asic_xades"

    def prepare(self, items: Sequence[Item], wish: Wish) -> Prepared:
        """Return what will be signed: the digest of each file under its name.

        For ``parallel`` the one item is a container, all of whose files are signed once more.
        ``detached`` means ``asic-e``.
        """
        if wish.envelope == PARALLEL:
            return _prepared_again(items, wish)
        if wish.envelope not in _MIMETYPES:
            raise FormatError("a container is asic-e, asic-s or parallel")
        simple = _MIMETYPES[wish.envelope] == ASIC_S
        if not items or (simple and (len(items) != 1 or "/" in items[0].name)):
            raise FormatError("an ASiC-S holds one file, and an ASiC-E at least one")
        for item in items:
            container.check_name(item.name)
            if item.name.startswith(_META) or item.name == MIMETYPE:
                raise FormatError("a file of a container has a name that is not allowed")
            if item.content is not None and wish.hash_algorithm.of(item.content) != item.digest:
                raise FormatError("a digest is not that of the file")
        return xades.prepared_files(items, wish)

    def embed(self, prepared: Prepared, signed: Signed) -> bytes:
        """Return the container with the files and the signature."""
        assert isinstance(prepared.plan, XmlPlan)
        signature = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<asic:XAdESSignatures xmlns:asic="{_SIGNATURES}">'
            f"{xades.signature_text(prepared.plan.id, signed)}</asic:XAdESSignatures>"
        ).encode()
        if prepared.content is not None:
            there = _read(prepared.content)
            return there.with_file(_free_name(there), signature)
        mimetype = _MIMETYPES[prepared.wish.envelope]
        files = {one.name: one.content for one in prepared.items if one.content is not None}
        if mimetype == ASIC_S:
            return container.write(mimetype, {**files, "META-INF/signatures.xml": signature})
        files[_MANIFEST] = _manifest(prepared.items)
        return container.write(mimetype, {**files, "META-INF/signatures001.xml": signature})

    def to_stamp(self, signature: bytes) -> bytes:
        """Return the SignatureValue of the one signature that has no time-stamp."""
        there = _read(signature)
        return xades.FORMAT.to_stamp(there.signatures[_to_stamp(there)])

    def to_archive(self, signature: bytes, items: Sequence[Item]) -> bytes:
        """Return what an archive time-stamp covers: the files of the container too."""
        there = _read(signature)
        return xades.FORMAT.to_archive(there.signatures[_to_archive(there)], there.beside(items))

    def augment(self, signature: bytes, level: Level, evidence: Evidence) -> bytes:
        """Return it with a time-stamp, validation material, or an archive time-stamp."""
        there = _read(signature)
        if level is Level.B_LTA:
            names = [_to_archive(there)]
        elif level is Level.B_LT and not evidence.timestamp:
            names = _those(there, lambda one: _stamped(one) and not _material(one))
        else:
            names = [_to_stamp(there)]
        if not names:
            raise FormatError("no signature is at B-T")
        for name in names:
            raised = xades.FORMAT.augment(there.files[name], level, evidence)
            there = _Container({**there.files, name: raised})
        return there.with_file(name, raised)

    def check(self, signature: bytes, items: Sequence[Item]) -> tuple[Found, ...]:
        """Return every signature; files that lie outside the container are found in ``items``."""
        there = _read(signature)
        return tuple(_found(there, there.beside(items)))


def _found(there: _Container, items: Sequence[Item]) -> Iterator[Found]:
    names = [item.name for item in there.items]
    for content in there.signatures.values():
        tree = xml.parse(content)
        _check_root(tree.getroot())
        for element in xml.signatures(tree):
            place = Place(tree, element, items, in_container=True)
            found = xades_checking.check(place)
            unsigned = [name for name in names if name not in found.covers]
            if unsigned and not found.problems:
                reason = f"files of the container are not signed: {', '.join(unsigned[:5])}"
                found = replace(found, problems=(("SIG_CONSTRAINTS_FAILURE", reason),))
            yield found


def _read(octets: bytes) -> _Container:
    """Return the container, or raise FormatError: none of ASiC, or none with XAdES."""
    files = container.read(octets)
    mimetype = files.get(MIMETYPE, b"")
    there = _Container(files)
    if mimetype.decode("latin-1") not in _MIMETYPES.values():
        raise FormatError("this is no ASiC container")
    if not 0 < len(there.signatures) <= xml.MOST:
        raise FormatError("there is no XAdES signature in the container, or there are too many")
    if mimetype == ASIC_S.encode() and len(there.items) > 1:
        raise FormatError("an ASiC-S holds one file")
    return there


def _is_signature(name: str) -> bool:
    inside = name.removeprefix(_META)
    return inside != name and "signatures" in inside and inside.endswith(".xml")


def _check_root(root: xml.Element) -> None:
    """Raise FormatError unless a file of signatures holds signatures alone (Annex A.7)."""
    children = [child.tag for child in root]
    expected = f"{{{xml.NAMES['ds']}}}Signature"
    if root.tag != f"{{{_SIGNATURES}}}XAdESSignatures" or set(children) != {expected}:
        raise FormatError("a file of signatures holds something else")


def _prepared_again(items: Sequence[Item], wish: Wish) -> Prepared:
    if len(items) != 1 or items[0].content is None:
        raise FormatError("to sign a container once more, it has to be there")
    there = _read(items[0].content)
    if there.files[MIMETYPE].decode() == ASIC_S:
        raise FormatError("an ASiC-S has its one file of signatures; ASiC-E takes more")
    if not there.items:
        raise FormatError("there is no file in the container that could be signed once more")
    algorithm = wish.hash_algorithm
    files = [replace(item, digest=algorithm.of(item.content or b"")) for item in there.items]
    return replace(xades.prepared_files(files, wish), content=items[0].content)


def _free_name(there: _Container) -> str:
    names = (f"META-INF/signatures{number:03}.xml" for number in range(1, 1_000))
    found = next((name for name in names if name not in there.files), None)
    if found is None:
        raise FormatError("the container has too many signatures")
    return found


def _those(there: _Container, wanted: Callable[[bytes], bool]) -> list[str]:
    return [name for name, content in there.signatures.items() if wanted(content)]


def _to_stamp(there: _Container) -> str:
    found = _those(there, lambda one: not _stamped(one))
    if len(found) != 1:
        raise FormatError("not exactly one signature is without a time-stamp")
    return found[0]


def _to_archive(there: _Container) -> str:
    """Return the file at B-LT with the fewest archive time-stamps."""
    found = _those(there, lambda one: _stamped(one) and _material(one))
    if not found:
        raise FormatError("no signature is at a level that can be archived")
    return min(found, key=lambda name: _archives(there.files[name]))


def _stamped(content: bytes) -> bool:
    return all(map(xades_properties.signature_stamps, xml.signatures(xml.parse(content))))


def _material(content: bytes) -> bool:
    found = [xades_properties.evidence(one) for one in xml.signatures(xml.parse(content))]
    return all(one.ocsp or one.crls for one in found)


def _archives(content: bytes) -> int:
    return sum(
        len(xades_properties.archive_stamps(one)) for one in xml.signatures(xml.parse(content))
    )


def _manifest(items: Sequence[Item]) -> bytes:
    """Return META-INF/manifest.xml, by which readers of ODF find the files (Annex A.4)."""
    pairs = [("/", ASIC_E), *((item.name, item.media_type) for item in items)]
    entries = "".join(
        f"<manifest:file-entry manifest:full-path={quoteattr(name)} "
        f"manifest:media-type={quoteattr(media_type)}/>"
        for name, media_type in pairs
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<manifest:manifest xmlns:manifest="{_ODF}" '
        f'manifest:version="1.2">{entries}</manifest:manifest>'
    ).encode()


FORMAT: Format = AsicXades()
