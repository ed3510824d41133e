"""Answers one request of one role: the frame on one side, the key ring on the other."""

import logging

from config.runtime.database.unit import DatabaseUnavailable
from keystore.administration import KeyAdministration
from keystore.door import (
    BadSeal,
    Door,
    KeyServiceUnavailable,
    NotCertified,
    NotPermitted,
    Order,
)
from keystore.keyring import KeyRing
from keystore.purposes import Administration, Role
from keystore.rotation import KeyVersion
from keystore.service import frames
from keystore.service.credential_desk import Told
from keystore.service.document_desk import DocumentDesk
from keystore.signing.door import NotActivated
from keystore.stores.interfaces import KeysChanged

_LOG = logging.getLogger(__name__)


class Desk:
    """Serves one role. It never raises: what goes wrong is an answer too."""

    def __init__(
        self,
        role: Role,
        ring: KeyRing,
        administration: KeyAdministration,
        documents: DocumentDesk | None = None,
    ) -> None:
        self._role = role
        self._ring = ring
        self._documents = documents
        self._door: Door = ring.door(role)
        self._administration = administration

    async def answer(self, request: frames.Request) -> frames.Reply:
        """Return the reply to ``request``."""
        try:
            return await self._answer(request)
        except NotPermitted as reason:
            _LOG.warning("refused to %s: %s", self._role, reason)
            return frames.Refused(request.id, "not_permitted", str(reason))
        except NotActivated as reason:
            _LOG.warning("refused to %s: %s", self._role, reason)
            return frames.Refused(request.id, "not_activated", str(reason))
        except BadSeal as reason:
            return frames.Refused(request.id, "bad_seal", str(reason))
        except NotCertified as reason:
            _LOG.warning("cannot answer %s: %s", self._role, reason)
            return frames.Refused(request.id, "not_certified", str(reason))
        except (KeyServiceUnavailable, DatabaseUnavailable, KeysChanged) as reason:
            return frames.Refused(request.id, "unavailable", str(reason))
        except Exception:
            _LOG.exception("could not answer %s of %s", type(request).__name__, self._role)
            return frames.Refused(request.id, "unavailable", "the key service failed")

    async def _answer(self, request: frames.Request) -> frames.Reply:
        door = self._door
        match request:
            case frames.Sign(number, issuer, orders):
                tokens = await door.sign(issuer, [Order(*order) for order in orders])
                return frames.Signed(number, tokens)
            case frames.MakeMacs(number, mac_purpose, messages):
                made = await door.macs(mac_purpose, messages)
                macs = [[(mac.version, mac.value) for mac in versions] for versions in made]
                return frames.Macs(number, macs)
            case frames.Seal(number, seal_purpose, plaintext, bound_to):
                return frames.Octets(number, await door.seal(seal_purpose, plaintext, bound_to))
            case frames.Open(number, seal_purpose, sealed, bound_to):
                return frames.Octets(number, await door.open(seal_purpose, sealed, bound_to))
            case frames.Published(number, issuer):
                shown = [
                    frames.ShownKey(key.kid, key.alg, key.state, key.jwk)
                    for key in await door.published(issuer)
                ]
                return frames.Shown(number, shown)
            case frames.Health(number):
                await self._administration.health()
                return frames.Done(number)
            case frames.ListKeys() | frames.Rotate() | frames.Advance():
                return await self._administer(request)
            case _:
                if self._documents is None:
                    raise NotPermitted("this deployment signs no documents")
                return await self._documents.answer(self._role, request)

    async def _administer(
        self, request: frames.ListKeys | frames.Rotate | frames.Advance
    ) -> frames.Reply:
        match request:
            case frames.ListKeys(number):
                self._ring.permit(self._role, Administration.LIST)
                keys, documents = await self._administration.keys(), self._documents
                told = await documents.credentials.told(keys) if documents else {}
                listed = [_listed(key, told.get(key.kid, Told())) for key in keys]
                return frames.Listed(number, listed)
            case frames.Rotate(number, ring, algorithm, emergency):
                self._ring.permit(self._role, Administration.ROTATE)
                fresh = await self._administration.rotate(ring, algorithm, emergency=emergency)
                return frames.Listed(number, [_listed(fresh, Told())])
            case frames.Advance(number):
                self._ring.permit(self._role, Administration.ADVANCE)
                await self._administration.advance()
                return frames.Done(number)


def _listed(key: KeyVersion, told: Told) -> frames.ListedKey:
    return frames.ListedKey(
        kid=key.kid,
        ring=key.ring,
        algorithm=key.algorithm,
        version=key.version,
        state=key.state,
        since=key.since,
        backend=key.ref.partition(":")[0],
        holds=told.holds,
        trouble=told.trouble,
    )
