"""Bringing a database to the newest schema. The steps themselves live in `migrations/`."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from models.database import Database
from models.trouble import said_in_a_sentence

FOLDER = Path(__file__).parent.parent / "migrations"


def configuration(url: str, login: str | None = None) -> Config:
    """Alembic's configuration for the database at `url`; needs no file.

    Args:
        login: as whom the application will come, where that is not whom `url` names.

    """
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("file_template", "%%(year)d-%%(month).2d-%%(day).2d_%%(slug)s")
    config.attributes["url"] = Database.address(url)
    config.attributes["login"] = login
    return config


def migrate(url: str, revision: str = "head", *, owner: str | None = None) -> None:
    """Bring the database at `url` to the newest schema. Not for use inside an event loop.

    Args:
        owner: the address by which to do so, where the login of `url` is not to own the tables.

    """
    if not owner:
        command.upgrade(configuration(url), revision)
        return
    with said_in_a_sentence(owner, setting="MIGRATION_URL"):
        command.upgrade(configuration(owner, Database.address(url).username), revision)
