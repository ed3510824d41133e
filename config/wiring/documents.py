"""What signs documents in the key service, put together from the settings."""

from collections.abc import Callable
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.database.connect import OpenDatabase
from config.runtime.entropy import Entropy
from config.settings.esignet import Esignet
from config.wiring.credentials import finding, rewrapping, stored_keys, stored_signing
from config.wiring.seals import seal_desk
from keystore.administration import KeyAdministration
from keystore.authority.authority import Authority
from keystore.authority.extensions import Naming
from keystore.authority.offline_upkeep import OfflineUpkeep
from keystore.authority.profiles import DAY, Kind
from keystore.authority.responder import Responder
from keystore.authority.revoking import Revoking
from keystore.authority.showing import Showing
from keystore.backends.registry import Backends
from keystore.keyring import KeyRing
from keystore.purposes import OwnRing
from keystore.service.credential_desk import CredentialDesk
from keystore.service.document_desk import DocumentDesk
from keystore.signing.attesting import Attesting
from keystore.signing.evidence import EvidenceSeal
from keystore.signing.recording import Recording
from keystore.signing.replay import Replay
from keystore.signing.signing import DocumentSigning
from keystore.stores.kept_signatures import KeptSignatures
from keystore.timestamping.stamping import ACCURACY, LASTING, USUAL, Stamping
from keystore.timestamping.trusted_time import TrustedTime, held_by_ntp


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentGround:
    """What documents are signed on: the key service's own database, its backends, its clock."""

    database: OpenDatabase
    backends: Backends
    clock: Clock
    entropy: Entropy


def document_desk(
    esignet: Esignet, ground: DocumentGround
) -> Callable[[KeyRing, KeyAdministration], DocumentDesk] | None:
    """Return what signs documents, None where the settings name no signing service."""
    if not esignet.address:
        return None
    return lambda ring, keys: _desk(esignet, ground, ring, keys)


def naming_of(esignet: Esignet) -> Naming:
    """Return how the settings call the authority."""
    own = {
        Kind.LONG_TERM: esignet.long_term_policy,
        Kind.SEAL: esignet.seal_policy,
        Kind.STAMPING: esignet.timestamp_certificate_policy,
        Kind.ARCHIVE: esignet.timestamp_certificate_policy,
    }
    return Naming(
        country=esignet.country,
        organization=esignet.organization,
        address=esignet.address,
        policy=esignet.certificate_policy,
        policies={kind: policy for kind, policy in own.items() if policy},
        lifetimes={
            Kind.LONG_TERM: esignet.long_term_days * DAY,
            Kind.SEAL: esignet.seal_days * DAY,
        },
        own_root=esignet.root_key == "own",
    )


def own_rings(esignet: Esignet) -> tuple[OwnRing, ...]:
    """Return which rings of its own the key service of this deployment has: the one place."""
    absent = set() if esignet.archive_timestamp_algorithm else {OwnRing.ARCHIVE}
    absent |= set() if esignet.root_key == "own" else {OwnRing.ROOT}
    return tuple(ring for ring in OwnRing if ring not in absent)


def _desk(
    esignet: Esignet, ground: DocumentGround, ring: KeyRing, keys: KeyAdministration
) -> DocumentDesk:
    database, is_below = ground.database, esignet.root_key == "elsewhere"
    authority = Authority(database, ring, naming_of(esignet), ground.clock, ground.entropy)
    showing = Showing(authority, database)
    signing = _signing(esignet, ground, authority, ring)
    replay = _replay(ground, signing)
    responder = Responder(authority, database, ring.sign_own)
    stamping = _stamping(esignet, ground, authority, ring)
    return DocumentDesk(
        ring=ring,
        own=own_rings(esignet),
        signing=signing,
        replay=replay,
        attesting=Attesting(
            sign=replay.signed,
            stamping=stamping,
            responder=responder,
            authority=authority,
            clock=ground.clock,
        ),
        authority=authority,
        showing=showing,
        revoking=Revoking(database, showing),
        upkeep=OfflineUpkeep(ring, keys, authority, showing, ground.clock) if is_below else None,
        responder=responder,
        stamping=stamping,
        evidence=_evidence(ground, authority, ring),
        credentials=CredentialDesk(
            ring,
            stored_keys(signing.stored, authority, showing, ground.clock, ground.entropy),
            rewrapping(signing.stored, keys, ground.clock),
        ),
        seals=seal_desk(esignet.address, signing, keys),
        database=database,
        clock=ground.clock,
    )


def _evidence(ground: DocumentGround, authority: Authority, ring: KeyRing) -> EvidenceSeal:
    return EvidenceSeal(
        ring=ring,
        authority=authority,
        database=ground.database,
        clock=ground.clock,
        entropy=ground.entropy,
    )


def _replay(ground: DocumentGround, signing: DocumentSigning) -> Replay:
    kept = KeptSignatures(ground.database)
    return Replay(sign=signing.sign, kept=kept, clock=ground.clock, entropy=ground.entropy)


def _signing(
    esignet: Esignet, ground: DocumentGround, authority: Authority, ring: KeyRing
) -> DocumentSigning:
    recording = Recording(ring, ground.database)
    found = finding(ground.database, ring)
    return DocumentSigning(
        ring=ring,
        maker=ground.backends.maker,
        authority=authority,
        recording=recording,
        clock=ground.clock,
        entropy=ground.entropy,
        stored=stored_signing(esignet, found, ground.backends, recording),
    )


def _stamping(
    esignet: Esignet, ground: DocumentGround, authority: Authority, ring: KeyRing
) -> Stamping:
    time = TrustedTime(
        skew=ground.database.skew,
        clock=ground.clock,
        accuracy=ACCURACY,
        disciplined=held_by_ntp if esignet.timestamp_ntp else lambda: True,
    )
    return Stamping(
        authority=authority,
        sign_own=ring.sign_own,
        clock=ground.clock,
        entropy=ground.entropy,
        policy=esignet.timestamp_policy,
        is_sure=time.is_sure,
        archiving=LASTING if OwnRing.ARCHIVE in own_rings(esignet) else USUAL,
        archive_policy=esignet.archive_timestamp_policy,
    )
