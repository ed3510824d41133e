"""Where a product keeps what its pages are made of."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Room:
    """A directory with ``templates``, ``locales`` and, where there are any, ``static`` scripts."""

    directory: Path

    @property
    def templates(self) -> Path:
        """Return the Jinja templates."""
        return self.directory / "templates"

    @property
    def locales(self) -> Path:
        """Return the catalogues: one per language, by its tag."""
        return self.directory / "locales"

    @property
    def static(self) -> Path:
        """Return the scripts: each is enhancement only."""
        return self.directory / "static"


SHARED = Room(Path(__file__).parent)
"""What every product's pages have: the frame, messages, and the texts that several say."""
