"""Permission, rules and transactions: what the organization's people may do, and how it is done.

Nothing here knows GraphQL, HTTP or the ids of the wire.
"""
