"""Two clinics with one of everything, in which every text that somebody may not see is a secret:
a word that stands nowhere else, so that it is recognized wherever it comes out.

In each clinic there are things of four people who play the roles (`mine`), things of others that
have nothing to do with them (`theirs`), what is archived (`gone`), and a visit of the patient with
another doctor (`shared`). Which of them a role sees is written down here, apart from the code.
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range

from models import (
    Appointment,
    AppointmentEvent,
    AppointmentStatus,
    AvailabilityTemplate,
    Base,
    Calendar,
    Claim,
    ClaimKind,
    Department,
    Doctor,
    Office,
    Organization,
    Patient,
    Role,
    Slot,
    SlotStatus,
    User,
    Weekday,
)
from models.database import Database
from services.organizations import create_organization
from tests.access.fields import CELLS
from tests.conftest import CONFIG
from tests.factories import Factory, id_of, tomorrow

# What may change although an act was denied: wrong passwords are counted.
NOT_COMPARED = frozenset({"password_attempts"})
STAFF = {"user.admin", "user.receptionist", "user.doctor.mine", "user.doctor.theirs"}
OWN = {"user.patient.mine", "patient.mine", "appointment.mine", "appointment.old.mine"}
# What of the cells `o` is theirs; the front desk has no such cells.
SEES: dict[Role, set[str]] = {
    Role.PATIENT: OWN | {"appointment.shared"},
    Role.DOCTOR: OWN | STAFF | {"user.doctor.gone"},
}
SECRET = {
    Organization: ("name",),
    Department: ("name", "description"),
    Office: ("name", "address"),
    Doctor: ("name", "title", "specialty", "bio"),
    User: ("username", "email", "name", "phone"),
    Patient: ("name", "email", "phone", "birth_date", "notes"),
    Appointment: ("reference", "reason", "staff_notes", "cancellation_reason"),
    AppointmentEvent: ("note",),
}


def word(kind: str) -> str:
    """A word that stands nowhere else."""
    return f"{kind}-{secrets.token_hex(6)}"


def email() -> str:
    return f"{secrets.token_hex(8)}@mail.example"


def phone() -> str:
    return f"+346{secrets.randbelow(10**8):08}"


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def sees(role: Role, name: str) -> bool:
    """Whether a row is one of those that a role sees; more of a kind are called `mine.more`."""
    return any(f"{name}.".startswith(f"{seen}.") for seen in SEES[role])


@dataclass
class Realm:
    """One clinic.

    Attributes:
        rows: everything in it by name, such as `patient.theirs`.
        tokens: access tokens of the four people who play the roles.

    """

    factory: Factory
    rows: dict[str, Any] = field(default_factory=dict)
    tokens: dict[Role, str] = field(default_factory=dict)

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
        for thing in ("patient", "doctor", "calendar", "department", "office", "slot"):
            if f"{thing}.{kind}" in self.rows:
                found[f"{thing}Id"] = self.id(f"{thing}.{kind}")
        if appointment := self.rows.get(f"appointment.{kind}"):
            found["appointmentId"] = id_of(appointment)
            found["reference"] = appointment.reference
        return found

    def hidden_from(self, role: Role | None, *, home: bool = True) -> list[bytes]:
        """The secrets that somebody of a role must never be sent; from strangers, all of them."""
        found = []
        for name, row in self.rows.items():
            kind = "AppointmentEvent" if isinstance(row, AppointmentEvent) else type(row).__name__
            owner = name.removeprefix("event.")
            for column in SECRET.get(type(row), ()):
                value = getattr(row, column)
                cell = CELLS[f"{kind}.{camel(column)}"][role]
                is_theirs = cell == "o" and role in SEES and sees(role, owner)
                if value is not None and not (home and (cell == "+" or is_theirs)):
                    found.append(str(value).encode())
        return found


async def make(database: Database) -> Realm:
    """A clinic with everything in it."""
    organization = await create_organization(
        database,
        slug=f"clinic-{secrets.token_hex(6)}",
        name=word("organization"),
        time_zone="Europe/Madrid",
        locale="en-GB",
    )
    realm = Realm(Factory(database, CONFIG, organization))
    realm.rows["organization"] = organization
    await realm.factory.policy(max_open_appointments_per_patient=50)
    for kind in ("mine", "theirs"):
        realm.put(f"department.{kind}", Department, name=word("name"), description=word("does"))
        where = {"address": word("address"), "phone": phone(), "time_zone": "Europe/Madrid"}
        realm.put(f"office.{kind}", Office, name=word("name"), **where)
    _people(realm)
    _calendars(realm)
    _visits(realm)
    await realm.factory.add(*(row for row in realm.rows.values() if row is not organization))
    for role, name in (
        (Role.ADMIN, "admin"),
        (Role.RECEPTIONIST, "receptionist"),
        (Role.DOCTOR, "doctor.mine"),
        (Role.PATIENT, "patient.mine"),
    ):
        realm.tokens[role] = await realm.factory.token(realm.rows[f"user.{name}"])
    return realm


def _people(realm: Realm) -> None:
    for name in ("admin", "receptionist", *(f"doctor.{k}" for k in KINDS), *PATIENTS):
        realm.put(
            f"user.{name}",
            User,
            username=secrets.token_hex(8),
            email=email(),
            name=word("name"),
            phone=phone(),
            role=Role[name.partition(".")[0].upper()],
            locale="en",
            time_zone="Europe/Madrid",
            is_active=not name.endswith("gone"),
        )
    for name in PATIENTS:
        realm.put(
            name,
            Patient,
            user_id=realm.rows[f"user.{name}"].id,
            name=word("name"),
            email=email(),
            phone=phone(),
            birth_date=date(1930, 1, 1) + timedelta(days=next(BIRTHDAYS)),
            notes=word("notes"),
            archived_at=datetime.now(UTC) if name.endswith("gone") else None,
        )
    # Staff fall ill as well: whoever sees the account does not see the patient for that.
    account = realm.rows["user.receptionist"].id
    texts = {"name": word("name"), "email": email(), "notes": word("notes")}
    realm.put("patient.of.staff", Patient, user_id=account, **texts)


# Secrets too, so that no two people share one.
BIRTHDAYS = count()
KINDS = ("mine", "theirs", "gone")
PATIENTS = tuple(f"patient.{kind}" for kind in KINDS)


def _calendars(realm: Realm) -> None:
    for kind in KINDS:
        calendar = realm.put(f"calendar.{kind}", Calendar, time_zone="Europe/Madrid")
        place = "mine" if kind == "mine" else "theirs"
        realm.put(
            f"doctor.{kind}",
            Doctor,
            user_id=realm.rows[f"user.doctor.{kind}"].id,
            calendar_id=calendar.id,
            department_id=realm.rows[f"department.{place}"].id,
            office_id=realm.rows[f"office.{place}"].id,
            name=word("name"),
            title=word("title"),
            specialty=word("specialty"),
            bio=word("bio"),
            languages=["es"],
            archived_at=datetime.now(UTC) if kind == "gone" else None,
        )
        realm.put(
            f"template.{kind}",
            AvailabilityTemplate,
            calendar_id=calendar.id,
            weekdays=list(Weekday),
            start_time=time(9),
            end_time=time(17),
            slot_minutes=30,
            buffer_minutes=0,
            capacity=1,
            valid_from=date(2020, 1, 1),
            valid_until=date(2099, 1, 1),
        )
        slot(realm, f"slot.{kind}", kind, 14)


def slot(realm: Realm, name: str, whose: str, hour: float, *, booked: int = 0) -> Slot:
    """Half an hour of tomorrow in a doctor's calendar."""
    made: Slot = realm.put(
        name,
        Slot,
        calendar_id=realm.rows[f"calendar.{whose}"].id,
        starts_at=tomorrow(0) + timedelta(hours=hour),
        ends_at=tomorrow(0) + timedelta(hours=hour + 0.5),
        status=SlotStatus.BOOKED if booked else SlotStatus.AVAILABLE,
        capacity=1,
        booked_count=booked,
        revision=0,
    )
    return made


