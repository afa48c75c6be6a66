"""Lists hold what may be seen and count nothing else, and no filter, search or cursor tells of
what is not in them."""

from typing import Any
from uuid import uuid4

import pytest

from models import Role
from tests.access.realm import SEES, Realm
from tests.access.test_nodes import collected
from tests.access.voices import Voice

PAGE = "totalCount pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor node { id } }"
PATIENTS = f"""
query ($first: Int = 50, $after: String, $search: String) {{
  list: patients(first: $first, after: $after, search: $search) {{ {PAGE} }} }}"""
APPOINTMENTS = f"""
query ($first: Int = 50, $after: String, $filter: AppointmentFilter, $newest: Boolean) {{
  list: appointments(first: $first, after: $after, filter: $filter, newestFirst: $newest)
  {{ {PAGE} }} }}"""
OF_PATIENT = f"""
query ($id: ID!, $filter: AppointmentFilter) {{
  node(id: $id) {{ ... on Patient {{ appointments(filter: $filter) {{ {PAGE} }} }} }} }}"""
DIRECTORY = f"""
{{ doctors {{ {PAGE} }} departments {{ {PAGE} }} offices {{ {PAGE} }}
   inside: departments {{ edges {{ node {{ doctorCount doctors {{ {PAGE} }} }} }} }} }}"""
DOCTORS = f"""
query ($department: ID, $office: ID, $search: String) {{
  list: doctors(departmentId: $department, officeId: $office, search: $search) {{ {PAGE} }} }}"""


def signed_in(voices: list[Voice]) -> list[Voice]:
    return [voice for voice in voices if voice.role is not None]


def permitted(voice: Voice, home: Realm, abroad: Realm, thing: str) -> set[str]:
    """The ids of all things of a kind that the voice may be shown, archived ones aside."""
    own = home if voice.is_home else abroad
    names = {name for name in own.rows if name.startswith(f"{thing}.")} - {f"{thing}.gone"}
    if thing == "appointment" and voice.role is Role.ADMIN:
        names |= {name for name in own.rows if name.startswith(("booking.", "open."))}
    if thing in {"patient", "appointment"} and voice.role in SEES:
        names &= SEES[voice.role]
    return {own.id(name) for name in names}


async def listed(voice: Voice, document: str, **variables: Any) -> dict[str, Any]:
    answer = await voice.ask(document, **variables)
    assert "errors" not in answer.body, answer.raw
    found: dict[str, Any] = answer.body["data"]["list"]
    return found


def ids(page: dict[str, Any]) -> list[str]:
    return [edge["node"]["id"] for edge in page["edges"]]


