"""How the yardsticks are served, by uvicorn with the settings that main.py gives our server; and
the SQL by hand that some of them share.
"""

import os
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

DATABASE_URL = os.environ.get("DATABASE_URL", "")
SECRET_KEY = os.environ.get("SECRET_KEY", "")
STATEMENTS = Path(__file__).parent / "sql"


def statement(name: str) -> str:
    """SQL written by hand; `peers/mercurius` sends the same."""
    return (STATEMENTS / f"{name}.sql").read_text()


def serve(application: ASGIApp) -> None:
    """Serve at the PORT of the environment until stopped."""
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        server_header=False,
        access_log=False,
        log_level="warning",
    )
