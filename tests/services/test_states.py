"""The table of states, written down a second time and compared cell by cell."""

from itertools import product

import pytest

from models import OPEN_STATUSES, AppointmentStatus
from services.appointments.states import Step, after
from services.errors import InvalidTransition

# Rows are statuses, columns acts; a dash is refused.
WRITTEN = """
             RESCHEDULE  CANCEL     CHECK_IN    COMPLETE   MARK_NO_SHOW
BOOKED       BOOKED      CANCELLED  CHECKED_IN  COMPLETED  NO_SHOW
CHECKED_IN   -           CANCELLED  -           COMPLETED  -
COMPLETED    -           -          -           -          -
CANCELLED    -           -          -           -          -
NO_SHOW      -           -          CHECKED_IN  -          -
"""
STEPS, *ROWS = (line.split() for line in WRITTEN.strip().splitlines())
CELLS = {
    (status, step): leads_to
    for status, *row in ROWS
    for step, leads_to in zip(STEPS, row, strict=True)
}


def test_every_status_and_every_act_is_written_down() -> None:
    assert set(CELLS) == set(product(AppointmentStatus.__members__, Step.__members__))


@pytest.mark.parametrize(("status", "step"), CELLS)
def test_an_act_leads_where_it_is_written_or_is_refused(status: str, step: str) -> None:
    before, act, leads_to = AppointmentStatus[status], Step[step], CELLS[status, step]
    if leads_to == "-":
        with pytest.raises(InvalidTransition) as refused:
            after(before, act)
        assert refused.value.status is before
        assert refused.value.path == ("appointment_id",)
    else:
        assert after(before, act) is AppointmentStatus[leads_to]


def test_an_open_appointment_is_one_that_is_yet_to_end() -> None:
    assert {status.name for status in OPEN_STATUSES} == {"BOOKED", "CHECKED_IN"}
