"""The audits of graphql-http, the reference implementation of GraphQL over HTTP."""

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from tests.api import Api

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


async def test_every_audit_of_graphql_over_http_is_passed(public: Api, node: str) -> None:
    headers = json.dumps({"x-organization": public.slug})
    said = json.loads(await run(node, "audit.mjs", public.url, AUDIT_HEADERS=headers))
    assert said == {"total": 61, "ok": 61, "notOk": []}
