"""Accounts through the API: signing up, the viewer, the own profile and the own password."""

import asyncio
import re
from uuid import uuid4

import pytest

from models import Patient, Role
from services.passwords import HASHING
from tests.api import Api
from tests.conftest import Clinic
from tests.factories import PASSWORD, Factory, id_of
from tests.rivals import line_up
from tests.rows import kept, unchanged

NEW_PASSWORD = "seven quiet herons on a pier"
HASH = HASHING.hash(PASSWORD)
USER = """
    username email name phone role isActive locale timeZone
    doctor { id } patient { name email phone }
"""
SESSION = f"accepted session {{ accessToken user {{ {USER} }} }}"
SESSION_ONLY = "session { accessToken user { id } }"
ANA = {"name": "Ana López", "email": "Ana.Lopez@Mail.Example", "password": PASSWORD}


async def username_of(api: Api, email: str) -> str:
    """The username that is made for an address."""
    made = await api.act("signUp", SESSION, **{**ANA, "email": email})
    assert made["errors"] == []
    return made["session"]["user"]["username"]


async def can_sign_in(api: Api, login: str, password: str) -> bool:
    answer = await api.act("signIn", SESSION_ONLY, login=login, password=password)
    return answer["session"] is not None


# ------------------------------------------------------------------------------------ signing up


async def test_signing_up_makes_a_patient_who_is_signed_in(public: Api) -> None:
    made = await public.act("signUp", SESSION, **ANA)
    token = made["session"].pop("accessToken")
    user = {
        "username": "ana-lopez",
        "email": "ana.lopez@mail.example",
        "name": "Ana López",
        "phone": None,
        "role": "PATIENT",
        "isActive": True,
        "locale": "en-GB",
        "timeZone": "Europe/Madrid",
        "doctor": None,
        "patient": {"name": "Ana López", "email": "ana.lopez@mail.example", "phone": None},
    }
    assert made == {"accepted": True, "session": {"user": user}, "errors": []}
    viewer = await public.signed_in(token).ask(f"{{ viewer {{ {USER} }} }}")
    assert viewer == {"viewer": user}


async def test_a_new_patient_says_what_differs_from_the_organization(public: Api) -> None:
    made = await public.act(
        "signUp",
        SESSION,
        **ANA,
        username=" Ana_1 ",
        phone="020 7946 0018",
        locale="es-MX",
        timeZone="America/Mexico_City",
    )
    user = made["session"]["user"]
    said = {key: user[key] for key in ("username", "phone", "locale", "timeZone")}
    assert said == {
        "username": "ana_1",
        "phone": "+442079460018",
        "locale": "es-MX",
        "timeZone": "America/Mexico_City",
    }
    assert user["patient"]["phone"] == "+442079460018"


async def test_a_username_is_made_from_the_address_and_is_free(public: Api) -> None:
    assert await username_of(public, "ana.lopez@mail.example") == "ana-lopez"
    assert re.fullmatch(
        "ana-lopez-[0-9a-f]{6}", await username_of(public, "ana-lopez@other.example")
    )
    assert re.fullmatch("user-[0-9a-f]{6}", await username_of(public, "x@mail.example"))


async def test_two_who_sign_up_at_once_get_usernames_of_their_own(public: Api) -> None:
    domains = ("one", "two", "three", "four")
    made = await asyncio.gather(*(username_of(public, f"ana@{d}.example") for d in domains))
    assert sorted(name[:4] for name in made) == ["ana", "ana-", "ana-", "ana-"]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"email": "KNOWN@clinic.example"}, "EMAIL_TAKEN", "email"),
        ({"username": "Known"}, "USERNAME_TAKEN", "username"),
        ({"password": "short but odd!"}, "WEAK_PASSWORD", "password"),
        ({"password": "aaaaaaaaaaaaaaaaaaaa"}, "WEAK_PASSWORD", "password"),
        ({"password": "Ana.Lopez@Mail.Example"}, "WEAK_PASSWORD", "password"),
        ({"password": "a word too many " * 17}, "INVALID_INPUT", "password"),
        ({"password": f"{PASSWORD}\0"}, "INVALID_INPUT", "password"),
        ({"name": " "}, "INVALID_INPUT", "name"),
        ({"name": "Ana\0"}, "INVALID_INPUT", "name"),
        ({"name": "A" * 201}, "INVALID_INPUT", "name"),
        ({"email": "ana@"}, "INVALID_INPUT", "email"),
        ({"username": "an"}, "INVALID_INPUT", "username"),
        ({"username": "ana@mail"}, "INVALID_INPUT", "username"),
        ({"phone": "call me"}, "INVALID_INPUT", "phone"),
        ({"locale": "English"}, "INVALID_INPUT", "locale"),
    ],
)
async def test_a_refused_sign_up_leaves_nothing_behind(
    factory: Factory, public: Api, changes: dict[str, str], code: str, path: str
) -> None:
    await factory.person(Role.PATIENT, email="known@clinic.example", username="known")
    async with unchanged(factory):
        refusal = await public.refusal("signUp", SESSION, **{**ANA, **changes})
    assert (refusal["code"], refusal["path"]) == (code, ["input", path])


