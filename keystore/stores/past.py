"""Every signing key that ever was, by its public part: what old signatures are checked with."""

from sqlalchemy import bindparam, select

from config.runtime.database.unit import Database, Statement
from keystore.backends.backend import SIGNING
from keystore.jose.jwk import Jwk, JwkSet, key_of
from keystore.stores.tables import key_version

_RING = Statement(
    select(key_version.c.kid, key_version.c.algorithm, key_version.c.public).where(
        key_version.c.ring == bindparam("ring")
    )
)


async def past_keys(database: Database, ring: str) -> JwkSet:
    """Return the keys of ``ring``, those whose private part was destroyed included."""
    found: list[Jwk] = []
    for row in await database.rows(_RING, ring=ring):
        if row["algorithm"] in SIGNING:
            found.append(key_of(bytes(row["public"]), row["algorithm"], row["kid"]))
    return JwkSet(tuple(found))
