"""The command line: its commands, and what is run by each.

No rule lives here, and nothing imports this file. `python main.py --help` lists the commands.
"""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

import environment
import serving
from application import announcement, application
from models import Organization
from models.database import Database
from models.embedded import DatabaseUnavailable
from models.trouble import DatabaseUnusable
from schema.execution.report import report
from schema.root import schema
from services import housekeeping, logs, organizations
from services.accounts.users import create_admin
from services.audit import chain
from services.calendar import horizon
from services.config import Config, ConfigurationError
from services.context import Context, Server, answering_unavailable
from services.delivery import Delivery
from services.demo import clinic as demo
from services.errors import Refusal, ServiceError
from services.live.feeds import Live
from services.live.tasks import until_stopped
from services.mailer import mailer_for
from services.meters import show
from services.passwords import Passwords

console = Console()


def serve(arguments: argparse.Namespace) -> None:
    """Serve until stopped."""
    config = environment.settings(is_demo=arguments.demo)
    environment.set_up_logs(config)
    host, port = environment.address()
    with environment.database_address() as url:
        if arguments.migrate:
            environment.migrated(url)
        if arguments.demo:
            asyncio.run(with_server(config, url, make_demo_once))
        text = announcement(config, host, port)
        app = application(config, url)
        show(app.state.meters, environment.metrics_address())
        serving.Server(
            app,
            host=host,
            port=port,
            on_start=lambda: console.print(text, highlight=False, soft_wrap=True),
        ).run()


async def with_server(config: Config, url: str, work: Callable[[Server], Awaitable[None]]) -> None:
    """Do some work of the command line with all that a server has, short of serving."""
    database = Database(url, pool_size=2)
    live = Live(database, url=config.broadcast_url)
    server = Server(config, database, live, mailer_for(config), Passwords())
    await live.start()
    try:
        await work(server)
        await live.flush()
    finally:
        await live.stop()
        await database.close()
        server.passwords.close()


def work(_: argparse.Namespace) -> None:
    """Send mails until stopped."""

    async def send(server: Server) -> None:
        async with Delivery(server), until_stopped():
            console.print("Sending what is to be mailed. Stop with Ctrl+C.")

    with environment.database_address() as url:
        asyncio.run(with_server(environment.settings(), url, send))


def command(work: Callable[[Server], Awaitable[None]]) -> None:
    """Run some work of the command line on the database of the environment."""
    config = environment.settings_of_a_command()
    with environment.database_address() as url:
        asyncio.run(with_server(config, url, work))


async def make_demo_once(server: Server) -> None:
    """Make the demo's data where there is nothing yet; go on with what is there if it is a demo."""
    if await organizations.count_organizations(server.database, is_demo=True):
        return
    await make_demo(server, demo.DemoSize())


async def make_demo(server: Server, size: demo.DemoSize) -> None:
    """Make the demo's data with a progress bar."""
    password = server.config.demo_password
    with progress_bar() as bar:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what)
            bar.update(tasks[what], completed=done, total=total)

        await demo.make_demo(server, password=password, size=size, progress=progress)


def progress_bar() -> Progress:
    """A bar for work that takes a while."""
    text = TextColumn("{task.description:30}")
    return Progress(text, BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())


async def organization_of(server: Server, slug: str | None) -> Organization:
    """The organization that a command is for: the named one, or the only one."""
    return await organizations.find_organization(server.database, slug=slug)


def create_organization(arguments: argparse.Namespace) -> None:
    """Make an organization."""

    async def work(server: Server) -> None:
        made = await organizations.create_organization(
            server.database,
            slug=arguments.slug,
            name=arguments.name,
            time_zone=arguments.time_zone,
            locale=arguments.locale,
        )
        console.print(f"Made {made.name} ({made.slug}). Next: main.py create-admin")

    command(work)


def create_administrator(arguments: argparse.Namespace) -> None:
    """Make an administrator's account."""
    name = arguments.name or input("Name: ")
    email = arguments.email or input("E-mail: ")
    password = sys.stdin.readline().rstrip("\n") if arguments.password_stdin else new_password()

    async def work(server: Server) -> None:
        context = Context(server, await organization_of(server, arguments.organization))
        admin = await create_admin(context, name=name, email=email, password=password)
        console.print(f"{admin.email} can sign in to {context.organization.name} now.")

    command(work)


def new_password() -> str:
    """A password, asked for twice and not shown."""
    password = getpass.getpass("Password, at least 15 characters: ")
    if getpass.getpass("Once more: ") != password:
        raise ConfigurationError("The two passwords differ.")
    return password


def generate(arguments: argparse.Namespace) -> None:
    """Make the slots that are missing in every calendar of an organization."""

    async def work(server: Server) -> None:
        context = Context(server, await organization_of(server, arguments.organization))
        with progress_bar() as bar:
            task = bar.add_task(context.organization.name)

            def progress(done: int, total: int, made: int) -> None:
                bar.update(task, completed=done, total=total, description=f"{made:,} slots")

            made = await horizon.generate_all(context, progress=progress)
        console.print(f"Made {made:,} slots.")

    command(work)


