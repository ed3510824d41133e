"""Texts by language, as operators and relying parties give them; ``""`` is the default."""

from collections.abc import Mapping


def localized(texts: Mapping[str, str], locales: tuple[str, ...]) -> str:
    """Return the text of the first locale there is (or of its language), else the default."""
    for locale in locales:
        if text := texts.get(locale) or texts.get(locale.partition("-")[0]):
            return text
    return texts.get("", "")
