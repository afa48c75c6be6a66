"""The people of a soak: a practice with its days, those who act in it, and those who watch."""

import asyncio
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from models import Role
from tests.factories import Factory, Person, id_of
from tests.soak.viewers import Window
from tests.soak.writers import Practice, midnight

DOCTORS = 4
PATIENTS = 24
# Far enough ahead that what has begun today never reaches it.
FIRST_DAY, DAYS = 2, 5
WALK_IN_CAPACITY = 10


async def practice(factory: Factory) -> Practice:
    """Doctors, a reception, and the slots that have begun; all others come with the hours."""
    await factory.policy(horizon_months=1)
    doctors = [await factory.person(Role.DOCTOR) for _ in range(DOCTORS)]
    begun = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    walk_ins = {}
    for doctor in doctors:
        assert doctor.calendar is not None
        slot = await factory.slot(
            doctor.calendar, begun, minutes=12 * 60, capacity=WALK_IN_CAPACITY
        )
        walk_ins[id_of(doctor.calendar)] = id_of(slot)
    reception = await factory.person(Role.RECEPTIONIST)
    return Practice(doctors, reception, midnight(FIRST_DAY), DAYS, walk_ins)


async def patients(factory: Factory) -> list[Person]:
    """Those who want appointments."""
    return list(await asyncio.gather(*(factory.person(Role.PATIENT) for _ in range(PATIENTS))))


def windows(practice: Practice, patients: Sequence[Person], count: int) -> list[Window]:
    """What each viewer looks at: many the same as others, whose updates are made once for all of
    them, and some what nobody else sees.
    """
    begun = datetime.now(UTC) - timedelta(hours=6)
    first, last = practice.first_day, practice.last_moment
    all_of_it, one_day = (begun, last), (first, first + timedelta(days=1))
    others = (first + timedelta(hours=33), last)
    made = []
    for number, doctor in zip(range(count), itertools.cycle(practice.doctors), strict=False):
        assert doctor.calendar is not None
        patient = patients[number % len(patients)]
        looks = (
            (*all_of_it, None),
            (*one_day, None),
            (*others, None),
            (*all_of_it, practice.reception),
            (*one_day, practice.reception),
            (*one_day, None),
            (*others, doctor),
            (*all_of_it, None),
            (*one_day, patient),
        )
        made.append(Window(doctor.calendar, *looks[number // len(practice.doctors) % len(looks)]))
    return made
