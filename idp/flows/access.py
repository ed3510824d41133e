"""Whether an access token is good now: its signature, its grant, its person, and who brings it.

R1, A20; RFC 9449 §7, RFC 8705 §3.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from config.runtime.cache import Cache
from config.runtime.database.unit import Database, Refused
from idp.flows.dpop_proofs import DpopProofs
from idp.flows.issuer_keys import IssuerKeys
from idp.protocol.carried import Carried
from idp.protocol.dpop import ALGS
from idp.protocol.errors import InvalidDpopProof, InvalidToken
from idp.protocol.grant import Authorization, Confirmation, Grant
from idp.protocol.mtls import certificate_confirmation
from idp.protocol.presented_token import PresentedToken, Scheme
from idp.protocol.tokens import AccessToken
from idp.residents.port import Residents, State
from idp.stores.grants import Grants

GLANCE = 0.5
"""Seconds that the state of a person may be old where only somebody else asks about a token."""

MOST_GLANCES = 20_000

_BEARER: Mapping[str, str] = {Scheme.BEARER: 'realm="Symbolon"'}
_SCHEMES: Mapping[str, str] = {**_BEARER, Scheme.DPOP: f'algs="{" ".join(ALGS)}"'}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Somebody with a good access token. ``nonce`` goes into the answer as ``DPoP-Nonce``."""

    token: AccessToken
    authorization: Authorization
    nonce: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Judges access tokens of one issuer against what is true at this moment.

    ``active`` remembers for GLANCE seconds which persons are active. Without ``proofs`` DPoP is
    switched off.
    """

    issuer: str
    keys: IssuerKeys
    grants: Grants
    residents: Residents
    database: Database
    proofs: DpopProofs | None
    active: Cache[str, bool]

    @property
    def schemes(self) -> Mapping[str, str]:
        """Return the schemes that are taken, with what their challenges say (RFC 9449 §7.1)."""
        return _SCHEMES if self.proofs is not None else _BEARER

    async def presented(self, presented: PresentedToken, carried: Carried, now: int) -> Holder:
        """Return who asks for a resource of ours, or raise InvalidToken or a refusal of DPoP.

        The token is meant for the issuer or for the very address that is asked, and a bound one is
        brought by whoever has the key, in this request. Whether the person is active is left to
        who looks at the person next.
        """
        token = await self.keys.access_token(presented.token, now)
        if not {self.issuer, carried.address} & set(token.audience):  # RFC 9068 §4
            raise InvalidToken("the access token is meant for another server")
        nonce = None
        if presented.scheme is Scheme.DPOP:
            authorization, nonce = await self._proven(presented, token, carried, now)
        else:
            _check_certificate(token.confirmation, carried)
            authorization = await self._granted(token, now)
        return Holder(token=token, authorization=authorization, nonce=nonce)

    async def glance(self, token: str, now: int) -> AccessToken:
        """Return the token, or raise InvalidToken: for resource servers, which ask often.

        The grant is read each time; that the person was locked may be known half a second later.
        """
        access_token = await self.keys.access_token(token, now)
        resident_id = await self.grants.owner(access_token.grant_id, access_token.issued_at, now)
        if resident_id is None:
            raise InvalidToken("the access token was revoked")
        if resident_id == "":  # no person's: a client's own
            return access_token
        if not await self.active.get(resident_id, lambda: self._is_active(resident_id)):
            raise InvalidToken("the access token was revoked")
        return access_token

    async def check_person(self, holder: Holder) -> None:
        """Raise InvalidToken when the person was locked since: for resources that look at none."""
        authorization = holder.authorization
        if authorization.has_person and not await self._is_active(authorization.resident_id):
            raise InvalidToken("the access token was revoked")

    async def lives(self, grant: Grant, now: int) -> bool:
        """Return whether the grant is neither revoked nor over, and its person active."""
        if not await self.grants.lives(grant, now):
            return False
        authorization = grant.authorization
        return not authorization.has_person or await self._is_active(authorization.resident_id)

    async def _proven(
        self, presented: PresentedToken, token: AccessToken, carried: Carried, now: int
    ) -> tuple[Authorization, str | None]:
        """Judge the proof, and use it up: in a unit of its own, for nothing else is written."""
        if self.proofs is None or token.confirmation is None or token.confirmation.jkt is None:
            raise InvalidToken("the access token is not bound to a DPoP key")
        proven = await self.proofs.verify(carried, now, presented.token)
        if proven.confirmation != token.confirmation:
            raise InvalidToken("the access token is bound to another DPoP key")
        authorization = await self._granted(token, now)
        try:
            await self.database.submit(proven.write)
        except Refused:
            raise InvalidDpopProof("the proof was used before") from None
        return authorization, proven.nonce

    async def _granted(self, token: AccessToken, now: int) -> Authorization:
        grant = await self.grants.find(token.grant_id)
        if (
            grant is None
            or token.issued_at < grant.narrowed_at
            or not await self.grants.lives(grant, now)
        ):
            raise InvalidToken("the access token was revoked")
        return grant.authorization

    async def _is_active(self, resident_id: str) -> bool:
        resident = await self.residents.get(resident_id)
        return resident is not None and resident.state is State.ACTIVE


def _check_certificate(bound: Confirmation | None, carried: Carried) -> None:
    """Raise InvalidToken unless a token that came as Bearer is anybody's, or this connection's."""
    if bound is None:
        return
    if bound.x5t is None:
        raise InvalidToken("the access token is bound to a DPoP key and needs its proof")
    certificate = carried.certificate
    if certificate is None or certificate_confirmation(certificate) != bound:
        raise InvalidToken("the access token is bound to another certificate")
