"""Pages: what browsers are served of what Vite built, the web client and GraphiQL.

The client finds its way by the address itself, so every address that nothing else answers is its
page. What browsers are told with a page is said in `headers`.
"""

from os import PathLike
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from services.config import Config
from services.demo import clinic as demo
from services.traces import current

FOR_EVER = "public, max-age=31536000, immutable"
NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Appointments</title>
<style>body { font: 1.1rem/1.6 system-ui; max-width: 34rem; margin: 15vh auto }</style>
<h1>The web client is not built</h1>
<p>Install Node.js 20.19 or newer, run <code>make web</code>, and start the server again.</p>
<p>Everything else works without it: the API is at <a href="/graphql"><code>/graphql</code></a>.</p>
</html>
"""


class Built(StaticFiles):
    """What Vite built: a name with a hash in it never means anything else."""

    def file_response(self, full_path: str | PathLike[str], *args: Any, **kwargs: Any) -> Response:
        """The file, and how long a browser may keep it."""
        response = super().file_response(full_path, *args, **kwargs)
        is_named_by_content = Path(full_path).parent.name == "assets"
        response.headers["cache-control"] = FOR_EVER if is_named_by_content else "no-cache"
        return response


def files(config: Config) -> list[BaseRoute]:
    """The files that pages load, and GraphiQL where it is wanted."""
    packed = [Middleware(GZipMiddleware)]
    found: list[BaseRoute] = []
    if (config.pages / "assets").is_dir():
        assets = Built(directory=config.pages / "assets")
        found.append(Mount("/assets", assets, middleware=packed))
    if ide_page(config) is not None:
        found += [
            Route("/graphiql/config.json", JSONResponse({"demoAccounts": demo_accounts(config)})),
            Mount("/graphiql", Built(directory=config.pages / "graphiql"), middleware=packed),
        ]
    return found


def client(config: Config) -> BaseRoute:
    """The page of the web client, for every address that nothing else answers."""
    has_page, file = has_client(config), _page(config)

    async def page(request: Request) -> Response:
        is_first = request.url.path == "/"
        if "text/html" not in request.headers.get("accept", ""):
            # A program that has lost its way, and no person.
            if is_first:
                return RedirectResponse("/graphql")
            raise HTTPException(404)
        if not (has_page or is_first):
            raise HTTPException(404)
        # What stands in an address of the client, such as the name of an event, is nobody's.
        current().path = "/"
        if not has_page:
            return HTMLResponse(NOT_BUILT)
        return FileResponse(file, headers={"cache-control": "no-cache", "vary": "accept"})

    return Route("/{path:path}", page)


def has_client(config: Config) -> bool:
    """Whether the web client was built."""
    return _page(config).is_file()


def _page(config: Config) -> Path:
    return config.pages / "index.html"


def ide_page(config: Config) -> str | None:
    """The page of GraphiQL; None where it is switched off or was not built."""
    page = config.pages / "graphiql" / "index.html"
    return page.read_text() if config.development and page.is_file() else None


def demo_accounts(config: Config) -> list[dict[str, str]]:
    """Whom pages offer to sign in as: the demo's accounts, if it is the demo."""
    if not config.demo:
        return []
    return [
        {
            "label": login.title(),
            "login": f"{login}@{demo.DOMAIN}",
            "password": config.demo_password,
        }
        for login in demo.ACCOUNTS
    ]
