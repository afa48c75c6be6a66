"""The audit trail, as administrators see it."""

from datetime import datetime

from strawberry import ID

from models import AuditEvent as AuditEventRow
from models import AuditOutcome, Role
from resolvers import audit as resolvers
from schema.accounts import User
from schema.fields import Node, describe_enum, entity, field

describe_enum(
    AuditOutcome,
    "How what is noted ended.",
    {
        "DONE": "It was done, or what was asked for was shown.",
        "FORBIDDEN": "Denied: not for this role.",
        "NOT_FOUND": "Denied: it was there, and not for this person, who was told that it was not.",
    },
)


@entity(AuditEventRow)
class AuditEvent(Node):
    """One thing that somebody did, read or was denied; without what was written or read."""

    at: datetime = field("When.")
    actor: User | None = field("Who; null for the public.", resolvers.actor)
    role: Role | None = field("What they were to the organization then.")
    action: str = field(
        "What: the name of a mutation or query, `readPatients` or `readAppointments`.",
        resolvers.action,
    )
    subject: Node | None = field(
        "What it was done to; null for several, or where it is gone.", resolvers.subject
    )
    subject_ids: list[ID] = field("The ids of all that it was done to.", resolvers.subject_ids)
    outcome: AuditOutcome = field("How it ended.")
    ip_address: str | None = field("From where.")
    details: str | None = field(
        "Names of the fields that were changed or read, where the action does not say it."
    )
