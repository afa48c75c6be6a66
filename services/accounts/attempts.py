"""Attempts: whether a password is the right one, and how often that may be tried.

Each try is counted before it is looked at, in the database, so that no number of processes, sockets
or spellings of a login makes more of them: for the account, or for the login where nobody has it,
and for the address that it comes from. Only what fails goes on counting.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import case, delete, func, update
from sqlalchemy.dialects.postgresql import insert

from models import PasswordAttempts, User
from models.database import WriteSession
from services.context import Context
from services.errors import InvalidCredentials, TooManyAttempts
from services.limits import household

WINDOW = timedelta(minutes=15)
MOST_FOR_ACCOUNT = 10
MOST_FROM_ADDRESS = 30


def account_key(user_id: UUID) -> str:
    """What tries for an account are counted for, however the login was spelled."""
    return f"user:{user_id.hex}"


def login_key(login: str) -> str:
    """What tries for a login that nobody has are counted for. People type passwords there: what
    they typed is not kept.
    """
    return f"login:{sha256(login.encode(errors='replace')).hexdigest()}"


def address_key(address: str) -> str:
    """What tries from a network address are counted for."""
    return f"address:{household(address)}"


async def require_password(
    context: Context, user: User | None, password: str, field: str, *, login: str = ""
) -> User:
    """Go on only with the password of `user`, who may be nobody or no longer active: that takes as
    long, and is counted alike.

    Raises:
        InvalidCredentials: it is not the password.
        TooManyAttempts: too many were tried for this account or from this address.

    """
    await _count(context, account_key(user.id) if user else login_key(login), field)
    password_hash = user.password_hash if user is not None and user.is_active else None
    matches = await context.server.passwords.matches(password, password_hash)
    if user is None or not matches:
        raise InvalidCredentials(field)
    return user


async def forget_attempt(context: Context, session: WriteSession, user: User) -> None:
    """Let a try that succeeded, and those for the same account before it, count for nothing."""
    mine = PasswordAttempts.organization_id == context.organization.id
    # In the order in which they are counted, or two who meet would wait for each other.
    if context.client.ip_address is not None:
        key = address_key(context.client.ip_address)
        await session.execute(
            update(PasswordAttempts)
            .where(mine, PasswordAttempts.counted_for == key)
            .values(attempts=func.greatest(PasswordAttempts.attempts - 1, 0))
        )
    await forget_account(context, session, user)


async def forget_account(context: Context, session: WriteSession, user: User) -> None:
    """Let the tries for an account count for nothing; a part of what only its owner can do."""
    await session.execute(
        delete(PasswordAttempts).where(
            PasswordAttempts.organization_id == context.organization.id,
            PasswordAttempts.counted_for == account_key(user.id),
        )
    )


async def _count(context: Context, key: str, field: str) -> None:
    """Count a try. What comes from an address that has had its tries is not held against the
    account: one address cannot lock out many.
    """
    over = None
    async with context.writing() as session:
        if context.client.ip_address is not None:
            address = address_key(context.client.ip_address)
            over = await _counted(context, session, address, MOST_FROM_ADDRESS)
        over = over or await _counted(context, session, key, MOST_FOR_ACCOUNT)
    # Raised outside of the transaction, which would be undone otherwise.
    if over is not None:
        raise TooManyAttempts(over, field)


async def _counted(context: Context, session: WriteSession, key: str, most: int) -> datetime | None:
    """Count one more; where that is one too many, when the count begins anew."""
    table = PasswordAttempts.__table__.c
    now = context.now
    stale = table.started_at < now - WINDOW
    counting = insert(PasswordAttempts).values(
        organization_id=context.organization.id, counted_for=key, attempts=1, started_at=now
    )
    counting = counting.on_conflict_do_update(
        index_elements=["organization_id", "counted_for"],
        set_={
            "attempts": case((stale, 1), else_=table.attempts + 1),
            "started_at": case((stale, now), else_=table.started_at),
        },
    )
    attempts, started_at = (
        await session.execute(counting.returning(table.attempts, table.started_at))
    ).one()
    return started_at + WINDOW if attempts > most else None
