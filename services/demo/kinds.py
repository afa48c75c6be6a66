"""The kinds of visits of the demo clinic, and the rooms that one of them needs."""

from collections.abc import Sequence
from datetime import time

from models import Doctor, Weekday
from services.availability import TemplateInput
from services.calendar import generation
from services.calendar.horizon import horizon_days
from services.context import Context
from services.directory.rooms import create_room
from services.visit_types import create_visit_type

# What it is, minutes, and minutes kept clear after it. All doctors offer these.
KINDS = (
    ("Check-up", "Once a year, for everybody.", 30, 0),
    ("First consultation", "Time to get to know each other.", 60, 10),
    ("Follow-up", "How it goes, and what comes next.", 20, 0),
)
ULTRASOUND = ("Ultrasound", "In a room with the device; a look that hurts nobody.", 30, 10)
ROOMS = ("Ultrasound 1", "Ultrasound 2")
HOURS: TemplateInput = {
    "weekdays": list(Weekday)[:5],
    "start_time": time(8),
    "end_time": time(20),
    "slot_minutes": 30,
}


async def make_kinds(context: Context, doctors: Sequence[Doctor]) -> None:
    """Make them; every other doctor looks with ultrasound."""
    for name, description, minutes, buffer_minutes in KINDS:
        await create_visit_type(
            context,
            name=name,
            description=description,
            minutes=minutes,
            buffer_minutes=buffer_minutes,
        )
    rooms = [await create_room(context, name=name) for name in ROOMS]
    for room in rooms:
        made = await generation.set_availability(
            context, calendar_id=room.calendar_id, templates=[HOURS]
        )
        first_day, last_day = horizon_days(context, made.calendar)
        await generation.generate_slots(
            context, calendar_id=room.calendar_id, first_day=first_day, last_day=last_day
        )
    name, description, minutes, buffer_minutes = ULTRASOUND
    await create_visit_type(
        context,
        name=name,
        description=description,
        minutes=minutes,
        buffer_minutes=buffer_minutes,
        doctor_ids=[doctor.id for doctor in doctors[::2]],
        room_ids=[room.id for room in rooms],
    )
