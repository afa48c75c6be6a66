"""The embedded PostgreSQL, tried with real servers: starts, lasts, ends with us, stays private."""
