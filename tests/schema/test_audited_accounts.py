"""The audit trail of accounts: what is noted when one is made, or changed by whomever."""

from models import Role
from tests.accounts import HASH, NEW_PASSWORD, SESSION, asked, reset
from tests.conftest import Clinic
from tests.factories import PASSWORD, Factory, id_of
from tests.live.views import another_server
from tests.mails import Mails
from tests.trails import trail


async def test_accounts_that_people_make_are_noted(clinic: Clinic, mails: Mails) -> None:
    """Who comes with a mailed link, or with nothing, is nobody yet."""
    given = {"name": "Ada", "email": "ada@mail.example", "password": NEW_PASSWORD}
    await clinic.public.done("signUp", SESSION, **given)
    invited = {"name": "Eve", "email": "eve@mail.example"}
    await clinic.admin.done("inviteUser", "user { id }", **invited, role="PATIENT")
    token = (await mails.last("eve@mail.example")).secret
    await clinic.public.done("acceptInvitation", SESSION, token=token, password=NEW_PASSWORD)
    await clinic.admin.done("createDoctor", "doctor { id }", name="Ann", email="ann@mail.example")
    user, record = ("DONE", "User", 1), ("DONE", "Patient", 1)
    assert sorted(await trail(clinic), key=str) == sorted(
        [
            (None, "sign_up", *user, None),
            (None, "sign_up", *record, "email, name, phone, user_id"),
            (Role.ADMIN, "invite_user", *user, None),
            (Role.ADMIN, "invite_user", *record, "email, name, phone, user_id"),
            (None, "accept_invitation", *user, "password_hash"),
            (Role.ADMIN, "create_doctor", *user, None),
        ],
        key=str,
    )


async def test_an_account_that_waits_for_its_address_is_noted_when_it_is_made(
    clinic: Clinic, mails: Mails, database_url: str
) -> None:
    given = {"name": "Ada", "email": "ada@mail.example", "password": NEW_PASSWORD}
    async with another_server(clinic.public, database_url, confirm_email=True) as strict:
        await strict.done("signUp", "accepted", **given)
        assert await trail(clinic) == []
        token = (await mails.last("ada@mail.example")).secret
        await strict.done("confirmEmail", SESSION, token=token)
    assert {one[:5] for one in await trail(clinic)} == {
        (None, "confirm_email", "DONE", kind, 1) for kind in ("User", "Patient")
    }


async def test_what_people_change_of_their_accounts_is_noted(
    clinic: Clinic, mails: Mails, factory: Factory
) -> None:
    person = await factory.person(Role.PATIENT, password_hash=HASH)
    clinic.people[Role.PATIENT] = person
    here = clinic.public.signed_in(person.token)
    await here.done("updateProfile", "user { id }", name="Ada", locale="en-GB")
    moved = {"email": "ada@mail.example", "password": PASSWORD}
    await here.done("requestEmailChange", "accepted", **moved)
    token = (await mails.last("ada@mail.example")).secret
    await here.done("confirmEmailChange", "user { id }", token=token)
    changed = {"currentPassword": PASSWORD, "password": NEW_PASSWORD}
    await here.done("changePassword", SESSION, **changed)
    token = await asked(clinic.public, mails, "ada@mail.example", count=3)
    assert (await reset(clinic.public, token, PASSWORD))["errors"] == []
    user, record = ("DONE", "User", 1), ("DONE", "Patient", 1)
    noted = await trail(clinic)
    assert sorted(noted[:4], key=str) == sorted(
        [
            (Role.PATIENT, "update_profile", *user, "locale, name"),
            (Role.PATIENT, "update_profile", *record, "name"),
            (Role.PATIENT, "confirm_email_change", *user, "email"),
            (Role.PATIENT, "confirm_email_change", *record, "email"),
        ],
        key=str,
    )
    assert noted[4:] == [
        (Role.PATIENT, "change_password", *user, "password_hash"),
        (None, "reset_password", *user, "password_hash"),
    ]


async def test_what_administrators_do_to_accounts_is_noted(clinic: Clinic) -> None:
    boss = await clinic.factory.person(Role.ADMIN, password_hash=HASH)
    clinic.people[Role.ADMIN] = boss
    here = clinic.public.signed_in(boss.token)
    account = id_of(clinic.person(Role.RECEPTIONIST).user)
    await here.done("resendInvitation", "user { id }", userId=account)
    await here.done("updateUser", "user { id }", userId=account, isActive=False)
    await here.done("updateUser", "user { id }", userId=account, isActive=False)
    assert await trail(clinic) == [
        (Role.ADMIN, "resend_invitation", "DONE", "User", 1, None),
        (Role.ADMIN, "update_user", "DONE", "User", 1, "is_active"),
    ]


async def test_what_others_change_of_accounts_is_noted(clinic: Clinic) -> None:
    doctor = id_of(clinic.person(Role.DOCTOR).doctor)
    values = {"username": "ann-example", "email": "ann@mail.example"}
    await clinic.admin.done("updateDoctor", "doctor { id }", doctorId=doctor, **values)
    await clinic.admin.refusal(
        "updateDoctor",
        "doctor { id }",
        doctorId=doctor,
        email=clinic.person(Role.ADMIN).user.email,
    )
    assert sorted(await trail(clinic), key=str) == [
        (Role.ADMIN, "update_doctor", "DONE", "User", 1, field) for field in ("email", "username")
    ]
