"""Beginning a device authorization: the device gets its codes (RFC 8628 §3.1, §3.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from config.runtime.database.unit import Database, Refused
from config.runtime.entropy import Entropy
from config.settings import Issuer
from idp.flows.clients import ClientAuthentication, Proven
from idp.flows.public_pace import PublicPace
from idp.protocol import checks, device
from idp.protocol.carried import Carried
from idp.protocol.decoupled import Decoupled, Kind
from idp.protocol.details import DetailType
from idp.protocol.errors import (
    InvalidClient,
    OAuthError,
    TemporarilyUnavailable,
    UnauthorizedClient,
)
from idp.protocol.grant import digest_of
from idp.protocol.parameters import Parameters
from idp.stores.decoupled import DecoupledRequests
from keystore.door import Door, MacPurpose

ATTEMPTS = 3
"""How often a user code is made anew when somebody else's device has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAuthorization:
    """Device authorizations of one issuer."""

    issuer: Issuer
    authentication: ClientAuthentication
    requests: DecoupledRequests
    detail_types: Mapping[str, DetailType]
    database: Database
    door: Door
    entropy: Entropy
    lifetime: int
    pace: PublicPace

    async def begin(
        self, asked: Parameters, carried: Carried, network: str, now: int
    ) -> dict[str, Any]:
        """Return the answer to the device, or raise an OAuthError.

        ``network`` is where the device is, as far as that is known: the person is told.
        """
        proven = await self.authentication.prove(asked, carried, now)
        try:
            return await self._begin(asked, proven, network, now)
        except OAuthError as refusal:
            if refusal.status != 503 and not isinstance(refusal, InvalidClient):
                await self.authentication.spend(proven)
            raise

    async def _begin(
        self, asked: Parameters, proven: Proven, network: str, now: int
    ) -> dict[str, Any]:
        client = proven.client
        if device.GRANT_TYPE not in client.grant_types:
            raise UnauthorizedClient("the client may not use device codes")
        checks.authorization_request(
            device.case(self.issuer.address, asked, client, self.detail_types, self.issuer.features)
        )
        await self.pace.begin(client, network, now)
        device_code = self.entropy.token()
        request = Decoupled(
            digest=digest_of(device_code),
            kind=Kind.DEVICE,
            issuer=self.issuer.address,
            client_id=client.client_id,
            asked=tuple((name, asked[name]) for name in device.KEPT if name in asked),
            asked_from=network,
            interval=device.INTERVAL,
            created_at=now,
            expires_at=now + self.lifetime,
        )
        user_code = await self._added(request, proven)
        return device.device_answer(self.issuer.address, device_code, user_code, self.lifetime)

    async def _added(self, request: Decoupled, proven: Proven) -> str:
        """Keep the request under a user code that no other has, and return that."""
        for _ in range(ATTEMPTS):
            code = device.user_code(self.entropy.digits(device.RANDOM_DIGITS))
            newest, *_ = await self.door.mac(MacPurpose.USER_CODE, code.encode())
            kept = self.requests.add(replace(request, code_digest=newest.value))
            try:
                await self.database.submit(kept, *proven.writes)
            except Refused as refused:
                if refused.write is kept:
                    continue
                raise InvalidClient("the assertion was used before") from None
            return code
        raise TemporarilyUnavailable("no device code is free")
