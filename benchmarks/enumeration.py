"""Whether the time of an answer tells which addresses are known.

    python -m benchmarks.enumeration --samples 300

A server of its own is asked for known and unknown addresses in a random order. Printed are the
medians and the p-value of Mann and Whitney's test: below 0.01 the two can be told apart.
"""

import argparse
import asyncio
import math
import random
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg

from benchmarks.contestants import COMMANDS, OURS, running
from models import Role, User
from models.database import Database
from models.embedded import EmbeddedPostgres
from models.migration import migrate
from services.organizations import create_organization
from services.passwords import HASHING

PORT = 18090
PASSWORD = "seven quiet herons on a pier"
KNOWN = "known@mail.example"
REFUSALS = "errors { __typename ... on UserError { message code path } }"

Ask = Callable[[str], Awaitable[bytes]]
ACTS: Mapping[str, tuple[str, Mapping[str, str], str]] = {
    "signIn": ("login", {"password": "not the password at all"}, "session { accessToken }"),
    "requestPasswordReset": ("email", {}, "accepted"),
    "signUp": ("email", {"name": "Ana", "password": PASSWORD}, "accepted session { accessToken }"),
}


def p_value(one: Sequence[float], other: Sequence[float]) -> float:
    """How likely two samples of one distribution differ as much: Mann and Whitney's test in its
    normal approximation, good from twenty samples on. Times have no ties to speak of.
    """
    ranks = {value: rank for rank, value in enumerate(sorted([*one, *other]), start=1)}
    n, m = len(one), len(other)
    u = sum(ranks[value] for value in one) - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


async def measured(ask: Ask, forget: Callable[[], Awaitable[Any]], samples: int) -> str:
    """The times of known and unknown addresses, as a line."""
    times: dict[bool, list[float]] = {True: [], False: []}
    answers = set()
    kinds = [True, False] * samples
    # Not in turns: what follows an answer would always disturb the other kind.
    random.shuffle(kinds)
    for is_known in kinds:
        await forget()
        address = KNOWN if is_known else f"{secrets.token_hex(2)}@mail.example"
        begin = time.perf_counter()
        answers.add(await ask(address))
        times[is_known].append((time.perf_counter() - begin) * 1000)
    known, unknown = statistics.median(times[True]), statistics.median(times[False])
    p = p_value(times[True], times[False])
    alike = "alike" if len(answers) == 1 else f"{len(answers)} DIFFERENT ANSWERS"
    return f"{known:8.2f} {unknown:10.2f} {known - unknown:+11.2f} {p:8.3f}   {alike}"


async def measure(database_url: str, samples: int) -> None:
    """All acts, one after the other."""
    connection = await asyncpg.connect(Database(database_url).dsn)

    async def forget() -> None:
        await connection.execute("TRUNCATE password_attempts")

    async with aiohttp.ClientSession() as http:
        print(f"{'ms':22} {'known':>8} {'unknown':>10} {'difference':>11} {'p':>8}   answers")
        for name, (field, values, fields) in ACTS.items():
            word = name[0].upper() + name[1:]
            document = f"mutation ($input: {word}Input!) {{ {name}(input: $input) {{ "
            document += f"{fields} {REFUSALS} }} }}"

            async def ask(
                address: str,
                field: str = field,
                values: Mapping[str, str] = values,
                document: str = document,
            ) -> bytes:
                body = {"query": document, "variables": {"input": {**values, field: address}}}
                async with http.post(f"http://127.0.0.1:{PORT}/graphql", json=body) as response:
                    return await response.read()

            await ask(KNOWN)
            print(f"{name:22} {await measured(ask, forget, samples)}", flush=True)
    await connection.close()


async def fill(database_url: str) -> None:
    """An organization with one account."""
    database = Database(database_url, pool_size=1)
    organization = await create_organization(
        database, slug="one", name="One", time_zone="UTC", locale="en"
    )
    async with database.writing(organization.id) as session:
        session.add(
            User(
                organization_id=organization.id,
                id=uuid4(),
                username="known",
                email=KNOWN,
                name="Known",
                role=Role.PATIENT,
                locale="en",
                time_zone="UTC",
                password_hash=HASHING.hash(PASSWORD),
            )
        )
    await database.close()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=300, help="of each kind (default 300)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="enumeration-") as name:
        folder = Path(name)
        with EmbeddedPostgres(folder / "postgres") as postgres:
            postgres.create_database("enumeration")
            url = postgres.url("enumeration")
            migrate(url)
            asyncio.run(fill(url))
            settings = {
                "DATABASE_URL": url,
                "SECRET_KEY": secrets.token_urlsafe(48),
                "CONFIRM_EMAIL": "true",
            }
            with running(OURS, COMMANDS[OURS], PORT, settings, None, folder) as server:
                server.wait_until_ready({"query": "{ viewer { id } }"})
                asyncio.run(measure(url, arguments.samples))
    return 0


if __name__ == "__main__":
    sys.exit(main())
