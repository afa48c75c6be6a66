"""Mails as people find them: what the server has shown on its console, and mail servers for real.

A mail is known by the id of its message, so that a late one of another test is not taken for it.
"""

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, NamedTuple

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from sqlalchemy import select

from models import Notification, NotificationStatus
from tests.factories import Factory

PATIENCE = 30.0


class Mail(NamedTuple):
    """A mail that was read."""

    to: str
    subject: str
    body: str

    @property
    def secret(self) -> str:
        """What stands behind the # of its link."""
        found = re.search(r"#([\w-]{43})(?!\S)", self.body)
        assert found is not None, self
        return found[1]


class Mails:
    """The mails of one organization, which the server has shown in this process's log."""

    def __init__(self, factory: Factory, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, logger="mail")
        self._factory = factory
        self._caplog = caplog

    async def to(self, address: str, count: int = 1) -> list[Mail]:
        """The mails to an address, once there are so many."""
        async with asyncio.timeout(PATIENCE):
            while True:
                sent = await self.rows(address, NotificationStatus.SENT)
                if len(sent) >= count:
                    break
                await asyncio.sleep(0.02)
        assert len(sent) == count
        shown = {
            record.args[1]: Mail(record.args[0], *record.args[2:])
            for record in self._caplog.records
            if record.name == "mail" and isinstance(record.args, tuple)
        }
        return [shown[row.id.hex] for row in sent]

    async def last(self, address: str, count: int = 1) -> Mail:
        """The newest of so many mails to an address."""
        return (await self.to(address, count))[-1]

    async def rows(self, address: str | None = None, *status: NotificationStatus) -> list[Any]:
        """What was written down to be sent."""
        statement = select(Notification).order_by(Notification.number)
        if address is not None:
            statement = statement.where(Notification.recipient == address)
        if status:
            statement = statement.where(Notification.status.in_(status))
        async with self._factory.database.reading(self._factory.organization.id) as session:
            return await session.rows(statement)

    async def settled(self, message: Notification) -> Notification:
        """A message, once it is sent or given up."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for row in await self.rows():
                    if row.id == message.id and row.status is not NotificationStatus.PENDING:
                        return row
                await asyncio.sleep(0.02)


# ------------------------------------------------------------------------------- a mail server


@dataclass
class Post:
    """What a mail server was given, and how it treats whom.

    Attributes:
        behavior: by the beginning of an address: refuse, later, close, hang (before it takes the
            mail), held (takes it once the gate is open), or deaf (takes it and does not answer).
        log_ins: the passwords that it was told.

    """

    behavior: dict[str, str] = field(default_factory=dict)
    envelopes: list[Envelope] = field(default_factory=list)
    log_ins: list[tuple[bytes, bytes]] = field(default_factory=list)
    url: str = ""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails that it has taken."""
        contents = [envelope.original_content for envelope in self.envelopes]
        return [message_from_bytes(content, policy=policy.default) for content in contents]

    def of(self, address: str) -> list[str]:
        """The subjects of the mails that it has taken for an address."""
        return [m["subject"] for m in self.mails if m["to"] == address]

    async def until(self, count: int) -> None:
        """Return when it has taken so many mails."""
        async with asyncio.timeout(PATIENCE):
            while len(self.envelopes) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    # What aiosmtpd asks.

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd calls it
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Take a recipient, or do not."""
        how = self.behavior.get(address.partition("@")[0])
        if how == "refuse":
            return "550 5.1.1 Nobody of this name"
        if how == "later":
            return "451 4.7.1 Come back later"
        if how == "close":
            server.transport.close()
        if how == "hang":
            await self._hang(asyncio.sleep(60))
        if how == "held":
            await self._hang(self.gate.wait())
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - as aiosmtpd calls it
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take the mail."""
        self.envelopes.append(envelope)
        if self.behavior.get(envelope.rcpt_tos[0].partition("@")[0]) == "deaf":
            await self._hang(asyncio.sleep(60))
        return "250 OK"

    async def kept_waiting(self) -> None:
        """Return when it keeps somebody waiting."""
        async with asyncio.timeout(PATIENCE):
            while not self.tasks:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def _hang(self, reason: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(reason)
        self.tasks.add(task)
        try:
            await task
        finally:
            self.tasks.discard(task)


@asynccontextmanager
async def post_office(
    *, scheme: str = "smtp+plain", tls: ssl.SSLContext | None = None, login: str = ""
) -> AsyncIterator[Post]:
    """A mail server on a port of its own."""
    post = Post()

    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        post.log_ins.append((data.login, data.password))
        return AuthResult(success=True)

    options: dict[str, Any] = {}
    if tls is not None and scheme == "smtp":
        options = {"tls_context": tls, "require_starttls": True}
    if login:
        options |= {"authenticator": authenticate, "auth_required": True}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(post, hostname="127.0.0.1", loop=loop, **options),
        "127.0.0.1",
        0,
        ssl=tls if scheme == "smtps" else None,
    )
    port = server.sockets[0].getsockname()[1]
    post.url = f"{scheme}://{f'{login}@' if login else ''}127.0.0.1:{port}"
    try:
        yield post
    finally:
        server.close()
        for task in post.tasks:
            task.cancel()
