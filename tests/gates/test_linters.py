"""Each linter of `make check` stops a break of its rule: shown by breaking it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.rules import ROOMS, ROOT

BIN = Path(sys.executable).parent


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The house, to be damaged."""
    for room in (*ROOMS, "serving"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (*ROOT.glob("*.py"), ROOT / "pyproject.toml", ROOT / "requirements.lock"):
        shutil.copy(file, tmp_path)
    return tmp_path


def run(copy: Path, *command: str) -> tuple[bool, str]:
    """Whether a linter is content, and what it says."""
    environment = {"PATH": f"{BIN}:{os.defpath}", "HOME": str(copy), "NO_COLOR": "1"}
    done = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stdout + done.stderr


def append(copy: Path, file: str, line: str) -> None:
    with (copy / file).open("a") as text:
        text.write(f"\n{line}\n")


def test_import_linter_is_content_with_the_house(copy: Path) -> None:
    content, said = run(copy, "lint-imports", "--no-cache")
    assert content, said


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("services/config.py", "import resolvers", "nothing points back"),
        ("models/base.py", "import services", "nothing points back"),
        ("schema/scalars.py", "import services.calendar.slots", "knows errors alone"),
        ("resolvers/ids.py", "import models.database", "not how they are stored"),
        ("services/calendar/rules.py", "import services.directory", "only the domains below it"),
        ("models/organizations.py", "import models.directory", "No circles"),
        ("services/mailer.py", "import starlette", "Starlette is known"),
        ("services/mailer.py", "import strawberry", "Strawberry is known"),
        ("resolvers/ids.py", "import sqlalchemy", "SQLAlchemy is known"),
        ("services/context.py", "import broadcaster", "broadcaster is tamed"),
        ("resolvers/ids.py", "import redis", "broadcaster is tamed"),
    ],
)
def test_import_linter_stops_a_wrong_arrow(copy: Path, file: str, line: str, contract: str) -> None:
    if contract == "No circles":
        append(copy, "models/directory.py", "import models.organizations")
    append(copy, file, line)
    content, said = run(copy, "lint-imports", "--no-cache")
    broken = [row for row in said.splitlines() if row.endswith("BROKEN")]
    assert not content
    assert any(contract in row for row in broken), said


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("import os", "F401"),
        ("import main", "TID251"),
        ("import environment", "TID251"),
        ("import application", "TID251"),
        ("def undocumented(): ...", "D103"),
        ("def untyped(value):\n    return value", "ANN001"),
    ],
)
def test_ruff_stops_bad_style(copy: Path, line: str, rule: str) -> None:
    append(copy, "services/mailer.py", line)
    content, said = run(copy, "ruff", "check", "--no-cache", "--output-format", "concise", ".")
    assert not content
    assert f" {rule} " in said


def test_ruff_stops_bad_format(copy: Path) -> None:
    append(copy, "services/mailer.py", "x = [ 1,2 ]")
    assert not run(copy, "ruff", "format", "--no-cache", "--check", ".")[0]


def test_mypy_stops_a_wrong_type(copy: Path) -> None:
    append(copy, "services/mailer.py", "number: int = 'one'")
    # What `make check` has found out of the rest need not be found out again.
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", copy / ".mypy_cache")
    content, said = run(copy, "mypy")
    assert not content
    assert "services/mailer.py" in said
    assert "[assignment]" in said


@pytest.mark.parametrize(
    ("file", "old", "new", "rule"),
    [
        ("pyproject.toml", '    "alembic', '    "requests",\n    "alembic', "DEP002"),
        ("services/mailer.py", "import logging", "import logging\nimport multidict", "DEP003"),
        ("services/mailer.py", "import logging", "import logging\nimport flask", "DEP001"),
    ],
)
def test_deptry_stops_wrong_dependencies(
    copy: Path, file: str, old: str, new: str, rule: str
) -> None:
    text = (copy / file).read_text()
    (copy / file).write_text(text.replace(old, new, 1))
    content, said = run(copy, "deptry", ".")
    assert not content
    assert rule in said
