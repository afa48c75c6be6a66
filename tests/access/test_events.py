"""What is not published, and who has booked, is there for those who run the event alone."""

import pytest
from sqlalchemy import delete, update

from models import Doctor, Patient, Role
from tests.access.acts import Path, arguments, random_ids, said, send
from tests.access.gatherings import ORGANIZERS
from tests.access.realm import PLAYERS, Realm, fingerprint
from tests.access.voices import Voice
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import id_of
from tests.occasions import BOOKED, an_event, booked, slots_of

# Operation, where it names something, and of which kind that is.
HIDDEN: list[tuple[str, Path, str]] = [
    ("Query.event", ("slug",), "slug"),
    ("Query.node", ("id",), "event"),
    ("Query.node", ("id",), "calendar"),
    ("Query.node", ("id",), "slot"),
    ("Query.nodes", ("ids",), "slot"),
    ("Query.calendar", ("id",), "calendar"),
    ("Query.availabilityPreview", ("calendarId",), "calendar"),
    ("Subscription.calendarChanges", ("calendarId",), "calendar"),
    ("Mutation.updateEvent", ("input", "eventId"), "event"),
    ("Mutation.publishEvent", ("input", "eventId"), "event"),
    ("Mutation.deleteEvent", ("input", "eventId"), "event"),
    ("Mutation.bookEventSlot", ("input", "slotId"), "slot"),
    ("Mutation.rescheduleGuestBooking", ("input", "slotId"), "slot"),
    ("Mutation.holdSlot", ("input", "slotId"), "slot"),
    ("Mutation.releaseHold", ("input", "slotId"), "slot"),
    ("Mutation.blockTime", ("input", "calendarId"), "calendar"),
]
EVENTS = "query ($mine: Boolean) { events(mine: $mine, first: 100) { edges { node { id } } } }"


def ids_of(realm: Realm, kind: str) -> dict[str, str]:
    """The ids of what belongs to an event that is not published."""
    draft = realm.rows[f"draft.{kind}"]
    return {
        "slug": draft.slug,
        "event": id_of(draft),
        "calendar": realm.id(f"occasion.draft.{kind}"),
        "slot": realm.id(f"hidden.{kind}"),
    }


def runs(voice: Voice, kind: str) -> bool:
    """Whether somebody organizes the events of a kind, or administers the clinic."""
    if not voice.is_home or voice.role is None:
        return False
    return voice.role is Role.ADMIN or ORGANIZERS[kind] == f"user.{PLAYERS[voice.role]}"


@pytest.mark.parametrize("kind", ["mine", "desk"])
@pytest.mark.parametrize(("operation", "place", "thing"), HIDDEN, ids=str)
async def test_what_is_not_published_is_as_if_it_were_not_there(
    operation: str,
    place: Path,
    thing: str,
    kind: str,
    voices: list[Voice],
    home: Realm,
    abroad: Realm,
) -> None:
    """Byte for byte, on a socket as well, for all who do not run it."""
    before = await fingerprint(home, abroad)
    named = ids_of(home, kind)
    nothing = random_ids(named)
    for voice in (voice for voice in voices if not runs(voice, kind)):
        own = (home if voice.is_home else abroad).ids("mine")
        tries = [arguments(operation, own, (place, ids[thing])) for ids in (nothing, named)]
        control, answer = [await send(voice, operation, "plain", given) for given in tries]
        assert answer.shape == control.shape, (str(voice), answer.raw)
        if not operation.startswith("Subscription."):
            over, none_over = [await send(voice, operation, "socket", given) for given in tries]
            assert said(over.body) == said(none_over.body), str(voice)
    assert await fingerprint(home, abroad) == before


async def test_those_who_run_it_find_what_is_not_published(
    voices: list[Voice], home: Realm
) -> None:
    for kind in ("mine", "desk"):
        named = ids_of(home, kind)
        for voice in (voice for voice in voices if runs(voice, kind)):
            for operation, place, thing in HIDDEN[:5]:
                given = arguments(operation, home.ids("mine"), (place, named[thing]))
                answer = await send(voice, operation, "plain", given)
                (found,) = answer.body["data"].values()
                assert found not in (None, [None]), (str(voice), operation)


async def test_lists_hold_what_is_published_and_what_is_ones_own(
    voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    for voice in voices:
        realm = home if voice.is_home else abroad
        published = {realm.id(f"event.{kind}") for kind in ("mine", "theirs", "desk")}
        listed = (await voice.ask(EVENTS)).body["data"]["events"]["edges"]
        assert {edge["node"]["id"] for edge in listed} == published, str(voice)
        if voice.role in {None, Role.PATIENT}:
            continue
        kinds = {Role.DOCTOR: ("mine",), Role.RECEPTIONIST: ("desk",)}.get(
            voice.role, ("mine", "theirs", "desk")
        )
        own = {realm.id(f"{thing}.{kind}") for kind in kinds for thing in ("event", "draft")}
        listed = (await voice.ask(EVENTS, mine=True)).body["data"]["events"]["edges"]
        assert {edge["node"]["id"] for edge in listed} == own, str(voice)


# ---------------------------------------------------------------------------- nobody's own


async def without_a_record(clinic: Clinic, role: Role) -> Api:
    """Somebody who has the role of a doctor or of a patient, and is none."""
    person = await clinic.factory.person(role)
    async with clinic.factory.database.writing(clinic.factory.organization.id) as session:
        kind: type[Doctor | Patient] = Doctor if role is Role.DOCTOR else Patient
        await session.execute(delete(kind).where(kind.user_id == person.user.id))
    return clinic.public.signed_in(person.token)


@pytest.mark.parametrize("role", [Role.DOCTOR, Role.PATIENT])
async def test_what_has_no_doctor_or_no_patient_is_not_of_those_who_are_none(
    clinic: Clinic, role: Role
) -> None:
    """Bookings of events have no doctor, those of guests no patient either."""
    event = await an_event(clinic.doctor)
    first, second = slots_of(event)
    guest = await booked(clinic.public, first)
    mine = await clinic.patient.done("bookEventSlot", BOOKED, slotId=second)
    nobody = await without_a_record(clinic, role)
    document = """query ($ids: [ID!]!) { nodes(ids: $ids) { id } appointments { totalCount }
      patients { totalCount } }"""
    patient = clinic.person(Role.PATIENT)
    ids = [guest["id"], mine["id"], id_of(patient.patient), id_of(patient.user)]
    found = await nobody.ask(document, ids=ids)
    assert found == {
        "nodes": [None] * 4,
        "appointments": {"totalCount": 0},
        "patients": {"totalCount": 0},
    }
    for act in ("cancelAppointment", "updateAppointment"):
        payload = await nobody.act(act, "appointment { id }", appointmentId=guest["id"])
        assert [error["code"] for error in payload["errors"]] == ["NOT_FOUND"]


async def test_who_is_no_staff_any_more_runs_no_event(clinic: Clinic) -> None:
    event = await an_event(clinic.doctor, is_published=False)
    user = clinic.person(Role.DOCTOR).user
    async with clinic.factory.database.writing(clinic.factory.organization.id) as session:
        await session.execute(
            update(type(user)).where(type(user).id == user.id).values(role=Role.PATIENT)
        )
    found = await clinic.doctor.ask(
        "query ($slug: String!) { event(slug: $slug) { id } }", slug=event["slug"]
    )
    assert found == {"event": None}
    code = await clinic.doctor.error_code("{ events(mine: true) { totalCount } }")
    assert code == "FORBIDDEN"
