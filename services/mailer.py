"""Mail: the protocol of whatever sends it, and its twins: SMTP, the console, and none at all.

When a mail is sent, how often that is tried and what it says is the business of other services.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, localtime, parseaddr
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException
from email_validator import validate_email

from services.config import Config

log = logging.getLogger("mail")

PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
# A server that has taken the mail may take so long to say goodbye.
FAREWELL_SECONDS = 3.0


@dataclass(frozen=True)
class Mail:
    """A plain-text mail to one person. `key` is the same each time that it is sent."""

    key: str
    to: str
    subject: str
    body: str


class NotSent(Exception):
    """A mail that was not sent, and why; the reason is for administrators.

    Attributes:
        is_final: True where another try would end alike.

    """

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


class Mailer(Protocol):
    """What sends mail."""

    async def send(self, mail: Mail) -> None:
        """Send one mail; whatever it raises, the mail was not taken."""


class ConsoleMailer:
    """Shows each mail in the server's log, for development and demonstrations."""

    async def send(self, mail: Mail) -> None:
        """Log the mail whole, links included."""
        log.info("Mail to %s (%s): %s\n%s", mail.to, mail.key, mail.subject, mail.body)


class NullMailer:
    """Sends nothing, and says so: mails wait until there is a server for them."""

    async def send(self, mail: Mail) -> None:
        """Refuse."""
        raise NotSent(f"No mail server is set by SMTP_URL to send this to {mail.to}.")


class SmtpMailer:
    """Hands each mail to a server by SMTP, over a connection of its own.

    The address says how: smtps is TLS from the beginning; smtp begins in the clear and does not go
    on without STARTTLS, since mails carry secrets; smtp+plain is for a server on the same machine.
    """

    def __init__(self, url: str, sender: str, *, seconds: float = 30.0) -> None:
        address = urlsplit(url)
        name, self._sender = parseaddr(sender)
        self._from = Address(name, addr_spec=self._sender)
        self._domain = self._sender.rpartition("@")[2]
        self._seconds = seconds
        self._options: dict[str, Any] = {
            "hostname": address.hostname,
            "port": address.port or PORTS[address.scheme],
            "username": unquote(address.username) if address.username else None,
            "password": unquote(address.password) if address.password else None,
            "use_tls": address.scheme == "smtps",
            "start_tls": {"smtp": True, "smtp+plain": False}.get(address.scheme),
            # Otherwise the machine's own name is looked up, and everything waits for that.
            "local_hostname": self._domain,
        }

    async def send(self, mail: Mail) -> None:
        """Send the mail, and return once the server has taken it."""
        # Whoever wrote it there: nothing but one address goes to the server.
        recipient = validate_email(
            mail.to, check_deliverability=False, test_environment=True
        ).normalized
        message = self._message(mail, recipient)
        client = SMTP(timeout=self._seconds, **self._options)
        try:
            async with asyncio.timeout(self._seconds):
                await client.connect()
                await client.send_message(message, sender=self._sender, recipients=[recipient])
        except TimeoutError as error:
            raise NotSent(f"No answer within {self._seconds:g} seconds.") from error
        else:
            # It was taken: what goes wrong from here on must not send it again.
            with suppress(SMTPException, OSError):
                await client.quit(timeout=FAREWELL_SECONDS)
        finally:
            client.close()

    def _message(self, mail: Mail, recipient: str) -> EmailMessage:
        message = EmailMessage(SMTP_POLICY)
        message["From"] = self._from
        message["To"] = Address(addr_spec=recipient)
        # A line separator of Unicode, as a name may hold one, ends a header too.
        message["Subject"] = " ".join(mail.subject.split())
        message["Date"] = format_datetime(localtime())
        message["Message-ID"] = f"<{mail.key}@{self._domain}>"
        # No vacation notice shall answer.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.body)
        return message


def mailer_for(config: Config) -> Mailer:
    """The mailer that the settings ask for."""
    if config.smtp_url:
        return SmtpMailer(config.smtp_url, config.mail_from, seconds=config.mail_seconds)
    if config.development:
        return ConsoleMailer()
    return NullMailer()
