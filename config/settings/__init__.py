"""What the operator chooses: one section per file, a docstring per field, and nothing of ours."""

from config.settings.features import Features
from config.settings.issuers import Acr, Issuer
from config.settings.loading import SettingsError, anchored, load
from config.settings.proving import Channels, Factors, Limits, Otp, Pin, Sms, Smtp, Totp
from config.settings.sections import DatabaseSettings, KeySettings, Lifetimes, Pages, Settings, Web

__all__ = [
    "Acr",
    "Channels",
    "DatabaseSettings",
    "Factors",
    "Features",
    "Issuer",
    "KeySettings",
    "Lifetimes",
    "Limits",
    "Otp",
    "Pages",
    "Pin",
    "Settings",
    "SettingsError",
    "Sms",
    "Smtp",
    "Totp",
    "Web",
    "anchored",
    "load",
]
