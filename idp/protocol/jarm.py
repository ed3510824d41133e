"""Signed answers to authorization requests (JWT Secured Authorization Response Mode, JARM)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from idp.protocol.authorization import Reply
from idp.protocol.client import Client
from idp.protocol.profile import PROFILES

LIFETIME = 600
"""Seconds until a signed answer expires: §2.1 recommends no more than 10 minutes."""


def claims(reply: Reply, client: Client, issuer: str, now: int) -> bytes:
    """Return the claims of an answer as JSON: its fields, for this client, for a while (§2.1)."""
    return msgspec.json.encode(
        {**dict(reply.fields), "iss": issuer, "aud": client.client_id, "exp": now + LIFETIME}
    )


def signing_alg(client: Client, issuer_algs: Sequence[str]) -> str:
    """Return what the client's answers are signed with: as registered, else the first that fits."""
    registered, profile = client.authorization_signed_response_alg, PROFILES[client.profile]
    return registered or next(alg for alg in issuer_algs if profile.allows_alg(alg))


def metadata(
    issuer_algs: Sequence[str], algs: Sequence[str], encs: Sequence[str]
) -> dict[str, Any]:
    """Return the members of the issuer's metadata (§4). ``algs`` and ``encs`` encrypt."""
    return {
        "authorization_signing_alg_values_supported": list(issuer_algs),
        "authorization_encryption_alg_values_supported": list(algs),
        "authorization_encryption_enc_values_supported": list(encs),
    }
