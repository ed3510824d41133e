"""What an issuer offers: the switches of its features."""

from config.settings.section import Section


class Features(Section, frozen=True):
    """What is off is refused, and is not in the issuer's metadata either."""

    grant_types: tuple[str, ...] = (
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
    )
    """Grant types that clients may register."""

    auth_methods: tuple[str, ...] = (
        "private_key_jwt",
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "none",
    )
    """Client authentication methods; of these the issuer's profile may forbid some."""

    authorization_details: tuple[str, ...] = ("payment_initiation", "record_access")
    """Types of authorization details (RFC 9396), by the names of their files."""

    first_party: bool = False
    """Whether first-party applications may show the login themselves (authorization challenge
    endpoint). Each of them must be registered as one."""
