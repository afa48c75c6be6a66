"""Accounts: users, sessions, and the acts of signing up and in."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import ID, Maybe

from models import Role
from models import SignIn as SignInRow
from models import User as UserRow
from resolvers import accounts as resolvers
from schema.fields import KEY, Node, describe_enum, entity, field, given, inputs, mutation, value
from schema.scalars import TimeZone

if TYPE_CHECKING:
    from schema.directory.types import Doctor, Patient
else:
    Doctor = Annotated["Doctor", strawberry.lazy("schema.directory.types")]
    Patient = Annotated["Patient", strawberry.lazy("schema.directory.types")]

describe_enum(
    Role,
    "What a user is to the organization; it decides what they may do.",
    {
        "ADMIN": "Manages the organization, its directory and its people.",
        "RECEPTIONIST": "Runs the front desk: books, moves and cancels for everybody.",
        "DOCTOR": "Runs the own calendar and sees the own patients.",
        "PATIENT": "Books and sees the own appointments.",
    },
)


@entity(UserRow)
class User(Node):
    """An account. The front desk sees all, doctors staff's and patients', others their own."""

    username: str = field("Short name to sign in with.")
    email: str = field(
        "Address to sign in with and to write to; where the account was closed, nobody's."
    )
    name: str = field("The person's name.")
    phone: str | None = field("Telephone number in E.164.")
    role: Role = field("What the user is to the organization.")
    is_active: bool = field("False: cannot sign in.")
    locale: str = field("Language and country, such as es-MX.")
    time_zone: TimeZone = field("Where the person is.")
    doctor: Doctor | None = field("The doctor that this account is.", resolvers.doctor_of_user)
    patient: Patient | None = field("The patient that this account is.", resolvers.patient_of_user)
    created_at: datetime = field("When the account was made.")
    updated_at: datetime = field("When it last changed.")


@value
class Session:
    """A pair of tokens. Send the access token as `Authorization: Bearer …`, or as
    `authorization` in connection_init.
    """

    access_token: str = field("Proves who asks, for a few minutes.")
    access_token_expires_at: datetime = field("Refresh the session before this.")
    refresh_token: str = field(
        "Good for one use: refreshing rotates it, and using an old one ends every session that "
        "came from it. Empty for a page of this server that sends the header x-session-cookie: "
        "its browser keeps the token, and POST /session renews the session."
    )
    user: User = field("Whose session it is.")


@entity(SignInRow)
class SignIn(Node):
    """Where an account is signed in."""

    created_at: datetime = field("When somebody signed in there.")
    last_used_at: datetime = field("When the session was refreshed last.")
    user_agent: str | None = field("What the browser or program calls itself.")
    ip_address: str | None = field("The network address that it was opened from.")
    is_current: bool = field("True: this is where the viewer asks from.", resolvers.is_current)


@inputs
class SignUpInput:
    """A new patient's account."""

    name: str = given("The person's name.")
    email: str = given("Address to sign in with.")
    password: str = given("At least 15 characters and hard to guess, such as four words.")
    username: str | None = given("Made from the address where left out.", default=None)
    phone: str | None = given("Telephone number.", default=None)
    locale: str | None = given("The organization's where left out.", default=None)
    time_zone: TimeZone | None = given("The organization's where left out.", default=None)


@inputs
class SignInInput:
    """Who signs in."""

    login: str = given("Username or e-mail address.")
    password: str = given("The password.")


@inputs
class RefreshSessionInput:
    """The session to go on with."""

    refresh_token: str = given("The newest refresh token of the session.")


@inputs
class SignOutInput:
    """Which sessions to end."""

    everywhere: bool = given("True: everywhere, not only here.", default=False)


@inputs
class EndSignInInput:
    """Which session to end."""

    sign_in_id: ID = given("Which of the viewer's own.", node="SignIn")


@inputs
class ConfirmEmailInput:
    """The proof that the address of a new account is one's own."""

    token: str = given("From the link in the mail.")


@inputs
class RequestPasswordResetInput:
    """Who has forgotten the password."""

    email: str = given("The address of the account.")


@inputs
class ResetPasswordInput:
    """A new password in place of a forgotten one."""

    token: str = given("From the link in the mail.")
    password: str = given("At least 15 characters and hard to guess.")


@inputs
class RequestEmailChangeInput:
    """The viewer's new address."""

    email: str = given("Where the link goes that confirms it.")
    password: str = given("The viewer's password.")


@inputs
class ConfirmEmailChangeInput:
    """The proof that the new address is the viewer's."""

    token: str = given("From the link in the mail to the new address.")


@inputs
class ChangePasswordInput:
    """The old and the new password."""

    current_password: str = given("The password until now.")
    password: str = given("At least 15 characters and hard to guess.")


@inputs
class UpdateProfileInput:
    """What changes about the viewer; what is left out stays."""

    name: Maybe[str] = given("The person's name.")
    phone: Maybe[str | None] = given("Telephone number; null removes it.")
    locale: Maybe[str] = given("Language and country, such as es-MX.")
    time_zone: Maybe[TimeZone] = given("Where the person is.")


