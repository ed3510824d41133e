"""JAdES (ETSI TS 119 182-1): compact at B-B, JSON above; its objects are named by their hashes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from esignet.formats import jades_levels, jose_checking
from esignet.formats.format import Evidence, Format, FormatError, Found, Item, Level, Prepared, Wish
from esignet.formats.jades_objects import signed_by
from esignet.formats.jose_reading import Jws, Part, read
from esignet.formats.judging import Refused, Stamps, check_stamp, level_of, noted, right_stamps
from keystore.checking.message import Problem
from keystore.jose import base64url
from keystore.signing.door import Signed
from keystore.signing.plans import DataFile, JadesPlan


@dataclass(frozen=True, slots=True)
class Jades:
    """JAdES at every level, over any number of documents, from their digests alone."""

    name: str = "jades"

    def prepare(self, items: Sequence[Item], wish: Wish) -> Prepared:
        """Return what will be signed: the digest of each item under its name."""
        if not items or wish.envelope != "detached":
            raise FormatError("a JAdES signature is detached from the documents that it names")
        if len({item.name for item in items}) != len(items):
            raise FormatError("two of the files have the same name")
        files = [
            DataFile(place, quote(item.name, safe="/"), item.media_type)
            for place, item in enumerate(items)
        ]
        return Prepared(
            digests=tuple(item.digest for item in items),
            plan=JadesPlan(files, wish.commitment),
            items=tuple(items),
            wish=wish,
        )

    def embed(self, prepared: Prepared, signed: Signed) -> bytes:
        """Return the detached compact serialisation (RFC 7515 Appendix F)."""
        return signed.parts[0] + b".." + base64url.encode(signed.value)

    def to_stamp(self, signature: bytes) -> bytes:
        """Return the encoded value of the one signature that has no time-stamp (§5.3.4)."""
        return _unstamped(_jades(signature)).signature.encode()

    def to_archive(self, signature: bytes, items: Sequence[Item]) -> bytes:
        """Return what an archive time-stamp covers (§5.3.6.3), which is every document too.

        FormatError: a document is known by its digest alone, or nothing is at B-LT.
        """
        jws = _jades(signature)
        part = _to_archive(jws)
        try:
            objects = signed_by(part.header, jws.payload, items).objects
            if objects is None:
                raise FormatError("an archive time-stamp needs the documents themselves")
            return jades_levels.archived(part, objects)
        except Refused as fault:
            raise FormatError(f"an archive time-stamp cannot be made: {fault}") from fault

    def augment(self, signature: bytes, level: Level, evidence: Evidence) -> bytes:
        """Return it in JSON, with a time-stamp, validation material, or an archive time-stamp."""
        jws = _jades(signature)
        if level is Level.B_T or (level is Level.B_LT and evidence.timestamp):
            part = _unstamped(jws)
            check_stamp(evidence.timestamp, part.signature.encode())
            raised = jades_levels.with_stamp(part, "sigTst", evidence.timestamp)
            if level is Level.B_LT:
                raised = jades_levels.with_material(raised, evidence)
        elif level is Level.B_LT:
            part = _one(jws, lambda one: _has(one, "sigTst") and not _has(one, "rVals"))
            raised = jades_levels.with_material(part, evidence)
        elif level is Level.B_LTA:
            part = _to_archive(jws)
            raised = jades_levels.with_stamp(part, "arcTst", evidence.timestamp)
            raised = jades_levels.with_material(raised, evidence)
        else:
            raise FormatError("every signature is at B-B already")
        parts = tuple(raised if one is part else one for one in jws.parts)
        return replace(jws, parts=parts).json()

    def check(self, signature: bytes, items: Sequence[Item]) -> tuple[Found, ...]:
        """Return every signature. Documents outside it are found in ``items`` by name."""
        jws = _jades(signature)
        return tuple(check_part(part, jws.payload, items) for part in jws.parts)


def check_part(
    part: Part, payload: str | None, items: Sequence[Item], *, baseline: bool = True
) -> Found:
    """Return what one signature did, with every problem.

    ``baseline`` demands what ETSI TS 119 182-1 §6 does beyond RFC 7515.
    """
    problems: list[Problem] = []
    said = _said(part.header, problems, baseline=baseline)
    signed = None
    with noted(problems):
        signed = signed_by(part.header, payload, items)
        if said.alg and said.certificate:
            jose_checking.check_value(part, said.certificate, said.alg, signed.payload)
    stamps: list[Stamps] = [(), ()]
    evidence = Evidence()
    with noted(problems):
        found = jades_levels.stamps(part, signed.objects if signed else None)
        stamps = right_stamps(*found, problems)
        evidence = jades_levels.evidence(part)
    return Found(
        certificate=said.certificate,
        alg=said.alg,
        level=level_of(stamps, evidence),
        claimed_at=said.claimed_at,
        problems=tuple(dict.fromkeys(problems)),
        timestamps=stamps[0],
        archive=stamps[1],
        evidence=evidence,
        covers=signed.names if signed else (),
    )


@dataclass(slots=True)
class _Said:
    """What a protected header says, as far as it could be read."""

    alg: str = ""
    certificate: bytes = b""
    claimed_at: int | None = None


def _said(header: Mapping[str, Any], problems: list[Problem], *, baseline: bool) -> _Said:
    said = _Said()
    with noted(problems):
        jose_checking.check_critical(header)
    with noted(problems):
        said.alg = jose_checking.alg_of(header)
    with noted(problems):
        said.claimed_at = jose_checking.claimed_at(header)
        if baseline and said.claimed_at is None:
            raise Refused("SIG_CONSTRAINTS_FAILURE", "the signature does not say when it was made")
    with noted(problems):
        said.certificate = jose_checking.certificate_of(header, named=baseline)
    return said


def _jades(signature: bytes) -> Jws:
    """Return the JWS, or raise FormatError unless each signature says that it is an AdES one."""
    jws = read(signature)
    for part in jws.parts:
        named = {"x5t#S256", "iat"} <= set(part.header)
        if not named and not set(part.header) & jose_checking.ETSI and not part.unprotected:
            raise FormatError("this is a JWS, but no JAdES signature")
    return jws


def _has(part: Part, name: str) -> bool:
    return bool(jades_levels.values(part, name))


def _one(jws: Jws, wanted: Callable[[Part], bool]) -> Part:
    found = [part for part in jws.parts if wanted(part)]
    if len(found) != 1:
        raise FormatError("not exactly one signature is at the level below")
    return found[0]


def _unstamped(jws: Jws) -> Part:
    return _one(jws, lambda part: not _has(part, "sigTst"))


def _to_archive(jws: Jws) -> Part:
    """Return the signature at B-LT with the fewest archive time-stamps."""
    found = [part for part in jws.parts if _has(part, "sigTst") and _has(part, "rVals")]
    if not found:
        raise FormatError("no signature is at a level that can be archived")
    return min(found, key=lambda part: len(jades_levels.values(part, "arcTst")))


FORMAT: Format = Jades()
