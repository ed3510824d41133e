"""The backends of a deployment, by the scheme of their key references."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from keystore.backends.backend import Algorithm, Backend
from keystore.door import KeyServiceUnavailable


@dataclass(frozen=True, slots=True)
class Backends:
    """Every backend in use, and the one that makes new keys.

    ``others`` make the keys of algorithms that this one lacks.
    """

    by_scheme: Mapping[str, Backend]
    maker: Backend
    others: Mapping[Algorithm, Backend] = field(default_factory=dict)

    @classmethod
    def only(cls, backend: Backend) -> "Backends":
        """Return the registry of a deployment with one backend."""
        return cls({backend.scheme: backend}, backend)

    def of(self, ref: str) -> Backend:
        """Return the backend that holds ``ref``, or raise KeyServiceUnavailable."""
        scheme = ref.partition(":")[0]
        try:
            return self.by_scheme[scheme]
        except KeyError:
            raise KeyServiceUnavailable(f"no backend for {scheme} keys") from None

    def maker_of(self, algorithm: Algorithm) -> Backend:
        """Return where new keys of ``algorithm`` are made."""
        return self.others.get(algorithm, self.maker)

    async def close(self) -> None:
        """Close every backend."""
        for backend in self.by_scheme.values():
            await backend.close()
