"""SMTP: how mail is handed over, that it is never sent in the clear, and what no mail can be."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from email_validator import EmailNotValidError

from services.config import Config, ConfigurationError
from services.mailer import ConsoleMailer, Mail, NotSent, NullMailer, SmtpMailer, mailer_for
from tests.delivery.conftest import SECRET, SENDER, Office
from tests.mails import Post, post_office

MAIL = Mail("7", to="pia@mail.example", subject="Hello", body="A line.\n.\nÜber zwei €.\n")
LOGIN = "clinic%40mail:p%3Ass"


@contextmanager
def trusted(folder: Path) -> Iterator[ssl.SSLContext]:
    """What a server is known by, whom the machine trusts as long as the block lasts."""
    authority = trustme.CA()
    bundle = folder / "authorities.pem"
    authority.cert_pem.write_to_path(bundle)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    os.environ["SSL_CERT_FILE"] = str(bundle)
    try:
        yield tls
    finally:
        del os.environ["SSL_CERT_FILE"]


@pytest.mark.parametrize(
    ("scheme", "login", "told"), [("smtp", LOGIN, [(b"clinic@mail", b"p:ss")]), ("smtps", "", [])]
)
async def test_mail_and_password_go_over_tls(
    tmp_path: Path, scheme: str, login: str, told: list[tuple[bytes, bytes]]
) -> None:
    with trusted(tmp_path) as tls:
        async with post_office(scheme=scheme, tls=tls, login=login) as post:
            await SmtpMailer(post.url, SENDER, seconds=10).send(MAIL)
    (mail,) = post.mails
    assert mail["subject"] == MAIL.subject
    assert mail.get_content().replace("\r\n", "\n") == MAIL.body
    assert post.log_ins == told


async def test_nothing_goes_to_a_server_without_tls(post: Post) -> None:
    url = post.url.replace("smtp+plain", "smtp")
    with pytest.raises(Exception, match="STARTTLS"):
        await SmtpMailer(url, SENDER, seconds=10).send(MAIL)
    assert post.envelopes == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_nothing_goes_to_a_server_that_nobody_vouches_for(
    tmp_path: Path, scheme: str
) -> None:
    with trusted(tmp_path) as tls:
        pass
    async with post_office(scheme=scheme, tls=tls) as post:
        with pytest.raises(Exception, match=r"(?i)certificate verify failed"):
            await SmtpMailer(post.url, SENDER, seconds=10).send(MAIL)
    assert (post.envelopes, post.log_ins) == ([], [])


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\r\nRCPT TO:<eve@mail.example>",
        "a@b.example\nBcc: eve@mail.example",
        "a@b.example, eve@mail.example",
        "a@b.example>\r\nDATA",
        "Eve <eve@mail.example>",
        "a@b.example\0",
        "",
    ],
)
async def test_what_is_not_one_address_is_sent_to_nobody(post: Post, address: str) -> None:
    with pytest.raises(EmailNotValidError):
        await SmtpMailer(post.url, SENDER).send(Mail("7", address, "Hello", "Body"))
    assert post.envelopes == []


@pytest.mark.parametrize("name", ["A\u2028Bcc: eve@mail.example", "A\r\nBcc: eve@mail.example"])
async def test_no_name_adds_a_header(post: Post, name: str) -> None:
    subject = f"Your account at {name}"
    await SmtpMailer(post.url, SENDER).send(Mail("7", "pia@mail.example", subject, "Body"))
    (mail,) = post.mails
    assert mail["subject"] == "Your account at A Bcc: eve@mail.example"
    assert mail["bcc"] is None
    assert [envelope.rcpt_tos for envelope in post.envelopes] == [["pia@mail.example"]]


async def test_an_organization_with_an_odd_name_can_still_write(office: Office, post: Post) -> None:
    await office.execute(
        "UPDATE organizations SET name = $1 WHERE id = $2",
        "A\u2029Clinic",
        office.organization.id,
    )
    await office.write("pia")
    async with office.working():
        await post.until(1)
    assert post.of("pia@mail.example") == ["Your password at A Clinic was changed"]


async def test_where_no_server_is_set_mails_wait_and_that_is_said(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    await office.write("pia")
    async with office.working(smtp_url=""):
        await office.attempted(1)
    (row,) = await office.rows()
    assert row.status.value == "PENDING"
    assert row.last_error == (
        "NotSent: No mail server is set by SMTP_URL to send this to pia@mail.example."
    )
    assert [r.getMessage() for r in caplog.records if r.name == "delivery"][:1] == [
        "No mail is sent until SMTP_URL names a server: invitations and links wait"
    ]


def test_the_settings_say_which_mailer() -> None:
    mail = {"smtp_url": "smtps://mail.example", "mail_from": SENDER}
    assert isinstance(mailer_for(Config(SECRET, **mail)), SmtpMailer)
    assert isinstance(mailer_for(Config(SECRET, **mail, development=True)), SmtpMailer)
    assert isinstance(mailer_for(Config(SECRET, development=True)), ConsoleMailer)
    assert isinstance(mailer_for(Config(SECRET)), NullMailer)


GOOD = {"smtp_url": "smtp://clinic:secret@mail.example:587", "mail_from": SENDER}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"smtp_url": "http://mail.example"}, "SMTP_URL must be smtp://"),
        ({"smtp_url": "mail.example"}, "SMTP_URL must be smtp://"),
        ({"smtp_url": "smtp://"}, "SMTP_URL must be smtp://"),
        ({"smtp_url": "smtp://mail.example:99999"}, "SMTP_URL must be smtp://"),
        ({"smtp_url": "smtp+plain://a:b@mail.example"}, "must not send a password without TLS"),
        ({"mail_from": ""}, "MAIL_FROM must be the address"),
        ({"mail_from": "The Clinic"}, "MAIL_FROM must be the address"),
        ({"mail_from": "a@b.example\r\nBcc: eve@mail.example"}, "MAIL_FROM must be the address"),
    ],
)
def test_settings_that_no_mail_can_be_sent_with(changes: dict[str, str], said: str) -> None:
    Config(SECRET, **GOOD)
    with pytest.raises(ConfigurationError, match=said) as refused:
        Config(SECRET, **{**GOOD, **changes})
    assert "secret" not in str(refused.value)


async def test_what_nobody_can_send_is_said_and_nothing_is_sent(post: Post) -> None:
    post.behavior["pia"] = "hang"
    with pytest.raises(NotSent, match=r"No answer within 0\.2 seconds\."):
        await SmtpMailer(post.url, SENDER, seconds=0.2).send(MAIL)
    assert post.envelopes == []
