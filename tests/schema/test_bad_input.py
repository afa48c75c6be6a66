"""Texts, numbers, lists and nulls that nobody expects, in every place that takes one."""

import json
import unicodedata
from itertools import product
from typing import Any

import pytest
from graphql import is_non_null_type

from models import Role
from schema.view import LARGEST_BODY
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import PASSWORD, id_of
from tests.rows import unchanged
from tests.schema.plausible import MUTATIONS, QUERIES, Place, document, places, world_of

TEXTS_IN_MUTATIONS = places(MUTATIONS, "String")
TEXTS_IN_QUERIES = places(QUERIES, "String")
NUMBERS = [*places(MUTATIONS, "Int"), *places(QUERIES, "Int")]
# Acts that hash passwords, which takes time on purpose: they get a few texts and not all.
HASHING = {"signUp", "signIn", "changePassword", "acceptInvitation", "requestEmailChange"}

TEXTS = (
    "",
    " \n\t\r\n",
    "x" * 10_000,
    "x" * 100_000,
    "\u00a0\u2003\u3000\u200b\u200d\ufeff",
    "\u202egnp.exe\u202c \u2066\u0627\u0628\u2069 \U0001f469\u200d\U0001f469 \U0001f3f3\ufe0f",
    "Z" + "\u0301\u0327\u0336" * 60 + "\u0130I\u0131\u1e9e\ufb03\uffff\U0010ffff",
    # Composed it is twice as long.
    "\u0958" * 200,
    "'; DROP TABLE slots; -- \" OR 1=1 /* %_\\%\\_*?[a-z](a+)+$",
    "%s %n {0} {self.__class__} ${jndi:ldap://x} $(id) `id` <script> ../../etc/passwd",
)
FEW_TEXTS = ("x" * 120_000, "\u202e\U0001f469\u200d\u0301 %s '; --")
CONTROLS = ("\0", "a\x1b[31mb", "a\x7f\x85b")
# What a secret is made of is nobody's business: a wrong one is refused as what it is.
SECRETS = {"password", "currentPassword", "token", "refreshToken", "manageToken", "login"}


def check_answered(answer: dict[str, Any], place: Place, text: str) -> list[dict[str, Any]]:
    """Whatever was sent, it was answered: done, or refused for a reason. The reasons."""
    for error in answer.get("errors", ()):
        code = error["extensions"]["code"]
        assert code in {"BAD_INPUT", "NOT_FOUND"}, (str(place), text[:50], error)
    shown = (answer["data"] or {}).get(place.operation) or {}
    refusals: list[dict[str, Any]] = shown.get("errors", []) if isinstance(shown, dict) else []
    for refusal in refusals:
        assert refusal["message"]
        assert refusal["code"]
    return refusals


def test_the_schema_was_read() -> None:
    assert len(TEXTS_IN_MUTATIONS) >= 40
    assert len(TEXTS_IN_QUERIES) >= 10
    assert len(NUMBERS) >= 15


@pytest.mark.parametrize("part", range(4))
async def test_any_text_is_answered_wherever_one_goes(clinic: Clinic, part: int) -> None:
    world = await world_of(clinic)
    for place in (TEXTS_IN_MUTATIONS + TEXTS_IN_QUERIES)[part::4]:
        for text in FEW_TEXTS if place.operation in HASHING else TEXTS:
            check_answered(await world.send(place, text), place, text)


async def test_control_characters_are_refused_and_nothing_changes(clinic: Clinic) -> None:
    world = await world_of(clinic)
    async with unchanged(clinic.factory):
        for place in TEXTS_IN_MUTATIONS:
            for text in CONTROLS[: 1 if place.operation in HASHING else None]:
                what = (str(place), text)
                refusals = check_answered(await world.send(place, text), place, text)
                assert refusals, what
                if place.name not in SECRETS:
                    (refusal,) = refusals
                    assert refusal["__typename"] == "InvalidInput", what
                    assert refusal["path"][: len(place.path)] == list(place.path), what


async def test_control_characters_in_a_question_are_answered(clinic: Clinic) -> None:
    world = await world_of(clinic)
    for place, text in product(TEXTS_IN_QUERIES, CONTROLS):
        check_answered(await world.send(place, text), place, text)


async def test_a_lone_surrogate_is_refused_before_anything_is_carried_out(clinic: Clinic) -> None:
    world = await world_of(clinic)
    async with unchanged(clinic.factory):
        for place in TEXTS_IN_MUTATIONS:
            answer = await world.send(place, "a\ud800b")
            assert answer["errors"][0]["extensions"] == {"code": "QUERY_REJECTED"}, place
            assert "data" not in answer
        for escape in ("\\uD800", "\\uDC00\\uD800", "\\u{D800}", "\\u{110000}", "\\u00"):
            literal = (
                f'mutation {{ createDepartment(input: {{name: "a{escape}"}}) {{ __typename }} }}'
            )
            assert await clinic.admin.error_code(literal) == "QUERY_REJECTED", escape


