"""Notifications through the API: what administrators see, and have tried again."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from models import Notification, NotificationKind, NotificationStatus
from services.housekeeping import clean_up
from tests.conftest import Clinic
from tests.factories import Factory, id_of
from tests.mails import Mails
from tests.rows import kept, unchanged

FIELDS = """id channel kind recipient subject status attempts lastError appointment { id }
    createdAt scheduledAt sentAt"""
LIST = f"""query ($status: NotificationStatus, $first: Int, $after: String) {{
  notifications(status: $status, first: $first, after: $after) {{
    totalCount pageInfo {{ endCursor }} edges {{ node {{ {FIELDS} }} }} }} }}"""


async def message(factory: Factory, status: str = "FAILED", **values: Any) -> Notification:
    """A message that nobody sends just now."""
    row = Notification(
        **{
            "organization_id": factory.organization.id,
            "id": uuid4(),
            "kind": NotificationKind.PASSWORD_CHANGED,
            "recipient": "pia@mail.example",
            "status": NotificationStatus(status),
            "attempts": 8,
            "last_error": "SMTPRecipientsRefused: 550 Nobody of this name",
            "created_at": datetime.now(UTC),
            **values,
        }
    )
    await factory.add(row)
    return row


async def test_administrators_see_what_is_mailed(clinic: Clinic, mails: Mails) -> None:
    given = {"name": "Ada", "email": "ada@mail.example", "role": "RECEPTIONIST"}
    await clinic.admin.done("inviteUser", "user { id }", **given)
    secret = (await mails.last("ada@mail.example")).secret
    failed = await message(clinic.factory)
    page = (await clinic.admin.ask(LIST))["notifications"]
    newest, oldest = [edge["node"] for edge in page["edges"]]
    assert (newest["id"], newest["status"]) == (id_of(failed), "FAILED")
    assert newest["lastError"] == "SMTPRecipientsRefused: 550 Nobody of this name"
    for name in ("id", "createdAt", "scheduledAt", "sentAt"):
        assert oldest.pop(name)
    assert oldest == {
        "channel": "EMAIL",
        "kind": "INVITATION",
        "recipient": "ada@mail.example",
        "subject": "Your account at A Clinic",
        "status": "SENT",
        "attempts": 1,
        "lastError": None,
        "appointment": None,
    }
    page = (await clinic.admin.ask(LIST, status="SENT"))["notifications"]
    assert (page["totalCount"], page["edges"][0]["node"]["kind"]) == (1, "INVITATION")
    first = (await clinic.admin.ask(LIST, first=1))["notifications"]
    after = {"after": first["pageInfo"]["endCursor"]}
    rest = (await clinic.admin.ask(LIST, **after))["notifications"]["edges"]
    assert [edge["node"]["kind"] for edge in rest] == ["INVITATION"]
    # Nowhere in the database stands what opens the account.
    assert secret not in str(await kept(clinic.factory, Notification))


async def test_nobody_else_sees_any(clinic: Clinic) -> None:
    id = id_of(await message(clinic.factory))
    node = "query ($id: ID!) { node(id: $id) { ... on Notification { recipient } } }"
    assert await clinic.admin.ask(node, id=id) == {"node": {"recipient": "pia@mail.example"}}
    assert await clinic.public.error_code(LIST) == "UNAUTHENTICATED"
    assert await clinic.public.ask(node, id=id) == {"node": None}
    for api in (clinic.reception, clinic.doctor, clinic.patient):
        assert await api.error_code(LIST) == "FORBIDDEN"
        assert await api.ask(node, id=id) == {"node": None}


async def test_what_failed_is_tried_again(clinic: Clinic, mails: Mails) -> None:
    failed = await message(clinic.factory)
    retried = await clinic.admin.done(
        "retryNotification",
        "notification { id status attempts }",
        notificationId=id_of(failed),
    )
    assert retried == {"id": id_of(failed), "status": "PENDING", "attempts": 0}
    mail = await mails.last("pia@mail.example")
    assert mail.subject == "Your password at A Clinic was changed"
    async with unchanged(clinic.factory):
        refusal = await clinic.admin.refusal(
            "retryNotification", "notification { id }", notificationId=id_of(failed)
        )
    assert (refusal["code"], refusal["path"]) == ("ALREADY_SENT", ["input", "notificationId"])


async def test_a_link_that_is_not_good_any_more_is_not_sent(clinic: Clinic, mails: Mails) -> None:
    failed = await message(clinic.factory, kind=NotificationKind.INVITATION)
    id = {"notificationId": id_of(failed)}
    await clinic.admin.done("retryNotification", "notification { id }", **id)
    row = await mails.settled(failed)
    assert (row.status, row.attempts) == (NotificationStatus.FAILED, 1)
    assert row.last_error == "NotSent: The link in it is used or has expired."


@pytest.mark.parametrize("status", ["SENT", "FAILED"])
async def test_messages_are_kept_for_thirty_days(clinic: Clinic, status: str) -> None:
    now = datetime.now(UTC)
    ages = {"old": timedelta(days=30, minutes=1), "young": timedelta(days=29, hours=23)}
    for name, age in ages.items():
        await message(clinic.factory, status, recipient=name, scheduled_at=now - age)
    await clean_up(clinic.factory.database, now)
    assert [row["recipient"] for row in await kept(clinic.factory, Notification)] == ["young"]
