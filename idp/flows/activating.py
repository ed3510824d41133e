"""Activating signatures: what a person approved becomes an activation of the key service, once.

The activation goes to the signing service in the access token that the code, or the request of
another device, is redeemed for. Whoever redeems it again finds it used (``idp.grants``).
"""

import hashlib
from dataclasses import dataclass, replace

from config.runtime.database.unit import Write
from idp.flows.login_subjects import Naming, subject_in
from idp.grants.grant_type import Redemption, TokenRequest
from idp.protocol.client import Client
from idp.protocol.errors import AccessDenied, InvalidGrant, InvalidTarget
from idp.protocol.grant import Authorization
from idp.protocol.signing import CREATIONS, CredentialChange, SigningApproval, sector
from idp.residents.port import Residents
from keystore.credentials.door import (
    CredentialAct,
    CredentialApproval,
    EveryActivation,
)
from keystore.door import NotPermitted
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import ActivationKind, Approval, CertificateSubject

LIFETIME = 300
"""Seconds for which the access token is good: no longer than the activation in it."""

NAMES = ("given_name", "family_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Activating:
    """Activates what residents approved at one issuer, for the signing ``service``'s address."""

    service: str
    country: str
    naming: Naming
    residents: Residents
    activations: EveryActivation

    async def activated(
        self, redemption: Redemption, request: TokenRequest, now: int
    ) -> Redemption:
        """Return the redemption with the activation of its signature, if it has one.

        Raises InvalidTarget when the token is wanted for another than the signing service,
        AccessDenied when the certificate shall carry a name that the ID store does not have, and
        KeyServiceUnavailable.
        """
        approved = redemption.signature or redemption.change
        authorization = redemption.authorization
        if approved is None:
            return redemption
        if set(request.asked.words("resource")) - {self.service}:
            raise InvalidTarget("a token with signatures is for the signing service alone")
        among = sector(self.service, request.client.sector or request.client.party)
        subject, known = await subject_in(self.naming, among, authorization.resident_id)
        holder, named = await self._holder(approved, authorization, request.client)
        person = _Person(authorization, request.client, subject, holder)
        try:
            activation = await self._activation(approved, person)
        except NotPermitted:
            raise InvalidGrant("the key service cannot do what was approved") from None
        return replace(
            redemption,
            audience=(self.service,),
            ends_at=min(now + LIFETIME, redemption.ends_at or now + LIFETIME),
            activated=(approved.told(activation),),
            writes=(*redemption.writes, *(write for write in (known, named) if write)),
        )

    async def _activation(
        self, approved: SigningApproval | CredentialChange, person: "_Person"
    ) -> str:
        if isinstance(approved, SigningApproval):
            return await self.activations.activate(_approval(approved, person))
        return await self.activations.activate_credential(_change(approved, person))

    async def _holder(
        self,
        approved: SigningApproval | CredentialChange,
        authorization: Authorization,
        client: Client,
    ) -> tuple[CertificateSubject, Write | None]:
        """Return what the certificate tells. Nobody but this client's sector knows the pseudonym,

        also where the client knows people by public subjects.
        """
        pseudonym, write = authorization.subject, None
        if client.subject_type != "pairwise":
            pseudonym, write = await subject_in(
                self.naming, f"holder:{client.party}", authorization.resident_id
            )
        serial = hashlib.sha256(f"serial\0{pseudonym}".encode()).hexdigest()[:32]
        if not approved.named:
            return CertificateSubject(
                serial=serial, country=self.country, pseudonym=pseudonym
            ), write
        known = await self.residents.attributes(authorization.resident_id, NAMES)
        told = {one.name: one.value for one in known if not one.locale}
        given, family = (told.get(name) for name in NAMES)
        if not isinstance(given, str) or not isinstance(family, str):
            raise AccessDenied("the person has no name that a certificate could carry")
        return CertificateSubject(
            serial=serial, country=self.country, given_name=given, surname=family
        ), write


@dataclass(frozen=True, slots=True)
class _Person:
    """Who approved: ``subject`` is their name in esignet's sector."""

    authorization: Authorization
    client: Client
    subject: str
    holder: CertificateSubject


def _change(approved: CredentialChange, person: _Person) -> CredentialApproval:
    authorization = person.authorization
    assert authorization.auth_time is not None
    is_new = approved.type in CREATIONS
    return CredentialApproval(
        act=CredentialAct.CREATE if is_new else CredentialAct.DELETE,
        transaction=approved.transaction,
        subject=person.subject,
        known_as=authorization.subject,
        client_id=person.client.party,
        holder=person.holder,
        acr=authorization.acr or "",
        amr=authorization.amr,
        auth_time=authorization.auth_time,
        consent=approved.page,
        credential=approved.credential,
    )


def _approval(approved: SigningApproval, person: _Person) -> Approval:
    authorization = person.authorization
    assert authorization.auth_time is not None
    return Approval(
        kind=ActivationKind.PERSON,
        transaction=approved.transaction,
        subject=person.subject,
        client_id=person.client.party,
        holder=person.holder,
        hash_algorithm=HashAlgorithm(approved.algorithm),
        raw=approved.raw,
        commitment=approved.commitment,
        count=approved.count,
        digests=approved.digests,
        acr=authorization.acr or "",
        amr=authorization.amr,
        auth_time=authorization.auth_time,
        consent=approved.page,
        credential=approved.credential,
    )
