"""Organizations: making one, finding the one a request is for, and its settings."""

import asyncio
from typing import TypedDict, Unpack
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from models import BookingPolicy, Organization
from models.database import Database
from services import checks
from services.access import Permission, act
from services.context import Context, answering_unavailable, utc_now
from services.errors import InvalidInput, NameTaken, NotFound

RECENT_SECONDS = 1.0


class PolicyChanges(TypedDict, total=False):
    """The parts of the booking policy that change."""

    horizon_months: int
    minimum_notice_minutes: int
    cancellation_notice_minutes: int
    max_open_appointments_per_patient: int | None
    hold_minutes: int
    offer_minutes: int
    reminder_hours_before: list[int]


class OrganizationChanges(TypedDict, total=False):
    """The settings that change."""

    name: str
    time_zone: str
    locale: str
    booking_policy: PolicyChanges


async def create_organization(
    database: Database, *, slug: str, name: str, time_zone: str, locale: str, is_demo: bool = False
) -> Organization:
    """Make an organization. For the command line: no caller of the API may.

    Raises:
        InvalidInput: a value cannot be accepted.
        NameTaken: another organization has this slug.

    """
    organization = Organization(
        slug=checks.slug(slug),
        name=checks.name(name),
        time_zone=checks.time_zone(time_zone),
        locale=checks.locale(locale),
        is_demo=is_demo,
        # There is nothing to extend yet, until its first midnight.
        extended_on=utc_now().astimezone(ZoneInfo(time_zone)).date(),
        booking_policy=BookingPolicy(reminder_hours_before=[24]),
    )
    try:
        async with database.crossing_organizations() as session:
            session.add(organization)
    except IntegrityError as error:
        raise NameTaken("slug") from error
    return organization


async def find_organization(
    database: Database, slug: str | None = None, *, organization_id: UUID | None = None
) -> Organization:
    """The organization with this slug or id; with neither, the only one there is.

    Raises:
        NotFound: there is none, or there are several and nothing says which.

    """
    statement = select(Organization).limit(2)
    if organization_id is not None:
        statement = statement.where(Organization.id == organization_id)
    elif slug is not None:
        statement = statement.where(Organization.slug == slug)
    async with answering_unavailable(), database.outside_organizations() as session:
        found = await session.rows(statement)
    if len(found) != 1:
        raise NotFound("organization")
    organization: Organization = found[0]
    return organization


class RecentOrganizations:
    """Organizations as they were a moment ago, found once for all who come at the same time: after
    a restart thousands of sockets do.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._finding: dict[str | None, asyncio.Task[Organization]] = {}

    async def find(self, slug: str | None) -> Organization:
        """The organization with this slug; without one, the only one there is.

        Raises:
            NotFound: there is none, or there are several and nothing says which.

        """
        finding = self._finding.get(slug)
        if finding is None:
            finding = asyncio.create_task(find_organization(self._database, slug))
            self._finding[slug] = finding
            asyncio.get_running_loop().call_later(RECENT_SECONDS, self._finding.pop, slug)
        # Shielded: one that leaves must not take it from the others.
        return await asyncio.shield(finding)


async def count_organizations(database: Database, *, is_demo: bool) -> int:
    """How many organizations there are, of the demo kind or of the real one."""
    statement = select(func.count()).where(Organization.is_demo == is_demo)
    async with database.outside_organizations() as session:
        return (await session.execute(statement)).scalar_one()


@act(Permission.SEE_DIRECTORY)
async def get_organization(context: Context) -> Organization:
    """The organization that the request is for."""
    return context.organization


@act(Permission.MANAGE_ORGANIZATION)
async def update_organization(
    context: Context, **changes: Unpack[OrganizationChanges]
) -> Organization:
    """Change the organization's settings; what is left out stays."""
    async with context.writing() as session:
        organization: Organization = (
            await session.execute(
                select(Organization)
                .where(Organization.id == context.organization.id)
                .with_for_update(key_share=True)
            )
        ).scalar_one()
        if "name" in changes:
            organization.name = checks.name(changes["name"])
        if "time_zone" in changes:
            organization.time_zone = checks.time_zone(changes["time_zone"])
        if "locale" in changes:
            organization.locale = checks.locale(changes["locale"])
        if "booking_policy" in changes:
            organization.booking_policy = _changed_policy(
                organization.booking_policy, changes["booking_policy"]
            )
        await session.flush()
        await session.refresh(organization)
    return organization


def _changed_policy(policy: BookingPolicy, changes: PolicyChanges) -> BookingPolicy:
    """The policy with `changes`, each checked."""
    values = {**policy.__dict__, **changes}
    limits = {
        "horizon_months": (1, 24),
        "minimum_notice_minutes": (0, 60 * 24 * 60),
        "cancellation_notice_minutes": (0, 60 * 24 * 60),
        "hold_minutes": (1, 120),
        "offer_minutes": (5, 1440),
    }
    for field, (lowest, highest) in limits.items():
        checks.between(values[field], lowest, highest, "booking_policy", field)
    most = values["max_open_appointments_per_patient"]
    if most is not None:
        checks.between(most, 1, 1000, "booking_policy", "max_open_appointments_per_patient")
    hours = values["reminder_hours_before"]
    if len(hours) > 5 or any(not 1 <= hour <= 720 for hour in hours):
        raise InvalidInput(
            "At most 5 reminders, 1 to 720 hours before.", "booking_policy", "reminder_hours_before"
        )
    return BookingPolicy(**values)
