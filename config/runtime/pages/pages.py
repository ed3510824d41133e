"""Rendering: templates compiled at start, filled with the texts of one language."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from config.runtime.pages.languages import Language, Languages, load_languages
from config.runtime.pages.look import Look, load_look
from config.runtime.pages.rooms import SHARED, Room
from config.settings import Pages as PageSettings
from config.settings.localized import localized

_HERE = "\N{SYMBOL FOR NULL}"
"""Stands in a footer for the path of the page."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a page stands: its language, and its own path for the links of other languages."""

    language: Language
    path: str
    service: str


@dataclass(frozen=True, slots=True)
class Pages:
    """Every page. ``common`` is, by the tag of a language, what fills all of its pages, and
    ``footers`` what they all end with.
    """

    templates: Mapping[str, Template]
    languages: Languages
    look: Look
    common: Mapping[str, Mapping[str, Any]]
    footers: Mapping[str, str]

    @classmethod
    def load(
        cls,
        settings: PageSettings,
        room: Room,
        beside: Sequence[Room] = (),
        more: Callable[[Language], Mapping[str, Any]] = lambda _: {},
    ) -> "Pages":
        """Read templates, catalogues, colours and logo; or raise UnfitLook or UnfitTexts.

        ``beside`` are the rooms of other products, whose texts an operator may replace as well.
        ``more`` is what every page of this room is filled with beside the common.
        """
        environment = Environment(
            loader=FileSystemLoader([room.templates, SHARED.templates]),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        names = [name for name in environment.list_templates() if name.endswith(".html")]
        templates = {name.removesuffix(".html"): environment.get_template(name) for name in names}
        languages = load_languages(settings.languages, (room, *beside), settings.texts)
        look = load_look(settings.accent, settings.logo, (room,))
        common = {
            language.tag: {**_common(language, look), **more(language)}
            for language in languages.offered
        }
        footers = {
            tag: templates["footer"].render(
                filling,
                languages=languages.offered,
                support=localized(settings.support, (tag,)),
                here=_HERE,
            )
            for tag, filling in common.items()
        }
        return cls(templates, languages, look, common, footers)

    def render(self, name: str, setting: Setting, **content: Any) -> str:
        """Return the page ``name``; everything in ``content`` is escaped where it is placed."""
        tag = setting.language.tag
        footer = self.footers[tag].replace(_HERE, escape(setting.path))
        return self.templates[name].render(
            self.common[tag],
            footer=Markup(footer),  # noqa: S704 - a template's output, and a path that was escaped
            service=setting.service,
            **content,
        )


def _common(language: Language, look: Look) -> Mapping[str, Any]:
    return {
        "t": language.t,
        "lang": language.tag,
        "dir": language.direction,
        "moment": language.moment,
        "duration": language.duration,
        "size": language.size,
        "look": look,
    }
