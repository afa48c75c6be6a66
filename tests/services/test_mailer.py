"""Mail: what is sent, to whom, and only once it is true."""

import logging

import pytest

from services.mailer import ConsoleMailer, Mail
from tests.conftest import CONFIG, Clinic
from tests.factories import PASSWORD
from tests.mails import Mails
from tests.rows import unchanged

ADA = {"name": "Dr. Ada", "email": "ada@clinic.example"}


async def test_the_console_shows_a_mail_whole(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="mail")
    body = "Percents 100 % %s {braces}\nand a second line: \u20ac"
    await ConsoleMailer().send(Mail("7", to="pat@clinic.example", subject="Hello %d", body=body))
    (record,) = caplog.records
    assert record.getMessage() == f"Mail to pat@clinic.example (7): Hello %d\n{body}"


async def test_a_new_doctor_is_invited_by_mail(clinic: Clinic, mails: Mails) -> None:
    await clinic.admin.done("createDoctor", "doctor { id }", **ADA)
    mail = await mails.last("ada@clinic.example")
    assert mail.subject == "Your account at A Clinic"
    # The token stands behind a #, so that it reaches no server's log.
    assert f"{CONFIG.base_url}/accept-invitation#{mail.secret}" in mail.body
    accepting = {"token": mail.secret, "password": PASSWORD}
    session = await clinic.public.done("acceptInvitation", "session { user { name } }", **accepting)
    assert session == {"user": {"name": "Dr. Ada"}}
    # It was good for one use.
    refused = await clinic.public.refusal(
        "acceptInvitation", "session { accessToken }", **accepting
    )
    assert (refused["__typename"], refused["path"]) == ("InvalidToken", ["input", "token"])


async def test_what_is_refused_sends_no_mail(clinic: Clinic, mails: Mails) -> None:
    nowhere = "department_" + "0" * 32
    async with unchanged(clinic.factory):
        refused = await clinic.admin.refusal(
            "createDoctor", "doctor { id }", **ADA, departmentId=nowhere
        )
    assert refused["__typename"] == "NotFound"
    assert await mails.rows() == []


async def test_the_host_of_a_request_is_not_in_the_link(clinic: Clinic, mails: Mails) -> None:
    document = """mutation { createDoctor(input: {name: "Dr. Ada", email: "a@clinic.example"}) {
      doctor { id } errors { __typename } } }"""
    headers = {**clinic.admin.headers, "host": "evil.example", "x-forwarded-host": "evil.example"}
    async with clinic.admin.http.post(
        clinic.admin.url, json={"query": document}, headers=headers
    ) as response:
        assert (await response.json())["data"]["createDoctor"]["errors"] == []
    mail = await mails.last("a@clinic.example")
    assert "evil" not in mail.body
    assert f"{CONFIG.base_url}/accept-invitation#" in mail.body
