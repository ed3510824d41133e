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
        "signature_request",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature_request")),
    )
    with op.batch_alter_table("signature_request", schema=None) as batch_op:
        batch_op.create_index("signature_request_expires_at", ["expires_at"], unique=False)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("signature_request", schema=None) as batch_op:
        batch_op.drop_index("signature_request_expires_at")

    op.drop_table("signature_request")
    op.drop_table("document_chunk")
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.drop_index("document_request_id")
        batch_op.drop_index("document_expires_at")
        batch_op.drop_index("document_client_id")

    op.drop_table("document")
    with op.batch_alter_table("csc_answer", schema=None) as batch_op:
        batch_op.drop_index("csc_answer_expires_at")

    op.drop_table("csc_answer")
