"""The tables of the embedded ID store: nothing in them tells who anybody is.

Identifiers are keyed hashes, values are cells under a key per person, and that key is sealed by the
key service. Child rows lie together by person, so that one login reads one page.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from config.runtime.database.schema import metadata

resident = Table(
    "resident",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("locked", Text, nullable=False),  # names of locked factors, one space between
    Column("reachable", Integer, nullable=False),  # 1 when a telephone or an e-mail is known
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("imported", LargeBinary, nullable=False),  # keyed hash of the row that was imported
    sqlite_with_rowid=False,
)

identifier = Table(
    "resident_identifier",
    metadata,
    Column("lookup", LargeBinary, primary_key=True),  # HMAC(kind || 0 || normalised text)
    Column("version", Integer, nullable=False),  # of the key of that hash
    Column("kind", Text, nullable=False),
    Column("resident_id", Text, nullable=False),
    Column("valid_until", BigInteger),
    Column("uses_left", Integer),
    Index("ix_resident_identifier_resident_id", "resident_id"),
    sqlite_with_rowid=False,
)

attribute = Table(
    "resident_attribute",
    metadata,
    Column("resident_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("locale", Text, primary_key=True),
    Column("cell", LargeBinary, nullable=False),  # value, when and by whom verified, sealed
    sqlite_with_rowid=False,
)

secret = Table(
    "resident_secret",
    metadata,
    Column("resident_id", Text, primary_key=True),
    Column("factor", Text, primary_key=True),
    Column("cell", LargeBinary, nullable=False),
    Column("enrolled_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

erasure = Table(
    "resident_erasure",
    metadata,
    Column("resident_id", Text, primary_key=True),
    Column("erased_at", BigInteger, nullable=False),
    Column("identifiers", Integer, nullable=False),
    Column("attributes", Integer, nullable=False),
    Column("secrets", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)

importing = Table(
    "resident_import",
    metadata,
    Column("source", LargeBinary, primary_key=True),  # keyed hash of the whole file
    Column("position", BigInteger, nullable=False),  # bytes of the file that are done
    Column("line", BigInteger, nullable=False),
    Column("rejected_size", BigInteger, nullable=False),  # bytes of the file of rejected rows
    Column("tally", LargeBinary, nullable=False),  # JSON: how many rows of each outcome
    Column("changed_at", BigInteger, nullable=False),
)
