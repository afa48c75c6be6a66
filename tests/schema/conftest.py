"""Who is in many of these tests besides a clinic's people."""

import pytest

from models import Role
from tests.accounts import HASH
from tests.factories import Factory, Person


@pytest.fixture
async def person(factory: Factory) -> Person:
    """A patient with a password."""
    return await factory.person(Role.PATIENT, password_hash=HASH)
