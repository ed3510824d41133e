"""Failures that an operator can mend, and the exit code of each."""

from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.pages.look import UnfitLook
from config.runtime.pages.own_texts import UnfitTexts
from config.runtime.plugins import UnknownPlugin
from config.settings import SettingsError
from keystore.door import KeyServiceUnavailable


class NotPossible(Exception):
    """What was asked cannot be had; the text says why and what to do."""


def status_of(error: Exception) -> int | None:
    """Return the exit code for ``error``; None where it is our own fault."""
    match error:
        case SettingsError() | UnfitLook() | UnfitTexts() | UnknownPlugin():
            return 3
        case DatabaseUnavailable() | KeyServiceUnavailable():
            return 4
        case NotPossible():
            return 1
    return None
