"""Signature requests plugged together: what makes them, signs them, and goes on with them."""

from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.database.unit import Database
from config.runtime.entropy import Entropy
from config.settings.esignet import Esignet
from config.wiring.esignet_fonts import fonts
from esignet.flows.appearing import Looks
from esignet.flows.preparing import Preparing
from esignet.flows.request_contents import Contents
from esignet.flows.request_creating import Creating
from esignet.flows.request_signing import Hand, Notes, Notices, RequestSigning
from esignet.flows.requests import Requests
from esignet.flows.resuming import Resuming
from esignet.stores.creation_keys import CreationKeys
from esignet.stores.requests import SignatureRequests
from keystore.door import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestGround:
    """What signature requests stand on. A client may have ``most`` that wait."""

    database: Database
    door: Door
    clock: Clock
    entropy: Entropy
    hand: Hand
    preparing: Preparing
    notices: Notices
    notes: Notes
    most: int


def signature_requests(ground: RequestGround) -> tuple[Requests, Resuming]:
    """Return the requests, and what goes on with those that were left."""
    store = SignatureRequests(ground.database)
    contents = Contents(store=store, door=ground.door, entropy=ground.entropy)
    signing = RequestSigning(
        store=store,
        contents=contents,
        hand=ground.hand,
        preparing=ground.preparing,
        notices=ground.notices,
        notes=ground.notes,
        clock=ground.clock,
    )
    creating = Creating(
        store=store,
        keys=CreationKeys(ground.database),
        contents=contents,
        preparing=ground.preparing,
        notices=ground.notices,
        entropy=ground.entropy,
        most=ground.most,
    )
    requests = Requests(
        store=store,
        contents=contents,
        creating=creating,
        signing=signing,
        notices=ground.notices,
    )
    resuming = Resuming(store=store, signing=signing, notices=ground.notices, clock=ground.clock)
    return requests, resuming


def looks(esignet: Esignet) -> Looks:
    """Return what visible signatures are drawn with; SettingsError where a font cannot serve."""
    return Looks(fonts=fonts(esignet), validation=f"{esignet.address}/validate")
