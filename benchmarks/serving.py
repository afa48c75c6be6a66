"""How the yardsticks are served: by uvicorn with the settings that main.py gives our server."""

import os

import uvicorn
from starlette.types import ASGIApp

DATABASE_URL = os.environ.get("DATABASE_URL", "")
SECRET_KEY = os.environ.get("SECRET_KEY", "")


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
