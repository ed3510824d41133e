"""The tables of the key service's own database (branch ``keystore``)."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from config.runtime.database.schema import metadata

key_version = Table(
    "key_version",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("ring", Text, nullable=False),
    Column("algorithm", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("ref", Text, nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("destroyed", Integer, nullable=False),
    # Two key services that begin the same version: one of them is refused.
    Index("uq_key_version_ring", "ring", "algorithm", "version", unique=True),
)

key_use = Table(
    "key_use",
    metadata,
    Column("use_id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("kid", Text, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("uses", Integer, nullable=False),
)
