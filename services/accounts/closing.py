"""Closing accounts: what becomes of them when the doctor or patient whose they are is archived."""

from sqlalchemy import exists, or_, select

from models import Doctor, Patient, Role, User
from models.database import WriteSession
from services import trail
from services.accounts.mailed import use_up
from services.accounts.sessions import end_sign_ins
from services.context import Context

# Nobody can have an address there.
NOWHERE = "@closed.invalid"


async def close_account(context: Context, session: WriteSession, user: User) -> None:
    """Shut a locked account for good, where it is no more than that of the doctor or patient who
    has just been archived: nobody signs in to it, and its address and username are free for
    another. A part of the acts that archive.
    """
    await session.flush()
    is_doctor = exists().where(Doctor.user_id == user.id, Doctor.archived_at.is_(None))
    is_patient = exists().where(Patient.user_id == user.id, Patient.archived_at.is_(None))
    is_either = (await session.execute(select(or_(is_doctor, is_patient)))).scalar_one()
    if is_either or user.role not in {Role.DOCTOR, Role.PATIENT}:
        return
    user.is_active, user.password_hash = False, None
    user.email, user.username = f"{user.id.hex}{NOWHERE}", f"closed-{user.id.hex}"
    trail.note_act(context, session, user)
    await end_sign_ins(session, user, context.now)
    await use_up(context, session, user)


def is_closed(user: User) -> bool:
    """Whether an account was closed."""
    return user.email.endswith(NOWHERE)
