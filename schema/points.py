"""What an operation costs of what may be asked in a minute.

Each root field counts, however many names it is given in one document, and so do many rows.
"""

from graphql import OperationType

# What a plain question is not charged for: a page of a hundred with something of each.
ROWS_OF_A_POINT = 1_000
# From this price on, of each who asks one operation at a time is carried out: a month of a calendar
# costs less, a week of six doctors more.
DEAR = 2_500
POINTS = {OperationType.QUERY: 1, OperationType.MUTATION: 5, OperationType.SUBSCRIPTION: 1}


def points(kind: OperationType, root_fields: int, price: int) -> int:
    """What an operation costs that has so many fields at its root, and this price in rows."""
    return POINTS[kind] * root_fields + price // ROWS_OF_A_POINT