def _visits(realm: Realm) -> None:
    visit(realm, "mine", "patient.mine", "mine", 9)
    visit(realm, "theirs", "patient.theirs", "theirs", 9)
    visit(realm, "shared", "patient.mine", "theirs", 11, booked_by="user.receptionist")
    for kind, patient, doctor, hour in (
        ("old.mine", "patient.mine", "mine", 15),
        ("old.theirs", "patient.theirs", "theirs", 15),
        ("old.gone", "patient.gone", "theirs", 16),
    ):
        visit(realm, kind, patient, doctor, hour, is_cancelled=True)


def visit(
    realm: Realm,
    name: str,
    patient: str,
    doctor: str,
    hour: int,
    *,
    is_cancelled: bool = False,
    booked_by: str = "",
) -> None:
    """An appointment with everything that can be written about one."""
    taken = slot(realm, f"slot.of.{name}", doctor, hour, booked=int(not is_cancelled))
    before = slot(realm, f"slot.before.{name}", doctor, hour + 0.5)
    now = datetime.now(UTC)
    by = realm.rows[booked_by or f"user.{patient}"].id
    status = AppointmentStatus.CANCELLED if is_cancelled else AppointmentStatus.BOOKED
    made = realm.put(
        f"appointment.{name}",
        Appointment,
        reference=f"{secrets.token_hex(2)}-{secrets.token_hex(4)}".upper(),
        patient_id=realm.rows[patient].id,
        doctor_id=realm.rows[f"doctor.{doctor}"].id,
        calendar_id=taken.calendar_id,
        slot_id=taken.id,
        rescheduled_from_id=before.id,
        booked_by_id=by,
        starts_at=taken.starts_at,
        ends_at=taken.ends_at,
        status=status,
        reason=word("reason"),
        staff_notes=word("staff"),
        cancelled_at=now if is_cancelled else None,
        cancellation_reason=word("why") if is_cancelled else None,
        can_cancel_until=taken.starts_at,
        version=1,
    )
    realm.put(
        f"event.appointment.{name}",
        AppointmentEvent,
        appointment_id=made.id,
        version=1,
        at=now,
        by_id=by,
        status=status,
        note=word("note"),
    )
    if not is_cancelled:
        during = Range(taken.starts_at, taken.ends_at)
        realm.put(
            f"claim.{name}",
            Claim,
            calendar_id=taken.calendar_id,
            appointment_id=made.id,
            kind=ClaimKind.APPOINTMENT,
            lane=0,
            during=during,
        )


FINGERPRINT = text(
    "SELECT md5(string_agg(kept, '' ORDER BY kept)) FROM ("
    + " UNION ALL ".join(
        f"SELECT '{table}' || to_jsonb({table})::text AS kept FROM {table}"
        f" WHERE {'organization_id' if 'organization_id' in table.columns else 'id'} = ANY(:ids)"
        for table in Base.metadata.sorted_tables
        if table.name not in NOT_COMPARED
    )
    + ") AS everything"
)


async def fingerprint(*realms: Realm) -> str:
    """The md5 of every row that these clinics have."""
    ids = [realm.factory.organization.id for realm in realms]
    async with realms[0].factory.database.engine.connect() as connection:
        found: str = (await connection.execute(FINGERPRINT, {"ids": ids})).scalar_one()
    return found
