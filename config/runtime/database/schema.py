"""The one metadata: every package declares its tables on it, SQLite and PostgreSQL alike."""

from sqlalchemy import BigInteger, Integer, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

COUNTED = BigInteger().with_variant(Integer(), "sqlite")
"""The type of a primary key that the database counts up by itself: order of arrival.

SQLite counts only a column that is declared INTEGER, which holds 64 bits there.
"""
