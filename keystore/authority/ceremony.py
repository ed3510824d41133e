"""The ceremony that makes root and issuing authority: keys, certificates, lists.

Everything that it made is checked before the transcript says so. Held again, it makes only what is
missing and says what is there.
"""

from collections.abc import Sequence

from cryptography import x509

from keystore.administration import KeyAdministration
from keystore.authority.authority import RINGS, Authority
from keystore.authority.profiles import Kind
from keystore.authority.showing import Showing
from keystore.authority.transcript import Artefact, certificate_artefact, list_artefact
from keystore.purposes import OwnRing

_BELOW = (Kind.STAMPING, Kind.ARCHIVE, Kind.STATUS)


class CeremonyFailed(Exception):
    """Something that was made is not as it must be. Trust nothing of it."""


async def hold(
    administration: KeyAdministration,
    authority: Authority,
    showing: Showing,
    rings: Sequence[OwnRing],
    now: int,
) -> list[Artefact]:
    """Make what is missing, check all, and return certificates and lists for the transcript.

    ``rings`` are those that this deployment has. Raises CeremonyFailed, KeyServiceUnavailable.
    """
    await administration.ensure({}, rings)
    await authority.refresh()
    lacks = authority.lacks()
    if lacks is not None:
        raise CeremonyFailed(lacks)
    issuing, *_, root = authority.chain(authority.own(Kind.ISSUING))
    certificates = {"root.crt": root, "issuing.crt": issuing}
    for kind in _BELOW:
        if RINGS[kind] in rings:
            certificates[f"{kind}.crt"] = authority.own(kind).certificate
    _check({name: x509.load_der_x509_certificate(one) for name, one in certificates.items()})
    made = [certificate_artefact(*one) for one in certificates.items()]
    lists = (await showing.shown(now)).crls
    for name, octets in zip(("issuing", "root"), lists, strict=True):
        issuer = x509.load_der_x509_certificate(certificates[f"{name}.crt"])
        listed = x509.load_der_x509_crl(octets)
        if not listed.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
            raise CeremonyFailed(f"{name}.crl is not signed by {name}.crt")
        made.append(list_artefact(f"{name}.crl", octets))
    return made


async def own_keys(administration: KeyAdministration) -> list[tuple[str, str, str]]:
    """Return ring, key identifier and backend of each of our own keys."""
    return [
        (key.ring, key.kid, key.ref.partition(":")[0])
        for key in await administration.keys()
        if key.ring in frozenset(OwnRing)
    ]


def _check(certificates: dict[str, x509.Certificate]) -> None:
    issuers = {"root.crt": "root.crt", "issuing.crt": "root.crt"}
    for name, certificate in certificates.items():
        issuer = certificates[issuers.get(name, "issuing.crt")]
        try:
            certificate.verify_directly_issued_by(issuer)
        except Exception as reason:
            raise CeremonyFailed(f"{name} is not signed by its issuer") from reason
