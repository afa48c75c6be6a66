"""Mailed secrets: what they are kept as, and that each is good for one thing, once.

What they open is decided in `invitations`, `recovery` and `addresses`.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select, update

from models import TokenPurpose, User, UserToken
from models.database import WriteSession
from services.accounts import tokens
from services.accounts.sessions import locked_user
from services.context import Context
from services.errors import InvalidToken


def kept(
    context: Context,
    id: UUID,
    user: User,
    purpose: TokenPurpose,
    expires_at: datetime,
    *,
    email: str | None = None,
) -> UserToken:
    """What is kept of the secret in the message with this id."""
    return UserToken(
        organization_id=context.organization.id,
        id=id,
        user_id=user.id,
        purpose=purpose,
        email=email,
        token_hash=tokens.hashed(tokens.mailed_secret(context.server.config, id)),
        expires_at=expires_at,
    )


def open_for(context: Context, purpose: TokenPurpose, secret: str) -> Select[UserToken, User]:
    """What a secret that is still good opens, and whose account that is."""
    return (
        select(UserToken, User)
        .join(User, User.id == UserToken.user_id)
        .where(
            UserToken.token_hash == tokens.hashed(secret),
            UserToken.purpose == purpose,
            UserToken.used_at.is_(None),
            UserToken.expires_at > context.now,
            User.is_active,
        )
    )


async def holder_of(context: Context, purpose: TokenPurpose, secret: str) -> User:
    """Whose account a secret is for; it is not used up by that.

    Raises:
        InvalidToken: it is unknown, used or expired, or for something else.

    """
    async with context.reading() as session:
        found = (await session.execute(open_for(context, purpose, secret))).one_or_none()
    if found is None:
        raise InvalidToken("token")
    user: User = found[1]
    return user


async def use(
    context: Context, session: WriteSession, purpose: TokenPurpose, secret: str
) -> tuple[UserToken, User]:
    """Use a secret up, and with it all others that were mailed for the account; a part of the acts
    that one is for. The account's row is locked.

    Raises:
        InvalidToken: it is unknown, used or expired, or for something else.

    """
    statement = open_for(context, purpose, secret)
    found = (await session.execute(statement)).one_or_none()
    if found is None:
        raise InvalidToken("token")
    # The account first, as everybody locks it; by then a rival may have used the secret.
    user = await locked_user(session, found[1].id)
    again = statement.with_for_update(of=UserToken).execution_options(populate_existing=True)
    if (await session.execute(again)).one_or_none() is None:
        raise InvalidToken("token")
    await use_up(context, session, user)
    return found[0], user


async def use_up(context: Context, session: WriteSession, user: User) -> None:
    """Let no secret that was mailed for an account be good any more; a part of what makes it
    somebody's again.
    """
    await session.execute(
        update(UserToken)
        .where(UserToken.user_id == user.id, UserToken.used_at.is_(None))
        .values(used_at=context.now)
    )
