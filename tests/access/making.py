"""A clinic with one of everything, in which every text that somebody may not see is a secret: a
word that stands nowhere else, so that it is recognized wherever it comes out.

In each clinic there are things of four people who play the roles (`mine`), things of others that
have nothing to do with them (`theirs`), what is archived (`gone`), and a visit of the patient with
another doctor (`shared`). Which of them a role sees is written down in `realm`.
"""

import secrets
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

from sqlalchemy.dialects.postgresql import Range

from models import (
    Appointment,
    AppointmentEvent,
    AppointmentSeries,
    AppointmentStatus,
    AuditEvent,
    AuditOutcome,
    AvailabilityException,
    AvailabilityTemplate,
    Calendar,
    Claim,
    ClaimKind,
    Department,
    Doctor,
    ExceptionKind,
    Notification,
    NotificationKind,
    NotificationStatus,
    Office,
    Patient,
    Role,
    SeriesOccurrence,
    SignIn,
    SignUp,
    Slot,
    SlotStatus,
    TokenPurpose,
    User,
    UserToken,
    VisitType,
    VisitTypeDoctor,
    Weekday,
)
from models.database import Database
from services.accounts import tokens
from services.organizations import create_organization
from services.passwords import HASHING
from tests.access.elsewhere import external
from tests.access.gatherings import put_events
from tests.access.lines import waiting
from tests.access.realm import PLAYERS, Realm
from tests.access.rooms import need
from tests.access.words import address, email, phone, word
from tests.conftest import CONFIG
from tests.factories import Factory, tomorrow

# Secrets too, so that no two people share one.
BIRTHDAYS = count()
KINDS = ("mine", "theirs", "gone")
PATIENTS = tuple(f"patient.{kind}" for kind in KINDS)


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
    put_events(realm)
    for kind in KINDS[:2]:
        slot(realm, f"slot.of.waitlist_entry.{kind}", kind, 17)
        waiting(realm, f"waitlist_entry.{kind}", kind)
    _accounts(realm)
    for kind in KINDS[:2]:
        external(realm, kind)
    await realm.factory.add(*(row for row in realm.rows.values() if row is not organization))
    for role, name in PLAYERS.items():
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
            # Only who has a password counts as an administrator.
            password_hash=HASHING.hash(word("password")) if name == "admin" else None,
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
        exception(realm, f"exception.{kind}", kind)
    for kind in KINDS:
        offer(realm, kind)
        need(realm, kind)


def exception(realm: Realm, name: str, whose: str) -> AvailabilityException:
    """Extra hours in the night of tomorrow, with everything that can be said of them."""
    made: AvailabilityException = realm.put(
        name,
        AvailabilityException,
        calendar_id=realm.rows[f"calendar.{whose}"].id,
        kind=ExceptionKind.EXTRA_HOURS,
        starts_at=tomorrow(22),
        ends_at=tomorrow(23),
        slot_minutes=30,
        reason=word("reason"),
    )
    return made


def offer(realm: Realm, whose: str) -> None:
    """A visit type that every doctor offers."""
    times = {"minutes": 30, "buffer_minutes": 5}
    made = realm.put(
        f"visit_type.{whose}", VisitType, name=word("name"), description=word("does"), **times
    )
    for doctor in KINDS:
        realm.rows[f"offer.{whose}.{doctor}"] = VisitTypeDoctor(
            organization_id=made.organization_id,
            visit_type_id=made.id,
            doctor_id=realm.rows[f"doctor.{doctor}"].id,
        )


