"""How the application is served: uvicorn with its limits, and peers that are found out when they
drip, flood or are dead.

uvicorn is known here alone. What is said on a socket is the business of `schema`; here is only how
bytes get in and out of it, and how it ends: a peer that takes nothing or answers nothing is closed
with 1013, upon which clients come back, where uvicorn's own 1011 makes them give up.
"""

from serving.server import Server

__all__ = ["Server"]
