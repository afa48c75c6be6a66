"""A server as the public meets it: not for development, with organizations by their hosts."""

from collections.abc import Iterator
from dataclasses import replace

import aiohttp
import pytest

from models import Organization
from tests.api import Api
from tests.conftest import CONFIG, serving

DOMAIN = "clinics.example"
PRODUCTION = replace(CONFIG, development=False, base_domain=DOMAIN)


class ByHost(Api):
    """The API of an organization that is named by its host."""

    @property
    def place(self) -> dict[str, str]:
        return {"host": f"{self.slug}.{DOMAIN}"}


@pytest.fixture(scope="module")
def production_url(database_url: str) -> Iterator[str]:
    """The server of a module's tests."""
    with serving(PRODUCTION, database_url) as url:
        yield url


@pytest.fixture
def production(production_url: str, http: aiohttp.ClientSession, organization: Organization) -> Api:
    """The API in production as the public sees it."""
    return ByHost(production_url, http, organization.slug)