def slot(realm: Realm, name: str, whose: str, hour: float, *, booked: int = 0) -> Slot:
    """Half an hour of tomorrow in a doctor's calendar."""
    made: Slot = realm.put(
        name,
        Slot,
        calendar_id=realm.rows[f"calendar.{whose}"].id,
        starts_at=tomorrow(0) + timedelta(hours=hour),
        ends_at=tomorrow(0) + timedelta(hours=hour + 0.5),
        hours_end_at=tomorrow(0) + timedelta(hours=hour + 8),
        # One place is booked, the other one held.
        status=SlotStatus.HELD if booked else SlotStatus.AVAILABLE,
        held_until=tomorrow() if booked else None,
        capacity=1 + booked,
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
    for kind in ("mine", "theirs"):
        series(realm, f"series.{kind}", f"appointment.{kind}", f"appointment.old.{kind}")


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
        visit_type_id=realm.rows[f"visit_type.{doctor}"].id,
        room_id=realm.rows[f"room.{doctor}"].id,
        starts_at=taken.starts_at,
        ends_at=taken.ends_at,
        status=status,
        reason=word("reason"),
        staff_notes=word("staff"),
        overbooking_reason=word("overbooked"),
        cancelled_at=now if is_cancelled else None,
        cancellation_reason=word("why") if is_cancelled else None,
        can_cancel_until=taken.starts_at,
        version=1,
    )
    realm.put(
        f"line.appointment.{name}",
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


def series(realm: Realm, name: str, *appointments: str) -> AppointmentSeries:
    """A series that appointments are all of."""
    made: AppointmentSeries = realm.put(
        name,
        AppointmentSeries,
        recurrence="DTSTART;TZID=Europe/Madrid:20270301T090000\nRRULE:FREQ=WEEKLY;COUNT=2",
        every_weeks=1,
        time_zone="Europe/Madrid",
    )
    for number, appointment in enumerate(appointments, start=1):
        row = realm.rows[appointment]
        realm.put(
            f"occurrence.{appointment}",
            SeriesOccurrence,
            series_id=made.id,
            number=number,
            day=row.starts_at.date(),
            starts_at=row.starts_at,
            appointment_id=row.id,
        )
    return made


def sign_in(realm: Realm, name: str, whose: str) -> SignIn:
    """Somebody is signed in on one more device."""
    now = datetime.now(UTC)
    made: SignIn = realm.put(
        name,
        SignIn,
        user_id=realm.rows[f"user.{whose}"].id,
        created_at=now,
        last_used_at=now,
        expires_at=tomorrow(),
        user_agent=word("agent"),
        ip_address=address(),
    )
    return made


def message(realm: Realm, name: str, visit: str) -> Notification:
    """A mail that could not be sent, with everything that can be written about one."""
    now = datetime.now(UTC)
    made: Notification = realm.put(
        name,
        Notification,
        kind=NotificationKind.PASSWORD_CHANGED,
        recipient=email(),
        appointment_id=realm.rows[f"appointment.{visit}"].id,
        subject=word("subject"),
        status=NotificationStatus.FAILED,
        last_error=word("error"),
        created_at=now,
        sent_at=now,
    )
    return made


def _accounts(realm: Realm) -> None:
    """Where people are signed in, what was mailed to them, and what is noted of them."""
    for player in (*PLAYERS.values(), "patient.theirs"):
        sign_in(realm, f"sign_in.{player}", player)
    for kind in ("mine", "theirs"):
        message(realm, f"notification.{kind}", kind)
        user = realm.rows[f"user.patient.{kind}"]
        mailed = realm.put(
            f"token.{kind}",
            UserToken,
            user_id=user.id,
            purpose=TokenPurpose.EMAIL_CHANGE,
            email=email(),
            token_hash=b"",
            expires_at=tomorrow(),
        )
        secret = tokens.mailed_secret(realm.factory.config, mailed.id)
        realm.mailed.append(secret)
        mailed.token_hash = tokens.hashed(secret)
        realm.put(
            f"audit_event.{kind}",
            AuditEvent,
            at=datetime.now(UTC),
            actor_id=user.id,
            role=user.role,
            action=word("action"),
            subject_type="User",
            subject_ids=[user.id],
            outcome=AuditOutcome.DONE,
            ip_address=address(),
            details=word("details"),
        )
    realm.put(
        "sign_up",
        SignUp,
        token_hash=secrets.token_bytes(32),
        name=word("name"),
        email=email(),
        username=secrets.token_hex(8),
        phone=phone(),
        locale="en",
        time_zone="Europe/Madrid",
        password_hash=word("hash"),
        expires_at=tomorrow(),
    )
