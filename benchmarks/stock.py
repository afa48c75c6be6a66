"""Yardstick 2: our schema and resolvers as Strawberry runs them out of the box.

The same types, services and contexts, without our view, our extensions, the frozen collector and
whatever else makes our server faster than its parts.
"""

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import strawberry
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.schema.config import StrawberryConfig

from application import context_for
from benchmarks.serving import DATABASE_URL, SECRET_KEY, serve
from models.database import Database
from schema.root import Mutation, Query
from schema.scalars import SCALARS
from services.config import Config
from services.context import Server
from services.live.feeds import Live
from services.mailer import ConsoleMailer
from services.organizations import find_organization
from services.passwords import Passwords


class StockView(GraphQL[Any, None]):
    """Strawberry's own view; only who asks is found out as our server does."""

    def __init__(self, server: Server) -> None:
        schema = strawberry.Schema(
            query=Query, mutation=Mutation, config=StrawberryConfig(scalar_map=SCALARS)
        )
        super().__init__(schema, graphql_ide=None)
        self.server = server

    async def get_context(self, request: Any, response: Any) -> Any:  # noqa: ARG002
        """Find out who asks."""
        find = partial(find_organization, self.server.database)
        return await context_for(self.server, find, request, request.headers.get("authorization"))


def application(config: Config, database_url: str) -> Starlette:
    """The ASGI application over the database at `database_url`."""
    database = Database(database_url)
    live = Live(database)
    server = Server(config, database, live, ConsoleMailer(), Passwords())

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await live.start()
        yield
        await live.stop()
        await database.close()
        server.passwords.close()

    return Starlette(routes=[Route("/graphql", StockView(server))], lifespan=lifespan)


if __name__ == "__main__":
    serve(application(Config(secret_key=SECRET_KEY), DATABASE_URL))
