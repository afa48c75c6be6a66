"""Programs that people use against the API, from npm, and what the tests need to run them."""

import os
import shutil
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


def program(*names: str) -> str:
    """The path of a program of this machine.

    Without it the test is skipped with the reason, and fails where tests must not be skipped.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    reason = f"{' or '.join(names)} is not installed on this machine."
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
