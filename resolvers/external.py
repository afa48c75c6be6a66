"""External calendars: what staff see of them, and the acts."""

from resolvers.acts import act
from resolvers.loaders import loaded
from services.external import connecting

connect_external_calendar = act(connecting.connect_external_calendar)
disconnect_external_calendar = act(connecting.disconnect_external_calendar)
refresh_external_calendar = act(connecting.refresh_external_calendar)


external_calendar_of = loaded(connecting.external_by_calendar, "id")
conflicts_of = loaded(connecting.conflicts_by_calendar, "calendar_id", otherwise=())
