"""The world of the tests: one PostgreSQL for all, a database and a server for each worker, and an
organization of its own for each test, so that tests cannot meet."""

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from application import application
from models import Organization, Role
from models.database import Database
from models.embedded import EmbeddedPostgres
from models.migration import migrate
from services.config import Config
from services.organizations import create_organization
from serving import Server
from tests.api import Api
from tests.elsewhere import Elsewhere, serving_elsewhere
from tests.factories import Factory, Person
from tests.mails import Mails

# One address asks for everybody; what is limited is for the tests of the limits.
PLENTY = {
    "messages_at_once": 10**6,
    "executions_waiting": 10**6,
    "points_per_user": 10**9,
    "points_per_address": 10**9,
    "points_per_organization": 10**9,
    "sign_ups_per_address": 10**9,
    "password_resets_per_account": 10**9,
    "holds_per_patient": 10**9,
    # Midnight may come in the middle of a test: horizons move where a test moves them.
    "horizon_seconds": 10**9,
    "external_readings_per_user": 10**9,
    "guest_bookings_per_address": 10**9,
}
CONFIG = Config(secret_key=secrets.token_urlsafe(48), development=True, **PLENTY)
CLUSTER = pytest.StashKey[EmbeddedPostgres]()
TEMPLATE = "template_of_tests"
# The folders of tests that take seconds each.
LONG = ("e2e", "gates", "timetable", "embedded")
WORKER_COUNT = "PYTEST_XDIST_WORKER"


def pytest_configure(config: pytest.Config) -> None:
    """Start the one PostgreSQL, in the process that commands the workers."""
    if WORKER_COUNT in os.environ:
        return
    folder = Path(tempfile.mkdtemp(prefix="appointments-"))
    postgres = EmbeddedPostgres(folder / "postgres", durable=False)
    postgres.start()
    config.stash[CLUSTER] = postgres
    config.add_cleanup(lambda: (postgres.stop(), shutil.rmtree(folder, ignore_errors=True)))
    postgres.create_database(TEMPLATE)
    migrate(postgres.url(TEMPLATE))


class ForWorkers:
    """Tells each worker where the PostgreSQL is; only loaded where there are workers."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: object) -> None:
        """Hand the address over."""
        postgres = node.config.stash[CLUSTER]  # type: ignore[attr-defined]
        name = node.workerinput["workerid"]  # type: ignore[attr-defined]
        postgres.create_database(name, template=TEMPLATE)
        node.workerinput["database_url"] = postgres.url(name)  # type: ignore[attr-defined]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that at the end no worker works alone."""
    items.sort(key=lambda item: not item.path.parent.name.startswith(LONG))


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register what needs xdist's hooks."""
    pluginmanager.register(ForWorkers())


@pytest.fixture(scope="session")
def database_url(request: pytest.FixtureRequest) -> str:
    """The worker's own database."""
    given = getattr(request.config, "workerinput", {}).get("database_url")
    if given is not None:
        return str(given)
    postgres = request.config.stash[CLUSTER]
    postgres.create_database("alone", template=TEMPLATE)
    return postgres.url("alone")


@pytest.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    """The worker's database, for looking behind the API's back."""
    database = Database(database_url, pool_size=5)
    yield database
    await database.close()


@contextlib.contextmanager
def serving(config: Config, database_url: str) -> Iterator[str]:
    """The application on a port of its own, in a thread of its own; its GraphQL address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = Server(application(config, database_url))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("The server did not start.")
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/graphql"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="session")
def server_url(database_url: str) -> Iterator[str]:
    """The worker's server."""
    with serving(CONFIG, database_url) as url:
        yield url


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """One pool of connections for the worker's tests."""
    # Connections are given up before the server does, so that none is used while it closes them.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


@pytest.fixture
async def organization(database: Database) -> Organization:
    """An organization of the test's own."""
    return await create_organization(
        database,
        slug=f"clinic-{secrets.token_hex(6)}",
        name="A Clinic",
        time_zone="Europe/Madrid",
        locale="en-GB",
    )


@pytest.fixture
def factory(database: Database, organization: Organization) -> Factory:
    """Makes rows of the test's organization."""
    return Factory(database, CONFIG, organization)


@pytest.fixture
def public(server_url: str, http: aiohttp.ClientSession, organization: Organization) -> Api:
    """The API as the public sees it."""
    return Api(server_url, http, organization.slug)


@pytest.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    """A calendar elsewhere."""
    async with serving_elsewhere() as made:
        yield made


@pytest.fixture
def mails(factory: Factory, caplog: pytest.LogCaptureFixture) -> Mails:
    """What is mailed to people of the test's organization."""
    return Mails(factory, caplog)


@dataclass(frozen=True)
class Clinic:
    """One person of each kind, with their clients."""

    factory: Factory
    public: Api
    admin: Api
    reception: Api
    doctor: Api
    patient: Api
    people: dict[Role, Person]

    def person(self, role: Role) -> Person:
        """Who plays a role."""
        return self.people[role]


@pytest.fixture
async def clinic(factory: Factory, public: Api) -> Clinic:
    """A clinic with an administrator, a receptionist, a doctor and a patient."""
    people = dict(
        zip(Role, await asyncio.gather(*(factory.person(role) for role in Role)), strict=True)
    )
    clients = {role: public.signed_in(person.token) for role, person in people.items()}
    return Clinic(
        factory=factory,
        public=public,
        admin=clients[Role.ADMIN],
        reception=clients[Role.RECEPTIONIST],
        doctor=clients[Role.DOCTOR],
        patient=clients[Role.PATIENT],
        people=people,
    )
