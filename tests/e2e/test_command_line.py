"""The commands of main.py, as somebody types them: what they do, say, and refuse to do."""

from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from main import parser
from models import AuditEvent, AuditOutcome
from models.trouble import NO_ADDRESS as NO_ADDRESS_IN
from models.trouble import NO_TABLES, DatabaseUnusable, said_in_a_sentence
from services.audit.chain import seal, verify
from services.config import Config, ConfigurationError
from tests.e2e.conftest import World
from tests.processes import CHECKOUT, run, settings

PASSWORD = "seven green bottles on a wall"
COMMANDS = [
    "serve",
    "work",
    "migrate",
    "create-organization",
    "create-admin",
    "generate",
    "purge",
    "verify-audit",
    "demo",
    "schema",
]
NO_ADDRESS = NO_ADDRESS_IN.format(setting="DATABASE_URL")
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
WEAK = (
    "SECRET_KEY is missing or weak: it signs every access token and needs at least 32 random "
    'bytes. Make one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
)
BAD_MAIL = (
    "SMTP_URL must be smtp://user:password@host:587 (STARTTLS), smtps://… (TLS from the beginning)"
    " or smtp+plain://… (a server on the same machine)."
)


async def count(database_url: str, table: str) -> int:
    connection = await asyncpg.connect(database_url)
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))
    finally:
        await connection.close()


async def success(environment: dict[str, str], *words: str, typed: str = "") -> str:
    """What a command says that does what it should."""
    code, said, errors = await run(environment, *words, typed=typed)
    assert (code, errors) == (0, "")
    return said


async def failure(environment: dict[str, str], *words: str, typed: str = "") -> str:
    """The one sentence that a command must end with when it fails; warnings may stand before it."""
    code, said, errors = await run(environment, *words, typed=typed)
    *warnings, sentence = errors.splitlines()
    assert (code, said) == (1, "")
    assert [line for line in warnings if not line.startswith("WARNING ")] == []
    return sentence


def organization(slug: str, time_zone: str = "Europe/Madrid") -> list[str]:
    """The words that make an organization."""
    name = slug.title()
    return ["create-organization", slug, "--name", name, "--time-zone", time_zone]


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_command_says_what_it_is_for(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([*name.split(), "--help"])
    said, errors = capsys.readouterr()
    assert (ended.value.code, errors) == (0, "")
    assert said.startswith(f"usage: main.py {name}")
    if not name:
        assert [command for command in COMMANDS if command not in said] == []


async def test_an_unknown_command_is_refused() -> None:
    code, said, errors = await run({}, "fly")
    assert (code, said) == (2, "")
    assert "invalid choice: 'fly'" in errors


async def test_the_schema_that_is_printed_is_the_one_that_is_kept() -> None:
    said = await success({}, "schema")
    assert said == (CHECKOUT / "schema" / "schema.graphql").read_text()


@pytest.mark.parametrize("secret", ["", "guessable"])
async def test_without_a_good_secret_nothing_is_served(secret: str) -> None:
    assert await failure(settings(NOWHERE, SECRET_KEY=secret), "serve") == WEAK


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("ACCESS_TOKEN_MINUTES", "soon", "ACCESS_TOKEN_MINUTES must be a whole number."),
        ("SMTP_URL", "mail.example", BAD_MAIL),
        ("PORT", "http", "PORT must be a whole number from 1 to 65535."),
    ],
)
async def test_a_setting_that_cannot_be_is_named(setting: str, value: str, said: str) -> None:
    assert await failure(settings(NOWHERE, **{setting: value}), "serve") == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"secret_key": "a" * 64}, "SECRET_KEY is missing or weak"),
        ({"secret_key": "abcdefghijklmnopqrstuvwxyz01234"}, "SECRET_KEY is missing or weak"),
        ({"access_token_minutes": 0}, "ACCESS_TOKEN_MINUTES must be at least 1."),
        ({"broadcast_url": "kafka://somewhere"}, "BROADCAST_URL must begin with postgres://"),
    ],
)
def test_settings_that_a_server_must_not_start_with(changes: dict[str, object], said: str) -> None:
    good = {"secret_key": "abcdefghijklmnopqrstuvwxyz012345"}
    Config(**good)
    with pytest.raises(ConfigurationError, match=said):
        Config(**{**good, **changes})


@pytest.mark.parametrize("words", [("migrate",), ("serve", "--demo")])
async def test_a_database_that_is_not_there_is_said_in_a_sentence(words: tuple[str, ...]) -> None:
    said = await failure(settings(NOWHERE), *words)
    assert said.startswith("The database at 127.0.0.1:1 cannot be reached: ")


