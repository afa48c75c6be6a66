"""Accounts: signing in and out, the viewer, and the people behind ids."""

from typing import Any

from strawberry import Info

from models import Doctor, Patient, User
from resolvers.acts import act
from resolvers.loaders import load
from services.accounts import sessions, users
from services.context import Context
from services.directory import doctors, patients

sign_up = act(users.sign_up)
sign_in = act(sessions.sign_in)
refresh_session = act(sessions.refresh_session)
sign_out = act(sessions.sign_out)
change_password = act(users.change_password)
update_profile = act(users.update_profile)
accept_invitation = act(users.accept_invitation)


async def viewer(info: Info[Context, None]) -> User | None:
    """The signed-in user."""
    return await users.get_viewer(info.context)


async def user_by_id(info: Info[Context, None], id: Any) -> User | None:
    """An account by id."""
    return await load(info, users.users_by_id, id)


async def doctor_of_user(root: Any, info: Info[Context, None]) -> Doctor | None:
    """The doctor that an account is."""
    return await load(info, doctors.doctors_by_user, root.id)


async def patient_of_user(root: Any, info: Info[Context, None]) -> Patient | None:
    """The patient that an account is."""
    return await load(info, patients.patients_by_user, root.id)
