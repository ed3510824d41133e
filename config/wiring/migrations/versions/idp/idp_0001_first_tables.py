"""First tables.

Drafted by config.wiring.migrations.draft, applied by ``symbolon migrate``.
"""

import sqlalchemy as sa
from alembic import op

revision = "idp_0001"
down_revision = None
branch_labels = ("idp",)
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "factor_challenge",
        sa.Column("login_id", sa.Text(), nullable=False),
        sa.Column("factor", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("code_ends_at", sa.BigInteger(), nullable=True),
        sa.Column("charges", sa.LargeBinary(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("login_id", "factor", name=op.f("pk_factor_challenge")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("factor_challenge", schema=None) as batch_op:
        batch_op.create_index("ix_factor_challenge_ends_at", ["ends_at"], unique=False)

    op.create_table(
        "factor_step",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factor_step")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("factor_step", schema=None) as batch_op:
        batch_op.create_index("ix_factor_step_ends_at", ["ends_at"], unique=False)

    op.create_table(
        "factor_unsent",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factor_unsent")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("factor_unsent", schema=None) as batch_op:
        batch_op.create_index("ix_factor_unsent_ends_at", ["ends_at"], unique=False)

    op.create_table(
        "idp_consent",
        sa.Column("resident_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("agreed", sa.Text(), nullable=False),
        sa.Column("declined", sa.Text(), nullable=False),
        sa.Column("purpose", sa.LargeBinary(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("resident_id", "client_id", name=op.f("pk_idp_consent")),
    )
    with op.batch_alter_table("idp_consent", schema=None) as batch_op:
        batch_op.create_index("ix_idp_consent_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "idp_history",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("resident_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("factors", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idp_history")),
    )
    with op.batch_alter_table("idp_history", schema=None) as batch_op:
        batch_op.create_index("ix_idp_history_at", ["at"], unique=False)
        batch_op.create_index("ix_idp_history_resident_id_at", ["resident_id", "at"], unique=False)

    op.create_table(
        "idp_login",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idp_login")),
    )
    with op.batch_alter_table("idp_login", schema=None) as batch_op:
        batch_op.create_index("ix_idp_login_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "idp_restoration",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("at", name=op.f("pk_idp_restoration")),
    )
    op.create_table(
        "idp_session",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("browser", sa.LargeBinary(), nullable=False),
        sa.Column("resident_id", sa.Text(), nullable=False),
        sa.Column("proofs", sa.LargeBinary(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idp_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_idp_session_digest")),
    )
    with op.batch_alter_table("idp_session", schema=None) as batch_op:
        batch_op.create_index("ix_idp_session_expires_at", ["expires_at"], unique=False)
        batch_op.create_index("ix_idp_session_resident_id", ["resident_id"], unique=False)

    op.create_table(
        "idp_subject",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=False),
        sa.Column("resident_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "sector", "resident_id", name=op.f("pk_idp_subject")),
    )
    with op.batch_alter_table("idp_subject", schema=None) as batch_op:
        batch_op.create_index("ix_idp_subject_resident_id", ["resident_id"], unique=False)
        batch_op.create_index("ix_idp_subject_subject", ["subject"], unique=False)

    op.create_table(
        "oauth_client",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("registration", sa.LargeBinary(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_oauth_client")),
    )
    with op.batch_alter_table("oauth_client", schema=None) as batch_op:
        batch_op.create_index("ix_oauth_client_audience", ["issuer", "audience"], unique=False)

    op.create_table(
        "oauth_code",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("resident_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("offline", sa.Integer(), nullable=False),
        sa.Column("authorization", sa.LargeBinary(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("code_challenge", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("keep_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_oauth_code")),
    )
    with op.batch_alter_table("oauth_code", schema=None) as batch_op:
        batch_op.create_index("ix_oauth_code_keep_until", ["keep_until"], unique=False)
        batch_op.create_index("ix_oauth_code_resident_id", ["resident_id"], unique=False)

    op.create_table(
        "oauth_decoupled",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("resident_id", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_oauth_decoupled")),
        sa.UniqueConstraint("code_digest", name=op.f("uq_oauth_decoupled_code_digest")),
    )
    with op.batch_alter_table("oauth_decoupled", schema=None) as batch_op:
        batch_op.create_index("ix_oauth_decoupled_expires_at", ["expires_at"], unique=False)
        batch_op.create_index("ix_oauth_decoupled_resident_id", ["resident_id"], unique=False)

    op.create_table(
        "oauth_device_secret",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("resident_id", sa.Text(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_oauth_device_secret")),
    )
    with op.batch_alter_table("oauth_device_secret", schema=None) as batch_op:
        batch_op.create_index("ix_oauth_device_secret_expires_at", ["expires_at"], unique=False)
        batch_op.create_index("ix_oauth_device_secret_resident_id", ["resident_id"], unique=False)

    op.create_table(
        "oauth_grant",
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("resident_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("offline", sa.Integer(), nullable=False),
        sa.Column("authorization", sa.LargeBinary(), nullable=False),
        sa.Column("ancestors", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("narrowed_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_oauth_grant")),
    )
    with op.batch_alter_table("oauth_grant", schema=None) as batch_op:
        batch_op.create_index("ix_oauth_grant_expires_at", ["expires_at"], unique=False)
        batch_op.create_index("ix_oauth_grant_resident_id", ["resident_id"], unique=False)
        batch_op.create_index("ix_oauth_grant_session_id", ["session_id"], unique=False)

    op.create_table(
        "oauth_pushed_request",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("opened_by", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_oauth_pushed_request")),
    )
    with op.batch_alter_table("oauth_pushed_request", schema=None) as batch_op:
        batch_op.create_index("ix_oauth_pushed_request_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "oauth_refresh_token",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("repeated_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_oauth_refresh_token")),
    )
    with op.batch_alter_table("oauth_refresh_token", schema=None) as batch_op:
        batch_op.create_index("ix_oauth_refresh_token_expires_at", ["expires_at"], unique=False)
        batch_op.create_index("ix_oauth_refresh_token_grant_id", ["grant_id"], unique=False)

    op.create_table(
        "oauth_used",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_oauth_used")),
    )
    with op.batch_alter_table("oauth_used", schema=None) as batch_op:
        batch_op.create_index("ix_oauth_used_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "resident",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("locked", sa.Text(), nullable=False),
        sa.Column("reachable", sa.Integer(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("imported", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resident")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "resident_attribute",
        sa.Column("resident_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("cell", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "resident_id", "name", "locale", name=op.f("pk_resident_attribute")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "resident_erasure",
        sa.Column("resident_id", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=False),
        sa.Column("identifiers", sa.Integer(), nullable=False),
        sa.Column("attributes", sa.Integer(), nullable=False),
        sa.Column("secrets", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_resident_erasure")),
    )
    op.create_table(
        "resident_identifier",
        sa.Column("lookup", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("resident_id", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("uses_left", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("lookup", name=op.f("pk_resident_identifier")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("resident_identifier", schema=None) as batch_op:
        batch_op.create_index("ix_resident_identifier_resident_id", ["resident_id"], unique=False)

    op.create_table(
        "resident_import",
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("rejected_size", sa.BigInteger(), nullable=False),
        sa.Column("tally", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_resident_import")),
    )
    op.create_table(
        "resident_secret",
        sa.Column("resident_id", sa.Text(), nullable=False),
        sa.Column("factor", sa.Text(), nullable=False),
        sa.Column("cell", sa.LargeBinary(), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("resident_id", "factor", name=op.f("pk_resident_secret")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("resident_secret")
    op.drop_table("resident_import")
    with op.batch_alter_table("resident_identifier", schema=None) as batch_op:
        batch_op.drop_index("ix_resident_identifier_resident_id")

    op.drop_table("resident_identifier")
    op.drop_table("resident_erasure")
    op.drop_table("resident_attribute")
    op.drop_table("resident")
    with op.batch_alter_table("oauth_used", schema=None) as batch_op:
        batch_op.drop_index("ix_oauth_used_expires_at")

    op.drop_table("oauth_used")
    with op.batch_alter_table("oauth_refresh_token", schema=None) as batch_op:
        batch_op.drop_index("ix_oauth_refresh_token_grant_id")
        batch_op.drop_index("ix_oauth_refresh_token_expires_at")

    op.drop_table("oauth_refresh_token")
    with op.batch_alter_table("oauth_pushed_request", schema=None) as batch_op:
        batch_op.drop_index("ix_oauth_pushed_request_expires_at")

    op.drop_table("oauth_pushed_request")
    with op.batch_alter_table("oauth_grant", schema=None) as batch_op:
        batch_op.drop_index("ix_oauth_grant_session_id")
        batch_op.drop_index("ix_oauth_grant_resident_id")
        batch_op.drop_index("ix_oauth_grant_expires_at")

    op.drop_table("oauth_grant")
    with op.batch_alter_table("oauth_device_secret", schema=None) as batch_op:
        batch_op.drop_index("ix_oauth_device_secret_resident_id")
        batch_op.drop_index("ix_oauth_device_secret_expires_at")

    op.drop_table("oauth_device_secret")
    with op.batch_alter_table("oauth_decoupled", schema=None) as batch_op:
        batch_op.drop_index("ix_oauth_decoupled_resident_id")
        batch_op.drop_index("ix_oauth_decoupled_expires_at")

    op.drop_table("oauth_decoupled")
    with op.batch_alter_table("oauth_code", schema=None) as batch_op:
        batch_op.drop_index("ix_oauth_code_resident_id")
        batch_op.drop_index("ix_oauth_code_keep_until")

    op.drop_table("oauth_code")
    with op.batch_alter_table("oauth_client", schema=None) as batch_op:
        batch_op.drop_index("ix_oauth_client_audience")

    op.drop_table("oauth_client")
    with op.batch_alter_table("idp_subject", schema=None) as batch_op:
        batch_op.drop_index("ix_idp_subject_subject")
        batch_op.drop_index("ix_idp_subject_resident_id")

    op.drop_table("idp_subject")
    with op.batch_alter_table("idp_session", schema=None) as batch_op:
        batch_op.drop_index("ix_idp_session_resident_id")
        batch_op.drop_index("ix_idp_session_expires_at")

    op.drop_table("idp_session")
    op.drop_table("idp_restoration")
    with op.batch_alter_table("idp_login", schema=None) as batch_op:
        batch_op.drop_index("ix_idp_login_expires_at")

    op.drop_table("idp_login")
    with op.batch_alter_table("idp_history", schema=None) as batch_op:
        batch_op.drop_index("ix_idp_history_resident_id_at")
        batch_op.drop_index("ix_idp_history_at")

    op.drop_table("idp_history")
    with op.batch_alter_table("idp_consent", schema=None) as batch_op:
        batch_op.drop_index("ix_idp_consent_expires_at")

    op.drop_table("idp_consent")
    with op.batch_alter_table("factor_unsent", schema=None) as batch_op:
        batch_op.drop_index("ix_factor_unsent_ends_at")

    op.drop_table("factor_unsent")
    with op.batch_alter_table("factor_step", schema=None) as batch_op:
        batch_op.drop_index("ix_factor_step_ends_at")

    op.drop_table("factor_step")
    with op.batch_alter_table("factor_challenge", schema=None) as batch_op:
        batch_op.drop_index("ix_factor_challenge_ends_at")

    op.drop_table("factor_challenge")
