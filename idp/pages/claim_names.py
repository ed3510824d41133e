"""What claims (OpenID Connect Core 1.0 §5.1) and factors are called, for people."""

from collections.abc import Mapping

CLAIM_NAMES: Mapping[str, str] = {
    "name": "Full name",
    "family_name": "Family name",
    "given_name": "Given name",
    "middle_name": "Middle name",
    "nickname": "Nickname",
    "preferred_username": "User name",
    "profile": "Profile page",
    "picture": "Photo",
    "website": "Website",
    "gender": "Gender",
    "birthdate": "Date of birth",
    "zoneinfo": "Time zone",
    "locale": "Language",
    "updated_at": "When this was last changed",
    "email": "E-mail address",
    "email_verified": "Whether the e-mail address was checked",
    "address": "Address",
    "phone_number": "Phone number",
    "phone_number_verified": "Whether the phone number was checked",
}
"""Originals of the catalogues."""

CLAIM_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Your name": (
        "name",
        "given_name",
        "middle_name",
        "family_name",
        "nickname",
        "preferred_username",
    ),
    "Contact": ("email", "email_verified", "phone_number", "phone_number_verified"),
    "Where you live": ("address",),
    "About you": (
        "birthdate",
        "gender",
        "picture",
        "locale",
        "zoneinfo",
        "profile",
        "website",
        "updated_at",
    ),
}
"""What belongs together, in the order in which it is told; the names are originals, too."""

FACTOR_NAMES: Mapping[str, str] = {
    "otp": "Code by phone or e-mail",
    "pin": "PIN",
    "totp": "Authenticator app",
}
"""Originals of the catalogues."""
