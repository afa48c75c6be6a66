"""Data folders of the tests of the embedded PostgreSQL."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.embedded import (
    EmbeddedPostgres,
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Where a data folder will be, and nothing is yet; 40 MB that pytest must not keep."""
    yield tmp_path / ".data" / "postgres"
    shutil.rmtree(tmp_path)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("pattern") / "postgres"
    with EmbeddedPostgres(folder, durable=False):
        pass
    yield folder
    shutil.rmtree(folder.parent)


@pytest.fixture
def data(pattern: Path, place: Path) -> Path:
    """A data folder as an earlier, orderly run left it."""
    place.parent.mkdir()
    subprocess.run(["cp", "-a", pattern, place], check=True)
    return place


@pytest.fixture(scope="module")
def server(pattern: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(pattern.with_name("shared"), durable=False) as running:
        yield running
