"""A certificate that the client made itself, or whose key it registered (RFC 8705 §2.2)."""

from dataclasses import dataclass

from config.runtime.database.unit import Write
from idp.client_auth.certificate import refused, shown
from idp.client_auth.keys import ClientKeys
from idp.client_auth.method import Carrier, Presented
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClient
from keystore.x509.certificate import CertificateRefused


@dataclass(frozen=True, slots=True)
class SelfSignedTlsClientAuth:
    """``self_signed_tls_client_auth``: who signed the certificate is not looked at."""

    keys: ClientKeys

    name = "self_signed_tls_client_auth"
    carrier = Carrier.NONE

    async def prove(self, presented: Presented, client: Client, now: int) -> tuple[Write, ...]:
        """Nothing is used up; or raise InvalidClient."""
        certificate, der = shown(presented), presented.carried.certificate or b""
        try:
            certificate.check_times(now)
        except CertificateRefused as reason:
            raise refused(reason) from reason
        keys = await self.keys.holding(client, lambda keys: keys.has(der, certificate.spki))
        if not keys.has(der, certificate.spki):
            raise InvalidClient("the client certificate is not one that the client registered")
        return ()
