"""ASiC with CAdES (ETSI EN 319 162-1): files and their signatures in one container.

ASiC-S holds one file, signed as it is; ASiC-E any number, named with their digests in a manifest
that is signed. Files that are known by digest alone are signed in their absence, and the container
then holds everything but them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from esignet.formats import asic_archive, asic_manifest, container
from esignet.formats.cades import FORMAT as CADES
from esignet.formats.format import Evidence, Format, FormatError, Found, Item, Level, Prepared, Wish
from keystore.signing.door import Signed
from keystore.signing.plans import DataFile, ManifestPlan

SIMPLE, EXTENDED, PARALLEL = "asic-s", "asic-e", "parallel"
"""``parallel`` adds a signer to the container that the one item's content is."""

_META = "META-INF/"
_SIMPLE_SIGNATURE = "META-INF/signature.p7s"
_SIGNATURE = re.compile(r"META-INF/signature[0-9]{0,4}\.p7s")
_KINDS = {"detached": container.ASIC_E, EXTENDED: container.ASIC_E, SIMPLE: container.ASIC_S}


@dataclass(frozen=True, slots=True)
class AsicCades:
    """ASiC-S and ASiC-E with CAdES at every level."""

    name: str = "asic_cades"

    def prepare(self, items: Sequence[Item], wish: Wish) -> Prepared:
        """Return what will be signed: the digests of the files.

        ``asic-s`` takes one file, ``asic-e`` (also meant by ``detached``) many. For ``parallel``
        the item's content is the container, and what is signed is what was signed before.
        """
        files = _files(items, wish)
        content = container.write(_kind(files), {k: v for k, v in files.items() if k != _MIME})
        if _kind(files) == container.ASIC_S:
            return replace(_prepared_simple(items, files, wish), content=content)
        covered = _covered(items, files, wish)
        digests = tuple(item.digest for item in covered)
        stem = f"{_count(files) + 1:03}"
        plan = ManifestPlan(
            uri=f"{_META}signature{stem}.p7s",
            files=[DataFile(n, item.name, item.media_type) for n, item in enumerate(covered)],
        )
        return Prepared(
            digests=digests, plan=plan, items=tuple(covered), wish=wish, content=content
        )

    def embed(self, prepared: Prepared, signed: Signed) -> bytes:
        """Return the container with one signature more."""
        files = container.read(prepared.content or b"")
        if isinstance(prepared.plan, ManifestPlan):
            files[prepared.plan.uri.replace("signature", "ASiCManifest")[:-4] + ".xml"] = (
                signed.parts[1]
            )
            name, wish = prepared.plan.uri, replace(prepared.wish, envelope="detached")
        else:
            there = _SIMPLE_SIGNATURE in files
            name = _SIMPLE_SIGNATURE
            wish = replace(prepared.wish, envelope="parallel" if there else "detached")
        beside = replace(prepared, wish=wish, content=files.get(name))
        return _written(files, {name: CADES.embed(beside, signed)})

    def to_stamp(self, signature: bytes) -> bytes:
        """Return the value of the newest signature in the container."""
        files = container.read(signature)
        return CADES.to_stamp(files[_newest(files)])

    def to_archive(self, signature: bytes, items: Sequence[Item]) -> bytes:
        """Return what the archive time-stamp inside the newest signature covers."""
        files = container.read(signature)
        return CADES.to_archive(files[_newest(files)], items)

    def augment(self, signature: bytes, level: Level, evidence: Evidence) -> bytes:
        """Return the container with its newest signature raised."""
        files = container.read(signature)
        name = _newest(files)
        return _written(files, {name: CADES.augment(files[name], level, evidence)})

    def check(self, signature: bytes, items: Sequence[Item]) -> tuple[Found, ...]:
        """Return every signature; files that lie outside the container are found in ``items``."""
        files = container.read(signature)
        given = {item.name: item for item in items} | {
            name: Item(name=name, digest=b"", content=content)
            for name, content in files.items()
            if not name.startswith(_META) and name != _MIME
        }
        found = [
            one
            for name in files
            if _SIGNATURE.fullmatch(name)
            for one in _archived(name, files, given)
        ]
        if not found:
            raise FormatError("the container has no CAdES signature")
        loose = set(given) - {name for one in found for name in one.covers}
        problem = tuple(("FORMAT_FAILURE", f"nobody signed {name}") for name in sorted(loose)[:1])
        return tuple(replace(one, problems=(*one.problems, *problem)) for one in found)


