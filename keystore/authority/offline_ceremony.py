"""The two halves of a ceremony with a root elsewhere: the request goes out, its answer comes in."""

from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keystore.administration import KeyAdministration
from keystore.authority.ceremony import CeremonyFailed
from keystore.authority.elsewhere import parsed_list, root_kid
from keystore.authority.offline import Accepted, Brought, OfflineRoot
from keystore.authority.offline_upkeep import OfflineUpkeep
from keystore.authority.transcript import Artefact, certificate_artefact, list_artefact
from keystore.purposes import OwnRing
from keystore.x509.parsed import parsed


async def ask(
    administration: KeyAdministration, offline: OfflineRoot, rings: Iterable[OwnRing], name: str
) -> Artefact:
    """Make the keys that are missing, and return the request (PEM) under ``name``.

    Raises NotAccepted where no key waits, CeremonyFailed, KeyServiceUnavailable.
    """
    await administration.ensure({}, rings)
    await offline.authority.refresh()
    made = x509.load_der_x509_csr(await offline.request())
    if not made.is_signature_valid:
        raise CeremonyFailed("the request is not signed by its key")
    return Artefact(name, made.public_bytes(Encoding.PEM), made.subject.rfc4514_string())


async def bring(
    offline: OfflineRoot, upkeep: OfflineUpkeep, brought: Brought, *, keeps: bool
) -> tuple[list[Artefact], list[str]]:
    """Judge what was brought, keep it if asked to, and let what was certified take over.

    Returns what was brought, and what follows from it. Raises NotAccepted, KeyServiceUnavailable.
    """
    await offline.authority.read()
    accepted = offline.judged(brought)
    if keeps:
        await offline.keep(accepted)
        await offline.authority.refresh()  # who answers about the new one is certified first
        await upkeep.choose()
    artefacts = [list_artefact("root.crl", accepted.listed)]
    if accepted.certificate:
        artefacts[:0] = [
            certificate_artefact("root.crt", accepted.roots[0]),
            certificate_artefact("issuing.crt", accepted.certificate),
        ]
    return artefacts, list(_notes(offline, accepted, keeps=keeps))


def _notes(offline: OfflineRoot, accepted: Accepted, *, keeps: bool) -> Iterable[str]:
    if accepted.certificate:
        when = "from now on" if keeps else "when this is kept"
        yield f"The key {accepted.kid} certifies {when}."
    listed, roots = parsed_list(accepted.listed), set(map(root_kid, accepted.roots))
    for own in offline.authority.issuers():
        serial = parsed(own.certificate).serial_number
        is_listed = listed.get_revoked_certificate_by_serial_number(serial) is not None
        if own.issuer_kid in roots and is_listed:
            yield f"The list takes back the certificate {serial:x} of the key {own.kid}."
