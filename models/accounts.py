"""Accounts: who signs in, where they are signed in, and the secrets that prove it (hashed)."""

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Owned, Timestamped, named_enum, owned_reference


class Role(Enum):
    """What a user is to the organization; it decides what they may do."""

    ADMIN = "ADMIN"
    RECEPTIONIST = "RECEPTIONIST"
    DOCTOR = "DOCTOR"
    PATIENT = "PATIENT"


class User(Owned, Timestamped, Base):
    """An account. Its e-mail address and username are kept in lower case."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("organization_id", "email", name="uq_users_email"),
        UniqueConstraint("organization_id", "username", name="uq_users_username"),
    )

    username: Mapped[str]
    email: Mapped[str]
    name: Mapped[str]
    phone: Mapped[str | None]
    role: Mapped[Role] = mapped_column(named_enum(Role, "role"))
    is_active: Mapped[bool] = mapped_column(server_default="true", default=True)
    locale: Mapped[str]
    time_zone: Mapped[str]
    # Null until an invitation has been accepted: nobody can sign in with it.
    password_hash: Mapped[str | None]


class SignIn(Owned, Base):
    """Where an account is signed in: the family of refresh tokens that came from one password."""

    __tablename__ = "sign_ins"
    __table_args__ = (owned_reference("user_id", "users"), Index(None, "user_id"))

    user_id: Mapped[UUID]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    user_agent: Mapped[str | None]
    ip_address: Mapped[str | None]


class RefreshToken(Owned, Base):
    """One link of a sign-in's chain; only its SHA-256 is kept."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (owned_reference("sign_in_id", "sign_ins"), Index(None, "sign_in_id"))

    sign_in_id: Mapped[UUID]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class TokenPurpose(Enum):
    """What a mailed secret is good for."""

    INVITATION = "INVITATION"
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105 - no password
    EMAIL_CHANGE = "EMAIL_CHANGE"


class UserToken(Owned, Base):
    """A secret sent by mail that lets its holder do one thing to one account, once.

    It has the id of the message that it is sent in. `email` is the new address that a change of
    address is about.
    """

    __tablename__ = "user_tokens"
    __table_args__ = (
        owned_reference("user_id", "users"),
        Index(None, "user_id"),
        CheckConstraint("(purpose = 'EMAIL_CHANGE') = (email IS NOT NULL)", name="email"),
    )

    user_id: Mapped[UUID]
    purpose: Mapped[TokenPurpose] = mapped_column(named_enum(TokenPurpose, "token_purpose"))
    email: Mapped[str | None]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignUp(Owned, Base):
    """What somebody said who signed up, until the address is confirmed: only then is there an
    account. It has the id of the message with the secret that confirms it.
    """

    __tablename__ = "sign_ups"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    name: Mapped[str]
    email: Mapped[str]
    username: Mapped[str | None]
    phone: Mapped[str | None]
    locale: Mapped[str]
    time_zone: Mapped[str]
    password_hash: Mapped[str]
    expires_at: Mapped[datetime]


class PasswordAttempts(Base):
    """How often a password was tried since `started_at`: for one account, for one login that
    nobody has, or from one address.
    """

    __tablename__ = "password_attempts"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="RESTRICT"), primary_key=True
    )
    counted_for: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
