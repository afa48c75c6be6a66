"""An embedded, real PostgreSQL for those who name no server of their own.

Here lives the supervisor only: find the binaries, make the data folder, start one server behind a
private unix socket, end it with its parent. Engines, sessions, tables and migrations live
elsewhere, and so does the decision whether an embedded server is wanted: nothing here reads
settings.

One data folder has at most one owner: whoever holds the lock on `<data>.lock`. A second process
that starts on the same folder joins the running server and leaves it running when it goes; it
loses the server when the owner goes, and has to call `start` again to take its place. A server of
this folder that nobody owns is the rest of a killed parent: it is shut down (cleanly, so nothing
committed is lost) and replaced.

Root may not run PostgreSQL, so a root process runs it as `nobody`, or as the owner of a data folder
that belongs to somebody already. Whoever may not enter the server's socket folder (everybody but
that user and root) cannot connect; behind that door the server trusts every name.
"""

from models.embedded.binaries import Binaries, find_binaries
from models.embedded.errors import DatabaseUnavailable
from models.embedded.server import EmbeddedPostgres

__all__ = ["Binaries", "DatabaseUnavailable", "EmbeddedPostgres", "find_binaries"]
