"""What is asked for by nobody in particular, or by somebody who is no patient and no doctor any
more, belongs to nobody: there is no such thing, whatever permission they have."""

import secrets
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from models import Appointment, Calendar, Patient, Role, User
from services.accounts.users import visible_users
from services.appointments.lists import visible_appointments
from services.calendar.slots import require_managed
from services.context import Context, Viewer
from services.directory.patients import visible_patients
from services.errors import NotFound
from tests.access.realm import Realm
from tests.factories import tomorrow


async def test_nobodys_own_is_nothing(workshop: Realm) -> None:
    """Not even where it is nobody's in the table: a patient or a calendar without a person."""
    server: Any = None
    nobody = Context(server, workshop.factory.organization)
    unowned = await workshop.factory.patient()
    calendar = workshop.put(f"calendar.{secrets.token_hex(4)}", Calendar, time_zone="UTC")
    await workshop.factory.add(calendar)
    doctor = (await workshop.factory.person(Role.DOCTOR)).user
    left = Viewer(doctor, unowned.id, tomorrow(), None, None)
    former = replace(nobody, viewer=left)
    organization_id = workshop.factory.organization.id
    async with workshop.factory.database.reading(organization_id) as session:
        for somebody in (nobody, replace(nobody, shared_role=Role.PATIENT), former):
            for kind, visible in (
                (Patient, visible_patients),
                (Appointment, visible_appointments),
            ):
                assert await session.rows(select(kind).where(visible(somebody))) == []
        assert await session.rows(select(User).where(visible_users(nobody))) == []
        with pytest.raises(NotFound):
            await require_managed(former, session, calendar.id)
