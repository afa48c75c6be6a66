"""The environment: what is set there and in `.env`, made into settings that are checked.

It is read here and nowhere else. What is done with it is the business of main.py.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import Field, fields
from pathlib import Path

from dotenv import load_dotenv

from models.embedded import EmbeddedPostgres
from models.migration import migrate
from models.trouble import said_in_a_sentence
from services import logs
from services.config import PAGES, Config, ConfigurationError, registered_documents

HERE = Path(__file__).parent
DATA = HERE / ".data"
DEMO_PASSWORD = "a calm river by the clinic"  # noqa: S105 - shown to everybody who runs the demo


def load() -> None:
    """Take what stands in `.env` for what the environment does not say."""
    load_dotenv(HERE / ".env")


def settings(*, is_demo: bool = False) -> Config:
    """The settings from the environment and `.env`.

    Raises:
        ConfigurationError: one of them is missing or cannot be.

    """
    environ = os.environ
    _, port = address()
    development = is_demo or is_on("DEVELOPMENT")
    return Config(
        secret_key=environ.get("SECRET_KEY") or (demo_secret() if is_demo else ""),
        base_url=environ.get("BASE_URL", f"http://127.0.0.1:{port}").rstrip("/"),
        base_domain=environ.get("BASE_DOMAIN", ""),
        development=development,
        introspection=is_on("INTROSPECTION"),
        persisted_documents=registered_documents(environ.get("PERSISTED_DOCUMENTS", "")),
        demo=is_demo,
        demo_password=demo_password(),
        broadcast_url=environ.get("BROADCAST_URL", ""),
        rate_limit_url=environ.get("RATE_LIMIT_URL", ""),
        allowed_origins=listed("ALLOWED_ORIGINS"),
        trusted_proxies=listed("TRUSTED_PROXIES"),
        smtp_url=environ.get("SMTP_URL", ""),
        mail_from=environ.get("MAIL_FROM", ""),
        confirm_email=is_on("CONFIRM_EMAIL", default=not development),
        pages=PAGES,
        **{one.name: whole_number(one) for one in fields(Config) if one.type is int},
    )


def address() -> tuple[str, int]:
    """The host and the port to serve at.

    Raises:
        ConfigurationError: it is no port.

    """
    port = os.environ.get("PORT", "8000")
    if not port.isdecimal() or not 0 < int(port) < 2**16:
        raise ConfigurationError("PORT must be a whole number from 1 to 65535.")
    return os.environ.get("HOST", "127.0.0.1"), int(port)


def is_on(name: str, *, default: bool = False) -> bool:
    """A setting that is yes or no."""
    return (os.environ.get(name) or str(default)).lower() in {"1", "true", "yes"}


def listed(name: str) -> tuple[str, ...]:
    """A setting that is words with commas between them."""
    return tuple(filter(None, map(str.strip, os.environ.get(name, "").split(","))))


def whole_number(setting: "Field[int]") -> int:
    """A setting that is a number from 1; in the environment it has the same name in capitals."""
    name = setting.name.upper()
    word = os.environ.get(name, str(setting.default))
    if not word.isdecimal():
        raise ConfigurationError(f"{name} must be a whole number.")
    if int(word) < 1:
        raise ConfigurationError(f"{name} must be at least 1.")
    return int(word)


def one_of(name: str, words: Sequence[str], default: str) -> str:
    """A setting that is one of some words."""
    word = os.environ.get(name) or default
    if word not in words:
        raise ConfigurationError(f"{name} must be one of: {', '.join(words)}.")
    return word


def demo_password() -> str:
    """The password of all demo accounts."""
    return os.environ.get("DEMO_PASSWORD", DEMO_PASSWORD)


def demo_secret() -> str:
    """A secret of this checkout's own, so that restarting the demo signs nobody out."""
    file = DATA / "demo-secret"
    if not file.exists():
        DATA.mkdir(exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(48))
    return file.read_text()


@contextlib.contextmanager
def database_address() -> Iterator[str]:
    """The address of the database: DATABASE_URL, or an embedded one that runs as long as this."""
    if url := os.environ.get("DATABASE_URL"):
        with said_in_a_sentence(url):
            yield url
        return
    with EmbeddedPostgres(DATA / "postgres") as postgres:
        postgres.create_database("appointments")
        url = postgres.url("appointments")
        migrate(url)
        yield url


def settings_of_a_command() -> Config:
    """What a command needs that signs nobody in."""
    secret = os.environ.get("SECRET_KEY") or secrets.token_urlsafe(48)
    return Config(
        secret_key=secret,
        demo_password=demo_password(),
        broadcast_url=os.environ.get("BROADCAST_URL", ""),
    )


def set_up_logs(config: Config) -> None:
    """Let a server write its log as it is wanted."""
    logs.set_up(
        one_of("LOG_FORMAT", logs.FORMATS, "text" if config.development else "json"),
        one_of("LOG_LEVEL", logs.LEVELS, "INFO"),
    )


def metrics_address() -> str:
    """Where Prometheus finds the meters; empty for nowhere."""
    return os.environ.get("METRICS_ADDRESS", "")


def migrated(url: str) -> None:
    """Bring the database to the newest schema, as whoever owns its tables."""
    migrate(url, owner=os.environ.get("MIGRATION_URL"))
