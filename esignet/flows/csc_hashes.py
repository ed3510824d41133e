"""Signatures of hashes through the CSC API (signatures/signHash), with stored credentials alone.

What is signed is the hash of what somebody else made (DTBS/R, EN 419241-1), so that its certificate
must be there before: a one-time key has none. The person approved that very hash, and nothing but
an approved one is ever signed.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from esignet.flows.csc_approvals import Given, Keeps
from esignet.flows.csc_credentials import Stored
from esignet.protocol.csc.approval import Approved
from esignet.protocol.csc.faults import (
    CERTIFICATE_EXPIRED,
    DISABLED,
    HASH_NOT_AUTHORIZED,
    SAD_EXPIRED,
    CscError,
    invalid,
)
from esignet.protocol.csc.sign_hash import SignHash
from esignet.protocol.history import HASH, ApiSignature
from keystore.der.cms import ecdsa_der
from keystore.door import NotPermitted
from keystore.signing.door import Documents, NotActivated, SigningOrder
from keystore.signing.plans import RawPlan


class SignsHashes(Protocol):
    """Has the key service sign approved digests as they are."""

    async def values(self, approved: Approved, digests: Sequence[bytes], now: int) -> list[bytes]:
        """Return an Ecdsa-Sig-Value in DER (RFC 3279 §2.2.3) of each.

        Raises NotActivated, NotPermitted (the credential cannot sign), KeyServiceUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class HashSigning:
    """Signs through the key service: one plan for each digest, which is signed as it is."""

    documents: Documents

    async def values(self, approved: Approved, digests: Sequence[bytes], now: int) -> list[bytes]:
        """Return an Ecdsa-Sig-Value in DER of each."""
        order = SigningOrder(
            activation=approved.activation,
            hash_algorithm=approved.algorithm,
            digests=digests,
            plans=[RawPlan(place) for place in range(len(digests))],
        )
        return [ecdsa_der(one.value) for one in await self.documents.sign_documents(order)]


@dataclass(frozen=True, slots=True)
class CscHashes:
    """Signs approved hashes with the credential that the approval names."""

    stored: Stored
    signs: SignsHashes
    keeps: Keeps

    async def signed(self, given: Given, asked: SignHash, now: int) -> dict[str, Any]:
        """Return the answer, or raise CscError: nothing was signed then.

        DatabaseUnavailable and KeyServiceUnavailable come through.
        """
        approved = given.approved
        mine = await self.stored.of(given.client_id, given.subject)
        one = next((one for one in mine if one.id == asked.credential), None)
        if one is None or asked.credential != approved.credential:
            raise invalid("credentialID")
        if not one.is_enabled:
            raise CscError(DISABLED)
        if not one.is_usable(now):
            raise CscError(CERTIFICATE_EXPIRED)
        if not approved.is_raw or not approved.covers(asked.algorithm, asked.digests):
            raise CscError(HASH_NOT_AUTHORIZED)
        try:
            values = await self.signs.values(approved, asked.digests, now)
        except NotActivated:
            raise CscError(SAD_EXPIRED) from None
        except NotPermitted:  # destroyed or revoked in the meantime
            raise CscError(DISABLED) from None
        signature = ApiSignature(
            formats=frozenset((HASH,)),
            levels=frozenset(),
            algorithm=asked.algorithm,
            digests=asked.digests,
            certificates=(one.serial,),
        )
        await self.keeps.keep(given, signature, now)
        return {"signatures": [b64encode(value).decode() for value in values]}
