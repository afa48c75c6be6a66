"""Bringing a database to the newest schema. The steps themselves live in `migrations/`."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from models.database import Database

FOLDER = Path(__file__).parent.parent / "migrations"


def configuration(url: str) -> Config:
    """Alembic's configuration for the database at `url`; needs no file."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("file_template", "%%(year)d-%%(month).2d-%%(day).2d_%%(slug)s")
    config.attributes["url"] = Database.address(url)
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database at `url` to the newest schema. Not for use inside an event loop."""
    command.upgrade(configuration(url), revision)