@inputs
class AcceptInvitationInput:
    """The first password of an invited account."""

    token: str = given("From the link in the mail.")
    password: str = given("At least 15 characters and hard to guess.")


@inputs
class InviteUserInput:
    """A new account for somebody else."""

    email: str = given("Where the invitation goes.")
    name: str = given("The person's name.")
    role: Role = given("Any but DOCTOR, who comes with a calendar: see createDoctor.")
    username: str | None = given("Made from the address where left out.", default=None)
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class ResendInvitationInput:
    """Who is invited once more."""

    user_id: ID = given("Which account; one without a password yet.", node="User")
    idempotency_key: str | None = given(KEY, default=None)


@inputs
class UpdateUserInput:
    """What changes about an account; what is left out stays."""

    user_id: ID = given("Which account.", node="User")
    role: Maybe[Role] = given("What the user is from now on.")
    is_active: Maybe[bool] = given("False: cannot sign in any more.")


ACCEPTED: dict[str, tuple[Any, str]] = {
    "accepted": (bool, "True, whether or not anybody has the address.")
}
USER = {"user": (User, "The account as it is now.")}
SESSION = {"session": (Session, "The new session.")}


@strawberry.type
class AccountMutations:
    """See the root."""

    sign_up = mutation(
        "Makes a patient's account and signs in with it. Where addresses must be confirmed, the "
        "account is made by confirmEmail; an address that has an account is then answered alike, "
        "and told by mail.",
        resolvers.sign_up,
        SignUpInput,
        sensitive=True,
        returns={
            "accepted": (bool, "True where nothing was refused."),
            "session": (Session, "The new session; null where the address must be confirmed."),
        },
        unpack=lambda session: {"accepted": True, "session": session},
    )
    confirm_email = mutation(
        "Makes the account that somebody signed up for, and signs in with it.",
        resolvers.confirm_email,
        ConfirmEmailInput,
        sensitive=True,
        returns=SESSION,
    )
    sign_in = mutation(
        "Signs in; which of login and password is wrong is not told.",
        resolvers.sign_in,
        SignInInput,
        sensitive=True,
        returns=SESSION,
    )
    refresh_session = mutation(
        "Exchanges a refresh token for a new pair of tokens.",
        resolvers.refresh_session,
        RefreshSessionInput,
        sensitive=True,
        returns=SESSION,
    )
    sign_out = mutation(
        "Ends the session of the token that was sent, or all of the viewer's.",
        resolvers.sign_out,
        SignOutInput,
        returns={"signed_out": (bool, "True.")},
    )
    end_sign_in = mutation(
        "Ends one of the viewer's sessions, wherever it is.",
        resolvers.end_sign_in,
        EndSignInInput,
        returns={"sign_in": (SignIn, "What has ended.")},
    )
    request_password_reset = mutation(
        "Has a link mailed with which a new password can be chosen within half an hour. Whether "
        "anybody has the address is not told.",
        resolvers.request_password_reset,
        RequestPasswordResetInput,
        returns=ACCEPTED,
    )
    reset_password = mutation(
        "Chooses a new password with the token of a mail; every session of the account ends, and "
        "none begins.",
        resolvers.reset_password,
        ResetPasswordInput,
        sensitive=True,
        returns=USER,
    )
    change_password = mutation(
        "Sets a new password; every other session of the viewer ends.",
        resolvers.change_password,
        ChangePasswordInput,
        sensitive=True,
        returns=SESSION,
    )
    update_profile = mutation(
        "Changes what the viewer says about themselves.",
        resolvers.update_profile,
        UpdateProfileInput,
        returns=USER,
    )
    request_email_change = mutation(
        "Has a link mailed to a new address of the viewer; nothing changes until it is confirmed. "
        "Whether somebody has the address is not told.",
        resolvers.request_email_change,
        RequestEmailChangeInput,
        sensitive=True,
        returns=ACCEPTED,
    )
    confirm_email_change = mutation(
        "Takes the new address with the token that was mailed there; the old one is told by mail.",
        resolvers.confirm_email_change,
        ConfirmEmailChangeInput,
        sensitive=True,
        returns=USER,
    )
    invite_user = mutation(
        "Makes an account for somebody, who is mailed an invitation to choose its password.",
        resolvers.invite_user,
        InviteUserInput,
        returns=USER,
    )
    resend_invitation = mutation(
        "Mails a new invitation; those before it are not good any more.",
        resolvers.resend_invitation,
        ResendInvitationInput,
        returns=USER,
    )
    update_user = mutation(
        "Changes an account's role, or whether it may sign in; its sessions end.",
        resolvers.update_user,
        UpdateUserInput,
        returns=USER,
    )
    accept_invitation = mutation(
        "Chooses the first password with the token of an invitation, and signs in.",
        resolvers.accept_invitation,
        AcceptInvitationInput,
        sensitive=True,
        returns=SESSION,
    )