async def test_a_database_of_another_name_is_said_in_a_sentence(own_database: str) -> None:
    said = await failure(settings(own_database.replace("/e2e_", "/no_")), "generate")
    assert said.startswith("The database at localhost:5432 cannot be reached: database ")


async def test_an_address_that_is_none_is_said_in_a_sentence() -> None:
    assert await failure(settings("nonsense"), "migrate") == NO_ADDRESS


@pytest.mark.parametrize("address", ["", "mysql://root@localhost/x", "postgresql://h:p/x"])
def test_what_is_no_address_of_a_postgresql(address: str) -> None:
    with pytest.raises(DatabaseUnusable) as refused, said_in_a_sentence(address):
        pytest.fail("Nobody may begin.")
    assert str(refused.value) == NO_ADDRESS


def test_what_is_not_the_fault_of_the_database_stays_what_it_is() -> None:
    with pytest.raises(KeyError), said_in_a_sentence("postgresql+asyncpg://localhost/x"):
        raise KeyError


async def test_a_blank_database_is_refused_until_it_is_migrated(blank_database: str) -> None:
    environment = settings(blank_database)
    assert await failure(environment, "generate") == NO_TABLES
    for _ in range(2):
        assert await success(environment, "migrate") == "The database is up to date.\n"
    await success(environment, *organization("riverside"))
    assert await count(blank_database, "organizations") == 1


async def test_an_organization_is_made_once_and_in_a_zone_that_exists(own_database: str) -> None:
    environment = settings(own_database)
    said = await success(environment, *organization("riverside"))
    assert said == "Made Riverside (riverside). Next: main.py create-admin\n"
    again = await failure(environment, *organization("riverside"))
    assert again == "slug: This name is already in use."
    assert (await failure(environment, *organization("b", "Europe/Oz"))).startswith("time_zone: ")
    assert await count(own_database, "organizations") == 1


async def test_an_administrator_is_made_and_the_password_is_never_shown(own_database: str) -> None:
    environment = settings(own_database)
    await success(environment, *organization("one"))
    ada = ["create-admin", "--name", "Ada", "--email", "ada@clinic.example", "--password-stdin"]
    said = await success(environment, *ada, typed=f"{PASSWORD}\n")
    assert said == "ada@clinic.example can sign in to One now.\n"
    eve = [word.replace("ada", "eve") for word in ada]
    weak = await failure(environment, *eve, typed="guessable\n")
    assert weak.startswith("password: This password is too easy to guess")
    assert "guessable" not in weak
    assert await count(own_database, "users WHERE role = 'ADMIN'") == 1
    assert await count(own_database, "users") == 1


async def test_where_there_are_several_organizations_one_is_named(own_database: str) -> None:
    environment = settings(own_database)
    for slug in ("one", "two"):
        await success(environment, *organization(slug))
    ada = ["create-admin", "--name", "Ada", "--email", "ada@clinic.example", "--password-stdin"]
    assert (await failure(environment, *ada, typed=PASSWORD)).startswith("organization: ")
    await success(environment, *ada, "--organization", "two", typed=PASSWORD)
    of_two = "users WHERE organization_id = (SELECT id FROM organizations WHERE slug = 'two')"
    assert (await count(own_database, of_two), await count(own_database, "users")) == (1, 1)


async def test_what_nobody_can_use_any_more_is_purged_and_counted(world: World) -> None:
    await world.value(
        "INSERT INTO password_attempts (organization_id, counted_for, attempts, started_at)"
        " SELECT id, login, 1, now() - minutes * interval '1 minute'"
        " FROM organizations, (VALUES ('old', 20), ('new', 10)) AS tried (login, minutes)"
    )
    assert await success(world.environment, "purge") == (
        "Deleted 0 idempotency keys, 0 refresh tokens, 0 sign ins, 0 user tokens,"
        " 0 sign ups, 1 password attempts, 0 notifications, 0 slots.\n"
    )
    assert await world.value("SELECT string_agg(counted_for, ' ') FROM password_attempts") == "new"


async def test_an_audit_trail_is_verified_and_a_fault_fails(world: World) -> None:
    await world.factory.add(
        AuditEvent(
            organization_id=world.factory.organization.id,
            id=uuid4(),
            at=datetime(2030, 1, 1, tzinfo=UTC),
            action="act",
            subject_ids=[],
            outcome=AuditOutcome.DONE,
        )
    )
    await seal(world.database)
    head = str((await verify(world.database, world.factory.organization.id)).head)
    said = await success(world.environment, "verify-audit", "--head", head)
    assert said == f"0 not sealed yet; the head is {head}\n"
    await world.value("UPDATE audit_events SET action = 'other'")
    code, said, errors = await run(world.environment, "verify-audit")
    assert (code, errors) == (1, "")
    assert said.startswith("Event 1 is not what was sealed.\n")
