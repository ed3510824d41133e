"""Backchannel authentication (CIBA): how people are asked, and how long requests wait."""

from typing import Literal

from config.settings.section import Section


class Backchannel(Section, frozen=True):
    """Requests that a relying party sends without a browser (OpenID Connect CIBA Core 1.0)."""

    devices: tuple[str, ...] = ("page", "link")
    """Modules of idp.authentication_devices in use: ``page`` shows requests on the resident's own
    page, ``link`` sends a link through the channels as well."""

    lifetime: int = 300
    """Seconds that a request waits for the person, where the client wishes nothing else."""

    longest: int = 900
    """Seconds that a client may wish for at most (requested_expiry)."""

    interval: int = 5
    """Seconds at least between two polls."""

    strangers: Literal["wait", "told"] = "wait"
    """What a client learns of a hint that names nobody who can be asked: ``wait`` answers as for
    everybody, and the request expires; ``told`` answers unknown_user_id, and lets every client
    find out who is registered."""