async def test_a_time_zone_that_does_not_exist_is_no_input(factory: Factory, public: Api) -> None:
    document = "mutation ($input: SignUpInput!) { signUp(input: $input) { accepted } }"
    wrong = {**ANA, "timeZone": "Europe/Atlantis"}
    async with unchanged(factory):
        assert await public.error_code(document, input=wrong) == "BAD_INPUT"


async def test_an_address_that_the_front_desk_knows_stays_with_its_record(
    factory: Factory, public: Api
) -> None:
    known = await factory.patient("Ana L.", email="ana.lopez@mail.example")
    before = await kept(factory, Patient)
    made = await public.act("signUp", SESSION, **ANA)
    user = made["session"]["user"]
    assert user["email"] == "ana.lopez@mail.example"
    assert user["patient"] == {"name": "Ana López", "email": None, "phone": None}
    after = await kept(factory, Patient)
    assert [row for row in after if row["id"] == str(known.id)] == before
    assert len(after) == 2


async def test_an_address_that_becomes_known_meanwhile_stays_with_its_record(
    factory: Factory, public: Api
) -> None:
    async with factory.database.writing(factory.organization.id) as session:
        known = {"name": "Ana L.", "email": "ana.lopez@mail.example"}
        session.add(Patient(organization_id=factory.organization.id, id=uuid4(), **known))
        await session.flush()
        # Signing up finds no such patient yet, and waits for this transaction to end.
        (signing_up,) = await line_up(factory, public.act("signUp", SESSION, **ANA))
    made = await signing_up
    assert made["errors"] == []
    assert made["session"]["user"]["patient"]["email"] is None


# ------------------------------------------------------------------------------------ the viewer


async def test_the_public_is_nobody(public: Api) -> None:
    assert await public.ask("{ viewer { id } }") == {"viewer": None}


@pytest.mark.parametrize("role", list(Role))
async def test_people_see_who_they_are(clinic: Clinic, role: Role) -> None:
    person = clinic.person(role)
    viewer = (
        await clinic.public.signed_in(person.token).ask(
            "{ viewer { id username email role doctor { id name } patient { id name email } } }"
        )
    )["viewer"]
    assert viewer == {
        "id": id_of(person.user),
        "username": person.user.username,
        "email": person.user.email,
        "role": role.value,
        "doctor": person.doctor and {"id": id_of(person.doctor), "name": person.doctor.name},
        "patient": person.patient
        and {
            "id": id_of(person.patient),
            "name": person.patient.name,
            "email": person.patient.email,
        },
    }


async def test_who_sees_which_accounts(clinic: Clinic) -> None:
    ids = [id_of(clinic.person(role).user) for role in Role]
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    seen = {
        name: [node and node["id"] for node in (await api.ask(document, ids=ids))["nodes"]]
        for name, api in vars(clinic).items()
        if isinstance(api, Api)
    }
    assert seen == {
        "public": [None] * 4,
        "admin": ids,
        "reception": ids,
        # Of patients those whom they treat, and here is none.
        "doctor": [*ids[:3], None],
        "patient": [None, None, None, id_of(clinic.person(Role.PATIENT).user)],
    }


# ----------------------------------------------------------------------------------- the profile


async def test_a_profile_is_changed_and_the_patient_record_follows(clinic: Clinic) -> None:
    user = await clinic.patient.done(
        "updateProfile",
        f"user {{ {USER} }}",
        name=" Pía Nuñez ",
        phone="+34 600 000 000",
        locale="es",
        timeZone="Atlantic/Canary",
    )
    person = clinic.person(Role.PATIENT).user
    assert user == {
        "username": person.username,
        "email": person.email,
        "name": "Pía Nuñez",
        "phone": "+34600000000",
        "role": "PATIENT",
        "isActive": True,
        "locale": "es",
        "timeZone": "Atlantic/Canary",
        "doctor": None,
        "patient": {"name": "Pía Nuñez", "email": person.email, "phone": "+34600000000"},
    }


