"""The pages of this room: where they lie."""

from collections.abc import Sequence
from pathlib import Path

from config.runtime.pages.pages import Pages
from config.runtime.pages.rooms import Room
from config.settings import Pages as PageSettings

ROOM = Room(Path(__file__).parent)


def load_pages(settings: PageSettings, beside: Sequence[Room] = ()) -> Pages:
    """Read every page of this room; raises UnfitLook or UnfitTexts.

    ``beside`` are the rooms of other products, whose texts an operator may replace as well.
    """
    return Pages.load(settings, ROOM, beside)