@pytest.mark.parametrize(
    ("thing", "document"), [("patient", PATIENTS), ("appointment", APPOINTMENTS)]
)
async def test_a_list_is_what_may_be_seen_and_counts_that(
    thing: str, document: str, voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    """On one page, and on pages of one."""
    for voice in signed_in(voices):
        whole = permitted(voice, home, abroad, thing)
        page = await listed(voice, document)
        assert set(ids(page)) == whole, str(voice)
        assert (page["totalCount"], len(page["edges"])) == (len(whole), len(whole))
        assert not page["pageInfo"]["hasNextPage"]
        found, after = [], None
        for left in range(len(whole) - 1, -1, -1):
            one = await listed(voice, document, first=1, after=after)
            assert one["totalCount"] == len(whole)
            assert one["pageInfo"]["hasNextPage"] == bool(left)
            found += ids(one)
            after = one["pageInfo"]["endCursor"]
        assert found == ids(page), str(voice)


async def test_the_newest_first_are_the_same(
    voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    for voice in signed_in(voices):
        page = await listed(voice, APPOINTMENTS, newest=True)
        assert set(ids(page)) == permitted(voice, home, abroad, "appointment")
        assert page["totalCount"] == len(page["edges"])


async def test_a_view_of_ones_own_begins_with_ones_own(
    voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    """All visits are tomorrow's, so it shows what the list does."""
    document = "subscription { appointmentChanges { appointments { id patient { name } } } }"
    for voice in (v for v in voices if v.role in SEES):
        body = await voice.ask_on_a_socket(document)
        shown = {one["id"] for one in body["data"]["appointmentChanges"]["appointments"]}
        assert shown == permitted(voice, home, abroad, "appointment"), str(voice)


async def test_nothing_is_found_by_what_was_written_about_it(
    voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    """Not even what may be seen: a search would tell the front desk why a patient comes, word for
    word, and a patient what was noted.
    """
    for voice in signed_in(voices):
        own = home if voice.is_home else abroad
        for name in ("appointment.mine", "appointment.old.mine"):
            visit = own.rows[name]
            for text in (visit.reason, visit.staff_notes, visit.cancellation_reason):
                sought = {"search": text or visit.reason}
                page = await listed(voice, APPOINTMENTS, filter=sought)
                assert (page["totalCount"], page["edges"]) == (0, []), (str(voice), sought)
        patient = own.rows["patient.mine"]
        for text in (patient.notes, str(patient.birth_date)):
            page = await listed(voice, PATIENTS, search=text)
            assert (page["totalCount"], page["edges"]) == (0, []), str(voice)


async def test_the_directory_is_that_of_the_organization(
    voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    for voice in voices:
        data = (await voice.ask(DIRECTORY)).body["data"]
        for thing in ("doctor", "department", "office"):
            whole = permitted(voice, home, abroad, thing)
            assert set(ids(data[f"{thing}s"])) == whole, str(voice)
            assert data[f"{thing}s"]["totalCount"] == len(whole)
        # One doctor belongs to each; the one who has left is not counted with them.
        inside = [edge["node"] for edge in data["inside"]["edges"]]
        assert [(i["doctorCount"], i["doctors"]["totalCount"]) for i in inside] == [(1, 1)] * 2


async def test_a_patients_visits_are_those_that_the_viewer_may_see(
    voices: list[Voice], home: Realm
) -> None:
    """A doctor does not see those with another doctor, though the patient is theirs as well."""
    every = {home.id(f"appointment.{name}") for name in ("mine", "old.mine", "shared")}
    with_doctor = every - {home.id("appointment.shared")}
    for voice in (v for v in signed_in(voices) if v.is_home):
        answer = await voice.ask(OF_PATIENT, id=home.id("patient.mine"))
        page = answer.body["data"]["node"]["appointments"]
        whole = with_doctor if voice.role is Role.DOCTOR else every
        assert (set(ids(page)), page["totalCount"]) == (whole, len(whole)), str(voice)
        # Whom else the filter names, it is this patient's.
        other = {"patientId": home.id("patient.theirs")}
        answer = await voice.ask(OF_PATIENT, id=home.id("patient.mine"), filter=other)
        assert set(ids(answer.body["data"]["node"]["appointments"])) == whole


def hidden_filters(voice: Voice, home: Realm, abroad: Realm) -> list[dict[str, Any]]:
    """Filters by things that the voice may not see."""
    strange = abroad if voice.is_home else home
    named = [("patientId", "patient"), ("doctorId", "doctor"), ("departmentId", "department")]
    found: list[dict[str, Any]] = [{name: strange.id(f"{thing}.mine")} for name, thing in named]
    found += [{"search": strange.rows[name].reference} for name in ("appointment.mine",)]
    found.append({"search": strange.rows["patient.mine"].name})
    if voice.is_home and voice.role in SEES:
        found.append({"patientId": home.id("patient.theirs")})
        for name in ("appointment.theirs", "appointment.old.gone"):
            found.append({"search": home.rows[name].reference})
            found.append({"search": home.rows[name].reason})
        found += [{"search": home.rows[f"patient.{k}"].name} for k in ("theirs", "gone")]
    if voice.is_home and voice.role is Role.DOCTOR:
        found.append({"doctorId": home.id("doctor.theirs")})
    return found


def named_as(sought: dict[str, Any]) -> dict[str, Any]:
    """The same filter, by something that does not exist."""
    ((name, value),) = sought.items()
    if name == "search":
        return {name: "nothing is called so"}
    return {name: f"{value.rpartition('_')[0]}_{uuid4().hex}"}


async def test_a_filter_by_what_is_hidden_is_one_by_nothing(
    voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    for voice in signed_in(voices):
        filters = hidden_filters(voice, home, abroad)
        controls = {}
        for (name,), sought in ((tuple(sought), sought) for sought in filters):
            if name not in controls:
                control = await voice.ask(APPOINTMENTS, filter=named_as(sought))
                assert control.body["data"]["list"]["totalCount"] == 0
                controls[name] = control.shape
            answer = await voice.ask(APPOINTMENTS, filter=sought)
            assert answer.shape == controls[name], (str(voice), sought)


async def test_nobody_is_found_by_what_may_not_be_known_of_them(
    voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    """Neither patients nor doctors: by name, address, number, birthday, or what was noted."""
    for voice in voices:
        strange = abroad if voice.is_home else home
        patient = strange.rows["patient.mine"]
        words = [patient.name, patient.email]
        if voice.is_home and voice.role in SEES:
            patient = home.rows["patient.theirs"]
            words += [patient.name, patient.email, patient.email[:6], patient.phone]
            words += [str(patient.birth_date), patient.notes, home.rows["patient.gone"].name]
        document = PATIENTS if voice.role else DOCTORS
        control = await voice.ask(document, search="nothing is called so")
        assert control.body["data"]["list"]["totalCount"] == 0
        for sought in words:
            assert (await voice.ask(document, search=sought)).shape == control.shape, str(voice)
        # Everybody asks the directory the same; those who might be told most are enough.
        if voice.role in {None, Role.ADMIN}:
            account = (home if voice.is_home else abroad).rows["user.doctor.mine"]
            for sought in (account.name, account.email, account.phone, account.username):
                answer = await voice.ask(DOCTORS, search=sought)
                assert answer.body["data"]["list"]["totalCount"] == 0, str(voice)


async def test_doctors_of_a_department_elsewhere_are_doctors_of_none(
    voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    for voice in voices:
        strange = abroad if voice.is_home else home
        for name in ("department", "office"):
            nowhere = {name: f"{name}_{uuid4().hex}"}
            control = await voice.ask(DOCTORS, **nowhere)
            answer = await voice.ask(DOCTORS, **{name: strange.id(f"{name}.mine")})
            assert answer.shape == control.shape
            assert control.body["data"]["list"]["totalCount"] == 0


@pytest.mark.parametrize(
    ("thing", "document"), [("patient", PATIENTS), ("appointment", APPOINTMENTS)]
)
async def test_a_cursor_of_somebody_else_opens_nothing(
    thing: str, document: str, voices: list[Voice], home: Realm, abroad: Realm
) -> None:
    """It says where to go on, in what the viewer may see; it counts nothing else."""
    admins = [voice for voice in voices if voice.role is Role.ADMIN]
    # Some of each, at different places of the list.
    cursors = [
        edge["cursor"] for admin in admins for edge in (await listed(admin, document))["edges"][::3]
    ]
    for voice in signed_in(voices):
        whole = ids(await listed(voice, document))
        for cursor in cursors:
            page = await listed(voice, document, after=cursor)
            found = ids(page)
            assert found == whole[len(whole) - len(found) :], str(voice)
            assert page["totalCount"] == len(whole)
            assert collected(page, thing) <= permitted(voice, home, abroad, thing)
