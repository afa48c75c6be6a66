"""Sessions: signing in and out, refreshing, and finding the viewer behind an access token."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, bindparam, or_, select, update

from models import (
    Doctor,
    NotificationKind,
    Organization,
    Patient,
    RefreshToken,
    Role,
    SignIn,
    User,
)
from models.database import WriteSession
from services import checks
from services.access import Permission, act
from services.accounts import tokens
from services.accounts.attempts import forget_attempt, require_password
from services.context import Context, Server, Viewer, answering_unavailable
from services.errors import (
    InvalidCredentials,
    InvalidToken,
    NotFound,
    NotSignedIn,
    TooManyAttempts,
)
from services.live.rights import Right
from services.live.tasks import Outage
from services.notifications import notify

MOST_SIGN_INS = 10
# For so long a refresh token that was used is answered as it was the first time.
GRACE = timedelta(seconds=10)
# How long a sign-in lasts without being used, and at most.
IDLE = {Role.PATIENT: timedelta(days=7)}
STAFF_IDLE = timedelta(minutes=30)
LONGEST = {Role.PATIENT: timedelta(days=30)}
STAFF_LONGEST = timedelta(hours=12)

# Every signed-in request asks this: it is built once. Who is signed in somewhere, and still may.
GOOD = (
    select(Organization, User, Doctor.id, Patient.id)
    .join(User, User.organization_id == Organization.id)
    .join(SignIn, (SignIn.organization_id == User.organization_id) & (SignIn.user_id == User.id))
    .outerjoin(
        Doctor,
        (Doctor.organization_id == User.organization_id)
        & (Doctor.user_id == User.id)
        & Doctor.archived_at.is_(None),
    )
    .outerjoin(
        Patient,
        (Patient.organization_id == User.organization_id)
        & (Patient.user_id == User.id)
        & Patient.archived_at.is_(None),
    )
    .where(User.is_active, SignIn.ended_at.is_(None))
)
VIEWER = GOOD.where(
    Organization.id == bindparam("organization_id"),
    User.id == bindparam("user_id"),
    SignIn.id == bindparam("sign_in_id"),
)
RIGHTS = GOOD.with_only_columns(
    SignIn.id, User.role, Doctor.id, Patient.id, maintain_column_froms=True
)


@dataclass(frozen=True)
class Session:
    """A pair of tokens, and whose they are.

    Attributes:
        refresh_token: empty where the client keeps it out of the reach of its pages.

    """

    access_token: str
    access_token_expires_at: datetime
    refresh_token: str
    user: User


async def viewer_for(server: Server, token: str) -> tuple[Organization, Viewer]:
    """The viewer that an access token stands for, with role and state read fresh.

    Raises:
        NotSignedIn: the token, the sign-in or the account is no longer good.

    """
    claims = tokens.read_access_token(server.config, token)
    if claims.expires_at <= server.clock():
        raise NotSignedIn
    organization_id = claims.organization_id
    values = {
        "organization_id": organization_id,
        "user_id": claims.user_id,
        "sign_in_id": claims.sign_in_id,
    }
    async with answering_unavailable(), server.database.reading(organization_id) as session:
        row = (await session.execute(VIEWER, values)).one_or_none()
    if row is None:
        raise NotSignedIn
    organization, user, doctor_id, patient_id = row
    return organization, Viewer(user, claims.sign_in_id, claims.expires_at, doctor_id, patient_id)


async def end_lost_views(server: Server) -> None:
    """End the live views of those who signed out, were deactivated, or are now something else than
    they were when they opened them; again and again, for as long as the server runs.
    """
    outage = Outage("Ending lost views")
    while True:
        await asyncio.sleep(server.config.sweep_seconds)
        if not (held := server.live.rights.held):
            continue
        statement = RIGHTS.where(SignIn.id.in_({right.sign_in_id for right in held}))
        with outage:
            async with server.database.crossing_organizations() as session:
                good = {Right(*row) for row in (await session.execute(statement)).all()}
            for right in held - good:
                server.live.rights.lost(right, NotSignedIn())


@act(Permission.SIGN_IN, InvalidCredentials, TooManyAttempts)
async def sign_in(context: Context, *, login: str, password: str) -> Session:
    """Sign in with a username or an e-mail address.

    Raises:
        InvalidCredentials: no active account has this login and password; which of the two is
            wrong is not told.
        TooManyAttempts: ten passwords were tried for this account, or thirty from this address,
            within a quarter of an hour.

    """
    login = login.strip().lower()[: checks.LINE_LENGTH]
    async with context.reading() as reading:
        statement = select(User).where(or_(User.email == login, User.username == login))
        # A username cannot hold an @, so at most one account answers.
        found: User | None = (await reading.execute(statement)).scalar_one_or_none()
    found = await require_password(context, found, password, "login", login=login)
    async with context.writing() as session:
        user = await locked_user(session, found.id)
        # It may have been changed while it was compared: whoever did so has ended all sign-ins.
        if not user.is_active or user.password_hash != found.password_hash:
            raise InvalidCredentials("login")
        await forget_attempt(context, session, user)
        return await open_session(context, session, user)


async def locked_user(session: WriteSession, user_id: UUID | None) -> User:
    """An account, so that nobody else changes it; a part of the acts that do.

    Raises:
        NotFound: there is none.

    """
    statement = select(User).where(User.id == user_id).with_for_update(key_share=True)
    # What was read of it before may be older than the lock.
    statement = statement.execution_options(populate_existing=True)
    user: User | None = (await session.execute(statement)).scalar_one_or_none()
    if user is None:
        raise NotFound("user_id")
    return user


async def open_session(context: Context, session: WriteSession, user: User) -> Session:
    """A new sign-in for `user`, whose row is locked; a part of the acts that end signed in. Of too
    many, the oldest end.
    """
    now = context.now
    newest = (
        select(SignIn.id)
        .where(SignIn.user_id == user.id, SignIn.ended_at.is_(None))
        .where(SignIn.expires_at > now)
        .order_by(SignIn.created_at.desc(), SignIn.id)
        .limit(MOST_SIGN_INS - 1)
    )
    await end_sign_ins(session, user, now, SignIn.id.not_in(newest))
    sign_in = SignIn(
        organization_id=context.organization.id,
        id=uuid4(),
        user_id=user.id,
        created_at=now,
        last_used_at=now,
        expires_at=now + LONGEST.get(user.role, STAFF_LONGEST),
        user_agent=(context.client.user_agent or "")[: checks.LINE_LENGTH] or None,
        ip_address=context.client.ip_address,
    )
    session.add(sign_in)
    await session.flush()
    refresh_token = tokens.new_secret()
    _keep(context, session, sign_in, refresh_token)
    return _continued(context, session, user, sign_in, refresh_token)


def _keep(context: Context, session: WriteSession, sign_in: SignIn, refresh_token: str) -> None:
    """Let a refresh token be the newest of a sign-in."""
    session.add(
        RefreshToken(
            organization_id=context.organization.id,
            sign_in_id=sign_in.id,
            token_hash=tokens.hashed(refresh_token),
            created_at=context.now,
        )
    )


def _continued(
    context: Context, session: WriteSession, user: User, sign_in: SignIn, refresh_token: str
) -> Session:
    """A pair of tokens for a sign-in."""
    access_token, expires_at = tokens.access_token(
        context.server.config,
        context.now,
        user_id=user.id,
        organization_id=context.organization.id,
        sign_in_id=sign_in.id,
    )

    async def become_viewer() -> None:
        # What the rest of the operation shows, it shows to the person who has just signed in; to
        # nobody in particular where a rival has ended the sign-in again in the meantime.
        with suppress(NotSignedIn):
            _, context.viewer = await viewer_for(context.server, access_token)

    session.after_commit(become_viewer)
    if (kept := context.client.kept) is None:
        return Session(access_token, expires_at, refresh_token, user)
    lasts = (sign_in.expires_at - context.now).total_seconds()
    session.after_commit(partial(kept.keep, refresh_token, lasts))
    return Session(access_token, expires_at, "", user)


@act(Permission.SIGN_IN, InvalidToken)
async def refresh_session(context: Context, *, refresh_token: str) -> Session:
    """Exchange a refresh token for a new pair; each is good for one use.

    For ten seconds, using it again is answered with the same successor: a page that is open twice
    refreshes twice at once, and an answer may be lost on its way. Later, a used token in somebody's
    hands means that it was copied: the whole sign-in ends, and its owner is told by mail.

    Raises:
        InvalidToken: it is unknown, used, idle for too long, or its sign-in has ended.

    """
    async with context.writing() as session:
        renewed = await _renewed(context, session, refresh_token)
    if renewed is None:
        raise InvalidToken("refresh_token")
    return renewed


async def _renewed(context: Context, session: WriteSession, refresh_token: str) -> Session | None:
    statement = (
        select(RefreshToken, SignIn, User)
        .join(SignIn, SignIn.id == RefreshToken.sign_in_id)
        .join(User, User.id == SignIn.user_id)
        .where(RefreshToken.token_hash == tokens.hashed(refresh_token))
        .with_for_update(of=(RefreshToken, SignIn))
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    token, sign_in, user = row
    idle = context.now - sign_in.last_used_at > IDLE.get(user.role, STAFF_IDLE)
    if sign_in.ended_at or context.now >= sign_in.expires_at or idle or not user.is_active:
        return None
    successor = tokens.successor(context.server.config, refresh_token)
    if token.used_at is None:
        token.used_at = sign_in.last_used_at = context.now
        _keep(context, session, sign_in, successor)
    elif context.now - token.used_at > GRACE:
        sign_in.ended_at = context.now
        notify(context, session, NotificationKind.SIGN_IN_COPIED, user.email)
        return None
    return _continued(context, session, user, sign_in, successor)


@act(Permission.CHANGE_SELF)
async def sign_out(context: Context, *, everywhere: bool = False) -> bool:
    """End the sign-in of the token that was sent, or all of the viewer's."""
    if context.viewer is None:
        raise NotSignedIn
    here = [] if everywhere else [SignIn.id == context.viewer.sign_in_id]
    async with context.writing() as session:
        await end_sign_ins(session, context.viewer.user, context.now, *here)
    if context.client.kept is not None:
        context.client.kept.forget()
    return True