def purge(_: argparse.Namespace) -> None:
    """Delete what nobody can use any more."""

    async def work(server: Server) -> None:
        async with answering_unavailable():
            deleted = await housekeeping.clean_up(server.database, server.clock())
        console.print(f"Deleted {housekeeping.in_words(deleted)}.")

    command(work)


def verify_audit(arguments: argparse.Namespace) -> None:
    """Say whether the audit trail is whole; fail where it is not."""

    async def work(server: Server) -> None:
        organization = await organization_of(server, arguments.organization)
        verdict = await chain.verify(server.database, organization.id, arguments.head)
        console.print(str(verdict), highlight=False, soft_wrap=True)
        if verdict.faults:
            raise SystemExit(1)

    command(work)


def demonstrate(arguments: argparse.Namespace) -> None:
    """Make demo data."""
    size = demo.DemoSize(doctors=arguments.doctors, patients=arguments.patients)
    command(lambda server: make_demo(server, size))


def migrate_database(_: argparse.Namespace) -> None:
    """Bring the database to the newest schema."""
    with environment.database_address() as url:
        environment.migrated(url)
    console.print("The database is up to date.")


def print_schema(_: argparse.Namespace) -> None:
    """Print the SDL."""
    sys.stdout.write(schema.as_str() + "\n")


def print_compiled(arguments: argparse.Namespace) -> None:
    """Print which fields of a document are compiled, and why the others are not."""
    text = arguments.document.read_text()
    for path, why in report(schema._schema, text).items():  # noqa: SLF001 - Strawberry keeps it
        sys.stdout.write(f"{path}: {why}\n")


def size(word: str) -> int:
    """How many of something: one at least."""
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(word)


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    whole = argparse.ArgumentParser(
        prog="main.py",
        description="An appointment server: GraphQL with a live calendar.",
        epilog="Settings come from the environment or from .env; .env.example explains each. "
        "Without DATABASE_URL an embedded PostgreSQL in .data/ is used.",
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[[argparse.Namespace], None], text: str
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        return made

    to_serve = add("serve", serve, "Serve the API at HOST:PORT until stopped with Ctrl+C.")
    to_serve.add_argument(
        "--migrate", action="store_true", help="first bring the database to the newest schema"
    )
    to_serve.add_argument(
        "--demo", action="store_true", help="with demo data, demo accounts and GraphiQL"
    )
    add("work", work, "Send mails, as servers do too, until stopped with Ctrl+C.")
    add("migrate", migrate_database, "Bring the database to the newest schema.")
    making = add("create-organization", create_organization, "Make an organization.")
    making.add_argument("slug", help="short name for addresses, such as riverside")
    making.add_argument("--name", required=True, help="such as 'Riverside Clinic'")
    making.add_argument("--time-zone", required=True, help="such as Europe/Madrid")
    making.add_argument("--locale", default="en", help="language and country, such as es-MX")
    admin = add(
        "create-admin", create_administrator, "Make an administrator; asks for what is not given."
    )
    admin.add_argument("--name", help="the person's name")
    admin.add_argument("--email", help="the address to sign in with")
    admin.add_argument("--password-stdin", action="store_true", help="read it from standard input")
    filling = add("generate", generate, horizon.GENERATING)
    verifying = add("verify-audit", verify_audit, chain.VERIFYING)
    verifying.add_argument("--head", type=chain.head_in, help="one that was printed before")
    for one in (admin, filling, verifying):
        one.add_argument("--organization", metavar="SLUG", help="which, where there are several")
    add("purge", purge, "Delete what nobody can use any more; servers do so every hour.")
    showing = add("demo", demonstrate, "Make demo data in an empty database.")
    showing.add_argument("--doctors", type=size, default=24, help="how many (default 24)")
    showing.add_argument("--patients", type=size, default=300, help="how many (default 300)")
    add("schema", print_schema, "Print the schema in GraphQL's schema language.")
    telling = add("compiled", print_compiled, "Print which fields of a document are compiled.")
    telling.add_argument("document", type=Path, help="a file with one operation")
    return whole


def main(words: Sequence[str] | None = None) -> int:
    """Run a command; what goes wrong is said in a sentence."""
    environment.load()
    logs.set_up("text", "INFO")
    arguments = parser().parse_args(words)
    try:
        arguments.run(arguments)
    except (ConfigurationError, DatabaseUnavailable, DatabaseUnusable, ServiceError) as error:
        where = ".".join(map(str, error.path)) if isinstance(error, Refusal) else ""
        Console(stderr=True).print(f"[bold red]{where + ': ' if where else ''}{error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
