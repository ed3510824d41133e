"""Rendering: templates compiled at start, filled with the texts of one language."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from config.settings import Pages as PageSettings
from idp.pages.claim_names import CLAIM_NAMES
from idp.pages.languages import Language, Languages, load_languages
from idp.pages.look import Look, load_look
from idp.protocol.client import localized

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a page stands: its language, and its own path for the links of other languages."""

    language: Language
    path: str
    service: str


@dataclass(frozen=True, slots=True)
class Pages:
    """Every page. ``support`` says by language how to reach help."""

    templates: Mapping[str, Template]
    languages: Languages
    look: Look
    support: Mapping[str, str]

    @classmethod
    def load(cls, settings: PageSettings) -> "Pages":
        """Read templates, catalogues, colours and logo; or raise UnfitLook."""
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        names = [name for name in environment.list_templates() if name.endswith(".html")]
        return cls(
            {name.removesuffix(".html"): environment.get_template(name) for name in names},
            load_languages(settings.languages),
            load_look(settings.accent, settings.logo),
            settings.support,
        )

    def render(self, name: str, setting: Setting, **content: Any) -> str:
        """Return the page ``name``; everything in ``content`` is escaped where it is placed."""
        language = setting.language
        return self.templates[name].render(
            t=language.t,
            lang=language.tag,
            dir=language.direction,
            moment=language.moment,
            duration=language.duration,
            claim_name=lambda claim: language.t(CLAIM_NAMES.get(claim, claim)),
            group_name=language.t,
            languages=self.languages.offered,
            path=setting.path,
            service=setting.service,
            look=self.look,
            support=localized(self.support, (language.tag,)),
            **content,
        )
