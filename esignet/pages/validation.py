"""What the validation page says of each signature, in words that a clerk understands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from esignet.protocol.indications import Indication
from esignet.validation.engine import Judged
from esignet.validation.reading import Validated
from esignet.validation.recognise import PDF
from esignet.validation.report import signer_of

MOST = 10
"""Signatures that are told on one page, and names of documents of each: it stays within 14 kB."""

LONGEST = 100
"""Characters of a name that is shown: certificates come from anywhere."""

DIGEST_COMMANDS = (
    ("Windows", "certutil -hashfile Document.txt SHA256"),
    ("macOS", "shasum -a 256 Document.txt"),
    ("Linux", "sha256sum Document.txt"),
)
"""How people make a digest of their own, by the system that they have."""

_NO_AUTHORITY = "Its certificate comes from an authority that is not known here."
_NOT_MEANT = "Its certificate, or the authority's, is not meant for such signatures."
_UNSAFE = "It was made in a way that is not safe enough."
_REVOKED = "Its certificate was revoked, and nothing proves that the signature is older."
_EXPIRED = "Its certificate has expired, and nothing proves that the signature is older."
_RULES = "It was signed under rules that are not known here."

WHYS: Mapping[str, str] = {
    "FORMAT_FAILURE": "It is damaged, or not made as its format demands.",
    "HASH_FAILURE": "The document is another one, or it was changed after it was signed.",
    "SIG_CRYPTO_FAILURE": "It was not made with the key of its certificate.",
    "REVOKED": "Its certificate had been revoked before it was signed.",
    "EXPIRED": "Its certificate had expired before it was signed.",
    "NOT_YET_VALID": "It was signed before its certificate was valid.",
    "SIG_CONSTRAINTS_FAILURE": _NOT_MEANT,
    "CHAIN_CONSTRAINTS_FAILURE": _NOT_MEANT,
    "CRYPTO_CONSTRAINTS_FAILURE": _UNSAFE,
    "CRYPTO_CONSTRAINTS_FAILURE_NO_POE": _UNSAFE,
    "CERTIFICATE_CHAIN_GENERAL_FAILURE": _NO_AUTHORITY,
    "NO_CERTIFICATE_CHAIN_FOUND": _NO_AUTHORITY,
    "NO_CERTIFICATE_CHAIN_FOUND_NO_POE": _NO_AUTHORITY,
    "NO_SIGNING_CERTIFICATE_FOUND": "It does not tell with which certificate it was made.",
    "POLICY_PROCESSING_ERROR": _RULES,
    "SIGNATURE_POLICY_NOT_AVAILABLE": _RULES,
    "TIMESTAMP_ORDER_FAILURE": "Its time-stamps contradict each other.",
    "REVOKED_NO_POE": _REVOKED,
    "REVOKED_CA_NO_POE": _REVOKED,
    "OUT_OF_BOUNDS_NOT_REVOKED": _EXPIRED,
    "OUT_OF_BOUNDS_NO_POE": _EXPIRED,
    "REVOCATION_OUT_OF_BOUNDS_NO_POE": _EXPIRED,
    "NO_POE": "Nothing proves when it was signed.",
    "TRY_LATER": "Nothing in the file tells whether its certificate had been revoked.",
    "SIGNED_DATA_NOT_FOUND": "The document that was signed is not in the file: choose it as well.",
}
"""The originals of the texts, by the sub-indication."""

Words = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSignature:
    """One signature. ``verdict``, ``why``, ``advice`` and ``missing`` are in the reader's language.

    ``state`` is a class of the style sheet, ``code`` the indication and its sub-indication.
    ``claimed_at`` and ``proven_at`` are NumericDates, None where nothing is said or proven.
    ``covers`` are names of what it signs, ``unnamed`` how many more there are; ``doubted``
    is whether one of its time-stamps does not count.
    """

    number: int
    state: str
    verdict: str
    why: str
    advice: str
    code: str
    signer: str
    is_pseudonym: bool
    organization: str
    issuer: str
    covers: tuple[str, ...]
    unnamed: int
    claimed_at: int | None
    proven_at: int | None
    level: str
    missing: tuple[str, ...]
    doubted: bool


def shown_signatures(
    found: Validated, file: str, t: Words, *, by_digest: bool = False
) -> tuple[ShownSignature, ...]:
    """Return the first ``MOST`` signatures as they are told; ``file`` is what they stand in.

    In a PDF a signature is called as its field is: what it signs is the file. ``by_digest`` is
    whether of a document beside the file only digests were given.
    """
    some = enumerate(found.signatures[:MOST], 1)
    is_pdf = (found.form,) == PDF
    shown = (
        _shown(number, one, (file,) if is_pdf else one.found.covers or (file,), t)
        for number, one in some
    )
    return tuple(_told_by_digest(one, t) if by_digest else one for one in shown)


def summary(judged: Sequence[Judged], t: Callable[..., str]) -> str:
    """Return what all of it comes to, in one sentence."""
    indications = {one.conclusion.indication for one in judged}
    if len(judged) > 1:
        if indications == {Indication.TOTAL_PASSED}:
            return t("All {count} signatures are valid", count=len(judged))
        return t("Not every signature here is valid")
    match next(iter(indications)):
        case Indication.TOTAL_PASSED:
            return t("The signature is valid")
        case Indication.TOTAL_FAILED:
            return t("The signature is not valid")
        case _:
            return t("It cannot be decided whether the signature is valid")


def _shown(number: int, judged: Judged, covers: Sequence[str], t: Words) -> ShownSignature:
    found, conclusion, holder = judged.found, judged.conclusion, signer_of(judged)
    state, verdict, advice = _verdict(conclusion.indication, t)
    code, name = conclusion.sub_indication, ""
    if holder is not None:
        name = holder.name or holder.pseudonym or holder.organization
    return ShownSignature(
        number=number,
        state=state,
        verdict=verdict,
        why=t(WHYS[code]) if code else "",
        advice=advice,
        code=f"{conclusion.indication} {code}".strip(),
        signer=name[:LONGEST],
        is_pseudonym=bool(holder and holder.pseudonym),
        organization=holder.organization[:LONGEST] if holder else "",
        issuer=holder.issuer[:LONGEST] if holder else "",
        covers=tuple(one[:LONGEST] for one in covers[:MOST]),
        unnamed=max(len(covers) - MOST, 0),
        claimed_at=found.claimed_at,
        proven_at=judged.best_time if judged.is_proved else None,
        level=judged.level or "",
        missing=tuple(t(lack.value) for lack in judged.missing) if judged.level else (),
        doubted=any(one.trouble for one in judged.stamps),
    )


def _told_by_digest(one: ShownSignature, t: Words) -> ShownSignature:
    """Say what is missing where some digest of the document was given."""
    if not one.code.endswith(" SIGNED_DATA_NOT_FOUND"):
        return one
    why = t(
        "The digest is not enough for this signature: give all three, or send the document itself."
    )
    return replace(one, why=why, advice="")


def _verdict(indication: Indication, t: Words) -> tuple[str, str, str]:
    match indication:
        case Indication.TOTAL_PASSED:
            return "ready", t("Valid"), ""
        case Indication.TOTAL_FAILED:
            advice = t("Do not rely on it. Ask for the document as it was signed.")
            return "locked", t("Not valid"), advice
        case _:
            advice = t("Do not rely on it until that is settled. Ask whoever signed it.")
            return "", t("Cannot be decided"), advice
