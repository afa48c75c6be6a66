"""When claims begin and end, as columns by which they are found; none is longer than a day."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import walls

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

IN_DAYS = """
    WITH long AS (
        DELETE FROM claims WHERE upper(during) - lower(during) > interval '24 hours' RETURNING *)
    INSERT INTO claims (organization_id, id, calendar_id, kind, lane, during, reason)
    SELECT organization_id, gen_random_uuid(), calendar_id, kind, lane,
           tstzrange(begin, least(begin + interval '24 hours', upper(during)), '[)'), reason
    FROM long, generate_series(lower(during), upper(during) - interval '1 microsecond',
                               interval '24 hours') AS begin
"""


def upgrade() -> None:
    with walls.seen_through("claims"):
        op.execute(IN_DAYS)
    for column, bound in (("starts_at", "lower"), ("ends_at", "upper")):
        op.add_column(
            "claims",
            sa.Column(
                column,
                sa.DateTime(timezone=True),
                sa.Computed(f"{bound}(during)", persisted=True),
                nullable=False,
            ),
        )
    op.create_check_constraint(
        op.f("ck_claims_length"), "claims", "upper(during) - lower(during) <= interval '24 hours'"
    )
    # A claim of no time has neither.
    op.drop_constraint(op.f("ck_claims_during"), "claims", type_="check")
    op.create_index("ix_claims_calendar_id_starts_at", "claims", ["calendar_id", "starts_at"])


def downgrade() -> None:
    op.drop_index("ix_claims_calendar_id_starts_at", table_name="claims")
    op.create_check_constraint(op.f("ck_claims_during"), "claims", "NOT isempty(during)")
    op.drop_constraint(op.f("ck_claims_length"), "claims", type_="check")
    op.drop_column("claims", "ends_at")
    op.drop_column("claims", "starts_at")
