"""Accounts: who signs in, where they are signed in, and the secrets that prove it (hashed)."""

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, func
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


class UserToken(Owned, Base):
    """A secret sent by mail that lets its holder set the password of one account, once."""

    __tablename__ = "user_tokens"
    __table_args__ = (owned_reference("user_id", "users"), Index(None, "user_id"))

    user_id: Mapped[UUID]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PasswordAttempts(Base):
    """How often a password was tried for one login, known or not, since `started_at`."""

    __tablename__ = "password_attempts"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="RESTRICT"), primary_key=True
    )
    login: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
