"""Mail: what is sent, to whom, and only once it is true."""

import logging
import re

import pytest

from services.mailer import ConsoleMailer, Mail
from tests.conftest import CONFIG, Clinic


@pytest.fixture
def mails(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log of mails."""
    caplog.set_level(logging.INFO, logger="mail")
    return caplog


def sent(mails: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in mails.records if record.name == "mail"]


async def test_the_console_shows_a_mail_whole(mails: pytest.LogCaptureFixture) -> None:
    body = "Percents 100 % %s {braces}\nand a second line: \u20ac"
    await ConsoleMailer().send(Mail(to="pat@clinic.example", subject="Hello %d", body=body))
    assert sent(mails) == [f"Mail to pat@clinic.example: Hello %d\n{body}"]


async def test_a_new_doctor_is_invited_by_mail(
    clinic: Clinic, mails: pytest.LogCaptureFixture
) -> None:
    await clinic.admin.done(
        "createDoctor", "doctor { id }", name="Dr. Ada", email="ada@clinic.example"
    )
    (mail,) = sent(mails)
    assert mail.startswith("Mail to ada@clinic.example: Your account at A Clinic\n")
    link = re.search(r"(\S+)#(\S+)$", mail)
    assert link is not None
    # The token stands behind a #, so that it reaches no server's log.
    assert link[1] == f"{CONFIG.base_url}/accept-invitation"
    session = await clinic.public.done(
        "acceptInvitation",
        "session { user { name } }",
        token=link[2],
        password="four plain words together",
    )
    assert session == {"user": {"name": "Dr. Ada"}}
    # It was good for one use.
    refused = await clinic.public.refusal(
        "acceptInvitation",
        "session { accessToken }",
        token=link[2],
        password="four plain words together",
    )
    assert (refused["__typename"], refused["path"]) == ("InvalidToken", ["input", "token"])


async def test_what_is_refused_sends_no_mail(
    clinic: Clinic, mails: pytest.LogCaptureFixture
) -> None:
    refused = await clinic.admin.refusal(
        "createDoctor",
        "doctor { id }",
        name="Dr. Ada",
        email="ada@clinic.example",
        departmentId="department_" + "0" * 32,
    )
    assert refused["__typename"] == "NotFound"
    assert sent(mails) == []


async def test_the_host_of_a_request_is_not_in_the_link(
    clinic: Clinic, mails: pytest.LogCaptureFixture
) -> None:
    document = """mutation { createDoctor(input: {name: "Dr. Ada", email: "a@clinic.example"}) {
      doctor { id } errors { __typename } } }"""
    headers = {**clinic.admin.headers, "host": "evil.example", "x-forwarded-host": "evil.example"}
    async with clinic.admin.http.post(
        clinic.admin.url, json={"query": document}, headers=headers
    ) as response:
        assert (await response.json())["data"]["createDoctor"]["errors"] == []
    (mail,) = sent(mails)
    assert "evil" not in mail
    assert f"{CONFIG.base_url}/accept-invitation#" in mail
