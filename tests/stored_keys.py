"""People with stored keys: what idp says that they approved, and what becomes of it, in tests."""

from typing import Any

import msgspec

from config.runtime.clock import SystemClock
from keystore.credentials.door import CredentialAct, CredentialApproval, StoredCredential
from keystore.signing.door import Signed, SigningOrder
from keystore.signing.plans import CmsPlan, Plan, RawPlan
from tests.signing_house import HOLDER, SHA256, SigningHouse, approval

OFFICE, SUBJECT, KNOWN_AS = "office", "ana-at-esignet", "ana-at-the-office"


def about(act: CredentialAct, **changes: object) -> CredentialApproval:
    """What idp says that Ana approved about a credential."""
    usual = CredentialApproval(
        act=act,
        transaction="t-2",
        subject=SUBJECT,
        known_as=KNOWN_AS,
        client_id=OFFICE,
        holder=HOLDER,
        acr="level2",
        amr=("otp", "pin"),
        auth_time=int(SystemClock().now()) - 10,
        consent=bytes(32),
    )
    return msgspec.structs.replace(usual, **changes)


async def created(house: SigningHouse, **changes: object) -> StoredCredential:
    """Have a credential made that Ana approved."""
    token = await house.idp.activate_credential(about(CredentialAct.CREATE, **changes))
    return await house.esignet.create_credential(token)


async def deleted(house: SigningHouse, one: StoredCredential, **changes: object) -> None:
    """Have a credential destroyed, as Ana approved."""
    wish = about(CredentialAct.DELETE, credential=one.id, **changes)
    await house.esignet.delete_credential(await house.idp.activate_credential(wish))


async def signed_with(
    house: SigningHouse, one: StoredCredential, digest: bytes, *plans: Plan, **changes: Any
) -> list[Signed]:
    """Have a digest signed with the credential; ``activation`` takes the place of Ana's."""
    token = changes.pop("activation", None)
    if token is None:
        token = await house.idp.activate(approval(digest, credential=one.id, **changes))
    order = SigningOrder(
        activation=token, hash_algorithm=SHA256, digests=(digest,), plans=plans or (CmsPlan(0),)
    )
    return await house.esignet.sign_documents(order)


async def hash_signed(
    house: SigningHouse, one: StoredCredential, digest: bytes, **changes: Any
) -> bytes:
    """Have a digest signed as it is; return r || s."""
    [made] = await signed_with(house, one, digest, RawPlan(0), raw=True, **changes)
    return made.value
