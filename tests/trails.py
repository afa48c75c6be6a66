"""The audit trail of a clinic as tests compare it."""

from sqlalchemy import text

from models import Role
from tests.conftest import Clinic
from tests.rows import across

# (who, action, outcome, type and number of subjects, details)
Noted = tuple[Role | None, str, str, str | None, int, str | None]


async def trail(clinic: Clinic) -> list[Noted]:
    """What is noted, in order."""
    by_id = {person.user.id: role for role, person in clinic.people.items()}
    async with across(clinic.factory) as connection:
        events = "SELECT * FROM audit_events WHERE organization_id = :id ORDER BY at, action"
        rows = await connection.execute(text(events), {"id": clinic.factory.organization.id})
        found = rows.mappings().all()
    assert {row["ip_address"] for row in found} <= {"127.0.0.1"}
    assert all(by_id[row["actor_id"]].value == row["role"] for row in found if row["actor_id"])
    assert all(row["role"] is None for row in found if not row["actor_id"])
    return [
        (
            by_id.get(row["actor_id"]),
            row["action"],
            row["outcome"],
            row["subject_type"],
            len(row["subject_ids"]),
            row["details"],
        )
        for row in found
    ]
