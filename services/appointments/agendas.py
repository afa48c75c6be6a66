"""Agendas: the appointments of one patient or one doctor, and the live view of them.

An agenda counts its changes as a calendar does, and remembers at which of them each of its
appointments last changed. An appointment that moves to another doctor changes in the agendas of
both, so that it leaves the one and enters the other.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

from sqlalchemy import and_, literal, select, text

from models import Agenda, AgendaEntry, Appointment
from models.database import WriteSession
from services.access import Permission, act, feed
from services.appointments.lists import own_appointments
from services.context import Context
from services.errors import Forbidden
from services.live.audiences import Subscriber
from services.watching import Delta, Rendering, Watched, watch

T = TypeVar("T")
# The id of an appointment, and the appointment itself where it is still the viewer's.
Entry = tuple[UUID, Appointment | None]

# So long an appointment that is over stays in the picture.
STILL_SHOWN = timedelta(days=1)

# In the order of their ids, so that no two acts wait for each other; after all other locks.
NOTE = text("""
    WITH changed AS (
        SELECT * FROM unnest(CAST(:agenda_ids AS uuid[]), CAST(:appointment_ids AS uuid[]))
            AS changed (agenda_id, appointment_id)),
    raised AS (
        INSERT INTO agendas (organization_id, id, revision)
        SELECT DISTINCT CAST(:organization_id AS uuid), agenda_id, 1 FROM changed ORDER BY agenda_id
        ON CONFLICT (organization_id, id) DO UPDATE SET revision = agendas.revision + 1
        RETURNING id, revision),
    entered AS (
        INSERT INTO agenda_entries (organization_id, agenda_id, appointment_id, revision)
        SELECT :organization_id, raised.id, appointment_id, raised.revision
        FROM raised JOIN changed ON changed.agenda_id = raised.id
        ON CONFLICT (organization_id, agenda_id, appointment_id)
            DO UPDATE SET revision = excluded.revision)
    SELECT id, revision FROM raised
""")


@dataclass(frozen=True)
class AppointmentUpdate:
    """Where an agenda stands, and the appointments to show.

    Attributes:
        reset: `appointments` is the whole agenda; forget what was there.
        removed_ids: the appointments that have left the agenda.
        previous_revision: where the agenda stood before this update; None after a reset.

    """

    watched_id: UUID
    reset: bool
    appointments: Sequence[Appointment]
    removed_ids: Sequence[UUID]
    revision: int
    previous_revision: int | None

    @property
    def holders(self) -> Collection[UUID]:
        """Nobody: it is for its viewer alone as it is."""
        return ()


async def note_in_agendas(
    context: Context, session: WriteSession, appointment: Appointment, *left: UUID | None
) -> None:
    """Note a change of an appointment in its agendas, and in those that it has left.

    The last thing in a transaction. After the commit those who watch are told.
    """
    await note_all_in_agendas(context, session, [appointment], *left)


async def note_all_in_agendas(
    context: Context,
    session: WriteSession,
    appointments: Sequence[Appointment],
    *left: UUID | None,
) -> None:
    """Note changes of several appointments, each agenda once: a view is sent them together."""
    await session.flush()
    # Guests and events have none.
    changed = [
        (agenda_id, one.id)
        for one in appointments
        for agenda_id in {one.patient_id, one.doctor_id, *left} - {None}
    ]
    values = {
        "organization_id": session.organization_id,
        "agenda_ids": [agenda_id for agenda_id, _ in changed],
        "appointment_ids": [appointment_id for _, appointment_id in changed],
    }
    for agenda_id, revision in (await session.execute(NOTE, values)).all():
        session.after_commit(partial(context.server.live.announce, agenda_id, revision))


@feed(Permission.WATCH_OWN_APPOINTMENTS)
async def watch_agenda(
    context: Context,
    *,
    agenda_id: UUID,
    subscriber: Subscriber[T],
    rendering: Rendering[AppointmentUpdate, T],
    after: int | None = None,
) -> None:
    """Send a subscriber the viewer's own appointments, and each change of them.

    Args:
        agenda_id: the viewer's own, see `own_agenda_id`.
        after: the revision that the viewer holds; None for everything.

    Raises:
        NotSignedIn: the token that it was opened with has ended.

    """
    await watch(context, _Agenda(context, agenda_id), rendering, subscriber, after)


@act(Permission.WATCH_OWN_APPOINTMENTS)
async def own_agenda_id(context: Context) -> UUID:
    """The agenda of the viewer.

    Raises:
        NotSignedIn, Forbidden: there is none: the viewer is neither patient nor doctor.

    """
    viewer = context.viewer
    own = (viewer.doctor_id or viewer.patient_id) if viewer else None
    if own is None:
        raise Forbidden
    return own


@dataclass(frozen=True)
class _Agenda(Watched[Entry, AppointmentUpdate]):
    """The agenda of a viewer."""

    context: Context
    agenda_id: UUID

    @property
    def id(self) -> UUID:
        """Which feed tells of its changes."""
        return self.agenda_id

    async def read_all(self) -> AppointmentUpdate:
        """What is ahead, and what was over only a moment ago."""
        mine = and_(
            own_appointments(self.context),
            Appointment.ends_at > self.context.now - STILL_SHOWN,
        )
        statement = (
            select(Agenda.revision, Appointment)
            .select_from(select(literal(1)).subquery())
            .outerjoin(Agenda, Agenda.id == self.agenda_id)
            .outerjoin(Appointment, mine)
            .order_by(Appointment.starts_at, Appointment.id)
        )
        async with self.context.reading() as session:
            rows = (await session.execute(statement)).all()
        appointments = [appointment for _, appointment in rows if appointment is not None]
        return AppointmentUpdate(self.agenda_id, True, appointments, (), rows[0][0] or 0, None)

    async def read_since(self, revision: int) -> Delta[Entry]:
        """The ids of what changed, each with the appointment where it is still the viewer's."""
        changed = and_(AgendaEntry.agenda_id == Agenda.id, AgendaEntry.revision > revision)
        mine = and_(Appointment.id == AgendaEntry.appointment_id, own_appointments(self.context))
        statement = (
            select(AgendaEntry.appointment_id, Appointment, Agenda.revision)
            .select_from(Agenda)
            .outerjoin(AgendaEntry, changed)
            .outerjoin(Appointment, mine)
            .where(Agenda.id == self.agenda_id)
            .order_by(Appointment.starts_at, AgendaEntry.appointment_id)
        )
        async with self.context.reading() as session:
            rows = (await session.execute(statement)).all()
        newest = rows[0][2] if rows else 0
        entries = [(id, appointment) for id, appointment, _ in rows if id is not None]
        return Delta(entries, newest, revision <= newest)

    def shown(self, delta: Delta[Entry], previous: int) -> AppointmentUpdate:
        """What changed, and what is gone."""
        return AppointmentUpdate(
            self.agenda_id,
            False,
            [appointment for _, appointment in delta.rows if appointment is not None],
            [id for id, appointment in delta.rows if appointment is None],
            delta.revision,
            previous,
        )

    def is_empty(self, update: AppointmentUpdate) -> bool:
        """Whether nothing changed, as after a hint that was none."""
        return not (update.appointments or update.removed_ids)
