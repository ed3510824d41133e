"""Another app of the same maker gets its own tokens, without a login (Native SSO 1.0 §4)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from config.runtime.entropy import Entropy
from idp.flows.clients import KnownClients
from idp.flows.consent_wish import tellable, wish_of
from idp.flows.issuer_keys import IssuerKeys
from idp.flows.login_subjects import subject_of
from idp.grants.grant_type import Redemption, TokenRequest
from idp.grants.opening import Opening
from idp.protocol import native_sso
from idp.protocol.claims_request import NOTHING
from idp.protocol.client import Client
from idp.protocol.consent import covers, remembered
from idp.protocol.errors import (
    ConsentRequired,
    InvalidGrant,
    InvalidRequest,
    LoginRequired,
    UnauthorizedClient,
)
from idp.protocol.grant import Authorization, digest_of
from idp.protocol.native_sso import DeviceSecret
from idp.protocol.own_pages import own_request
from idp.protocol.parameters import Parameters
from idp.protocol.session import Proof
from idp.protocol.token_exchange import ACCESS_TOKEN
from idp.protocol.tokens import session_identifier
from idp.residents.port import Resident, Residents
from idp.stores.consents import Consents
from idp.stores.device_secrets import DeviceSecrets
from idp.stores.history import LOGGED_IN, Event, History
from idp.stores.subjects import Subjects
from keystore.door import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeSsoStores:
    """What is read of the session and the person, and what is written."""

    secrets: DeviceSecrets
    subjects: Subjects
    consents: Consents
    history: History


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeSso:
    """The profile of token exchange whose actor token is a device secret."""

    issuer: str
    keys: IssuerKeys
    clients: KnownClients
    residents: Residents
    stores: NativeSsoStores
    opening: Opening
    door: Door
    entropy: Entropy

    async def redeem(self, request: TokenRequest, now: int) -> Redemption:
        """See GrantType.redeem. Nobody is asked anything: so nothing is told that was not agreed.

        Raises ConsentRequired or LoginRequired where the app has to send the person to the browser.
        """
        asked, client = request.asked, request.client
        if not client.sso_group:
            raise UnauthorizedClient("the client belongs to no group of apps")
        native_sso.check_exchange(asked, self.issuer)
        scope = native_sso.wanted_scope(asked, client)
        secret, proofs = await self._proven(asked, client, now)
        resident = await self.residents.described(secret.resident_id)
        if resident is None or not all(resident.may_use(proof.factor) for proof in proofs):
            raise InvalidGrant("the person cannot be acted for at present")
        if client.default_max_age is not None and now - secret.auth_time >= client.default_max_age:
            raise LoginRequired("the login of the other app is too old for this one")
        granted, claims = await self._agreed(scope, client, resident, now)
        subject, kept = await subject_of(self, client, resident.id)
        authorization = self._authorization(secret, client, subject)
        authorization = replace(
            authorization, scope=granted, granted_claims=claims, bound_to=request.binding
        )
        opened = await self.opening.open(authorization, client, now)
        entered = self.stores.history.add(self._event(secret, client, proofs, now))
        return Redemption(
            authorization=opened.authorization,
            scope=opened.authorization.scope,
            fresh=True,
            refresh_token=opened.refresh_token,
            writes=(*opened.writes, entered, *((kept,) if kept else ())),
            answer=_answer(opened.answer, asked),
            id_token={"ds_hash": secret.ds_hash},
        )

    async def _proven(
        self, asked: Parameters, client: Client, now: int
    ) -> tuple[DeviceSecret, tuple[Proof, ...]]:
        """Return the secret whose session lives and that the ID token is bound to (§4.3).

        The ID token may have expired: it says which session, and the session is asked.
        """
        wrong = InvalidGrant("device secret and ID token are not good together")
        found = await self.stores.secrets.find(digest_of(asked["actor_token"]), now)
        if found is None:
            raise wrong
        secret, proofs = found
        try:
            token = await self.keys.hint(asked["subject_token"])
        except InvalidRequest:
            raise wrong from None
        first = await self.clients.find(token.audience[0]) if token.audience else None
        if first is None or (secret.issuer, first.sso_group) != (self.issuer, client.sso_group):
            raise wrong
        sid = session_identifier(secret.session_id, first.client_id)
        bound = (secret.sso_group, secret.ds_hash, sid)
        if bound != (client.sso_group, token.ds_hash, token.session):
            raise wrong
        return secret, proofs

    async def _agreed(
        self, scope: tuple[str, ...], client: Client, resident: Resident, now: int
    ) -> tuple[tuple[str, ...], frozenset[str]]:
        """Return what the person agreed before to tell this client, or raise ConsentRequired."""
        wished = replace(
            own_request(self.issuer, "", None), client_id=client.client_id, scope=scope
        )
        wish = tellable(wish_of(wished, client), resident.claims or frozenset())
        decided = await self.stores.consents.find(resident.id, client.client_id)
        if not covers(decided, wish, now):
            raise ConsentRequired("the person has not agreed yet to tell this app: use a browser")
        return remembered(decided, wish)

    def _authorization(self, secret: DeviceSecret, client: Client, subject: str) -> Authorization:
        return Authorization(
            grant_id=self.entropy.token(16),
            issuer=self.issuer,
            client_id=client.client_id,
            resident_id=secret.resident_id,
            subject=subject,
            scope=(),
            claims=NOTHING,
            granted_claims=frozenset(),
            claims_locales=(),
            session_id=secret.session_id,
            auth_time=secret.auth_time,
            acr=secret.acr,
            amr=secret.amr,
            nonce=None,
            auth_time_asked=client.require_auth_time or client.default_max_age is not None,
        )

    def _event(
        self, secret: DeviceSecret, client: Client, proofs: tuple[Proof, ...], now: int
    ) -> Event:
        """Return what the person finds in the history of their logins."""
        return Event(
            id=self.entropy.token(16),
            issuer=self.issuer,
            resident_id=secret.resident_id,
            at=now,
            client_id=client.client_id,
            factors=tuple(proof.factor for proof in proofs),
            outcome=LOGGED_IN,
        )


def _answer(opened: Mapping[str, Any], asked: Parameters) -> dict[str, Any]:
    told = {"issued_token_type": ACCESS_TOKEN, "device_secret": asked["actor_token"]}
    return {**opened, **told}
