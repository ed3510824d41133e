"""Time-stamps over all that an ASiC-E container with CAdES holds (ETSI EN 319 162-1 Annex A.7).

They are files beside the signatures, each over an archive manifest that names what it covers. Ours
lie in the signatures; these are read, and what they cover is left as it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from esignet.formats import asic_manifest
from esignet.formats.format import FormatError, Found, Item, Level
from esignet.formats.judging import right_stamps
from keystore.checking.message import Problem

_MANIFEST = "META-INF/ASiCArchiveManifest"


def archived(
    found: Found, name: str, files: Mapping[str, bytes], given: Mapping[str, Item]
) -> Found:
    """Return what was found in the signature file ``name`` with the time-stamps that cover it.

    ``given`` are the documents, in the container and outside. FormatError: a manifest is none.
    """
    there = {path: Item(name=path, digest=b"", content=octets) for path, octets in files.items()}
    problems: list[Problem] = []
    stamps = []
    for manifest in _manifests(files):
        covers, wrong = asic_manifest.judge(manifest, {**there, **given})
        if name not in covers:
            continue
        token = files.get(asic_manifest.signature_of(manifest))
        if token is None:
            raise FormatError("an archive manifest has no time-stamp")
        if wrong:
            reason = "a time-stamp of the container covers what is not there, or has changed"
            problems.append(("SIG_CONSTRAINTS_FAILURE", reason))
        else:
            stamps.append((token, manifest))
    _, archive = right_stamps(found.timestamps, (*found.archive, *stamps), problems)
    level = Level.B_LTA if archive and found.level is Level.B_LT else found.level
    every = tuple(dict.fromkeys((*found.problems, *problems)))
    return replace(found, archive=archive, level=level, problems=every)


def check_free(name: str, files: Mapping[str, bytes]) -> None:
    """Raise FormatError where a time-stamp covers the file ``name``: it may not change any more."""
    for manifest in _manifests(files):
        if name in asic_manifest.names(manifest):
            raise FormatError("a time-stamp of the container covers the signature as it is")


def _manifests(files: Mapping[str, bytes]) -> Iterator[bytes]:
    for path, octets in files.items():
        if path.startswith(_MANIFEST) and path.endswith(".xml"):
            yield octets
