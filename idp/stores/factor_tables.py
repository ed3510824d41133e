"""The tables of factors in use: what a login was asked, and what must not be used twice."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from config.runtime.database.schema import metadata

challenge = Table(
    "factor_challenge",
    metadata,
    Column("login_id", Text, primary_key=True),
    Column("factor", Text, primary_key=True),
    Column("round", Integer, nullable=False),
    Column("subject", Text, nullable=False),  # internal id of the resident, or of nobody
    Column("mac", LargeBinary),  # keyed hash of the live code; NULL: none, or none was sent
    Column("sends", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("sent_at", BigInteger),
    Column("code_ends_at", BigInteger),
    Column("charges", LargeBinary, nullable=False),  # JSON: budgets to give back once proven
    Column("ends_at", BigInteger, nullable=False),  # when the login has expired
    Index("ix_factor_challenge_ends_at", "ends_at"),
    sqlite_with_rowid=False,
)

unsent = Table(
    "factor_unsent",
    metadata,
    Column("id", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),  # sealed, and never opened
    Column("ends_at", BigInteger, nullable=False),
    Index("ix_factor_unsent_ends_at", "ends_at"),
    sqlite_with_rowid=False,
)

step = Table(
    "factor_step",
    metadata,
    Column("id", Text, primary_key=True),  # internal id of the resident, colon, number of the step
    Column("ends_at", BigInteger, nullable=False),
    Index("ix_factor_step_ends_at", "ends_at"),
    sqlite_with_rowid=False,
)
