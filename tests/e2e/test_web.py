"""The web client in a headless browser, against a server of its own with the demo's data.

`make test` runs the core of its tests, `make test-web` all of them.
"""

import asyncio
import os
from pathlib import Path

import pytest

from services.config import PAGES
from tests.clients import program
from tests.processes import ServerProcess, settings

ALL = bool(os.environ.get("ALL_OF_WEB"))
PATIENCE = 1200 if ALL else 230
WEB = Path(__file__).parent.parent.parent / "web"

built = pytest.mark.skipif(
    not ((PAGES / "index.html").is_file() and (WEB / "node_modules" / "vitest").is_dir()),
    reason="THE WEB CLIENT IS NOT BUILT: run `make web` (needs Node.js); it was NOT tested.",
)


async def vitest(folder: Path, *options: str, **environment: str) -> None:
    """Run the client's own tests; what they say is shown where they fail."""
    process = await asyncio.create_subprocess_exec(
        program("node"),
        "node_modules/vitest/vitest.mjs",
        "run",
        *options,
        cwd=WEB,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "NO_COLOR": "1", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), PATIENCE - 10)
    assert process.returncode == 0, said.decode()


@built
async def test_the_client_thinks_right(tmp_path: Path) -> None:
    await vitest(tmp_path, "--project", "unit")


@built
@pytest.mark.timeout(PATIENCE)
async def test_people_work_with_it(own_database: str, tmp_path: Path) -> None:
    browser = program("chromium", "google-chrome")
    which = [] if ALL else ["tests/browser/core.test.ts"]
    async with ServerProcess(settings(own_database), "--demo") as server:
        await vitest(
            tmp_path,
            "--project",
            "browser",
            *which,
            SERVER_URL=server.url.removesuffix("/graphql"),
            CHROMIUM=browser,
            SHOTS=os.environ.get("SHOTS", ""),
        )