@act(Permission.CHANGE_SELF)
async def list_sign_ins(context: Context) -> Sequence[SignIn]:
    """Where the viewer is signed in, the newest first."""
    async with context.reading() as session:
        return await session.rows(_own(context).order_by(SignIn.created_at.desc(), SignIn.id))


@act(Permission.SEE_SELF)
async def sign_ins_by_id(context: Context, ids: Sequence[UUID]) -> Mapping[UUID, SignIn]:
    """The viewer's own sign-ins by id."""
    async with context.reading() as session:
        rows = await session.rows(_own(context).where(SignIn.id.in_(ids)))
    return {row.id: row for row in rows}


@act(Permission.CHANGE_SELF)
async def end_sign_in(context: Context, *, sign_in_id: UUID) -> SignIn:
    """End one of the viewer's sign-ins, as on a device that was lost."""
    async with context.writing() as session:
        statement = _own(context).where(SignIn.id == sign_in_id).with_for_update()
        found: SignIn | None = (await session.execute(statement)).scalar_one_or_none()
        if found is None:
            raise NotFound("sign_in_id")
        found.ended_at = context.now
    return found


def _own(context: Context) -> Select[SignIn]:
    """The viewer's sign-ins that are good."""
    return select(SignIn).where(
        SignIn.user_id == context.user_id,
        SignIn.ended_at.is_(None),
        SignIn.expires_at > context.now,
    )


async def end_sign_ins(
    session: WriteSession, user: User, now: datetime, *conditions: ColumnElement[bool]
) -> None:
    """End the sign-ins of `user`, all or some; a part of what follows a new password."""
    await session.execute(
        update(SignIn)
        .where(SignIn.user_id == user.id, SignIn.ended_at.is_(None), *conditions)
        .values(ended_at=now)
    )
