"""Random acts leave the calendar just as the model has it.

A run that fails says which acts led there, and hypothesis finds the fewest. EXAMPLES=500 plays
longer.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.play.machine import Play, Table

PLAYED = settings(
    max_examples=int(os.environ.get("EXAMPLES", "6")),
    stateful_step_count=20,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


def test_whatever_is_done_the_calendar_is_what_the_model_says(
    server_url: str, database_url: str
) -> None:
    table = Table(server_url, database_url)
    try:
        run_state_machine_as_test(type("Played", (Play,), {"table": table}), settings=PLAYED)
    finally:
        table.close()
