"""Mail: the protocol of whatever sends it, and the twin that shows it on the console.

When a mail is sent and what it says is the business of each domain.
"""

import logging
from dataclasses import dataclass
from typing import Protocol

log = logging.getLogger("mail")


@dataclass(frozen=True)
class Mail:
    """A plain-text mail to one person."""

    to: str
    subject: str
    body: str


class Mailer(Protocol):
    """What sends mail."""

    async def send(self, mail: Mail) -> None:
        """Send one mail."""


class ConsoleMailer:
    """Shows each mail in the server's log, for development and demonstrations."""

    async def send(self, mail: Mail) -> None:
        """Log the mail whole, links included."""
        log.info("Mail to %s: %s\n%s", mail.to, mail.subject, mail.body)
