"""The tables of logins, sessions, consents, subjects and the residents' own history.

No row tells who a person is: residents are named by the ID store's internal identifier, and what a
person typed is never kept.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from config.runtime.database.schema import metadata

login = Table(
    "idp_login",
    metadata,
    Column("id", Text, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("state", LargeBinary, nullable=False),  # the Login as JSON
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_idp_login_expires_at", "expires_at"),
)

session = Table(
    "idp_session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),  # SHA-256 of the cookie
    Column("browser", LargeBinary, nullable=False),
    Column("resident_id", Text, nullable=False),
    Column("proofs", LargeBinary, nullable=False),  # JSON
    Column("begun_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("ended_at", BigInteger),
    Index("ix_idp_session_resident_id", "resident_id"),
    Index("ix_idp_session_expires_at", "expires_at"),
)

consent = Table(
    "idp_consent",
    metadata,
    Column("resident_id", Text, primary_key=True),
    Column("client_id", Text, primary_key=True),
    Column("scope", Text, nullable=False),  # space-delimited
    Column("agreed", Text, nullable=False),  # names of claims, space-delimited
    Column("declined", Text, nullable=False),
    Column("purpose", LargeBinary, nullable=False),  # SHA-256 of what the client said
    Column("given_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_idp_consent_expires_at", "expires_at"),
)

subject = Table(
    "idp_subject",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("sector", Text, primary_key=True),
    Column("resident_id", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Index("ix_idp_subject_subject", "subject"),
    Index("ix_idp_subject_resident_id", "resident_id"),
)

history = Table(
    "idp_history",
    metadata,
    Column("id", Text, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("resident_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("factors", Text, nullable=False),  # space-delimited
    Column("outcome", Text, nullable=False),
    Index("ix_idp_history_resident_id_at", "resident_id", "at"),
    Index("ix_idp_history_at", "at"),
)
