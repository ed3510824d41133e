"""A device secret beside the tokens of a login, for the apps of one maker (Native SSO 1.0 §3)."""

from dataclasses import dataclass, replace

from config.runtime.entropy import Entropy
from idp.grants.grant_type import GrantType, Redemption, TokenRequest
from idp.protocol.grant import Authorization, digest_of
from idp.protocol.native_sso import DEVICE_SSO, DeviceSecret
from idp.stores.device_secrets import DeviceSecrets
from idp.stores.sessions import Sessions


@dataclass(frozen=True, slots=True)
class WithDeviceSecret:
    """Another grant type, which adds a device secret where the person agreed to ``device_sso``."""

    inner: GrantType
    secrets: DeviceSecrets
    sessions: Sessions
    entropy: Entropy

    @property
    def name(self) -> str:
        """Return the name of the grant type that it adds to."""
        return self.inner.name

    async def redeem(self, request: TokenRequest, now: int) -> Redemption:
        """See GrantType.redeem.

        A secret that the client has from the same session stays; one that is not good counts for
        nothing (§3.3). A refresh makes no new one: only its ID token is bound to the one that came.
        """
        redemption = await self.inner.redeem(request, now)
        authorization = redemption.authorization
        group = request.client.sso_group
        if DEVICE_SSO not in redemption.scope or not group or not authorization.session_id:
            return redemption
        presented = request.asked.get("device_secret", "")
        held = await self._held(presented, authorization, group, now)
        if held is not None:
            return _told(redemption, held, presented)
        if not redemption.fresh:
            return redemption
        ends = await self.sessions.ends_at(authorization.session_id, authorization.resident_id, now)
        if ends is None or authorization.auth_time is None:  # signed out meanwhile
            return redemption
        made = self.entropy.token()
        secret = DeviceSecret(
            digest=digest_of(made),
            issuer=authorization.issuer,
            sso_group=group,
            session_id=authorization.session_id,
            resident_id=authorization.resident_id,
            auth_time=authorization.auth_time,
            acr=authorization.acr,
            amr=authorization.amr,
            expires_at=ends,
        )
        kept = replace(redemption, writes=(*redemption.writes, self.secrets.add(secret)))
        return _told(kept, secret, made)

    async def _held(
        self, presented: str, authorization: Authorization, group: str, now: int
    ) -> DeviceSecret | None:
        if not presented:
            return None
        found = await self.secrets.find(digest_of(presented), now)
        if found is None:
            return None
        secret, _ = found
        same = (secret.session_id, secret.sso_group) == (authorization.session_id, group)
        return secret if same else None


def _told(redemption: Redemption, secret: DeviceSecret, value: str) -> Redemption:
    return replace(
        redemption,
        answer={**redemption.answer, "device_secret": value},
        id_token={**redemption.id_token, "ds_hash": secret.ds_hash},
    )
