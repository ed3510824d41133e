"""The tables of the certificate authority (branch ``keystore``)."""

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text

from config.runtime.database.schema import metadata

authority_certificate = Table(
    "authority_certificate",
    metadata,
    Column("kid", Text, primary_key=True),  # of the key that it is about
    Column("issuer_kid", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("made_at", BigInteger, nullable=False),
)
"""Certificates of the authority's own keys: root, issuing, time-stamping, status."""

issued_certificate = Table(
    "issued_certificate",
    metadata,
    Column("serial", Text, primary_key=True),  # hexadecimal
    Column("issuer_kid", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("reason", Text),
)
"""Every serial number that was given out, before its certificate was signed: no name, no key."""

root_list = Table(
    "root_list",
    metadata,
    Column("root_kid", Text, primary_key=True),
    Column("number", Text, primary_key=True),  # 40 hexadecimal digits, so that they sort
    Column("listed", LargeBinary, nullable=False),  # DER
    Column("brought_at", BigInteger, nullable=False),
)
"""Revocation lists of roots whose keys lie elsewhere, as they were brought; the newest counts."""
