"""Every way in which an act ends without being done.

    ServiceError
    ├── NotSignedIn               nobody is signed in, and somebody must be
    ├── Forbidden                 signed in, but not allowed
    ├── Unavailable               the database cannot be reached just now; try again
    ├── TooManyConnections        as many live connections as there may be
    ├── RateLimited               asked too much in a short time; the time to ask again
    └── Refusal                   understood and refused; nothing was changed
        ├── InvalidInput          a value that cannot be accepted, and where it stands
        ├── NotFound              an id that names nothing the caller may see
        ├── StaleVersion          changed by somebody else in between
        ├── IdempotencyMismatch   a key that was used for another request
        ├── EmailTaken, UsernameTaken, WeakPassword, InvalidCredentials, InvalidToken,
        │   TooManyAttempts, LastAdmin, InvitationAccepted           accounts
        ├── AlreadySent           notifications
        ├── NameTaken, InUse      directory
        ├── OverlappingTemplates, BeyondHorizon, NoAvailability   availability
        ├── NoSlots               events
        ├── TimeTaken, SlotTaken, NotBookable, TooManyHolds       calendar
        ├── PatientBusy, BookingLimitReached, CancellationClosed,
        │   InvalidTransition, SeriesNotBookable                  appointments
        └── AlreadyWaiting, OfferExpired                          waitlist

Errors carry facts and know no protocol.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from models import Appointment, AppointmentStatus, Slot, WaitlistEntry


class ServiceError(Exception):
    """The root of what services raise on purpose."""

    message: ClassVar[str]

    def __str__(self) -> str:
        return self.message


class NotSignedIn(ServiceError):
    """Nobody is signed in, and somebody must be."""

    message = "Sign in first."


class Forbidden(ServiceError):
    """The role of the signed-in user does not allow this."""

    message = "You are not allowed to do this."


class Unavailable(ServiceError):
    """The database cannot be reached just now."""

    message = "The service is unavailable just now; try again in a moment."


class TooManyConnections(ServiceError):
    """There are as many live connections as there may be: of this user, or altogether."""

    message = "Too many connections are open; close one, or try again later."


class RateLimited(ServiceError):
    """Too much was asked in a short time: by this account, from this address, of all."""

    message = "Too many requests; wait before you send more."

    def __init__(self, retry_at: datetime) -> None:
        super().__init__()
        self.retry_at = retry_at


class Refusal(ServiceError):
    """An act that was understood and could not be carried out; nothing was changed."""

    def __init__(self, *path: str | int) -> None:
        super().__init__()
        self.path = path


class InvalidInput(Refusal):
    """A value that cannot be accepted."""

    message = "The input is not valid."

    def __init__(self, problem: str, *path: str | int) -> None:
        super().__init__(*path)
        self.problem = problem

    def __str__(self) -> str:
        return self.problem


class NotFound(Refusal):
    """An id that names nothing that the viewer may see."""

    message = "There is nothing with this id."


class StaleVersion(Refusal):
    """The thing was changed by somebody else since the version that was expected."""

    message = "This was changed by somebody else in the meantime."

    def __init__(self, current_version: int) -> None:
        super().__init__("expected_version")
        self.current_version = current_version


class IdempotencyMismatch(Refusal):
    """The idempotency key was already used for a different request."""

    message = "This key was already used for a different request."


class EmailTaken(Refusal):
    """Somebody else has this e-mail address."""

    message = "This e-mail address is already in use."


class UsernameTaken(Refusal):
    """Somebody else has this username."""

    message = "This username is already in use."


class WeakPassword(Refusal):
    """A password that could be guessed."""

    message = "This password is too easy to guess: use at least 15 characters, such as four words."


class InvalidCredentials(Refusal):
    """No active account has this login and password."""

    message = "The login or the password is wrong."


class InvalidToken(Refusal):
    """A token that is unknown, used up or expired."""

    message = "This token is not valid, or not any more."


class TooManyAttempts(Refusal):
    """Too many passwords were tried for this account, or from this address."""

    message = "Too many attempts; wait before you try again."

    def __init__(self, retry_at: datetime, field: str) -> None:
        super().__init__(field)
        self.retry_at = retry_at


class LastAdmin(Refusal):
    """Nobody else could manage the organization."""

    message = "This is the last administrator who can sign in."


class InvitationAccepted(Refusal):
    """Who was invited has chosen a password already."""

    message = "This invitation was accepted already."


class AlreadySent(Refusal):
    """A message that was sent, or will be without any help."""

    message = "This was sent already, or is about to be."


class NameTaken(Refusal):
    """Something of the same kind has this name."""

    message = "This name is already in use."


class InUse(Refusal):
    """It cannot be deleted while something depends on it."""

    message = "This is still in use."


class OverlappingTemplates(Refusal):
    """Two of the weekly hours would open the same time twice."""

    message = "Two of these hours overlap on the same day."


class BeyondHorizon(Refusal):
    """Slots are not generated that far ahead."""

    message = "This is further ahead than the booking horizon."


class NoAvailability(Refusal):
    """The calendar has no working hours to make slots from, and no slots to take away."""

    message = "This calendar has no working hours in this time."


class NoSlots(Refusal):
    """The event has no slot that could be booked."""

    message = "There is no slot that is still to come."


class TimeTaken(Refusal):
    """Appointments stand in the time that was to be closed."""

    message = "There are appointments in this time."

    def __init__(self, appointments: "Sequence[Appointment]") -> None:
        super().__init__("starts_at")
        self.appointments = appointments


class SlotTaken(Refusal):
    """The slot is not free; the nearest that are come with the refusal."""

    message = "This time is no longer free."

    def __init__(self, alternatives: "Sequence[Slot]" = ()) -> None:
        super().__init__("slot_id")
        self.alternatives = alternatives


class TooManyHolds(Refusal):
    """The viewer holds as many times as one may."""

    message = "You hold too many times already; release one of them first."

    def __init__(self, limit: int) -> None:
        super().__init__("slot_id")
        self.limit = limit


class NotBookableReason(Enum):
    """Why a free slot cannot be booked."""

    PAST = "PAST"
    TOO_SOON = "TOO_SOON"
    BEYOND_HORIZON = "BEYOND_HORIZON"
    NOT_ACCEPTING = "NOT_ACCEPTING"
    NOT_PUBLISHED = "NOT_PUBLISHED"
    NOT_OFFERED = "NOT_OFFERED"
    VISIT_TOO_LONG = "VISIT_TOO_LONG"
    KEPT_CLEAR = "KEPT_CLEAR"


class NotBookable(Refusal):
    """The slot is free, and the rules do not let the viewer book it."""

    message = "This time cannot be booked."
    sentences: ClassVar[dict[NotBookableReason, str]] = {
        NotBookableReason.PAST: "This time has passed.",
        NotBookableReason.TOO_SOON: "It is too late to book this time.",
        NotBookableReason.BEYOND_HORIZON: "This time cannot be booked yet.",
        NotBookableReason.NOT_ACCEPTING: "This doctor is not accepting patients.",
        NotBookableReason.NOT_PUBLISHED: "This event is not published.",
        NotBookableReason.NOT_OFFERED: "This doctor does not offer this kind of visit.",
        NotBookableReason.VISIT_TOO_LONG: "This visit takes longer than there is time from here.",
        NotBookableReason.KEPT_CLEAR: "This time is kept clear between two visits.",
    }

    def __init__(self, reason: NotBookableReason) -> None:
        super().__init__("slot_id")
        self.reason = reason

    def __str__(self) -> str:
        return self.sentences[self.reason]


class PatientBusy(Refusal):
    """The patient has another appointment at that time."""

    message = "The patient has another appointment at this time."

    def __init__(self, conflicting: "Appointment | None" = None) -> None:
        super().__init__("slot_id")
        self.conflicting = conflicting


class BookingLimitReached(Refusal):
    """The patient has as many open appointments as the organization allows, or as many places of
    an event as one person may have.
    """

    message = "No more open appointments are allowed."

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit


class CancellationClosed(Refusal):
    """The last moment to cancel or move the appointment has passed."""

    message = "It is too late to change this appointment; please call."

    def __init__(self, closed_at: datetime) -> None:
        super().__init__("appointment_id")
        self.closed_at = closed_at


class InvalidTransition(Refusal):
    """The appointment's status does not allow this act."""

    message = "The status of the appointment does not allow this."

    def __init__(self, status: "AppointmentStatus") -> None:
        super().__init__("appointment_id")
        self.status = status


class AlreadyWaiting(Refusal):
    """The patient waits for the same already: one open entry for each doctor or department and kind
    of visit.
    """

    message = "The patient is on this waitlist already."

    def __init__(self, waitlist_entry: "WaitlistEntry | None" = None) -> None:
        super().__init__()
        self.waitlist_entry = waitlist_entry


class OfferExpired(Refusal):
    """Nothing is offered to who waits, or not any more."""

    message = "This time is not offered any more."


class SeriesNotBookable(Refusal):
    """Not all of the series can be booked, or nothing of it; each of its times says why, and of
    those that say nothing it is that they could have been.
    """

    message = "This series cannot be booked."

    def __init__(self, occurrences: "Sequence[Any]") -> None:
        super().__init__("slot_id")
        self.occurrences = occurrences