async def test_what_a_profile_leaves_out_stays_and_null_clears(clinic: Clinic) -> None:
    everything = "user { name phone locale timeZone patient { name phone } }"
    await clinic.patient.done(
        "updateProfile", everything, name="Pia", phone="+34600000000", timeZone="Asia/Tokyo"
    )
    kept = await clinic.patient.done("updateProfile", everything, locale="de")
    assert kept == {
        "name": "Pia",
        "phone": "+34600000000",
        "locale": "de",
        "timeZone": "Asia/Tokyo",
        "patient": {"name": "Pia", "phone": "+34600000000"},
    }
    cleared = await clinic.patient.done("updateProfile", everything, phone=None)
    assert cleared == kept | {"phone": None, "patient": {"name": "Pia", "phone": None}}
    assert await clinic.patient.done("updateProfile", everything) == cleared


async def test_a_profile_does_not_undo_what_the_front_desk_knows(clinic: Clinic) -> None:
    patient = clinic.person(Role.PATIENT).patient
    known = {"name": "Pia Married", "phone": "+34600000001"}
    await clinic.reception.done(
        "updatePatient", "patient { id }", patientId=id_of(patient), **known
    )
    user = "user { patient { name phone } }"
    assert await clinic.patient.done("updateProfile", user, locale="de") == {"patient": known}
    phone = "+34600000002"
    changed = await clinic.patient.done("updateProfile", user, phone=phone)
    assert changed == {"patient": known | {"phone": phone}}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"phone": "12"}, "phone"),
        ({"locale": "es_MX"}, "locale"),
    ],
)
async def test_a_profile_is_refused_whole(
    clinic: Clinic, changes: dict[str, str], path: str
) -> None:
    given = {"name": "Somebody Else", "phone": "+34600000000", "locale": "de", **changes}
    async with unchanged(clinic.factory):
        refusal = await clinic.patient.refusal("updateProfile", "user { id }", **given)
    assert (refusal["code"], refusal["path"]) == ("INVALID_INPUT", ["input", path])


async def test_null_for_what_cannot_be_empty_says_nothing(clinic: Clinic) -> None:
    null = dict.fromkeys(("name", "locale", "timeZone"))
    async with unchanged(clinic.factory):
        user = await clinic.patient.done("updateProfile", "user { name }", **null)
    assert user == {"name": clinic.person(Role.PATIENT).user.name}


# ---------------------------------------------------------------------------------- the password


async def test_a_new_password_ends_every_other_sign_in(factory: Factory, public: Api) -> None:
    person = await factory.person(Role.PATIENT, password_hash=HASH)
    here, there = public.signed_in(person.token), public.signed_in(await factory.token(person.user))
    session = await here.done(
        "changePassword", SESSION_ONLY, currentPassword=PASSWORD, password=NEW_PASSWORD
    )
    now = public.signed_in(session["accessToken"])
    assert await now.ask("{ viewer { id } }") == {"viewer": {"id": id_of(person.user)}}
    for ended in (here, there):
        assert await ended.error_code("{ viewer { id } }") == "UNAUTHENTICATED"
    assert await can_sign_in(public, person.user.username, NEW_PASSWORD)
    assert not await can_sign_in(public, person.user.username, PASSWORD)


@pytest.mark.parametrize(
    ("current", "new", "code", "path"),
    [
        ("some other password", NEW_PASSWORD, "INVALID_CREDENTIALS", "currentPassword"),
        ("x" * 5000, NEW_PASSWORD, "INVALID_CREDENTIALS", "currentPassword"),
        (PASSWORD, "fourteen chars", "WEAK_PASSWORD", "password"),
        (PASSWORD, "swordfish-the-name", "WEAK_PASSWORD", "password"),
        (PASSWORD, "seven quiet herons " * 14, "INVALID_INPUT", "password"),
    ],
)
async def test_a_refused_password_changes_nothing(
    factory: Factory, public: Api, current: str, new: str, code: str, path: str
) -> None:
    name = "swordfish-the-name"
    person = await factory.person(Role.RECEPTIONIST, name, password_hash=HASH)
    here = public.signed_in(person.token)
    async with unchanged(factory):
        refusal = await here.refusal(
            "changePassword", SESSION_ONLY, currentPassword=current, password=new
        )
    assert (refusal["code"], refusal["path"]) == (code, ["input", path])
    assert await here.ask("{ viewer { id } }") == {"viewer": {"id": id_of(person.user)}}


async def test_an_account_without_a_password_cannot_change_it(clinic: Clinic) -> None:
    refusal = await clinic.doctor.refusal(
        "changePassword", SESSION_ONLY, currentPassword="", password=NEW_PASSWORD
    )
    assert refusal["code"] == "INVALID_CREDENTIALS"
