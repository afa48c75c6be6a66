"""The settings of one server: a frozen value, built once, and refused when unfit.

Nothing here reads the environment.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from services.brokers import why_no_broker

SECRET_BYTES = 32
PAGES = Path(__file__).parent.parent / "web" / "dist"
TRANSPORTS = ("memory://", "postgres://", "postgresql://", "redis://", "rediss://")
SHARED_COUNTS = ("redis://", "rediss://")
# As browsers write it: no path, no capitals.
ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
MAIL_SCHEMES = frozenset({"smtp", "smtps", "smtp+plain"})
HOW_TO_MAKE_ONE = 'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'


NO_LIST = (
    "PERSISTED_DOCUMENTS must name a JSON file of documents by their hashes, as Relay, "
    "graphql-codegen or Apollo's tools write it."
)


class ConfigurationError(ValueError):
    """A setting that the server must not start with; the message says how to mend it."""


def has_good_port(url: str) -> bool:
    """Whether an address names a port that can be, or none."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def is_network(word: str) -> bool:
    """Whether a word is an address or a network, such as 10.0.0.0/8."""
    try:
        ip_network(word)
    except ValueError:
        return False
    return True


def registered_documents(path: str) -> dict[str, str] | None:
    """The documents in a list that a client's build has written, by their hashes; None without one.

    It is an object of hash → document, as Relay and graphql-codegen write it, or Apollo's manifest.

    Raises:
        ConfigurationError: it is neither.

    """
    if not path:
        return None
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        if isinstance(found, dict) and isinstance(found.get("operations"), list):
            found = {operation["id"]: operation["body"] for operation in found["operations"]}
        pairs = [*found.items()]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(NO_LIST) from error
    if not pairs or not all(isinstance(part, str) and part for pair in pairs for part in pair):
        raise ConfigurationError(NO_LIST)
    return dict(pairs)


