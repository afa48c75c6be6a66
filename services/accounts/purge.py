"""Which sign-ins, tokens and counts nobody can use any more. Deleting is done by `housekeeping`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, select

from models import Base, PasswordAttempts, RefreshToken, SignIn, SignUp, UserToken
from services.accounts.attempts import WINDOW

# Longer than the last access token of a sign-in is good, and for whoever looks into a theft.
KEPT = timedelta(days=7)


def outlived(now: datetime) -> Sequence[tuple[type[Base], ColumnElement[bool]]]:
    """Rows to delete, in this order."""
    expired = now - KEPT
    return [
        # Used tokens of a sign-in that goes on are kept: one that comes again was copied.
        (
            RefreshToken,
            RefreshToken.sign_in_id.in_(select(SignIn.id).where(SignIn.expires_at < expired)),
        ),
        (
            SignIn,
            (SignIn.expires_at < expired) & ~exists().where(RefreshToken.sign_in_id == SignIn.id),
        ),
        (UserToken, UserToken.expires_at < expired),
        (SignUp, SignUp.expires_at < now),
        # The next try would begin to count anew.
        (PasswordAttempts, PasswordAttempts.started_at < now - WINDOW),
    ]
