"""Delivery: each message is sent once, in order, and again where that fails; then given up."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from models import NotificationStatus
from services.delivery import pause_after
from tests.delivery.conftest import Office
from tests.mails import Post

PENDING, SENT, FAILED = NotificationStatus
ADDRESS = "pia@mail.example"


def told(value: str) -> str:
    """The subject that messages of these tests have."""
    return f"Your password at {value} was changed"


async def test_what_is_written_down_is_sent_at_once(office: Office, post: Post) -> None:
    async with office.working() as server:
        await office.write("pia", server=server)
        (row,) = await office.until(status=SENT)
    (mail,) = post.mails
    assert (mail["from"], mail["to"], mail["subject"]) == (
        "A Clinic <mail@clinic.example>",
        ADDRESS,
        told("A Clinic"),
    )
    assert mail["message-id"] == f"<{row.id.hex}@clinic.example>"
    assert mail["auto-submitted"] == "auto-generated"
    assert mail.get_content().startswith("The password of your account at A Clinic was changed")
    (envelope,) = post.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("mail@clinic.example", [ADDRESS])
    assert (row.attempts, row.last_error, row.subject) == (1, None, told("A Clinic"))
    assert row.sent_at is not None
    assert row.sent_at == row.scheduled_at


async def test_what_another_process_has_written_down_is_found(office: Office, post: Post) -> None:
    async with office.working(mail_poll_seconds=0.05):
        await office.write("pia")
        await office.until(status=SENT)
    assert post.of(ADDRESS) == [told("A Clinic")]


async def test_what_was_rolled_back_is_not_sent(office: Office, post: Post) -> None:
    async with office.working(mail_poll_seconds=0.05) as server:
        with pytest.raises(ValueError, match="Another thought"):
            async with office.writing("max", server=server):
                raise ValueError("Another thought")
        await office.write("pia", server=server)
        await office.until(status=SENT)
    assert [envelope.rcpt_tos for envelope in post.envelopes] == [[ADDRESS]]


async def test_of_many_workers_one_sends(office: Office, post: Post) -> None:
    names = [f"pia{number}" for number in range(20)]
    await office.write(*names)
    async with office.working(), office.working(), office.working():
        rows = await office.until(status=SENT)
    assert sorted(envelope.rcpt_tos[0] for envelope in post.envelopes) == sorted(
        f"{name}@mail.example" for name in names
    )
    assert {row.attempts for row in rows} == {1}


SAID = {
    "refuse": "SMTPRecipientsRefused: ",
    "later": "SMTPRecipientsRefused: ",
    "close": "SMTPServerDisconnected: ",
    "hang": "NotSent: No answer within 2 seconds.",
    "deaf": "NotSent: No answer within 2 seconds.",
}


@pytest.mark.parametrize("how", SAID)
async def test_who_cannot_be_reached_is_tried_again_and_holds_up_nobody(
    office: Office, post: Post, how: str
) -> None:
    post.behavior["bad"] = how
    await office.write("bad", *(f"pia{number}" for number in range(6)))
    async with office.working(mail_seconds=2.0):
        await post.until(6 + (how == "deaf"))
        await office.until(attempts=1)
        async with asyncio.timeout(10):
            while (bad := (await office.rows())[0]).last_error is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert [row.status for row in await office.rows()] == [PENDING] + [SENT] * 6
    assert str(bad.last_error).startswith(SAID[how])
    assert timedelta(seconds=40) < await office.waits_for(bad) < timedelta(seconds=73)
    assert bad.sent_at is None


async def test_after_eight_tries_a_message_is_given_up(office: Office, post: Post) -> None:
    post.behavior["bad"] = "refuse"
    await office.write("bad")
    waits = []
    for attempt in range(1, 9):
        async with office.working():
            (row,) = await office.until(attempts=attempt)
            while row.last_error is None:
                (row,) = await office.rows()
        waits.append(row.scheduled_at - datetime.now(UTC))
        assert row.status is (FAILED if attempt == 8 else PENDING)
        if attempt < 8:
            await office.due(last_error=None)
    minutes = [1, 3, 9, 27, 81, 243, 360]
    for wait, most in zip(waits, minutes, strict=False):
        assert timedelta(minutes=0.75 * most) < wait < timedelta(minutes=1.21 * most)
    # Nobody takes it up again, and what is behind it goes on.
    await office.due()
    async with office.working() as server:
        post.behavior.clear()
        await office.write("bad", server=server)
        await post.until(1)
    assert len(post.envelopes) == 1


def test_pauses_grow_up_to_six_hours_and_are_not_all_alike() -> None:
    assert [pause_after(n, 0.5) for n in (1, 2, 3, 7)] == [
        timedelta(minutes=1),
        timedelta(minutes=3),
        timedelta(minutes=9),
        timedelta(hours=6),
    ]
    assert pause_after(1, 0) == timedelta(seconds=48)
    assert pause_after(1, 1) == timedelta(seconds=72)


async def test_messages_to_one_recipient_go_out_in_their_order(office: Office, post: Post) -> None:
    await office.write(*["pia"] * 12)
    async with office.working(), office.working():
        rows = await office.until(status=SENT)
    assert [mail["message-id"] for mail in post.mails] == [
        f"<{row.id.hex}@clinic.example>" for row in rows
    ]


async def test_what_failed_holds_up_what_follows_for_three_tries(
    office: Office, post: Post
) -> None:
    post.behavior["pia"] = "refuse"
    await office.write("pia", "pia")
    for attempt in (1, 2, 3):
        async with office.working():
            await office.attempted(attempt, 0)
        await office.due(last_error=None)
    async with office.working():
        await office.attempted(4, 1)


async def test_what_a_process_took_up_that_died_is_sent_when_its_lease_has_run_out(
    office: Office, post: Post
) -> None:
    # As it is left behind between taking up and sending.
    await office.write("pia")
    await office.lease(attempts=1)
    async with office.working(mail_poll_seconds=0.02) as server:
        await office.write("max", server=server)
        await post.until(1)
        assert post.of(ADDRESS) == []
        await office.due()
        await office.until(status=SENT)
    assert post.of(ADDRESS) == [told("A Clinic")]


async def test_a_late_word_of_who_had_lost_the_lease_counts_for_nothing(
    office: Office, post: Post
) -> None:
    post.behavior["pia"] = "held"
    await office.write("pia")
    async with office.working():
        await post.kept_waiting()
        # Its lease has run out, and another has taken it up.
        await office.lease(attempts=2)
        post.gate.set()
        await post.until(1)
    (row,) = await office.rows()
    assert (row.attempts, row.status, row.sent_at) == (2, PENDING, None)


async def test_at_the_end_what_is_being_sent_is_finished(office: Office, post: Post) -> None:
    post.behavior["pia"] = "held"
    await office.write("pia")
    async with office.working():
        await post.kept_waiting()
        asyncio.get_running_loop().call_later(0.1, post.gate.set)
    (row,) = await office.rows()
    assert (row.status, len(post.envelopes)) == (SENT, 1)


async def test_at_the_end_what_cannot_be_finished_is_given_back(office: Office, post: Post) -> None:
    post.behavior["pia"] = "hang"
    await office.write("pia")
    async with office.working(farewell=0.1):
        await post.kept_waiting()
    (row,) = await office.rows()
    assert (row.status, row.attempts, row.last_error) == (PENDING, 0, None)
    assert await office.waits_for(row) <= timedelta()
    post.behavior.clear()
    async with office.working():
        await office.until(status=SENT)
    assert len(post.envelopes) == 1


async def test_a_worker_goes_on_after_what_nobody_thought_of(
    office: Office, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    await office.execute("ALTER TABLE notifications RENAME TO hidden")
    try:
        async with office.working(mail_poll_seconds=0.02):
            async with asyncio.timeout(10):
                while "Failed, and goes on" not in caplog.text:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            await office.execute("ALTER TABLE hidden RENAME TO notifications")
            await office.write("pia")
            await office.until(status=SENT)
    finally:
        await office.execute("ALTER TABLE IF EXISTS hidden RENAME TO notifications")


async def test_what_was_sent_is_noted_once_the_database_is_back(office: Office, post: Post) -> None:
    post.behavior["pia"] = "held"
    await office.write("pia")
    async with office.working():
        await post.kept_waiting()
        async with office.database.crossing_organizations() as session:
            await session.execute(text("LOCK TABLE notifications IN ACCESS EXCLUSIVE MODE"))
            post.gate.set()
            await office.end_whoever_waits()
        await office.until(status=SENT)
    assert len(post.envelopes) == 1
