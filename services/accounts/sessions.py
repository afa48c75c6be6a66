"""Sessions: signing in and out, refreshing, and finding the viewer behind an access token."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import bindparam, case, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from models import (
    Doctor,
    Organization,
    PasswordAttempts,
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
from services.context import Context, Server, Viewer, answering_unavailable
from services.errors import InvalidCredentials, InvalidToken, NotSignedIn, TooManyAttempts
from services.live.rights import Right

MOST_ATTEMPTS = 10
ATTEMPTS_WINDOW = timedelta(minutes=15)
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
    """A pair of tokens, and whose they are."""

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
    while True:
        await asyncio.sleep(server.config.sweep_seconds)
        if not (held := server.live.rights.held):
            continue
        statement = RIGHTS.where(SignIn.id.in_({right.sign_in_id for right in held}))
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
        TooManyAttempts: ten passwords were tried for this login within a quarter of an hour.

    """
    login = login.strip().lower()[: checks.LINE_LENGTH]
    await _count_attempt(context, login)
    async with context.reading() as session:
        statement = select(User).where(or_(User.email == login, User.username == login))
        # A username cannot hold an @, so at most one account answers.
        user: User | None = (await session.execute(statement)).scalar_one_or_none()
    password_hash = user.password_hash if user is not None and user.is_active else None
    known = await context.server.passwords.matches(password, password_hash)
    if user is None or not known:
        raise InvalidCredentials("login")
    async with context.writing() as writing:
        await writing.execute(
            delete(PasswordAttempts).where(
                PasswordAttempts.organization_id == context.organization.id,
                PasswordAttempts.login == login,
            )
        )
        return await open_session(context, writing, user)


async def _count_attempt(context: Context, login: str) -> None:
    """Count one more try, for known and unknown logins alike, and refuse the eleventh."""
    table = PasswordAttempts.__table__.c
    stale = table.started_at < context.now - ATTEMPTS_WINDOW
    counting = insert(PasswordAttempts).values(
        organization_id=context.organization.id, login=login, attempts=1, started_at=context.now
    )
    counting = counting.on_conflict_do_update(
        index_elements=["organization_id", "login"],
        set_={
            "attempts": case((stale, 1), else_=table.attempts + 1),
            "started_at": case((stale, context.now), else_=table.started_at),
        },
    )
    async with context.writing() as session:
        attempts, started_at = (
            await session.execute(counting.returning(table.attempts, table.started_at))
        ).one()
    if attempts > MOST_ATTEMPTS:
        raise TooManyAttempts(retry_at=started_at + ATTEMPTS_WINDOW)


async def open_session(context: Context, session: WriteSession, user: User) -> Session:
    """A new sign-in for `user`; a part of the acts that end signed in."""
    sign_in = SignIn(
        organization_id=context.organization.id,
        id=uuid4(),
        user_id=user.id,
        created_at=context.now,
        last_used_at=context.now,
        expires_at=context.now + LONGEST.get(user.role, STAFF_LONGEST),
        user_agent=(context.client.user_agent or "")[: checks.LINE_LENGTH] or None,
        ip_address=context.client.ip_address,
    )
    session.add(sign_in)
    await session.flush()
    return await _continued(context, session, user, sign_in)


async def _continued(
    context: Context, session: WriteSession, user: User, sign_in: SignIn
) -> Session:
    """A new pair of tokens for a sign-in."""
    refresh_token = tokens.new_secret()
    session.add(
        RefreshToken(
            organization_id=context.organization.id,
            sign_in_id=sign_in.id,
            token_hash=tokens.hashed(refresh_token),
            created_at=context.now,
        )
    )
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
    return Session(access_token, expires_at, refresh_token, user)


@act(Permission.SIGN_IN, InvalidToken)
async def refresh_session(context: Context, *, refresh_token: str) -> Session:
    """Exchange a refresh token for a new pair; each is good for one use.

    Raises:
        InvalidToken: it is unknown, used, idle for too long, or its sign-in has ended. A used
            token in somebody's hands means that it was copied: the whole sign-in ends.

    """
    async with context.writing() as session:
        renewed = await _renewed(context, session, tokens.hashed(refresh_token))
    if renewed is None:
        raise InvalidToken("refresh_token")
    return renewed


async def _renewed(context: Context, session: WriteSession, token_hash: bytes) -> Session | None:
    statement = (
        select(RefreshToken, SignIn, User)
        .join(SignIn, SignIn.id == RefreshToken.sign_in_id)
        .join(User, User.id == SignIn.user_id)
        .where(RefreshToken.token_hash == token_hash)
        .with_for_update(of=(RefreshToken, SignIn))
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    token, sign_in, user = row
    if token.used_at is not None:
        sign_in.ended_at = sign_in.ended_at or context.now
        return None
    idle = context.now - sign_in.last_used_at > IDLE.get(user.role, STAFF_IDLE)
    if sign_in.ended_at or context.now >= sign_in.expires_at or idle or not user.is_active:
        return None
    token.used_at = sign_in.last_used_at = context.now
    return await _continued(context, session, user, sign_in)


@act(Permission.CHANGE_SELF)
async def sign_out(context: Context, *, everywhere: bool = False) -> bool:
    """End the sign-in of the token that was sent, or all of the viewer's."""
    if context.viewer is None:
        raise NotSignedIn
    async with context.writing() as session:
        ending = (
            update(SignIn)
            .where(SignIn.user_id == context.viewer.user.id, SignIn.ended_at.is_(None))
            .values(ended_at=context.now)
        )
        if not everywhere:
            ending = ending.where(SignIn.id == context.viewer.sign_in_id)
        await session.execute(ending)
    return True


async def end_sign_ins(session: WriteSession, user: User, now: datetime) -> None:
    """End every sign-in of `user`; a part of what follows a new password."""
    await session.execute(
        update(SignIn)
        .where(SignIn.user_id == user.id, SignIn.ended_at.is_(None))
        .values(ended_at=now)
    )
