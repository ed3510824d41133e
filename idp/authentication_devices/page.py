"""The resident's own page: it shows what waits, so that nothing needs to be sent."""

from idp.authentication_devices.device import Brought, Parts, Summons


def build(_: Parts) -> "OwnPage":
    """Return the device."""
    return OwnPage()


class OwnPage:
    """``/me/approvals``."""

    async def bring(self, summons: Summons) -> Brought:
        """See AuthenticationDevice.bring: the page reads the request itself."""
        return Brought()
