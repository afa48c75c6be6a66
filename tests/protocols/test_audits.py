"""The audits of graphql-http, the reference implementation of GraphQL over HTTP."""

import asyncio
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from models.database import Database
from services.organizations import create_organization
from tests.api import Api
from tests.conftest import CONFIG, serving
from tests.scratch import scratch_database

CLIENTS = Path(__file__).parent.parent / "clients"


async def run(program: str, *words: str, **environment: str) -> str:
    """What a program of the clients' folder says; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        program,
        *words,
        cwd=CLIENTS,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    return said.decode()


@pytest.fixture
async def node() -> str:
    """Node.js, with the packages of the clients' folder."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("NODE.JS IS NOT INSTALLED: the 61 audits of GraphQL over HTTP were NOT run.")
    if not (CLIENTS / "node_modules" / "graphql-http").is_dir():
        await run(npm, "ci", "--no-audit", "--no-fund")
    return node


# They try variables on `__type`, which a server in production does not tell.
ABOUT_THE_SCHEMA = {
    "2EA1": "SHOULD allow map {variables} parameter when accepting "
    "application/graphql-response+json",
    "28B9": "MUST allow map {variables} parameter when accepting application/json",
    "D6D5": "MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting "
    "application/graphql-response+json",
    "6A70": "MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting "
    "application/json",
}


async def failed(url: str, node: str, headers: dict[str, str]) -> dict[str, str]:
    """The audits that are not passed, by their ids; all 61 must have been tried."""
    said = json.loads(await run(node, "audit.mjs", url, AUDIT_HEADERS=json.dumps(headers)))
    assert said["total"] == 61 == said["ok"] + len(said["notOk"])
    return {audit["id"]: audit["name"] for audit in said["notOk"]}


async def test_every_audit_of_graphql_over_http_is_passed(public: Api, node: str) -> None:
    assert await failed(public.url, node, public.headers) == {}


async def test_in_production_those_fail_that_ask_about_the_schema_and_no_others(
    database_url: str, node: str
) -> None:
    # Node.js sends no Host of one's own: where there is one clinic, none is needed.
    async with scratch_database(database_url) as its_own:
        database = Database(its_own)
        await create_organization(
            database, slug="alone", name="Alone", time_zone="UTC", locale="en"
        )
        await database.close()
        with serving(replace(CONFIG, development=False), its_own) as url:
            assert await failed(url, node, {}) == ABOUT_THE_SCHEMA
