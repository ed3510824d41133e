"""Native single sign-on plugged together: device secrets, and their exchange."""

from typing import Protocol

from config.settings import Issuer
from config.wiring.world import World
from idp.flows.clients import KnownClients
from idp.flows.issuer_keys import IssuerKeys
from idp.flows.native_sso import NativeSso, NativeSsoStores
from idp.grants.grant_type import GrantType
from idp.grants.native_sso import WithDeviceSecret
from idp.grants.opening import Opening
from idp.protocol.native_sso import DEVICE_SECRET
from idp.stores.consents import Consents
from idp.stores.device_secrets import DeviceSecrets
from idp.stores.history import History
from idp.stores.sessions import Sessions
from idp.stores.subjects import Subjects


class Shared(Protocol):
    """What it needs of the endpoints for machines of one issuer."""

    @property
    def issuer(self) -> Issuer: ...

    @property
    def keys(self) -> IssuerKeys: ...

    @property
    def known(self) -> KnownClients: ...


def with_device_secrets(world: World, issuer: Issuer, *inner: GrantType) -> tuple[GrantType, ...]:
    """Return the grant types of logins, which add device secrets if the issuer offers that."""
    if not issuer.features.native_sso:
        return inner
    secrets, sessions = DeviceSecrets(world.database), Sessions(world.database, issuer.address)
    return tuple(WithDeviceSecret(one, secrets, sessions, world.entropy) for one in inner)


def native_sso_profile(world: World, shared: Shared, opening: Opening) -> dict[str, NativeSso]:
    """Return the profile of token exchange by the type of its actor token, if it is offered."""
    if not shared.issuer.features.native_sso:
        return {}
    database, address = world.database, shared.issuer.address
    profile = NativeSso(
        issuer=address,
        keys=shared.keys,
        clients=shared.known,
        residents=world.residents,
        stores=NativeSsoStores(
            secrets=DeviceSecrets(database),
            subjects=Subjects(database),
            consents=Consents(database),
            history=History(database, address),
        ),
        opening=opening,
        door=world.door,
        entropy=world.entropy,
    )
    return {DEVICE_SECRET: profile}
