"""On which day the slots of an organization's calendars were last made up to the horizon."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # None of them is known: the first server that starts makes what is missing.
    op.add_column("organizations", sa.Column("extended_on", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("organizations", "extended_on")
