"""Rendering: templates compiled at start, filled with the texts of one language."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from config.settings import Pages as PageSettings
from idp.pages.claim_names import CLAIM_NAMES
from idp.pages.languages import Language, Languages, load_languages
from idp.pages.look import Look, load_look
from idp.protocol.client import localized

TEMPLATES = Path(__file__).parent / "templates"

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
    def load(cls, settings: PageSettings) -> "Pages":
        """Read templates, catalogues, colours and logo; or raise UnfitLook or UnfitTexts."""
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        names = [name for name in environment.list_templates() if name.endswith(".html")]
        templates = {name.removesuffix(".html"): environment.get_template(name) for name in names}
        languages = load_languages(settings.languages, settings.texts)
        look = load_look(settings.accent, settings.logo)
        common = {language.tag: _common(language, look) for language in languages.offered}
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
        "claim_name": lambda claim: language.t(CLAIM_NAMES.get(claim, claim)),
        "group_name": language.t,
        "look": look,
    }
