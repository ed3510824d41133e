"""First tables.

Drafted by config.wiring.migrations.draft, applied by ``symbolon migrate``.
"""

import sqlalchemy as sa
from alembic import op

revision = "esignet_0001"
down_revision = None
branch_labels = ("esignet",)
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "csc_answer",
        sa.Column("id_hash", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("lost_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_csc_answer")),
    )
    with op.batch_alter_table("csc_answer", schema=None) as batch_op:
        batch_op.create_index("csc_answer_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "document",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.create_index("document_client_id", ["client_id"], unique=False)
        batch_op.create_index("document_expires_at", ["expires_at"], unique=False)
        batch_op.create_index("document_request_id", ["request_id"], unique=False)

    op.create_table(
        "document_chunk",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "number", name=op.f("pk_document_chunk")),
    )
    op.create_table(
        "sealed_document",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealed_document")),
    )
    with op.batch_alter_table("sealed_document", schema=None) as batch_op:
        batch_op.create_index("sealed_document_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "signature_history",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("told", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature_history")),
    )
    with op.batch_alter_table("signature_history", schema=None) as batch_op:
        batch_op.create_index("signature_history_expires_at", ["expires_at"], unique=False)
        batch_op.create_index(
            "signature_history_signer", ["signer", "signed_at", "id"], unique=False
        )

    op.create_table(
        "signature_request",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("together", sa.Integer(), nullable=False),
        sa.Column("order", sa.Text(), nullable=False),
        sa.Column("slots", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("busy_until", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("webhook", sa.Text(), nullable=False),
        sa.Column("waits_as", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("forgotten_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature_request")),
    )
    with op.batch_alter_table("signature_request", schema=None) as batch_op:
        batch_op.create_index("signature_request_expires_at", ["expires_at"], unique=False)
        batch_op.create_index("signature_request_forgotten_at", ["forgotten_at"], unique=False)
        batch_op.create_index("signature_request_underway", ["state", "busy_until"], unique=False)
        batch_op.create_index("signature_request_waits_as", ["client_id", "waits_as"], unique=True)

    op.create_table(
        "signature_request_creation",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_signature_request_creation")),
    )
    with op.batch_alter_table("signature_request_creation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_signature_request_creation_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "signature_request_part",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "request_id", "part", "number", name=op.f("pk_signature_request_part")
        ),
    )
    with op.batch_alter_table("signature_request_part", schema=None) as batch_op:
        batch_op.create_index("signature_request_part_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "signing_link",
        sa.Column("ticket", sa.LargeBinary(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("return_to", sa.Text(), nullable=False),
        sa.Column("tells", sa.Text(), nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=False),
        sa.Column("ended", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ticket", name=op.f("pk_signing_link")),
    )
    with op.batch_alter_table("signing_link", schema=None) as batch_op:
        batch_op.create_index("signing_link_expires_at", ["expires_at"], unique=False)
        batch_op.create_index("signing_link_number", ["request_id", "place", "number"], unique=True)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("signing_link", schema=None) as batch_op:
        batch_op.drop_index("signing_link_number")
        batch_op.drop_index("signing_link_expires_at")

    op.drop_table("signing_link")
    with op.batch_alter_table("signature_request_part", schema=None) as batch_op:
        batch_op.drop_index("signature_request_part_expires_at")

    op.drop_table("signature_request_part")
    with op.batch_alter_table("signature_request_creation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signature_request_creation_expires_at"))

    op.drop_table("signature_request_creation")
    with op.batch_alter_table("signature_request", schema=None) as batch_op:
        batch_op.drop_index("signature_request_waits_as")
        batch_op.drop_index("signature_request_underway")
        batch_op.drop_index("signature_request_forgotten_at")
        batch_op.drop_index("signature_request_expires_at")

    op.drop_table("signature_request")
    with op.batch_alter_table("signature_history", schema=None) as batch_op:
        batch_op.drop_index("signature_history_signer")
        batch_op.drop_index("signature_history_expires_at")

    op.drop_table("signature_history")
    with op.batch_alter_table("sealed_document", schema=None) as batch_op:
        batch_op.drop_index("sealed_document_expires_at")

    op.drop_table("sealed_document")
    op.drop_table("document_chunk")
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.drop_index("document_request_id")
        batch_op.drop_index("document_expires_at")
        batch_op.drop_index("document_client_id")

    op.drop_table("document")
    with op.batch_alter_table("csc_answer", schema=None) as batch_op:
        batch_op.drop_index("csc_answer_expires_at")

    op.drop_table("csc_answer")