_MIME = container.MIMETYPE


def _files(items: Sequence[Item], wish: Wish) -> dict[str, bytes]:
    """Return what the container holds before it is signed, its mimetype too."""
    if not items:
        raise FormatError("a container holds at least one file")
    if wish.envelope == PARALLEL:
        if len(items) != 1 or items[0].content is None:
            raise FormatError("to add a signer, give the container and nothing else")
        files = container.read(items[0].content)
        if not _count(files) or files.get(_MIME) not in _MIMETYPES:
            raise FormatError("that is no ASiC container with a CAdES signature")
        return files
    if wish.envelope not in _KINDS or (wish.envelope == SIMPLE and len(items) != 1):
        raise FormatError("a container is asic-s with one file, or asic-e, or parallel")
    names = [item.name for item in items]
    for name in names:
        container.check_name(name)
    if len({name.casefold() for name in names}) != len(names) or any(
        name == _MIME or name.startswith(_META) for name in names
    ):
        raise FormatError("files of a container have names of their own, outside META-INF")
    given = {item.name: item.content for item in items if item.content is not None}
    return {_MIME: _KINDS[wish.envelope].encode(), **given}


_MIMETYPES = (container.ASIC_S.encode(), container.ASIC_E.encode())


def _kind(files: Mapping[str, bytes]) -> str:
    return files[_MIME].decode("ascii")


def _prepared_simple(items: Sequence[Item], files: Mapping[str, bytes], wish: Wish) -> Prepared:
    """Return a CAdES signature of the one file; with ``parallel``, of the file that is inside."""
    if wish.envelope != PARALLEL:
        return replace(CADES.prepare(items, replace(wish, envelope="detached")), wish=wish)
    (item,) = _inside(files, wish) or (None,)
    if item is None:
        raise FormatError("the file of the container is not in it")
    beside = replace(item, content=files[_SIMPLE_SIGNATURE])
    prepared = CADES.prepare([beside], wish)
    return replace(prepared, items=(item,))


def _covered(items: Sequence[Item], files: Mapping[str, bytes], wish: Wish) -> Sequence[Item]:
    covered = _inside(files, wish) if wish.envelope == PARALLEL else items
    if not covered:
        raise FormatError("the files of the container are not in it")
    return covered


def _inside(files: Mapping[str, bytes], wish: Wish) -> list[Item]:
    return [
        Item(name=name, digest=wish.hash_algorithm.of(content), content=content)
        for name, content in files.items()
        if name != _MIME and not name.startswith(_META)
    ]


def _count(files: Mapping[str, bytes]) -> int:
    return sum(1 for name in files if _SIGNATURE.fullmatch(name))


def _newest(files: Mapping[str, bytes]) -> str:
    names = sorted(name for name in files if _SIGNATURE.fullmatch(name))
    if not names:
        raise FormatError("the container has no CAdES signature")
    return names[-1]


def _written(files: Mapping[str, bytes], changed: Mapping[str, bytes]) -> bytes:
    for name in changed:
        asic_archive.check_free(name, files)
    kind = files.get(_MIME, container.ASIC_E.encode()).decode("ascii")
    return container.write(kind, {k: v for k, v in {**files, **changed}.items() if k != _MIME})


def _archived(name: str, files: Mapping[str, bytes], given: Mapping[str, Item]) -> Iterator[Found]:
    for one in _checked(name, files, given):
        yield asic_archive.archived(one, name, files, given)


def _checked(name: str, files: Mapping[str, bytes], given: Mapping[str, Item]) -> tuple[Found, ...]:
    """Return the signers of one signature file, over a manifest or over the only file."""
    manifests = {
        path: content
        for path, content in files.items()
        if path.startswith(f"{_META}ASiCManifest") and path.endswith(".xml")
        if asic_manifest.signature_of(content) == name
    }
    if not manifests:
        return CADES.check(files[name], list(given.values())) if len(given) == 1 else ()
    if len(manifests) != 1:
        raise FormatError("two manifests name the same signature")
    (manifest,) = manifests.values()
    covers, problems = asic_manifest.judge(manifest, given)
    signed = [Item(name=name, digest=b"", content=manifest)]
    return tuple(
        replace(one, covers=covers, problems=(*one.problems, *problems))
        for one in CADES.check(files[name], signed)
    )


FORMAT: Format = AsicCades()
