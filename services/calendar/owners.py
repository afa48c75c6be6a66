"""Whose a calendar is, as far as that decides who may see it: everybody sees a doctor's, and an
event's as soon as the event is published. What is done with events is decided in `events`.
"""

from typing import Any

from sqlalchemy import ColumnElement, exists, false, or_, true

from models import Event, Role
from services.access import STAFF
from services.context import Context


def manages_events(context: Context) -> ColumnElement[bool]:
    """Which events the viewer manages: administrators all, other staff those they organize."""
    if context.role is Role.ADMIN:
        return true()
    # Who is no staff any more organizes nothing.
    if context.role not in STAFF or context.user_id is None:
        return false()
    return Event.organizer_id == context.user_id


def is_public() -> ColumnElement[bool]:
    """Which events everybody may see who has the link."""
    return Event.published_at.is_not(None) & Event.archived_at.is_(None)


def visible_events(context: Context) -> ColumnElement[bool]:
    """Which events are there for the viewer."""
    return or_(is_public(), manages_events(context))


def of_event(calendar_id: Any) -> ColumnElement[bool]:
    """Whether a calendar is an event's; of a value, or of a column of an outer statement."""
    return exists().where(Event.calendar_id == calendar_id)


def is_there(context: Context, calendar_id: Any) -> ColumnElement[bool]:
    """Whether a calendar is there for the viewer."""
    return ~exists().where(Event.calendar_id == calendar_id, ~visible_events(context))


def is_there_for_all(calendar_id: Any) -> ColumnElement[bool]:
    """Whether a calendar is there for everybody."""
    return ~exists().where(Event.calendar_id == calendar_id, ~is_public())
