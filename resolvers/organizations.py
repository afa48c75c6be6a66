"""The organization of the request, and changing its settings."""

from strawberry import Info

from models import Organization
from resolvers.acts import act
from services import organizations
from services.context import Context

update_organization = act(organizations.update_organization)


async def organization(info: Info[Context, None]) -> Organization:
    """The organization that the request is for."""
    return await organizations.get_organization(info.context)
