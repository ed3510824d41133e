"""First tables.

Drafted by config.wiring.migrations.draft, applied by ``symbolon migrate``.
"""

import sqlalchemy as sa
from alembic import op

revision = "keystore_0001"
down_revision = None
branch_labels = ("keystore",)
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "authority_certificate",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("issuer_kid", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kid", "issuer_kid", name=op.f("pk_authority_certificate")),
    )
    op.create_table(
        "credential",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("shown_to", sa.LargeBinary(), nullable=False),
        sa.Column("named_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("wrapped_by", sa.Text(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("attributes", sa.LargeBinary(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("bound_by", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
    )
    with op.batch_alter_table("credential", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_credential_bound_by"), ["bound_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_credential_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_credential_named_by"), ["named_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_credential_shown_to"), ["shown_to"], unique=False)
        batch_op.create_index(batch_op.f("ix_credential_wrapped_by"), ["wrapped_by"], unique=False)

    op.create_table(
        "issued_certificate",
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("issuer_kid", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_issued_certificate")),
    )
    op.create_table(
        "kept_signatures",
        sa.Column("place", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_kept_signatures")),
    )
    with op.batch_alter_table("kept_signatures", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_kept_signatures_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "key_use",
        sa.Column("use_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("use_id", name=op.f("pk_key_use")),
    )
    with op.batch_alter_table("key_use", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_key_use_at"), ["at"], unique=False)

    op.create_table(
        "key_version",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("ring", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("destroyed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_key_version")),
    )
    with op.batch_alter_table("key_version", schema=None) as batch_op:
        batch_op.create_index("uq_key_version_ring", ["ring", "algorithm", "version"], unique=True)

    op.create_table(
        "organization",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("jwks", sa.LargeBinary(), nullable=False),
        sa.Column("per_day", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.BigInteger(), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
    )
    op.create_table(
        "root_list",
        sa.Column("root_kid", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("listed", sa.LargeBinary(), nullable=False),
        sa.Column("brought_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("root_kid", "number", name=op.f("pk_root_list")),
    )
    op.create_table(
        "used_activation",
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_used_activation")),
    )
    with op.batch_alter_table("used_activation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_used_activation_expires_at"), ["expires_at"], unique=False
        )


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("used_activation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_used_activation_expires_at"))

    op.drop_table("used_activation")
    op.drop_table("root_list")
    op.drop_table("organization")
    with op.batch_alter_table("key_version", schema=None) as batch_op:
        batch_op.drop_index("uq_key_version_ring")

    op.drop_table("key_version")
    with op.batch_alter_table("key_use", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_key_use_at"))

    op.drop_table("key_use")
    with op.batch_alter_table("kept_signatures", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_kept_signatures_expires_at"))

    op.drop_table("kept_signatures")
    op.drop_table("issued_certificate")
    with op.batch_alter_table("credential", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_credential_wrapped_by"))
        batch_op.drop_index(batch_op.f("ix_credential_shown_to"))
        batch_op.drop_index(batch_op.f("ix_credential_named_by"))
        batch_op.drop_index(batch_op.f("ix_credential_expires_at"))
        batch_op.drop_index(batch_op.f("ix_credential_bound_by"))

    op.drop_table("credential")
    op.drop_table("authority_certificate")
