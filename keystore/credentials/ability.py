"""Whether the token can keep keys of people: found out once, by having it wrap one."""

import logging
from dataclasses import dataclass

from keystore.backends.backend import Algorithm, UnknownKey, Unsupported
from keystore.backends.registry import Backends
from keystore.credentials.door import NotWrapped
from keystore.door import KeyServiceUnavailable
from keystore.keyring import KeyRing
from keystore.purposes import OwnSecret

LACK = "the token wraps no keys (AES-KWP), so that no keys of people can be stored"

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Ability:
    """``lack`` is what an operator is told, empty as long as nothing lacks."""

    ring: KeyRing
    backends: Backends
    lack: str = ""
    _is_proved: bool = False

    async def prove(self) -> None:
        """Find out, unless it is known; the log says once what lacks. The rings must have keys.

        Raises KeyServiceUnavailable where it cannot be known now.
        """
        if self._is_proved:
            return
        if not await self._wraps():
            self.lack = LACK
            _LOG.warning("%s: switch esignet.stored_keys off, or take another token", LACK)
        self._is_proved = True

    def check(self) -> None:
        """Return unless it is known that no key can be stored; then raise NotWrapped."""
        if self.lack:
            raise NotWrapped(self.lack)

    async def _wraps(self) -> bool:
        if not self.ring.secrets(OwnSecret.WRAPPING):
            return False  # the token refused to make one
        kek = self.ring.secret(OwnSecret.WRAPPING)
        try:
            await self.backends.of(kek.ref).wrapped(kek.ref, Algorithm.ES256)
        except Unsupported:
            return False
        except UnknownKey as reason:
            raise KeyServiceUnavailable("the token lost the wrapping key") from reason
        return True
