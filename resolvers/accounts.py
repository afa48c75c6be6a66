"""Accounts: signing in and out, the viewer, and the people behind ids."""

from collections.abc import Sequence
from typing import Any

from strawberry import Info

from models import Role, SignIn, User
from resolvers import pages
from resolvers.acts import act
from resolvers.loaders import load, loaded
from services.accounts import addresses, invitations, recovery, sessions, sign_ups, users
from services.context import Context
from services.directory import doctors, patients

LIST = "users"

sign_up = act(sign_ups.sign_up)
confirm_email = act(sign_ups.confirm_email)
sign_in = act(sessions.sign_in)
refresh_session = act(sessions.refresh_session)
sign_out = act(sessions.sign_out)
end_sign_in = act(sessions.end_sign_in)
change_password = act(recovery.change_password)
request_password_reset = act(recovery.request_password_reset)
reset_password = act(recovery.reset_password)
update_profile = act(users.update_profile)
request_email_change = act(addresses.request_email_change)
confirm_email_change = act(addresses.confirm_email_change)
invite_user = act(invitations.invite_user)
resend_invitation = act(invitations.resend_invitation)
accept_invitation = act(invitations.accept_invitation)
update_user = act(users.update_user)


async def viewer(info: Info[Context, None]) -> User | None:
    """The signed-in user."""
    return await users.get_viewer(info.context)


async def user_by_id(info: Info[Context, None], id: Any) -> User | None:
    """An account by id."""
    return await load(info, users.users_by_id, id)


async def all_users(
    info: Info[Context, None],
    first: int | None = 20,
    after: str | None = None,
    role: Role | None = None,
    search: str | None = None,
    include_inactive: bool | None = False,
) -> pages.Connection[User]:
    """Accounts in order of name."""
    page = await users.list_users(
        info.context,
        page=pages.request(LIST, pages.BY_NAME, first, after),
        role=role,
        search=search,
        include_inactive=bool(include_inactive),
    )
    return pages.Connection(page, LIST)


async def sign_ins(info: Info[Context, None]) -> Sequence[SignIn]:
    """Where the viewer is signed in."""
    return await sessions.list_sign_ins(info.context)


async def sign_in_by_id(info: Info[Context, None], id: Any) -> SignIn | None:
    """One of the viewer's sign-ins by id."""
    return await load(info, sessions.sign_ins_by_id, id)


async def is_current(root: Any, info: Info[Context, None]) -> bool:
    """Whether a sign-in is the one of the token that was sent."""
    viewer = info.context.viewer
    return viewer is not None and viewer.sign_in_id == root.id


doctor_of_user = loaded(doctors.doctors_by_user, "id")
patient_of_user = loaded(patients.patients_by_user, "id")
