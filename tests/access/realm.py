"""What a clinic has, as those see it who may: what of it each role is shown, which of its texts are
secrets that nobody else may be sent, and whether any of it was changed. How it is made is the
business of `making`.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, text

from models import (
    Appointment,
    AppointmentEvent,
    AuditEvent,
    AvailabilityException,
    Base,
    Department,
    Doctor,
    Event,
    ExternalCalendar,
    Notification,
    Office,
    Organization,
    Patient,
    Role,
    Room,
    SignIn,
    SignUp,
    User,
    UserToken,
    VisitType,
)
from tests.access.fields import CELLS
from tests.factories import Factory, id_of
from tests.rows import across, content

# What may change although an act was denied: wrong passwords are counted, and denials are noted.
NOT_COMPARED = frozenset({"password_attempts", "audit_events", "audit_heads"})
PATIENCE = 30.0
# What the arguments of operations may name.
NAMED = (
    "patient",
    "doctor",
    "calendar",
    "department",
    "office",
    "visit_type",
    "room",
    "slot",
    "notification",
    "exception",
    "event",
    "waitlist_entry",
)
# Who plays which role.
PLAYERS = {
    Role.ADMIN: "admin",
    Role.RECEPTIONIST: "receptionist",
    Role.DOCTOR: "doctor.mine",
    Role.PATIENT: "patient.mine",
}
STAFF = {"user.admin", "user.receptionist", "user.doctor.mine", "user.doctor.theirs"}
OWN = {"user.patient.mine", "patient.mine", "appointment.mine", "appointment.old.mine"}
OWN |= {"waitlist_entry.mine", "series.mine"}
# What of the cells `o` is theirs; the front desk has no such cells.
SEES: dict[Role, set[str]] = {
    Role.PATIENT: OWN | {"appointment.shared"},
    Role.DOCTOR: OWN | STAFF | {"user.doctor.gone", "external.mine"},
}
# Of bookings and of events that are not published, what those see who organize them.
ORGANIZED: dict[Role | None, set[str]] = {
    Role.DOCTOR: {"booking.mine", "draft.mine"},
    Role.RECEPTIONIST: {"booking.desk", "draft.desk"},
}
SECRET = {
    Organization: ("name",),
    Department: ("name", "description"),
    Office: ("name", "address"),
    VisitType: ("name", "description"),
    Room: ("name",),
    Doctor: ("name", "title", "specialty", "bio"),
    User: ("username", "email", "name", "phone", "password_hash"),
    Patient: ("name", "email", "phone", "birth_date", "notes"),
    Appointment: (
        "reference",
        "reason",
        "staff_notes",
        "cancellation_reason",
        "overbooking_reason",
        "guest_name",
        "guest_email",
        "guest_phone",
    ),
    Event: ("title", "description"),
    AppointmentEvent: ("note",),
    SignIn: ("user_agent", "ip_address"),
    SignUp: ("username", "email", "name", "phone", "password_hash"),
    UserToken: ("email",),
    Notification: ("recipient", "subject", "last_error"),
    AvailabilityException: ("reason",),
    ExternalCalendar: ("host", "sealed_url", "etag", "last_modified"),
    AuditEvent: ("action", "ip_address", "details"),
}
# Everybody is told who organizes an event.
TOLD = {("user.receptionist", "name")}
# What has no field that it could be shown in.
NEVER_SHOWN = {"SignUp", "UserToken", "User.passwordHash"}
NEVER_SHOWN |= {f"ExternalCalendar.{name}" for name in ("sealedUrl", "etag", "lastModified")}


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def sees(role: Role | None, name: str) -> bool:
    """Whether a row is one of those that a role sees; more of a kind are called `mine.more`."""
    seen = SEES.get(role, set()) | {f"sign_in.{PLAYERS[role]}"} if role else set()
    seen = seen | ORGANIZED.get(role, set())
    return any(f"{name}.".startswith(f"{one}.") for one in seen)


def cell_of(kind: str, column: str, role: Role | None) -> str:
    """The cell of the field that shows a column."""
    field = f"{kind}.{camel(column)}"
    if column.startswith("guest_"):
        field = f"Guest.{column.removeprefix('guest_')}"
    return "-" if NEVER_SHOWN & {kind, field} else CELLS[field][role]


@dataclass
class Realm:
    """One clinic.

    Attributes:
        rows: everything in it by name, such as `patient.theirs`.
        tokens: access tokens of the four people who play the roles.
        mailed: secrets that were sent by mail.
        managing: the secrets of guests, by the name of the booking.

    """

    factory: Factory
    rows: dict[str, Any] = field(default_factory=dict)
    tokens: dict[Role, str] = field(default_factory=dict)
    mailed: list[str] = field(default_factory=list)
    managing: dict[str, str] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        return self.factory.organization.slug

    def id(self, name: str) -> str:
        """The global id of a row."""
        return id_of(self.rows[name])

    def put(self, name: str, kind: type, /, **values: Any) -> Any:
        """Keep a row in mind, to be added with all others."""
        owner = {"organization_id": self.factory.organization.id}
        self.rows[name] = kind(**owner, id=uuid4(), **values)
        return self.rows[name]

    def ids(self, kind: str) -> dict[str, str]:
        """What the arguments of operations may name, of the things that are `mine` and so on."""
        found = {}
        for thing in NAMED:
            if f"{thing}.{kind}" in self.rows:
                found[f"{camel(thing)}Id"] = self.id(f"{thing}.{kind}")
        for thing in ("user", "sign_in"):
            if f"{thing}.patient.{kind}" in self.rows:
                found[f"{camel(thing)}Id"] = self.id(f"{thing}.patient.{kind}")
        if "doctorId" in found:
            found["doctorIds"] = found["doctorId"]
        if "roomId" in found:
            found["roomIds"] = found["roomId"]
        if event := self.rows.get(f"event.{kind}"):
            found |= {"slug": event.slug, "eventSlotId": self.id(f"seat.{kind}")}
            found["manageToken"] = self.managing[f"open.{kind}"]
        if appointment := self.rows.get(f"appointment.{kind}"):
            found["appointmentId"] = id_of(appointment)
            found["reference"] = appointment.reference
        return found

    def hidden_from(self, role: Role | None, *, home: bool = True) -> list[bytes]:
        """The secrets that somebody of a role must never be sent; from strangers, all of them."""
        found = [secret.encode() for secret in (*self.mailed, *self.managing.values())]
        for name, row in self.rows.items():
            owner = name.removeprefix("line.")
            # Whoever has the secret of one that is open may be shown it.
            for column in SECRET.get(type(row), ()) if not name.startswith("open.") else ():
                value = getattr(row, column)
                cell = cell_of(type(row).__name__, column, role)
                if name.startswith(("booking.", "draft.")):
                    cell = "+" if role is Role.ADMIN else "o"
                is_theirs = (cell == "o" and sees(role, owner)) or (name, column) in TOLD
                if value is not None and not (home and (cell == "+" or is_theirs)):
                    found.append(str(value).encode())
        return found


FINGERPRINT = text(
    "SELECT md5(string_agg(kept, '' ORDER BY kept)) AS md5,"
    " (SELECT count(*) FROM notifications"
    " WHERE organization_id = ANY(:ids) AND status = 'PENDING') AS waiting FROM ("
    + " UNION ALL ".join(
        f"SELECT '{table}' || ({content(table)})::text AS kept FROM {table}"
        f" WHERE {'organization_id' if 'organization_id' in table.columns else 'id'} = ANY(:ids)"
        for table in Base.metadata.sorted_tables
        if table.name not in NOT_COMPARED
    )
    + ") AS everything"
)


async def fingerprint(*realms: Realm) -> str:
    """The md5 of every row that these clinics have, once no mail of theirs is under way."""
    ids = [realm.factory.organization.id for realm in realms]
    async with asyncio.timeout(PATIENCE):
        while True:
            async with across(realms[0].factory) as connection:
                found: Row[str, int] = (await connection.execute(FINGERPRINT, {"ids": ids})).one()
            # Of no rows at all there is no md5: then somebody looks from inside of the walls.
            assert found.md5 is not None
            if not found.waiting:
                return str(found.md5)
            await asyncio.sleep(0.02)
