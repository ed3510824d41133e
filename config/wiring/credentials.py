"""Stored keys of people in the key service, put together from the settings."""

from config.runtime.clock import Clock
from config.runtime.database.unit import Database
from config.runtime.entropy import Entropy
from config.settings.esignet import Esignet
from keystore.administration import KeyAdministration
from keystore.authority.authority import Authority
from keystore.authority.showing import Showing
from keystore.backends.registry import Backends
from keystore.credentials.ability import Ability
from keystore.credentials.binding import Binding
from keystore.credentials.finding import Finding
from keystore.credentials.keeping import StoredKeys
from keystore.credentials.rewrapping import Rewrapping
from keystore.credentials.using import StoredSigning
from keystore.keyring import KeyRing
from keystore.signing.recording import Recording
from keystore.stores.authority import AuthorityRecords
from keystore.stores.credentials import StoredCredentials


def finding(database: Database, ring: KeyRing) -> Finding:
    """Return what finds stored credentials in the key service's own database."""
    return Finding(StoredCredentials(database), AuthorityRecords(database), Binding(ring))


def stored_signing(
    esignet: Esignet, found: Finding, backends: Backends, recording: Recording
) -> StoredSigning | None:
    """Return what signs with stored keys; None where the settings store none."""
    if not esignet.stored_keys:
        return None
    return StoredSigning(
        finding=found, backends=backends, recording=recording, signs_hashes=esignet.sign_hash
    )


def rewrapping(
    signing: StoredSigning | None, keys: KeyAdministration, clock: Clock
) -> Rewrapping | None:
    """Return what brings the keys that ``signing`` signs with under the wrapping key of today."""
    if signing is None:
        return None
    return Rewrapping(
        ring=signing.recording.ring,
        backends=signing.backends,
        finding=signing.finding,
        keys=keys,
        clock=clock,
    )


def stored_keys(
    signing: StoredSigning | None,
    authority: Authority,
    showing: Showing,
    clock: Clock,
    entropy: Entropy,
) -> StoredKeys | None:
    """Return what makes and destroys the keys that ``signing`` signs with."""
    if signing is None:
        return None
    return StoredKeys(
        ring=signing.recording.ring,
        backends=signing.backends,
        authority=authority,
        showing=showing,
        finding=signing.finding,
        recording=signing.recording,
        ability=Ability(signing.recording.ring, signing.backends),
        clock=clock,
        entropy=entropy,
    )
