"""An organisation that has documents sealed: its key, its words, and what enrols it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey

from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from keystore.jose import base64url
from keystore.purposes import Role
from keystore.seals.organization import NewOrganization, ShownOrganization
from keystore.seals.wording import plan_hash, text_of
from keystore.service.client import KeyOperator
from keystore.service.run import socket_path
from keystore.signing.digests import HashAlgorithm, list_hash
from keystore.signing.plans import CmsPlan, Plan
from tests.signing_house import SETTINGS, SHA256, SigningHouse

REGISTRY = "land-registry"


def new_key(kid: str = "office-1") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})


@dataclass(frozen=True)
class Office:
    """An organisation with a key of its own, which the service never sees."""

    name: str = REGISTRY
    key: ECKey = field(default_factory=new_key)

    def asked(self, **changes: Any) -> NewOrganization:
        """What an operator enrols of it."""
        public = {"keys": [self.key.as_dict(private=False)]}
        usual: dict[str, Any] = {
            "id": self.name,
            "name": "Land Registry",
            "identifier": "NTRUT-12345",
            "country": "UT",
            "jwks": json.dumps(public).encode(),
        }
        return NewOrganization(**{**usual, **changes})

    def claims(self, *digests: bytes, plans: Sequence[Plan] = (), **changes: Any) -> dict[str, Any]:
        """What it says of digests, each in a CMS where no plans are told; None is left out."""
        now = SystemClock().now()
        text = text_of(plans or [CmsPlan(place) for place in range(len(digests))], SHA256)
        usual: dict[str, Any] = {
            "iss": self.name,
            "aud": SETTINGS.address,
            "jti": SystemEntropy().token(16),
            "iat": now,
            "exp": now + 300,
            "hash_algorithm": SHA256.value,
            "count": len(digests),
            "list_hash": base64url.encode(list_hash(HashAlgorithm.SHA256, digests)).decode(),
            "plan_hash": base64url.encode(plan_hash(text)).decode(),
        }
        said = {**usual, **changes}
        return {name: value for name, value in said.items() if value is not None}

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        """Sign what it says."""
        usual = {"alg": "ES256", "typ": "seal-authorization+jwt", "kid": self.key.kid}
        return jws.serialize_compact({**usual, **header}, json.dumps(claims), self.key)

    def authorizes(self, *digests: bytes, **changes: Any) -> str:
        return self.signed(self.claims(*digests, **changes))


def digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()


async def enrolled(house: SigningHouse, office: Office, **changes: Any) -> ShownOrganization:
    """Enrol ``office`` over the operator's socket."""
    operator = KeyOperator(socket_path(house.sockets, Role.OPERATOR))
    try:
        return await operator.add_organization(office.asked(**changes))
    finally:
        await operator.close()


async def disabled(house: SigningHouse, office: Office) -> None:
    operator = KeyOperator(socket_path(house.sockets, Role.OPERATOR))
    try:
        await operator.disable_organization(office.name)
    finally:
        await operator.close()