async def test_a_text_as_long_as_a_body_may_be_is_answered_and_a_longer_one_refused(
    clinic: Clinic,
) -> None:
    values = {"name": "", "description": "x"}
    frame = len(json.dumps({"query": document("createDepartment"), "variables": {"input": values}}))
    fits = "x" * (LARGEST_BODY - frame)
    refused = await clinic.admin.refusal("createDepartment", "department { id }", name=fits[:-500])
    assert (refused["__typename"], refused["path"]) == ("InvalidInput", ["input", "name"])
    answer = await clinic.admin.send(
        document("createDepartment"), input={"name": "x" * 1_000_000, "description": "x"}
    )
    assert answer["errors"][0]["extensions"] == {"code": "QUERY_REJECTED"}
    found = await clinic.admin.ask("{ departments { totalCount } }")
    assert found == {"departments": {"totalCount": 0}}


@pytest.mark.parametrize(
    "value", [2**31, -(2**31) - 1, 2**53, 2**63, -(2**63), 1e300, 1.5, "1", True, [], {}, ""]
)
async def test_what_is_no_32_bit_number_is_bad_input(clinic: Clinic, value: Any) -> None:
    world = await world_of(clinic)
    for place in NUMBERS:
        if value == [] and place.name == "reminderHoursBefore":
            continue
        arguments = world.spoiled(place, value)
        (error, *_) = (
            await world.api(place.operation).send(document(place.operation), **arguments)
        )["errors"]
        assert error["extensions"]["code"] == "BAD_INPUT", place


@pytest.mark.parametrize("value", [-(2**31), -1, 2**31 - 1])
async def test_a_number_out_of_range_is_refused_and_nothing_changes(
    clinic: Clinic, value: int
) -> None:
    world = await world_of(clinic)
    async with unchanged(clinic.factory):
        for place in NUMBERS:
            answer = await world.send(place, value)
            if place.operation in QUERIES:
                assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT", place
                continue
            (refusal,) = check_answered(answer, place, str(value))
            if place.name == "expectedVersion":
                assert refusal["__typename"] == "StaleVersion", place
            else:
                assert refusal["__typename"] == "InvalidInput", place
                assert [part for part in refusal["path"] if not part.isdigit()] == list(place.path)


def may_be_null(place: Place) -> bool:
    return not is_non_null_type(place.kind)


ALL_PLACES = [
    place
    for kind in ("String", "Int", "ID", "Boolean", "Date", "DateTime", "TimeZone", "Weekday")
    for place in (*places(MUTATIONS, kind), *places(QUERIES, kind))
]


# What need not be given, and is needed all the same, or is what the others leave open.
PATIENT = ("input", "patientId")
NEEDED = {
    "joinWaitlist": {PATIENT, ("input", "doctorId")},
    "bookSeries": {PATIENT, ("input", "recurrence", "count")},
}


async def test_null_is_answered_where_it_is_allowed_and_bad_input_elsewhere(
    clinic: Clinic,
) -> None:
    world = await world_of(clinic)
    for place in sorted(ALL_PLACES, key=lambda place: place.operation.startswith("delete")):
        answer = await world.send(place, None)
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        if may_be_null(place):
            assert codes <= {"NOT_FOUND"}, (str(place), answer)
            refusals = check_answered(answer, place, "null")
            is_needed = place.path in NEEDED.get(place.operation, {PATIENT})
            if not is_needed:
                assert all(refusal["__typename"] != "InvalidInput" for refusal in refusals), place
        else:
            assert codes == {"BAD_INPUT"}, (str(place), answer)


async def test_null_clears_what_may_be_empty_and_leaves_the_rest(clinic: Clinic) -> None:
    patient = await clinic.factory.patient(
        "Pat", email="pat@clinic.example", phone="+34612345678", notes="Tall"
    )
    fields = "patient { name email phone notes }"
    kept = await clinic.reception.done("updatePatient", fields, patientId=id_of(patient))
    whole = {
        "name": "Pat",
        "email": "pat@clinic.example",
        "phone": "+34612345678",
        "notes": "Tall",
    }
    assert kept == whole
    # A name is never empty: null is the same as nothing said.
    cleared = await clinic.reception.done(
        "updatePatient", fields, patientId=id_of(patient), name=None, phone=None, notes=None
    )
    assert cleared == {**whole, "phone": None, "notes": None}


async def test_null_lifts_the_limit_of_the_policy_and_leaves_its_other_parts(
    clinic: Clinic,
) -> None:
    fields = "organization { bookingPolicy { maxOpenAppointmentsPerPatient horizonMonths } }"
    policy: dict[str, Any] = {"maxOpenAppointmentsPerPatient": 3, "horizonMonths": 2}
    for given, kept in (
        (policy, policy),
        ({"horizonMonths": None}, policy),
        ({}, policy),
        (None, policy),
        (
            {"maxOpenAppointmentsPerPatient": None},
            {**policy, "maxOpenAppointmentsPerPatient": None},
        ),
    ):
        changed = await clinic.admin.done("updateOrganization", fields, bookingPolicy=given)
        assert changed == {"bookingPolicy": kept}


