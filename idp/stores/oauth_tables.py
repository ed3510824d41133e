"""The tables of clients, codes, grants and refresh tokens. Bearer secrets are kept as SHA-256 only.

``client_id`` and ``resident_id`` point to rows of other rooms and are not foreign keys.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from config.runtime.database.schema import metadata

client = Table(
    "oauth_client",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("registration", LargeBinary, nullable=False),  # JSON of idp.protocol.client.Client
    Column("audience", Text),  # the address of a resource server
    Column("created_at", BigInteger, nullable=False),
    Index("ix_oauth_client_audience", "issuer", "audience"),
)

code = Table(
    "oauth_code",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("resident_id", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("offline", Integer, nullable=False),  # 1 when what comes of it outlives the session
    Column("authorization", LargeBinary, nullable=False),  # JSON of Authorization
    Column("redirect_uri", Text, nullable=False),
    Column("code_challenge", Text),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("keep_until", BigInteger, nullable=False),  # a tombstone stays as long as its grant
    Index("ix_oauth_code_resident_id", "resident_id"),
    Index("ix_oauth_code_keep_until", "keep_until"),
)

grant = Table(
    "oauth_grant",
    metadata,
    Column("grant_id", Text, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("resident_id", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("offline", Integer, nullable=False),  # 1 when it outlives the session
    Column("authorization", LargeBinary, nullable=False),  # JSON of Authorization
    Column("ancestors", Text),  # grants that it was exchanged from, with spaces between
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("narrowed_at", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index("ix_oauth_grant_resident_id", "resident_id"),
    Index("ix_oauth_grant_session_id", "session_id"),
    Index("ix_oauth_grant_expires_at", "expires_at"),
)

refresh_token = Table(
    "oauth_refresh_token",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("grant_id", Text, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("salt", LargeBinary),  # with the token itself it makes the successor
    Column("repeated_at", BigInteger),  # the one repetition that the grace allows
    Index("ix_oauth_refresh_token_grant_id", "grant_id"),
    Index("ix_oauth_refresh_token_expires_at", "expires_at"),
)

used = Table(
    "oauth_used",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # of what may be used once
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_oauth_used_expires_at", "expires_at"),
)

pushed_request = Table(
    "oauth_pushed_request",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # of the request_uri's random part
    Column("client_id", Text, nullable=False),
    Column("state", LargeBinary, nullable=False),  # JSON of what was pushed
    Column("opened_by", BigInteger, nullable=False),  # it is opened for the first time before that
    Column("used_at", BigInteger),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_oauth_pushed_request_expires_at", "expires_at"),
)

decoupled = Table(
    "oauth_decoupled",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # of device_code or auth_req_id
    Column("code_digest", LargeBinary, unique=True),  # keyed hash of user_code
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("resident_id", Text),  # whom a backchannel request names, or who approved it
    Column("revision", Integer, nullable=False),
    Column("state", LargeBinary, nullable=False),  # JSON of idp.protocol.decoupled.Decoupled
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_oauth_decoupled_resident_id", "resident_id"),
    Index("ix_oauth_decoupled_expires_at", "expires_at"),
)

device_secret = Table(
    "oauth_device_secret",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("session_id", Text, nullable=False),  # it dies with this session
    Column("resident_id", Text, nullable=False),
    Column("state", LargeBinary, nullable=False),  # JSON of idp.protocol.native_sso.DeviceSecret
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_oauth_device_secret_resident_id", "resident_id"),
    Index("ix_oauth_device_secret_expires_at", "expires_at"),
)
