"""A mail server that is silent, away, or dies in the middle of a mail: acts are answered all the
same, and each mail goes out once it can.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest

from models import NotificationStatus, Role
from tests.api import Api
from tests.conftest import CONFIG, serving
from tests.delivery.conftest import SENDER, Office
from tests.factories import Factory
from tests.mails import Post
from tests.proxy import Proxy

PENDING, SENT, _ = NotificationStatus
Conduct = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SECONDS = 1.0
# What it says, line by line: to the connection, and to EHLO, MAIL, RCPT and DATA.
DIALOGUE = (b"220 a\r\n", b"250 a\r\n", b"250 a\r\n", b"250 a\r\n", b"354 a\r\n")


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let in, and say nothing."""
    await reader.read()
    writer.close()


async def dying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take everything up to the first line of the mail, and go."""
    for said in DIALOGUE:
        writer.write(said)
        await reader.readline()
    writer.transport.abort()


@asynccontextmanager
async def listening(how: Conduct) -> AsyncIterator[int]:
    """A server of one kind; its port."""
    server = await asyncio.start_server(how, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


FAULTS: dict[str, tuple[Conduct | None, str]] = {
    "silent": (silent, "NotSent: No answer within 1 seconds."),
    "away": (None, "SMTPConnectError: "),
    "dying": (dying, "SMTPServerDisconnected: "),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_act_is_answered_whatever_the_mail_server_does_and_its_mail_goes_out_later(
    office: Office, post: Post, http: aiohttp.ClientSession, fault: str
) -> None:
    how, said = FAULTS[fault]
    factory = Factory(office.database, CONFIG, office.organization)
    address = (await factory.person(Role.PATIENT)).user.email
    async with AsyncExitStack() as stack:
        theirs = int(post.url.rpartition(":")[2])
        target = await stack.enter_async_context(listening(how)) if how else theirs
        road = await stack.enter_async_context(Proxy(lambda: target))
        if how is None:
            road.refuse()
        config = replace(
            CONFIG,
            smtp_url=f"smtp+plain://127.0.0.1:{road.port}",
            mail_from=SENDER,
            mail_seconds=SECONDS,
            mail_poll_seconds=0.05,
        )
        url = stack.enter_context(serving(config, office.database.dsn))
        public = Api(url, http, office.organization.slug)
        assert await public.done("requestPasswordReset", "accepted", email=address) is True
        (row,) = await office.rows()
        # It is written down, and nobody has waited for its sending.
        assert (row.status, row.recipient) == (PENDING, address)
        assert fault != "silent" or row.last_error is None
        await office.attempted(1)
        (row,) = await office.rows()
        assert row.status is PENDING
        assert str(row.last_error).startswith(said)
        assert post.envelopes == []
        target = theirs
        if how is None:
            await road.accept()
        await office.due()
        (row,) = await office.until(status=SENT)
    assert row.attempts == 2
    assert [envelope.rcpt_tos for envelope in post.envelopes] == [[address]]