async def test_empty_lists_are_answered(clinic: Clinic) -> None:
    calendar = clinic.person(Role.DOCTOR).calendar
    await clinic.factory.template(calendar)
    hours = {"weekdays": [], "startTime": "09:00", "endTime": "10:00", "slotMinutes": 30}
    refused = await clinic.admin.refusal(
        "setAvailability", "calendar { id }", calendarId=id_of(calendar), templates=[hours]
    )
    assert refused["path"] == ["input", "templates", "0", "weekdays"]
    kept = await clinic.admin.ask(
        "query ($id: ID!) { calendar(id: $id) { templates { id } } }", id=id_of(calendar)
    )
    assert len(kept["calendar"]["templates"]) == 1
    emptied = await clinic.admin.done(
        "setAvailability",
        "calendar { templates { id } }",
        calendarId=id_of(calendar),
        templates=[],
    )
    assert emptied == {"templates": []}
    found = await clinic.admin.ask("{ appointments(filter: {status: []}) { totalCount } }")
    assert found == {"appointments": {"totalCount": 0}}
    policy = {"reminderHoursBefore": []}
    fields = "organization { bookingPolicy { reminderHoursBefore } }"
    assert await clinic.admin.done("updateOrganization", fields, bookingPolicy=policy) == {
        "bookingPolicy": policy
    }


@pytest.mark.parametrize(
    ("mutation", "values", "path"),
    [
        (
            "updateOrganization",
            {"bookingPolicy": {"reminderHoursBefore": [1] * 6}},
            ["bookingPolicy", "reminderHoursBefore"],
        ),
        (
            "createDoctor",
            {"name": "A", "email": "a@b.example", "languages": ["en"] * 21},
            ["languages"],
        ),
        (
            "createDoctor",
            {"name": "A", "email": "a@b.example", "languages": ["xx-yy"]},
            ["languages"],
        ),
    ],
)
async def test_lists_that_are_too_long_or_hold_nonsense_are_refused(
    clinic: Clinic, mutation: str, values: dict[str, Any], path: list[str]
) -> None:
    async with unchanged(clinic.factory):
        (refused,) = (await clinic.admin.act(mutation, "", **values))["errors"]
    assert (refused["__typename"], refused["path"]) == ("InvalidInput", ["input", *path])


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  Ana  ", "Ana"),
        ("\u00a0\u2003Ana\u3000", "Ana"),
        ("Jose\u0301", "Jos\u00e9"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("A\u030angstro\u0308m", "\u00c5ngstr\u00f6m"),
        ("\u0627\u0628\u062c \u200f", "\u0627\u0628\u062c \u200f"),
        ("\U0001f469\u200d\u2695\ufe0f", "\U0001f469\u200d\u2695\ufe0f"),
        ("O'Brien; -- %_\\", "O'Brien; -- %_\\"),
    ],
)
async def test_a_text_is_kept_composed_and_trimmed(clinic: Clinic, written: str, kept: str) -> None:
    made = await clinic.reception.done("registerPatient", "patient { id name }", name=written)
    assert made["name"] == kept
    assert unicodedata.is_normalized("NFC", made["name"])
    # It is found by what was written and by what is kept.
    for search in {kept, kept[1:-1] or kept, written.strip()}:
        found = await clinic.reception.ask(
            "query ($x: String) { patients(search: $x) { edges { node { id } } } }", x=search
        )
        assert {"node": {"id": made["id"]}} in found["patients"]["edges"]


@pytest.mark.parametrize("search", ["%", "_", "\\", "%%", "' OR 1=1 --", "(a+)+$"])
async def test_a_search_takes_every_character_literally(clinic: Clinic, search: str) -> None:
    document = "query ($x: String) { patients(search: $x) { totalCount } }"
    assert (await clinic.reception.ask(document, x="patient"))["patients"]["totalCount"] == 1
    assert (await clinic.reception.ask(document, x=search))["patients"]["totalCount"] == 0


async def test_a_password_is_what_it_is(public: Api) -> None:
    """Neither trimmed nor cut: 72 characters, the end of which bcrypt would not see, count."""
    base = f" {PASSWORD} " + "\u00e9 and some more of it " * 3
    values = {"name": "Pat", "email": "pat@clinic.example"}
    await public.done("signUp", "accepted", **values, password=base + "1")
    for wrong in (base + "2", (base + "1").strip(), base, "x" * 100_000, base + "\0", "\0", ""):
        refused = await public.refusal(
            "signIn", "session { accessToken }", login="pat@clinic.example", password=wrong
        )
        assert refused["__typename"] == "InvalidCredentials"
    session = await public.done(
        "signIn", "session { user { name } }", login=" PAT@clinic.example ", password=base + "1"
    )
    assert session == {"user": {"name": "Pat"}}
