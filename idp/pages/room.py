"""The pages of this room: where they lie, and what all of them are filled with."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from config.runtime.pages.languages import Language
from config.runtime.pages.pages import Pages
from config.runtime.pages.rooms import Room
from config.settings import Pages as PageSettings
from idp.pages.claim_names import CLAIM_NAMES

ROOM = Room(Path(__file__).parent)


def load_pages(settings: PageSettings, beside: Sequence[Room] = ()) -> Pages:
    """Read every page of this room; raises UnfitLook or UnfitTexts.

    ``beside`` are the rooms of other products, whose texts an operator may replace as well.
    """
    return Pages.load(settings, ROOM, beside, _filling)


def _filling(language: Language) -> Mapping[str, Any]:
    return {
        "claim_name": lambda claim: language.t(CLAIM_NAMES.get(claim, claim)),
        "group_name": language.t,
    }
