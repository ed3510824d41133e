"""Where an issuer's endpoints lie: under its address, which may have a path."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Mount:
    """``origin`` is scheme and host of the issuer, ``path`` what follows, without a last slash."""

    origin: str
    path: str

    @classmethod
    def of(cls, address: str) -> "Mount":
        """Return where the issuer with this address lies."""
        parts = urlsplit(address)
        return cls(f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/"))

    def holds(self, origin: str, path: str) -> bool:
        """Return whether an address lies under the issuer's."""
        return origin == self.origin and f"{path}/".startswith(f"{self.path}/")
