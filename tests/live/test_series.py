"""Series, live: one update for all that they take, and none of what was refused."""

from typing import Any

from tests.booking import calendar_of, patient_id
from tests.conftest import Clinic
from tests.factories import id_of, tomorrow, wire
from tests.live.test_agendas import agenda
from tests.series import a_series, book_series, cancel_series, weekly


def shown(update: dict[str, Any]) -> list[tuple[str, str]]:
    """What an update says of slots."""
    return [(slot["id"], slot["status"]) for slot in update["slots"]]


async def test_a_calendar_is_sent_a_whole_series_at_once(clinic: Clinic) -> None:
    slots = await weekly(clinic, 6)
    ids = [id_of(slot) for slot in slots]
    window = wire(tomorrow(0)), wire(tomorrow(0, days=60))
    async with clinic.public.watching(id_of(calendar_of(clinic)), *window) as view:
        await view.next()
        # Nothing is told of what is refused: the next update follows on the first.
        payload = await book_series(clinic.patient, slots[1], 6)
        assert payload["series"] is None
        booked = await a_series(clinic.patient, slots[0], 6)
        assert shown(await view.next()) == [(id, "BOOKED") for id in ids]
        await cancel_series(clinic.patient, booked[2], "FOLLOWING")
        assert shown(await view.next()) == [(id, "AVAILABLE") for id in ids[2:]]


async def test_agendas_are_sent_a_whole_series_at_once(clinic: Clinic) -> None:
    slots = await weekly(clinic, 4)
    async with agenda(clinic.patient) as patient, agenda(clinic.doctor) as doctor:
        for view in (patient, doctor):
            await view.next()
        booked = await a_series(clinic.reception, slots[0], 4, patientId=patient_id(clinic))
        for view in (patient, doctor):
            update = await view.next()
            assert [one["id"] for one in update["appointments"]] == booked
        await cancel_series(clinic.patient, booked[0], "ALL")
        for view in (patient, doctor):
            update = await view.next()
            assert [one["status"] for one in update["appointments"]] == ["CANCELLED"] * 4
