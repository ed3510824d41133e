"""Answers what one role asks about stored credentials: permitted first, then done."""

from collections.abc import Sequence
from dataclasses import dataclass

from keystore.credentials.keeping import StoredKeys
from keystore.credentials.rewrapping import Rewrapping
from keystore.door import NotPermitted
from keystore.keyring import KeyRing
from keystore.purposes import DocumentUse, OwnSecret, Role
from keystore.rotation import KeyVersion
from keystore.service import credential_frames as frames
from keystore.service.frames import Octets


@dataclass(frozen=True, slots=True)
class Told:
    """What an operator is told of a key: how many stored keys need it, and what it cannot do."""

    holds: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class CredentialDesk:
    """``keys`` is None where no keys of people are stored, and with it ``rewrapping``."""

    ring: KeyRing
    keys: StoredKeys | None
    rewrapping: Rewrapping | None

    async def keep(self) -> None:
        """Sweep what was abandoned or ended long ago, and leave keys that were replaced."""
        if self.keys is not None:
            await self.keys.keep()
        if self.rewrapping is not None:
            await self.rewrapping.keep()

    async def told(self, keys: Sequence[KeyVersion]) -> dict[str, Told]:
        """Return by kid what there is to tell of keys around stored ones."""
        if self.rewrapping is None or self.keys is None:
            return {}
        held, lack = await self.rewrapping.held(keys), self.keys.ability.lack
        wraps = {key.kid for key in keys if key.ring == OwnSecret.WRAPPING}
        return {kid: Told(count, lack if kid in wraps else "") for kid, count in held.items()}

    async def answer(
        self, role: Role, request: frames.CredentialRequest
    ) -> frames.CredentialsAre | Octets:
        """Return the reply, or raise NotPermitted, NotActivated, KeyServiceUnavailable."""
        is_approval = isinstance(request, frames.ActivateCredential)
        use = DocumentUse.ACTIVATE_CREDENTIAL if is_approval else DocumentUse.CREDENTIALS
        self.ring.use(role, use)
        if self.keys is None:
            raise NotPermitted("no keys of people are stored here")
        match request:
            case frames.ActivateCredential(number, approval):
                return Octets(number, (await self.keys.activate(approval)).encode())
            case frames.CreateCredential(number, activation):
                return frames.CredentialsAre(number, [await self.keys.create(activation)])
            case frames.DeleteCredential(number, activation):
                await self.keys.delete(activation)
                return Octets(number, b"")
            case frames.ListCredentials(number, client_id, known_as):
                found = await self.keys.finding.shown(client_id, known_as)
                return frames.CredentialsAre(number, found)