@dataclass(frozen=True)
class Config:
    """What an administrator sets.

    Attributes:
        secret_key: signs access tokens; at least 32 bytes.
        base_url: the address that people reach the server by, for links in mails.
        base_domain: organizations answer at `<slug>.<base_domain>`; empty where there is one.
        development: True lets a header name the organization and shows GraphiQL.
        introspection: True shows the schema to everybody, as `development` does.
        persisted_documents: hash → document, of all that are accepted; None: whatever is sent.
        operation_seconds: how long a query or mutation may take.
        demo: True serves demo data and shows its accounts.
        demo_password: of the demo accounts.
        access_token_minutes: how long an access token is good for.
        sweep_seconds: how often watched calendars are compared with the database.
        housekeeping_seconds: how often what nobody can use any more is deleted.
        horizon_seconds: how often it is looked where a day has begun, and the horizon has moved.
        broadcast_url: the transport of hints; empty means the database in use.
        connections: how many live connections, sockets and event streams, the process takes.
        connections_per_address: how many of one client address.
        connections_per_user: how many of one signed-in user.
        messages_per_minute: how many messages a socket may send; those that end an operation are
            not counted.
        messages_at_once: how many of them without a pause.
        executions: how many operations the process carries out at once.
        executions_waiting: how many may wait for their turn; more are sent away.
        points_per_user: what a signed-in user may ask in a minute; a query costs 1 for each of its
            root fields, a mutation 5, and either 1 for each 1,000 rows that may come.
        points_per_address: the same of the public at one address.
        points_per_organization: the same of all the signed-in of an organization, and once more of
            all its public.
        sign_ups_per_address: how many accounts may be made from one address in an hour.
        password_resets_per_account: how many may be asked for in an hour, for one account and from
            one address.
        holds_per_patient: how often a patient may hold a time in an hour.
        external_readings_per_user: how often somebody may have an external calendar read in an
            hour, by connecting it or at once.
        guest_bookings_per_address: how often events may be booked by guests in an hour, with one
            e-mail address and from one network address.
        rate_limit_url: Redis or Valkey, in which several processes count together; empty: each
            counts by itself.
        allowed_origins: whose pages may use the API from a browser, besides the server's own.
        trusted_proxies: addresses and networks that are believed what they say of their clients.
        smtp_url: the server that mails are handed to; empty where there is none.
        mail_from: the address that mails come from, with or without a name.
        mail_seconds: how long that server may take for one mail.
        mail_poll_seconds: how often it is looked whether another process has a mail to send.
        confirm_email: True makes an account only once its address is confirmed.
        pages: where that is which was built for browsers.

    """

    secret_key: str
    base_url: str = "http://127.0.0.1:8000"
    base_domain: str = ""
    development: bool = False
    introspection: bool = False
    persisted_documents: Mapping[str, str] | None = None
    operation_seconds: float = 10.0
    demo: bool = False
    demo_password: str = ""
    access_token_minutes: int = 10
    sweep_seconds: float = 2.0
    housekeeping_seconds: float = 3600.0
    horizon_seconds: float = 300.0
    broadcast_url: str = ""
    connections: int = 20_000
    connections_per_address: int = 1_000
    connections_per_user: int = 50
    messages_per_minute: int = 100
    messages_at_once: int = 60
    executions: int = 64
    executions_waiting: int = 128
    points_per_user: int = 1_200
    points_per_address: int = 6_000
    points_per_organization: int = 60_000
    sign_ups_per_address: int = 5
    password_resets_per_account: int = 3
    holds_per_patient: int = 30
    external_readings_per_user: int = 30
    guest_bookings_per_address: int = 20
    rate_limit_url: str = ""
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    smtp_url: str = ""
    mail_from: str = ""
    mail_seconds: float = 30.0
    mail_poll_seconds: float = 3.0
    confirm_email: bool = False
    pages: Path = PAGES

    @property
    def shows_schema(self) -> bool:
        """Whether the schema is no secret: it may be asked for, and errors say its names."""
        return self.development or self.introspection

    def __post_init__(self) -> None:
        if len(self.secret_key.encode()) < SECRET_BYTES or len(set(self.secret_key)) < 10:
            raise ConfigurationError(
                "SECRET_KEY is missing or weak: it signs every access token and needs at least "
                f"{SECRET_BYTES} random bytes. Make one with: {HOW_TO_MAKE_ONE}"
            )
        if self.broadcast_url and not self.broadcast_url.startswith(TRANSPORTS):
            raise ConfigurationError(
                "BROADCAST_URL must begin with postgres://, redis://, rediss:// or memory://, or "
                "be empty for the database in use."
            )
        if self.broadcast_url.startswith("redis") and not has_good_port(self.broadcast_url):
            raise ConfigurationError("The port in BROADCAST_URL must be from 1 to 65535.")
        if self.rate_limit_url and not self.rate_limit_url.startswith(SHARED_COUNTS):
            raise ConfigurationError(
                "RATE_LIMIT_URL must begin with redis:// or rediss://, or be empty."
            )
        if not has_good_port(self.rate_limit_url):
            raise ConfigurationError("The port in RATE_LIMIT_URL must be from 1 to 65535.")
        self._check_brokers()
        if self.access_token_minutes < 1:
            raise ConfigurationError("ACCESS_TOKEN_MINUTES must be at least 1.")
        if not all(map(ORIGIN.fullmatch, self.allowed_origins)):
            raise ConfigurationError(
                "ALLOWED_ORIGINS must be origins such as https://calendar.example, with commas "
                "between them."
            )
        if not all(map(is_network, self.trusted_proxies)):
            raise ConfigurationError(
                "TRUSTED_PROXIES must be addresses or networks such as 10.0.0.0/8, with commas "
                "between them."
            )
        if self.smtp_url:
            self._check_mail()

    def _check_brokers(self) -> None:
        urls = {"BROADCAST_URL": self.broadcast_url, "RATE_LIMIT_URL": self.rate_limit_url}
        for name, url in urls.items():
            why = why_no_broker(url) if url.startswith("redis") else None
            if why is not None:
                raise ConfigurationError(f"{name} has an option that cannot be: {why}")

    def _check_mail(self) -> None:
        address = urlsplit(self.smtp_url)
        is_good = address.scheme in MAIL_SCHEMES and address.hostname
        if not is_good or not has_good_port(self.smtp_url):
            raise ConfigurationError(
                "SMTP_URL must be smtp://user:password@host:587 (STARTTLS), smtps://… (TLS from "
                "the beginning) or smtp+plain://… (a server on the same machine)."
            )
        if address.scheme == "smtp+plain" and address.password:
            raise ConfigurationError("SMTP_URL must not send a password without TLS.")
        try:
            if not self.mail_from.isprintable():
                raise EmailNotValidError("It has control characters.")
            validate_email(
                parseaddr(self.mail_from)[1], check_deliverability=False, test_environment=True
            )
        except EmailNotValidError as error:
            raise ConfigurationError(
                "MAIL_FROM must be the address that mails come from, such as "
                f"Riverside Clinic <no-reply@clinic.example>: {error}"
            ) from error
