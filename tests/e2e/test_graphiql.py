"""GraphiQL in a headless browser that can reach nothing but the server, on demo data."""

import asyncio
import json
from pathlib import Path

from tests.clients import FOLDER, program
from tests.processes import ServerProcess, settings


async def test_a_newcomer_queries_watches_and_books(own_database: str, tmp_path: Path) -> None:
    node, browser = program("node"), program("chromium", "google-chrome")
    environment = settings(own_database)
    async with ServerProcess(environment, "--demo") as server:
        driver = await asyncio.create_subprocess_exec(
            node,
            "graphiql.mjs",
            server.url.removesuffix("/graphql"),
            str(tmp_path),
            cwd=FOLDER,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "CHROMIUM": browser},
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await asyncio.wait_for(driver.communicate(), 240)
    findings = json.loads(said)
    assert findings["ok"], findings
    assert findings["externalRequests"] == []
    assert findings["complaints"] == []
    done = [step["name"] for step in findings["steps"] if step["ok"]]
    assert "a change made elsewhere shows up live" in done
    assert "a patient books, and sees the appointment" in done
