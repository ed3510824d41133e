"""What the certificate authority needs of the key service's own rings."""

from collections.abc import Sequence
from typing import Protocol

from keystore.purposes import OwnRing
from keystore.rotation import KeyVersion


class OwnKeys(Protocol):
    """The key service's own rings, as the key ring has them."""

    def own(self, ring: OwnRing) -> KeyVersion:
        """Return the active key of ``ring``, or raise KeyServiceUnavailable."""
        ...

    def kept(self, ring: OwnRing) -> Sequence[KeyVersion]:
        """Return every version of ``ring`` from published to retiring, newest first."""
        ...

    async def sign_by(self, key: KeyVersion, messages: Sequence[bytes]) -> list[bytes]:
        """Return the signature (r || s) of that key over each message."""
        ...
