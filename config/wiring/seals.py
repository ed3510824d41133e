"""What seals for organisations in the key service, put together from the settings."""

from keystore.administration import KeyAdministration
from keystore.seals.enrolment import Enrolment
from keystore.seals.sealing import Sealing
from keystore.service.seal_desk import SealDesk
from keystore.signing.replay import Replay
from keystore.signing.signing import DocumentSigning
from keystore.stores.authority import AuthorityRecords
from keystore.stores.kept_signatures import KeptSignatures
from keystore.stores.organizations import Organizations


def seal_desk(address: str, signing: DocumentSigning, keys: KeyAdministration) -> SealDesk:
    """Return what seals on the ground of ``signing``, for the signing service at ``address``."""
    database = signing.recording.database
    store = Organizations(database)
    sealing = Sealing(
        store=store,
        issued=AuthorityRecords(database),
        ring=signing.ring,
        authority=signing.authority,
        recording=signing.recording,
        clock=signing.clock,
        address=address,
    )
    enrolment = Enrolment(
        store=store,
        ring=signing.ring,
        administration=keys,
        authority=signing.authority,
        clock=signing.clock,
    )
    replay = Replay(
        sign=sealing.sign,
        kept=KeptSignatures(database),
        clock=signing.clock,
        entropy=signing.entropy,
    )
    return SealDesk(enrolment, replay)
